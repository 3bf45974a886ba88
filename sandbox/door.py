"""The door of the api.weixin.qq.com side: what every call must bring, and what every answer looks like."""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox import tokens
from sandbox.refusal import WeixinError
from sandbox.world import World

JSON = "application/json; encoding=utf-8"  # a parameter that no standard knows; the real one sends it too
METHODS = ["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True)
class Call:
    """A request that has passed the door; `appid` is whose access token it brought."""

    query: dict[str, str]
    body: dict[str, Any]
    appid: str = ""


@dataclass(frozen=True)
class Picture:
    """An answer that is no JSON."""

    content: bytes
    media_type: str


Handler = Callable[[World, Call], dict[str, Any] | Picture]


class Door:
    """Puts handlers behind the door; each call is one transaction."""

    def __init__(self, world: World, router: APIRouter, settle: Callable[[], Awaitable[None]]) -> None:
        self._world, self._router, self._settle = world, router, settle

    def get(self, path: str, handler: Handler, *, token: bool = True, media_type: str = JSON) -> None:
        """Serve GET."""
        self._serve("GET", path, handler, token, media_type, WeixinError(43001, "require GET method"))

    def post(self, path: str, handler: Handler, *, token: bool = True) -> None:
        """Serve POST."""
        self._serve("POST", path, handler, token, JSON, WeixinError(43002, "require POST method"))

    def unknown(self, path: str) -> None:
        """Refuse an address, whatever the method."""
        self._serve("", path, lambda _world, _call: {}, False, JSON, WeixinError(40066, "invalid url"))

    def _serve(
        self, method: str, path: str, handler: Handler, token: bool, media_type: str, otherwise: WeixinError
    ) -> None:
        async def endpoint(request: Request) -> Response:
            content = await request.body()
            try:
                if request.method != method:
                    raise otherwise
                reply = self._answer(request, content, handler, token)
            except WeixinError as error:
                reply = {"errcode": error.errcode, "errmsg": f"{error.errmsg} rid: {new_rid()}"}
            self._world.news.set()
            if self._world.hurried:
                self._world.hurried = False
                await self._settle()
            if isinstance(reply, Picture):
                return Response(reply.content, media_type=reply.media_type)
            return Response(json.dumps(reply, ensure_ascii=False), media_type=media_type)

        self._router.add_api_route(path, endpoint, methods=METHODS)

    def _answer(self, request: Request, content: bytes, handler: Handler, token: bool) -> dict[str, Any] | Picture:
        query = dict(request.query_params)
        with self._world.store.transaction():
            appid = tokens.owner(self._world, query.get("access_token")) if token else ""
            if request.method == "POST" and not content:
                raise WeixinError(44002, "empty post data")
            return handler(self._world, Call(query, _json(content), appid))


def new_rid() -> str:
    """The number under which the platform remembers a call: three groups of eight hex digits."""
    return "-".join(secrets.token_hex(4) for _ in range(3))


def _json(content: bytes) -> dict[str, Any]:
    if not content:
        return {}
    try:
        read = json.loads(content)
    except ValueError:
        raise WeixinError(47001, "data format error") from None
    if not isinstance(read, dict):
        raise WeixinError(47001, "data format error")
    return read
