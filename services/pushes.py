"""What WeChat pushes: kept before it is answered, handed to whom it concerns afterwards."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from app.core import clock, db
from app.core.db import atomic
from app.gateways import wechat_push
from models.pushes import Push
from services import events, media, notifications
from services.due import one_by_one

log = structlog.stdlib.get_logger("linli.pushes")

PARKED = timedelta(minutes=10)
KEPT_DAYS = 7
AT_ONCE = 100
FORGOTTEN_AT_ONCE = 10_000

Handler = Callable[[Push], Awaitable[bool]]
"""Takes in a push; False when what it is about is not known, or not known yet."""


async def _picture_checked(push: Push) -> bool:
    facts = push.facts
    return await media.heard_verdict(facts["trace_id"], facts.get("suggest"), facts.get("label"))


async def _asked(push: Push) -> bool:
    await notifications.heard_subscription(push.openid, _answers(push), scene="popup")
    return True


async def _changed(push: Push) -> bool:
    await notifications.heard_subscription(push.openid, _answers(push), scene="change")
    return True


def _answers(push: Push) -> list[tuple[str, str]]:
    return [(template_id, answer) for template_id, answer in push.facts["answers"]]


async def _delivered(push: Push) -> bool:
    known = [
        await notifications.heard_delivery(push.openid, told["msgid"], told["error_code"], told["status"])
        for told in push.facts["deliveries"]
    ]
    return all(known)


HANDLERS: dict[str, Handler] = {
    wechat_push.CHECKED: _picture_checked,
    wechat_push.ASKED: _asked,
    wechat_push.CHANGED: _changed,
    wechat_push.DELIVERED: _delivered,
}


@atomic()
async def hear(said: wechat_push.Push) -> None:
    """Keep a push that has been proved and owe its handling; the same again, or its signature again, does nothing."""
    push_id = await db.value(
        "INSERT INTO pushes (event, openid, facts, digest, signed) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO NOTHING RETURNING id",
        said.event,
        said.openid,
        json.dumps(said.facts),
        said.digest,
        said.signed,
    )
    if push_id is not None:
        await events.owe_for("push", push_id)


async def handle(push_id: int) -> None:
    """Hand a push to whom it concerns, unless somebody is at it or it is done.

    What it is about may not be stored yet, since a push can overtake the reply to the call that caused it: then it is
    looked at again for ten minutes.
    """
    if await db.value(TAKE, push_id):
        await _handle(push_id)


# Taken for a while before it is handled, so that one that fails does not come back at once.
TAKE = """
UPDATE pushes SET tries = tries + 1,
    due_at = clock_now() + (ARRAY[5, 10, 30, 60, 180, 300, 600, 1800])[least(tries, 7) + 1] * interval '1 second'
WHERE id = $1 AND due_at <= clock_now() RETURNING id
"""


async def handle_due() -> None:
    """Handle what no job has handled: parked, failed, or owed to a worker that died."""
    due = await db.rows("SELECT id FROM pushes WHERE due_at <= clock_now() ORDER BY due_at LIMIT $1", AT_ONCE)
    await one_by_one([row["id"] for row in due], handle)


async def forget_old() -> None:
    """Delete what was pushed more than seven days ago, handled or not."""
    while True:
        gone = await db.execute(
            "DELETE FROM pushes WHERE id IN (SELECT id FROM pushes "
            f"WHERE created_at < clock_now() - interval '{KEPT_DAYS} days' LIMIT {FORGOTTEN_AT_ONCE})"
        )
        if gone < FORGOTTEN_AT_ONCE:
            return


@atomic()
async def _handle(push_id: int) -> None:
    push = await Push.get(id=push_id)
    handled = await HANDLERS[push.event](push)
    if not handled and await clock.now() < push.created_at + PARKED:
        return
    if not handled:
        log.warning("a push about nothing we know", push=push_id, kind=push.event)
    await Push.filter(id=push_id).update(due_at=None)
