"""Message pushes: owed in the transaction that caused them, posted to the application three times at most."""

import asyncio
import json
from functools import partial
from typing import Any, cast, get_args

import httpx

from sandbox import push_form
from sandbox.crew import Crew
from sandbox.faults import Forgery
from sandbox.world import World

PATIENCE_S = 5
TRIES = 3
AFTER_REPLY_S = 0.2  # so that the caller has its reply first
COPIES = 3
ANSWER_KEPT = 300


def owe(world: World, openid: str, event: str, **fields: Any) -> None:
    """Keep an event to be pushed, in the running transaction."""
    now = world.clock.now()
    next_at: float | None = now + AFTER_REPLY_S
    if world.faults.for_push(event, "never"):
        next_at = None
    elif late := world.faults.for_push(event, "late"):
        next_at = now + late.late_s
    for _ in range(COPIES if world.faults.for_push(event, "duplicate") else 1):
        keep(world, openid, event, fields, next_at)
    world.news.set()


def keep(world: World, openid: str, event: str, fields: dict[str, Any], next_at: float | None) -> int:
    """Write an event down, to be pushed at a moment or only by hand; answers its id."""
    now = world.clock.now()
    message = {
        "ToUserName": push_form.name_of_app(world),
        "FromUserName": openid,
        "CreateTime": int(now),  # documented as a string, arrives as a number
        "MsgType": "event",
        "Event": event,
        **fields,
    }
    text = json.dumps(message, ensure_ascii=False)
    world.store.add("pushes", event=event, openid=openid, message=text, made_at=now, next_at=next_at)
    return int(world.store.row("SELECT last_insert_rowid() AS id")["id"])


def hurry(world: World, event: str) -> None:
    """Called by what owes a push: a fault may want it delivered before the reply."""
    if world.faults.for_push(event, "before_reply"):
        world.hurried = True


class Courier:
    """Delivers what is owed; each delivery is signed and encrypted afresh."""

    def __init__(self, world: World) -> None:
        self._world, self._crew = world, Crew()
        self._http = httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S)

    async def aclose(self) -> None:
        """Stop what is under way; it stays owed."""
        await self._crew.dismiss()
        await self._http.aclose()

    def send_due(self, ahead_s: float = 0) -> None:
        """Start delivering what is due now or within so many seconds."""
        due = "SELECT id FROM pushes WHERE next_at <= ? ORDER BY next_at, id LIMIT ?"
        for row in self._world.store.all(due, self._world.clock.now() + ahead_s, self._crew.limit):
            self._crew.start(row["id"], partial(self._send_and_schedule, row["id"]))

    async def settle(self) -> None:
        """Deliver at once what would be due in a moment."""
        self.send_due(AFTER_REPLY_S)
        await self._crew.all_home()

    async def send(self, push_id: int, trouble: Forgery | None = None) -> list[dict[str, Any]]:
        """Deliver once, now; a replay is the same bytes twice. Answers what the application said each time."""
        row = self._world.store.row("SELECT * FROM pushes WHERE id = ?", push_id)
        letter = push_form.write(self._world, json.loads(row["message"]), trouble)
        attempts = [await self._post(letter) for _ in range(2 if trouble == "replay" else 1)]
        if self._world.store.one("SELECT 1 FROM pushes WHERE id = ?", push_id):  # it may have been reset away
            with self._world.store.transaction():
                for attempt in attempts:
                    at = self._world.clock.now()
                    self._world.store.add("push_attempts", push_id=push_id, at=at, trouble=trouble, **attempt)
                if any(_is_accepted(attempt) for attempt in attempts):
                    accepted = "UPDATE pushes SET delivered = 1, next_at = NULL WHERE id = ?"
                    self._world.store.run(accepted, push_id)
        return attempts

    async def check_url(self, echostr: str) -> dict[str, Any]:
        """Ask as the console does whether the application knows the token."""
        try:
            reply = await self._http.get(push_form.url_check(self._world, echostr))
        except httpx.HTTPError as error:
            return {"ok": False, "status": None, "answer": type(error).__name__}
        ok = reply.status_code == 200 and reply.text == echostr
        return {"ok": ok, "status": reply.status_code, "answer": reply.text[:ANSWER_KEPT]}

    async def _post(self, letter: push_form.Letter) -> dict[str, Any]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                headers = {"Content-Type": letter.content_type}
                reply = await self._http.post(letter.url, content=letter.body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            return {"status": None, "answer": type(error).__name__}
        return {"status": reply.status_code, "answer": reply.text[:ANSWER_KEPT]}

    async def _send_and_schedule(self, push_id: int) -> None:
        row = self._world.store.one("SELECT event FROM pushes WHERE id = ?", push_id)
        if row is None:
            return
        began, fault = self._world.clock.now(), self._world.faults.for_push(row["event"], *get_args(Forgery))
        await self.send(push_id, cast(Forgery, fault.push) if fault else None)
        again = "UPDATE pushes SET tries = tries + 1, next_at = ? WHERE id = ? AND delivered = 0"
        row = self._world.store.one("SELECT tries FROM pushes WHERE id = ?", push_id)
        if row is not None:
            self._world.store.run(again, began + PATIENCE_S if row["tries"] + 1 < TRIES else None, push_id)


def _is_accepted(attempt: dict[str, Any]) -> bool:
    return attempt["status"] == 200 and attempt["answer"] in ("", "success")
