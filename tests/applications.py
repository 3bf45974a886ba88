"""Applications that share their routes: FastAPI works these out anew for each, which takes more than a second."""

from fastapi import FastAPI

from app.core.settings import Settings
from app.main import create_app

FIRST = create_app(Settings(_env_file=None))


def application(settings: Settings) -> FastAPI:
    """`create_app(settings)`, with a state of its own, on the routes and the contract of the first."""
    made = create_app(settings)
    made.router.routes, made.openapi = FIRST.router.routes, FIRST.openapi  # type: ignore[method-assign]
    return made
