"""The sandbox as one ASGI application."""

import asyncio
import json
import signal
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import bills, certificates, control, gate, pay, pay_control, refunds, sharing, transfers, weixin
from sandbox.clock import iso
from sandbox.faults import Fault
from sandbox.notify import Postman
from sandbox.world import World

TICK_S = 0.1


def create_app(world: World) -> FastAPI:
    """Both platform sides and the control room around one world."""
    postman = Postman(world)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        background = asyncio.create_task(keep_promises(world, postman))
        background.add_done_callback(stop_if_broken)
        yield
        background.cancel()
        with suppress(asyncio.CancelledError):
            await background
        await postman.aclose()
        world.store.close()

    app = FastAPI(title="WeChat sandbox", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Trouble, world=world)
    app.include_router(control.routes(world, postman))
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
    app.include_router(weixin.routes(world))
    return app


async def keep_promises(world: World, postman: Postman) -> None:
    """Finish refunds and deliver notifications as their time comes, for as long as the sandbox runs."""
    while True:
        refunds.finish_due(world)
        transfers.finish_due(world)
        postman.send_due()
        world.news.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(world.news.wait(), TICK_S)


def stop_if_broken(background: asyncio.Task[None]) -> None:
    """A sandbox that no longer keeps its promises must not look alive."""
    if not background.cancelled() and (error := background.exception()):
        traceback.print_exception(error)
        signal.raise_signal(signal.SIGTERM)


class Trouble:
    """Keeps the journal and spoils requests as the faults demand; the control room is left alone."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app, self._world = app, world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self._app(scope, receive, send)
            return
        entry = {
            "at": iso(self._world.clock.now()),
            "method": scope["method"],
            "path": scope["path"],
            "status": None,
        }
        self._world.journal.append(entry)

        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        fault = self._world.faults.for_request(scope["method"], scope["path"])
        scope.setdefault("state", {}).update(journal=entry, fault=fault)
        if fault:
            await self._spoil(fault, scope, receive, send_noting)
        else:
            await self._app(scope, receive, send_noting)

    async def _spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        replaced = fault.drop or fault.status is not None
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        if fault.effect == "after" or not replaced:
            if fault.effect == "before":
                await asyncio.sleep(fault.delay_s)
            await self._app(scope, receive, hold)
        if fault.effect == "after" or replaced:
            await asyncio.sleep(fault.delay_s)
        if fault.drop:
            scope["state"]["transport"].abort()  # put there by __main__.Line
        elif fault.status is not None:
            text = fault.body if isinstance(fault.body, str) else json.dumps(fault.body, ensure_ascii=False)
            await Response(text, fault.status)(scope, receive, send)
        else:
            for message in held:
                await send(message)
