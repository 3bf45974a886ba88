"""An application's ear for message pushes: it keeps what arrives and answers as it is told."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from wechatpy.crypto import WeChatCrypto

from tests.gateways.conftest import Control

PATH = "/v1/wechat/push"


@dataclass
class Heard:
    """A push as it came in."""

    query: dict[str, str]
    content_type: str
    body: bytes


@dataclass
class Ear:
    """`status` and `answer` are what the sandbox hears; `pictures` are served under their names."""

    config: dict[str, str]
    url: str = ""
    status: int = 200
    answer: str = "success"
    delay_s: float = 0
    heard: list[Heard] = field(default_factory=list)
    echoed: list[str] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)

    async def hears(self, count: int = 1) -> list[Heard]:
        """Wait for so many pushes."""
        for _ in range(500):
            if len(self.heard) >= count:
                return self.heard
            await asyncio.sleep(0.02)
        raise AssertionError(f"heard {len(self.heard)} of {count} pushes within 10 s")

    async def message(self, number: int = 0) -> dict[str, Any]:
        """The message in a push of safe mode and JSON, opened by wechatpy."""
        push = (await self.hears(number + 1))[number]
        return dict(json.loads(self.unsealed(push, json.loads(push.body))))

    def unsealed(self, push: Heard, body: Any) -> str:
        """What is in a push, if everything about it is right."""
        config = self.config
        crypto = WeChatCrypto(config["WX_PUSH_TOKEN"], config["WX_ENCODING_AES_KEY"], config["WX_APPID"])
        asked = push.query
        return str(crypto.decrypt_message(body, asked["msg_signature"], asked["timestamp"], asked["nonce"]))


@asynccontextmanager
async def listening(config: dict[str, str], control: Control) -> AsyncIterator[Ear]:
    """An ear to which the sandbox pushes."""
    ear = Ear(config)

    async def hear(request: Request) -> Response:
        if request.method == "GET":
            ear.echoed.append(request.query_params["echostr"])
            return PlainTextResponse(ear.echoed[-1])
        ear.heard.append(Heard(dict(request.query_params), request.headers["content-type"], await request.body()))
        await asyncio.sleep(ear.delay_s)
        return PlainTextResponse(ear.answer, ear.status)

    async def show(request: Request) -> Response:
        content = ear.pictures.get(request.path_params["name"])
        return Response(status_code=404) if content is None else Response(content, media_type="image/jpeg")

    routes = [Route(PATH, hear, methods=["GET", "POST"]), Route("/pictures/{name}", show)]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="warning", lifespan="off"))
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    ear.url = f"http://127.0.0.1:{door.getsockname()[1]}"
    serving = asyncio.create_task(server.serve(sockets=[door]))
    await control.post("push-mode", url=ear.url + PATH)
    yield ear
    server.should_exit = True
    await serving
