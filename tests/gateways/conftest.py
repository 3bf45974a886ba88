"""A sandbox, the clients that talk to it, and a small server that hears its notifications."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.gateways.wechat import TokenStore, WechatClient
from app.gateways.wechat_pay import WechatPayClient
from tests import memory
from tests.sandbox_process import SandboxProcess


@dataclass
class Heard:
    headers: dict[str, str]
    body: bytes


@dataclass
class Merchant:
    """Where notifications arrive; answers with `status`."""

    url: str = ""
    status: int = 204
    heard: list[Heard] = field(default_factory=list)

    async def hears(self, count: int) -> list[Heard]:
        """Wait for so many notifications."""
        for _ in range(500):
            if len(self.heard) >= count:
                return self.heard
            await asyncio.sleep(0.02)
        raise AssertionError(f"heard {len(self.heard)} of {count} notifications within 10 s")


@pytest.fixture(autouse=True)
def rolled_back() -> None:
    """Nothing here touches the database, so there is nothing to roll back."""


@pytest.fixture(scope="session")
async def merchant_server() -> AsyncIterator[Merchant]:
    merchant = Merchant()

    async def hear(request: Request) -> Response:
        merchant.heard.append(Heard(dict(request.headers), await request.body()))
        return Response(status_code=merchant.status)

    app = Starlette(routes=[Route("/notify", hear, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    merchant.url = f"http://127.0.0.1:{listening.getsockname()[1]}/notify"
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield merchant
    server.should_exit = True
    await serving


@pytest.fixture
def merchant(merchant_server: Merchant) -> Merchant:
    merchant_server.heard.clear()
    merchant_server.status = 204
    return merchant_server


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    nobody = "http://127.0.0.1:9"  # what is pushed while no test listens shall reach no application
    with memory.folder("linli-sandbox-") as folder:
        sandbox = SandboxProcess.start(folder / "data", app_url=nobody)
        yield sandbox
        sandbox.stop()


class Control:
    """The sandbox's control room."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def of(cls, sandbox: SandboxProcess) -> "AsyncIterator[Control]":
        """The control room of this sandbox."""
        async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as client:
            yield cls(client)

    async def settled(self, attempts: int, number: int = 0) -> None:
        """Wait until the sandbox has written down so many attempts of a message push."""
        for _ in range(500):
            pushes = await self.get("pushes")
            if len(pushes) > number and len(pushes[number]["attempts"]) >= attempts:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"not {attempts} attempts within 10 s")

    async def post(self, path: str, /, **body: Any) -> Any:
        """Do something; anything but success fails the test."""
        reply = await self._client.post(f"/_sandbox/{path}", json=body)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    async def get(self, path: str, /, **query: Any) -> Any:
        """Look at something."""
        reply = await self._client.get(f"/_sandbox/{path}", params=query)
        reply.raise_for_status()
        return reply.json()

    async def delete(self, path: str, /) -> None:
        """Take something away."""
        (await self._client.delete(f"/_sandbox/{path}")).raise_for_status()

    async def refuses(self, path: str, /, **body: Any) -> str:
        """Do something that must be refused; answers the reason."""
        reply = await self._client.post(f"/_sandbox/{path}", json=body)
        assert 400 <= reply.status_code < 500, reply.text
        return str(reply.json()["detail"])


@pytest.fixture
async def control(sandbox_process: SandboxProcess) -> AsyncIterator[Control]:
    """The control room of a sandbox in which nothing has happened yet."""
    async with Control.of(sandbox_process) as control:
        await control.post("reset")
        yield control


@pytest.fixture
async def wechat(control: Control, sandbox_process: SandboxProcess) -> AsyncIterator[WechatClient]:
    config = sandbox_process.config
    tokens = TokenStore(None, config["WX_APPID"])
    client = WechatClient(config["WX_API_BASE"], config["WX_APPID"], config["WX_SECRET"], tokens)
    yield client
    await client.aclose()


def pay_client(config: dict[str, str], notify_url: str, certificates: tuple[Path, ...] = ()) -> WechatPayClient:
    """A pay client for a sandbox's configuration, not yet opened."""
    return WechatPayClient(
        base=config["WXPAY_BASE"],
        appid=config["WX_APPID"],
        mchid=config["WXPAY_MCHID"],
        merchant_serial=config["WXPAY_MERCHANT_SERIAL"],
        merchant_key=Path(config["WXPAY_MERCHANT_KEY_FILE"]).read_text(),
        apiv3_key=config["WXPAY_APIV3_KEY"],
        public_key_id=config["WXPAY_PUBLIC_KEY_ID"],
        public_key=Path(config["WXPAY_PUBLIC_KEY_FILE"]).read_text(),
        notify_url=notify_url,
        certificates=[path.read_text() for path in certificates],
    )


@asynccontextmanager
async def opened_pay(config: dict[str, str], notify_url: str) -> AsyncIterator[WechatPayClient]:
    """An open pay client for a sandbox's configuration."""
    client = pay_client(config, notify_url)
    await client.aopen()
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture
async def pay(control: Control, sandbox_process: SandboxProcess, merchant: Merchant) -> AsyncIterator[WechatPayClient]:
    """A pay client, and lin who has logged in once."""
    await control.post("login-code", openid="lin")
    async with opened_pay(sandbox_process.config, merchant.url) as client:
        yield client
