"""Spoils requests as the faults demand, and keeps the journal; the page and the control room are left alone."""

import asyncio
import json

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.clock import iso
from sandbox.faults import Fault
from sandbox.guard import is_ours
from sandbox.world import World

HTML = "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
PIECES = 20  # of a dripping reply


class Trouble:
    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app, self._world = app, world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_ours(scope["path"]):
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
        replacement = _replacement(fault)
        replaced = fault.drop or replacement is not None
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
            return
        if replacement is not None:
            held.clear()
            await replacement(scope, receive, hold)
        await _send(fault, held, send)


def _replacement(fault: Fault) -> Response | None:
    if fault.errcode is not None:
        said = {"errcode": fault.errcode, "errmsg": "sandbox fault rid: 5a4db0c5-0fa017e5-0fa017e5"}
        return Response(json.dumps(said), fault.status or 200, media_type="application/json; encoding=utf-8")
    if fault.html:
        return Response(HTML, fault.status or 200, media_type="text/html")
    if fault.status is None:
        return None
    return Response(
        fault.body if isinstance(fault.body, str) else json.dumps(fault.body, ensure_ascii=False), fault.status
    )


async def _send(fault: Fault, held: list[Message], send: Send) -> None:
    start, body = held[0], b"".join(message.get("body", b"") for message in held[1:])
    body = _changed(fault, body)
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    if not fault.drip_s:
        headers += [(name, str(len(body)).encode()) for name, _ in start["headers"] if name == b"content-length"]
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return
    await send({**start, "headers": headers})
    size = max(1, -(-len(body) // PIECES))
    for at in range(0, len(body), size):
        await send({"type": "http.response.body", "body": body[at : at + size], "more_body": True})
        await asyncio.sleep(fault.drip_s)
    await send({"type": "http.response.body", "body": b""})


def _changed(fault: Fault, body: bytes) -> bytes:
    if fault.change is not None:
        said = json.loads(body) | fault.change
        kept = {name: part for name, part in said.items() if part is not None}
        body = json.dumps(kept, ensure_ascii=False).encode()
    if fault.charset:
        body = body.decode().encode(fault.charset, "replace")
    return body[: len(body) // 2] if fault.truncated else body
