"""The sandbox as one ASGI application."""

import asyncio
import signal
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
from fastapi import APIRouter, FastAPI

from sandbox import (
    bills,
    certificates,
    checks,
    control,
    control_pushes,
    control_weixin,
    gate,
    page,
    pay,
    pay_control,
    pushes,
    refunds,
    sharing,
    transfers,
    weixin,
)
from sandbox.guard import Guard
from sandbox.notify import Postman
from sandbox.trouble import Trouble
from sandbox.world import World

TICK_S = 0.1


def create_app(world: World) -> FastAPI:
    """Both platform sides and the control room around one world."""
    postman, courier, inspector = Postman(world), pushes.Courier(world), checks.Inspector(world)

    async def settle() -> None:
        await inspector.settle()
        await courier.settle()

    application = httpx.AsyncClient(base_url=world.app_url, trust_env=False, timeout=page.PATIENCE_S)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        background = asyncio.create_task(keep_promises(world, postman, courier, inspector))
        background.add_done_callback(stop_if_broken)
        yield
        background.cancel()
        with suppress(asyncio.CancelledError):
            await background
        await postman.aclose()
        await courier.aclose()
        await inspector.aclose()
        await application.aclose()
        world.store.close()

    app = FastAPI(title="WeChat sandbox", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Trouble, world=world)
    app.add_middleware(Guard)
    app.include_router(control.routes(world, postman))
    app.include_router(control_weixin.routes(world))
    app.include_router(control_pushes.routes(world, courier))
    app.include_router(page.routes(world, application))
    app.include_router(pay_control.routes(world, postman))
    platform = APIRouter()
    pay.add_routes(platform, world)
    refunds.add_routes(platform, world)
    bills.add_routes(platform, world)
    certificates.add_routes(platform, world)
    transfers.add_routes(platform, world)
    sharing.add_routes(platform, world)
    for method in ("GET", "POST", "PUT", "DELETE"):
        gate.serve(platform, world, method, "/v3/{rest:path}", gate.not_found)
    app.include_router(platform)
    app.include_router(weixin.routes(world, settle))
    return app


async def keep_promises(world: World, postman: Postman, courier: pushes.Courier, inspector: checks.Inspector) -> None:
    """Finish refunds, look at pictures and deliver what is owed as its time comes, for as long as the sandbox runs."""
    while True:
        refunds.finish_due(world)
        transfers.finish_due(world)
        postman.send_due()
        inspector.look_at_due()
        courier.send_due()
        world.news.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(world.news.wait(), TICK_S)


def stop_if_broken(background: asyncio.Task[None]) -> None:
    """A sandbox that no longer keeps its promises must not look alive."""
    if not background.cancelled() and (error := background.exception()):
        traceback.print_exception(error)
        signal.raise_signal(signal.SIGTERM)
