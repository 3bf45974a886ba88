"""What surrounds every request: an id, a log line, a bound on the body, metrics, ETags, and no naked exception."""

import hashlib
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect, Request

from app import problems
from app.core.errors import TooLarge
from models.media import UPLOAD_MAX, PictureTooLarge
from services.media import links

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_MAX = 1024 * 1024
UPLOADS = ("POST", "/v1/media")
FORM_MAX = 64 * 1024
"""What a multipart form may be longer than the file in it."""
ETAG_MAX = 1024 * 1024
OUR_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")

REQUESTS = Counter("linli_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("linli_request_seconds", "Time to the end of the answer", ["method", "route"])

log = structlog.stdlib.get_logger("linli.http")


class Surroundings:
    """The outermost layer: request id, limits, log and metrics; turns what nobody caught into a problem."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if OUR_ID.fullmatch(given) else secrets.token_hex(8)
        scope["request_id"] = request_id
        request = Request(scope)
        started, status, begun = time.perf_counter(), 500, False

        async def send_with_id(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id), links.bound(scope["app"].state.links):
            try:
                await self.app(scope, _bounded(scope, headers, receive), send_with_id)
            except ClientDisconnect:
                status = 499
            except TooLarge as exc:
                if not begun:
                    await problems.problem(request, exc)(scope, receive, send_with_id)
            except Exception as exc:
                if begun:
                    raise
                await problems.unexpected(request, exc)(scope, receive, send_with_id)
            finally:
                took = time.perf_counter() - started
                route = getattr(scope.get("route"), "path", "unmatched")
                REQUESTS.labels(scope["method"], route, status).inc()
                SECONDS.labels(scope["method"], route).observe(took)
                log.info("request", method=scope["method"], route=route, status=status, ms=round(took * 1000, 1))
        return None


def _bounded(scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Receive:
    """The same body, refused with 413 when it is longer than 1 MiB; a form with a picture may have 10 MB."""
    uploading = (scope["method"], scope["path"]) == UPLOADS
    most = UPLOAD_MAX + FORM_MAX if uploading else BODY_MAX
    length = headers.get(b"content-length", b"0")
    told = int(length) if length.isdigit() else 0
    read = 0

    async def bounded() -> Message:
        nonlocal read
        message = None if told > most else await receive()
        read += len(message.get("body", b"")) if message else told
        if message is None or read > most:
            raise PictureTooLarge if uploading else TooLarge
        return message

    return bounded


class ETags:
    """Conditional reads: a GET under /v1 that answers 200 carries an ETag, and 304 when the reader has it already."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/v1/"):
            return await self.app(scope, receive, send)
        start: Message | None = None
        body = bytearray()
        passing = False

        async def hold(message: Message) -> None:
            nonlocal start, passing
            if passing:
                return await send(message)
            if message["type"] == "http.response.start":
                if message["status"] != 200:
                    passing = True
                    return await send(message)
                start = message
                return None
            assert start is not None  # noqa: S101 - ASGI sends the start first
            body.extend(message.get("body", b""))
            if len(body) > ETAG_MAX:
                passing = True
                await send(start)
                return await send({**message, "body": bytes(body)})
            if message.get("more_body"):
                return None
            return await self._finish(scope, start, bytes(body), send)

        await self.app(scope, receive, hold)
        return None

    async def _finish(self, scope: Scope, start: Message, body: bytes, send: Send) -> None:
        tag = b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
        wanted = dict(scope["headers"]).get(b"if-none-match", b"")
        headers = [*start["headers"], (b"etag", tag)]
        if b"cache-control" not in dict(headers):
            headers.append((b"cache-control", b"private, no-cache"))
        if {tag, b"*"} & {part.strip().removeprefix(b"W/") for part in wanted.split(b",")}:
            headers = [pair for pair in headers if pair[0] not in (b"content-length", b"content-type")]
            start, body = {**start, "status": 304}, b""
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": body})
