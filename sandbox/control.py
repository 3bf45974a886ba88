"""The control room under /_sandbox: what a test, a script or a developer may do to this little world."""

import asyncio
import sqlite3
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from sandbox import payer, refunds
from sandbox.clock import iso
from sandbox.faults import Fault
from sandbox.notify import Postman
from sandbox.world import World


class Login(BaseModel):
    openid: str = Field(min_length=1, max_length=128)


class Payment(Login):
    payment: dict[str, Any]
    result: payer.Wish = "success"
    coupon_fen: int = Field(0, ge=0)


class Advance(BaseModel):
    advance_s: float = Field(ge=0)


class Times(BaseModel):
    times: int = Field(2, ge=1, le=50)


class Ending(BaseModel):
    state: Literal["SUCCESS", "ABNORMAL", "CLOSED"]


def routes(world: World, postman: Postman) -> APIRouter:
    """All control endpoints."""
    router = APIRouter(prefix="/_sandbox")
    store = world.store

    @router.get("/health")
    async def health() -> dict[str, str]:
        """Answers once everything is up."""
        return {"status": "ok"}

    @router.get("/config")
    async def config() -> dict[str, Any]:
        """What the application needs to talk to this sandbox, and the addresses in use."""
        return {"environment": world.keys.environment(world.url), "app_url": world.app_url}

    @router.post("/pay")
    async def pay(asked: Payment) -> dict[str, str]:
        """Call wx.requestPayment with what the application answered."""
        try:
            heard = payer.pay(world, asked.openid, asked.payment, asked.result, asked.coupon_fen)
        except payer.PaymentRefused as error:
            raise HTTPException(400, str(error)) from None
        world.news.set()
        return heard

    @router.get("/orders")
    async def orders() -> list[dict[str, Any]]:
        """Every order with its state."""
        store.run("UPDATE orders SET state = 'CLOSED' WHERE state = 'NOTPAY' AND expires_at <= ?", world.clock.now())
        return [_plain(row) for row in store.all("SELECT * FROM orders ORDER BY rowid")]

    @router.get("/refunds")
    async def all_refunds() -> list[dict[str, Any]]:
        """Every refund with its state."""
        return [_plain(row) for row in store.all("SELECT * FROM refunds ORDER BY rowid")]

    @router.post("/refunds/{out_refund_no}/finish")
    async def finish_refund(out_refund_no: str, ending: Ending) -> dict[str, Any]:
        """End a refund that is under way."""
        with store.transaction():
            refunds.finish(world, out_refund_no, ending.state)
        row = store.one("SELECT * FROM refunds WHERE out_refund_no = ?", out_refund_no)
        if row is None or row["state"] != ending.state:
            raise HTTPException(409, "no such refund under way")
        return _plain(row)

    @router.post("/clock")
    async def clock(asked: Advance) -> dict[str, Any]:
        """Move business time forward."""
        world.clock.advance(asked.advance_s)
        world.news.set()
        return {"now": iso(world.clock.now()), "offset_s": world.clock.offset_s}

    @router.get("/requests")
    async def requests() -> list[dict[str, Any]]:
        """The last thousand requests: method, path and answer, never a query or a body."""
        return list(world.journal)

    @router.get("/notifications")
    async def notifications() -> list[dict[str, Any]]:
        """Every notification with every attempt to deliver it."""
        return [
            {
                **{name: value for name, value in _plain(row).items() if name != "body"},
                "delivered": bool(row["delivered"]),
                "attempts": [
                    _plain(attempt)
                    for attempt in store.all(
                        "SELECT at, status, answer FROM attempts WHERE notification_id = ? ORDER BY id",
                        row["id"],
                    )
                ],
            }
            for row in store.all("SELECT * FROM notifications ORDER BY rowid")
        ]

    @router.post("/notifications/{notification_id}/resend")
    async def resend(notification_id: str) -> dict[str, Any]:
        """Deliver a notification now, once more, freshly signed."""
        _check_notification(world, notification_id)
        return await postman.send(notification_id)

    @router.post("/notifications/{notification_id}/duplicate")
    async def duplicate(notification_id: str, asked: Times) -> list[dict[str, Any]]:
        """Deliver a notification several times at once."""
        _check_notification(world, notification_id)
        return await asyncio.gather(*(postman.send(notification_id) for _ in range(asked.times)))

    @router.post("/faults")
    async def add_fault(fault: Fault) -> Fault:
        """Arm some trouble."""
        world.faults.add(fault)
        return fault

    @router.get("/faults")
    async def all_faults() -> list[Fault]:
        """The trouble that is armed; a count of zero or less has struck for the last time."""
        return world.faults.all()

    @router.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        """Disarm all trouble."""
        world.faults.clear()

    @router.post("/reset", status_code=204)
    async def reset() -> None:
        """Forget all that happened; the keys stay."""
        world.reset()

    return router


def _check_notification(world: World, notification_id: str) -> None:
    if not world.store.one("SELECT 1 FROM notifications WHERE id = ?", notification_id):
        raise HTTPException(404, "no such notification")


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    return {
        name: iso(value) if name.endswith("at") and value is not None else value for name, value in dict(row).items()
    }
