"""How routers are made here: documented problems everywhere, and a way to say that an operation needs no login."""

from typing import Any

from fastapi import APIRouter

from routers.schemas.base import Problem

PUBLIC: dict[str, Any] = {"security": []}
"""`openapi_extra=PUBLIC` on an operation says: without a token. Every other one must ask for the current actor."""

_SAYS = {
    400: "The body cannot be read",
    401: "Nobody is logged in",
    403: "Visible, but not allowed",
    404: "Nothing here that the caller may know of",
    409: "It has moved on, or was done already",
    413: "The body is too large",
    422: "The content does not fit",
    429: "Too many requests; see Retry-After",
    503: "Temporarily unavailable; see Retry-After",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": says} for status, says in _SAYS.items()
}


def make_router(prefix: str, tag: str) -> APIRouter:
    """A router under /v1 whose operations document every problem they may answer with."""
    return APIRouter(prefix=f"/v1{prefix}", tags=[tag], responses=PROBLEMS)
