"""The control room's desk for message pushes: where they go and in which form, and what became of each."""

import asyncio
import json
import secrets
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from sandbox import push_form, pushes
from sandbox.control_weixin import Someone, plain
from sandbox.faults import Forgery
from sandbox.world import World


class PushMode(BaseModel):
    mode: Literal["safe", "compat", "plain"] = "safe"
    format: Literal["json", "xml"] = "json"
    url: str | None = None


class PushTest(Someone):
    """Without an event only the address is checked, as the console does when it is saved."""

    openid: str = "nobody"
    event: str | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    trouble: Forgery | None = None


def routes(world: World, courier: pushes.Courier) -> APIRouter:
    """The endpoints."""
    router = APIRouter(prefix="/_sandbox")
    store = world.store

    @router.post("/push-mode")
    async def push_mode(asked: PushMode) -> dict[str, str]:
        """Set, as in the console, where and how messages are pushed."""
        url = asked.url or push_form.default_url(world)
        if not world.reaches(url):
            raise HTTPException(400, "this sandbox pushes only to this machine and to its application")
        store.keep_note("push_mode", json.dumps({"url": url, "mode": asked.mode, "format": asked.format}))
        return {"url": url, "mode": asked.mode, "format": asked.format}

    @router.post("/push-test")
    async def push_test(asked: PushTest) -> dict[str, Any]:
        """Check the address as the console does, or push any event now and say what came back."""
        if asked.event is None:
            return await courier.check_url(secrets.token_hex(8))
        with store.transaction():
            push_id = pushes.keep(world, asked.openid, asked.event, asked.fields, next_at=None)
        return {"id": push_id, "attempts": await courier.send(push_id, asked.trouble)}

    @router.get("/pushes")
    async def all_pushes() -> list[dict[str, Any]]:
        """Every message push with every attempt to deliver it."""
        attempts = "SELECT at, trouble, status, answer FROM push_attempts WHERE push_id = ? ORDER BY id"
        return [
            {
                **plain(row),
                "message": json.loads(row["message"]),
                "delivered": bool(row["delivered"]),
                "attempts": [plain(attempt) for attempt in store.all(attempts, row["id"])],
            }
            for row in store.all("SELECT * FROM pushes ORDER BY id")
        ]

    @router.post("/pushes/{push_id}/resend")
    async def resend_push(push_id: int, times: int = 1) -> list[dict[str, Any]]:
        """Deliver a push now, once more or several times at once, freshly signed."""
        if not store.one("SELECT 1 FROM pushes WHERE id = ?", push_id):
            raise HTTPException(404, "no such push")
        sent = await asyncio.gather(*(courier.send(push_id) for _ in range(min(times, 50))))
        return [attempt for attempts in sent for attempt in attempts]

    return router
