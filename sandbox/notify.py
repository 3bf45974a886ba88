"""Notifications: owed in the transaction that caused them, then sent and resent until they are accepted."""

import asyncio
import json
import secrets
from typing import Any

import httpx

from sandbox import signing, tamper
from sandbox.clock import iso
from sandbox.faults import Fault, Tampering
from sandbox.world import World

RETRY_AFTER_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
PATIENCE_S = 5
ACCEPTED = (200, 204)
AT_ONCE = 20
ANSWER_KEPT = 300


def owe(
    world: World,
    *,
    event_type: str,
    original_type: str,
    summary: str,
    subject: str,
    url: str,
    plain: dict[str, Any],
) -> None:
    """Keep a notification to be sent, in the running transaction."""
    now, fault = world.clock.now(), world.faults.for_notification(event_type)
    event_id = f"EV-{iso(now)[:10].replace('-', '')}{secrets.token_hex(10).upper()}"
    body = {
        "id": event_id,
        "create_time": iso(now),
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": summary,
        "resource": signing.seal(world.keys, plain, original_type),
    }
    world.store.add(
        "notifications",
        id=event_id,
        event_type=event_type,
        subject=subject,
        url=url,
        body=json.dumps(body, ensure_ascii=False).encode(),
        made_at=now,
        next_at=_first_at(now, fault),
    )
    if fault and fault.notify == "duplicate":
        world.store.add("duplicates", notification_id=event_id)
    world.news.set()


def _first_at(now: float, fault: Fault | None) -> float | None:
    if fault and fault.notify == "never":
        return None
    return now + fault.late_s if fault and fault.notify == "late" else now


class Postman:
    """Delivers what is owed; each delivery is signed afresh and keeps the notification's id."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._http = httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S)
        self._under_way: dict[str, asyncio.Task[Any]] = {}

    async def aclose(self) -> None:
        """Stop what is under way; it stays owed."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        await self._http.aclose()

    def send_due(self) -> None:
        """Start delivering what is due, a bounded number at a time."""
        free = AT_ONCE - len(self._under_way)
        due = "SELECT id FROM notifications WHERE next_at <= ? ORDER BY next_at LIMIT ?"
        # Those under way are still due in the table, so ask for enough to see past them.
        rows = self._world.store.all(due, self._world.clock.now(), AT_ONCE + len(self._under_way))
        for row in [row for row in rows if row["id"] not in self._under_way][:free]:
            self._under_way[row["id"]] = asyncio.create_task(self._send_and_schedule(row["id"]))

    async def send(self, notification_id: str, tampering: Tampering | None = None) -> dict[str, Any]:
        """Deliver once, now, perhaps spoiled, and record the attempt."""
        store = self._world.store
        row = store.row("SELECT * FROM notifications WHERE id = ?", notification_id)
        tampering = tampering or self._world.faults.for_delivery(row["event_type"])
        headers, body = tamper.delivery(self._world, row["body"], tampering)
        try:
            async with asyncio.timeout(PATIENCE_S):
                reply = await self._http.post(row["url"], content=body, headers=headers)
            status, answer = reply.status_code, reply.text[:ANSWER_KEPT]
        except (httpx.HTTPError, TimeoutError) as error:
            status, answer = None, type(error).__name__
        if store.one("SELECT 1 FROM notifications WHERE id = ?", notification_id):  # it may have been reset away
            with store.transaction():
                at = self._world.clock.now()
                store.add("attempts", notification_id=notification_id, at=at, status=status, answer=answer)
                if status in ACCEPTED:
                    accepted = "UPDATE notifications SET delivered = 1, next_at = NULL WHERE id = ?"
                    store.run(accepted, notification_id)
        return {"status": status, "answer": answer}

    async def _send_and_schedule(self, notification_id: str) -> None:
        try:
            attempt = await self.send(notification_id)
            if self._world.store.run("DELETE FROM duplicates WHERE notification_id = ?", notification_id):
                await asyncio.gather(*(self.send(notification_id) for _ in range(2)))
            row = self._world.store.one("SELECT retries FROM notifications WHERE id = ?", notification_id)
            if attempt["status"] in ACCEPTED or row is None:
                return
            tries = row["retries"]
            next_at = self._world.clock.now() + RETRY_AFTER_S[tries] if tries < len(RETRY_AFTER_S) else None
            change = "UPDATE notifications SET retries = retries + 1, next_at = ? WHERE id = ? AND delivered = 0"
            self._world.store.run(change, next_at, notification_id)
        finally:
            del self._under_way[notification_id]
            self._world.news.set()
