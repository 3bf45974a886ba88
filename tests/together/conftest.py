"""A whole town: a database that commits, the application on a port, and the sandbox that pays and notifies."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app import worker
from app.core.rates import Rates
from app.core.redis import open_redis
from app.core.settings import Settings
from app.gateways.darkroom import Darkroom
from app.gateways.outside import open_outside
from app.gateways.storage import open_storage
from app.gateways.wechat_pay import WechatPay
from services import residents
from services.jobs import Tools
from services.media import links
from tests.applications import application
from tests.people import People
from tests.sandbox_process import SandboxProcess

PATIENCE_S = 20


@dataclass
class Town:
    """The running application, its people, and the control room of the sandbox."""

    app: FastAPI
    url: str
    people: People
    _control: httpx.AsyncClient
    _clients: dict[str, httpx.AsyncClient]

    @property
    def pay(self) -> WechatPay:
        found: WechatPay = self.app.state.wechat_pay
        return found

    async def as_(self, openid: str) -> httpx.AsyncClient:
        """A client logged in as somebody who has opened the mini-program before."""
        if openid not in self._clients:
            await self.sandbox("active", openid=openid)
            token = (await residents.open_session(openid)).token
            headers = {"Authorization": f"Bearer {token}"}
            self._clients[openid] = httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False)
        return self._clients[openid]

    async def sandbox(self, path: str, /, **body: Any) -> Any:
        """Do something in the sandbox."""
        reply = await self._control.post(f"/_sandbox/{path}", json=body)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    async def pushes_here(self, **mode: str) -> None:
        """Let the sandbox push to this application."""
        await self.sandbox("push-mode", url=f"{self.url}/v1/wechat/push", **mode)

    async def seen(self, what: str, **fits: Any) -> list[dict[str, Any]]:
        """The sandbox's rows of a kind that have the given values."""
        rows = (await self._control.get(f"/_sandbox/{what}")).json()
        return [row for row in rows if all(row[name] == value for name, value in fits.items())]


@pytest.fixture
async def town(committed: str, settings: Settings, sandbox: SandboxProcess) -> AsyncIterator[Town]:
    """The town, open for one test; nothing of other tests is in its sandbox."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = application(settings.model_copy(update={"database_url": committed, "public_base_url": url}))
    app.state.redis, app.state.rates = open_redis(settings.redis_url), Rates(settings.redis_url)
    app.state.storage, app.state.darkroom = open_storage(settings), Darkroom()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    async with (
        open_outside(app.state.settings, app.state.redis) as (app.state.wechat, app.state.wechat_pay),
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as control,
    ):
        await control.post("/_sandbox/reset")
        await control.delete("/_sandbox/faults")
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        town = Town(app, url, await People.load(), control, {})
        yield town
        await control.delete("/_sandbox/faults")
        for client in town._clients.values():
            await client.aclose()
        server.should_exit = True
        await serving
    await app.state.redis.aclose()


@asynccontextmanager
async def working(town: Town) -> AsyncIterator[None]:
    """A worker of this town's, for the block."""
    state = town.app.state
    tools = Tools(state.wechat, town.pay, state.storage, state.settings.template_id, state.settings.keys)
    stopping = asyncio.Event()
    with links.bound(town.app.state.links):
        at_work = asyncio.create_task(worker._until_lost(town.app.state.settings.database_url, tools, stopping))
    try:
        yield
    finally:
        stopping.set()
        await at_work


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    for _ in range(PATIENCE_S * 20):
        if await look():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not so within {PATIENCE_S} s")
