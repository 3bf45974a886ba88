"""Send what is due: take a credit in one transaction, call WeChat outside any, write down the outcome in another.

A message that may have arrived is never sent again: a worker killed between the two leaves it `unknown`.
"""

import json
from dataclasses import dataclass
from typing import Any

import structlog

from app.core import clock, db
from app.core.db import atomic
from app.gateways.errors import WxError, WxMisconfigured, WxNoCredit, WxNotReached, WxQuota, WxUnavailable
from app.gateways.wechat import Wechat
from models.notifications import CreditCause, DeliveryState, MessageTemplate
from services.notifications import credits
from services.notifications.quoting import Told, as_shown
from services.notifications.templates import TEMPLATES, Message, TemplateId, digest, message
from services.rules.quiet_hours import quiet_until

SORTED_AT_ONCE = 1_000
SENT_AT_ONCE = 50
LOST_AFTER_S = 120
LATER_S = {WxNotReached: 60, WxQuota: 600, WxMisconfigured: 600}
GIVEN_UP_AFTER_HOURS = 48

log = structlog.stdlib.get_logger("linli.messages")

# What is due either waits for the morning, is not wanted, has no credit, or is ready to be sent.
SORT = f"""
WITH due AS (
    SELECT id, resident_id, notice_id, template FROM deliveries
    WHERE state = 'waiting' AND due_at <= clock_now()
    ORDER BY due_at, id LIMIT {SORTED_AT_ONCE} FOR UPDATE SKIP LOCKED
), sorted AS (
    SELECT due.id, CASE
        WHEN $1::timestamptz IS NOT NULL AND coalesce(p.quiet, true) THEN 'waiting'
        WHEN n.read_at IS NOT NULL OR coalesce(p.switched_off ? due.template, false) THEN 'unwanted'
        WHEN c.amount > 0 THEN 'ready'
        ELSE 'no_credit' END AS state
    FROM due
    LEFT JOIN notices n ON n.id = due.notice_id
    LEFT JOIN notice_preferences p ON p.resident_id = due.resident_id
    LEFT JOIN unnest($2::text[], $3::text[]) AS t (template, template_id) ON t.template = due.template
    LEFT JOIN message_credits c ON c.resident_id = due.resident_id AND c.template_id = t.template_id
), settled AS (
    UPDATE deliveries d SET state = sorted.state, due_at = CASE sorted.state WHEN 'waiting' THEN $1 ELSE d.due_at END
    FROM sorted WHERE d.id = sorted.id AND sorted.state <> 'ready'
)
SELECT id FROM sorted WHERE state = 'ready' ORDER BY id LIMIT {SENT_AT_ONCE}
"""


@dataclass(frozen=True)
class Outgoing:
    """A message whose credit is taken."""

    delivery_id: int
    openid: str
    template_id: str
    message: Message


async def send_due(wechat: Wechat, template_id: TemplateId) -> None:
    """Send what is due, at most 50 messages, one after the other. Calls WeChat; stops as soon as that is of no use."""
    await _give_up_on_lost()
    for delivery_id in await _ready(template_id):
        outgoing = await _reserve(delivery_id, template_id)
        if outgoing is not None and not await _send(wechat, outgoing):
            return


async def heard_delivery(openid: str, msgid: str, error_code: str | int, status: str) -> bool:
    """WeChat tells whether a message has arrived; a failure is written down.

    False when the message is not known, or not yet: WeChat may speak before its reply is written down.
    """
    if str(error_code) == "0":
        return True
    log.warning("message_not_delivered", msgid=str(msgid), error_code=str(error_code))
    failed = await db.execute(
        "UPDATE deliveries SET state = 'failed', error = $3 WHERE msgid = $2 AND state IN ('sent', 'failed') "
        "AND resident_id = (SELECT id FROM residents WHERE openid = $1)",
        openid,
        str(msgid),
        f"{error_code} {status}"[:200],
    )
    return failed > 0


async def give_up_old() -> None:
    """What has waited for two days is not sent any more; it stands in the inbox. At most 1,000 at once."""
    await db.execute(
        "UPDATE deliveries SET state = 'given_up' WHERE id IN (SELECT id FROM deliveries WHERE state = 'waiting' "
        f"AND created_at < clock_now() - interval '{GIVEN_UP_AFTER_HOURS} hours' LIMIT 1000 FOR UPDATE SKIP LOCKED)"
    )


async def miscounted() -> list[dict[str, Any]]:
    """Credits that are not the sum of their entries, for `linli verify`."""
    return await db.rows(
        "SELECT c.id, c.amount, coalesce(sum(e.change), 0) AS entries FROM message_credits c "
        "LEFT JOIN credit_entries e ON e.resident_id = c.resident_id AND e.template_id = c.template_id "
        "GROUP BY c.id HAVING c.amount <> coalesce(sum(e.change), 0) LIMIT 100"
    )


async def _give_up_on_lost() -> None:
    await db.execute(
        "UPDATE deliveries SET state = 'unknown' WHERE id IN (SELECT id FROM deliveries WHERE state = 'sending' "
        f"AND sending_at < clock_now() - interval '{LOST_AFTER_S} seconds' LIMIT 1000 FOR UPDATE SKIP LOCKED)"
    )


async def _ready(template_id: TemplateId) -> list[int]:
    sendable = {name.value: wechat_id for name in TEMPLATES if (wechat_id := template_id(name))}
    morning = quiet_until((await clock.now()).astimezone(clock.SHANGHAI))
    return [line["id"] for line in await db.rows(SORT, morning, list(sendable), list(sendable.values()))]


@atomic()
async def _reserve(delivery_id: int, template_id: TemplateId) -> Outgoing | None:
    """Take the credit of a message and mark it as being sent; None when another worker has it, or nothing may go."""
    found = await db.row(
        """
        SELECT d.id, d.resident_id, d.template, d.counts, r.openid, n.kind, n.params, n.subject_kind, n.subject_id,
            coalesce(n.created_at, d.created_at) AS at
        FROM deliveries d JOIN residents r ON r.id = d.resident_id LEFT JOIN notices n ON n.id = d.notice_id
        WHERE d.id = $1 AND d.state = 'waiting' FOR UPDATE OF d SKIP LOCKED
        """,
        delivery_id,
    )
    if found is None:
        return None
    wechat_id = template_id(found["template"])
    try:
        said = await _message(found)
    except ValueError as exc:
        log.error("message_does_not_fit", delivery_id=delivery_id, reason=str(exc))
        await _end(delivery_id, DeliveryState.FAILED, error=str(exc))
        return None
    if (
        found["openid"] is None
        or wechat_id is None
        or not await credits.spend(found["resident_id"], wechat_id, delivery_id)
    ):
        await _end(delivery_id, DeliveryState.NO_CREDIT)
        return None
    await db.execute(
        "UPDATE deliveries SET state = 'sending', sending_at = clock_now(), template_id = $2 WHERE id = $1",
        delivery_id,
        wechat_id,
    )
    return Outgoing(delivery_id, found["openid"], wechat_id, said)


async def _send(wechat: Wechat, outgoing: Outgoing) -> bool:
    """Send and write down what came of it; whether it makes sense to go on with others."""
    said = outgoing.message
    try:
        msgid = await wechat.send_message(outgoing.openid, outgoing.template_id, said.data, page=said.page)
    except WxNoCredit as error:
        await _settle(outgoing, DeliveryState.REFUSED, error=error)
    except (WxNotReached, WxQuota, WxMisconfigured) as error:
        log.warning("messages_wait", error=type(error).__name__, errcode=error.errcode)
        await _settle(outgoing, DeliveryState.WAITING, error=error, later_s=LATER_S[type(error)])
        return False
    except WxUnavailable as error:
        log.warning("message_unknown", delivery_id=outgoing.delivery_id, errcode=error.errcode)
        await _settle(outgoing, DeliveryState.UNKNOWN, error=error)
        return False
    except WxError as error:
        log.error("message_failed", delivery_id=outgoing.delivery_id, errcode=error.errcode, reason=str(error))
        await _settle(outgoing, DeliveryState.FAILED, error=error)
    else:
        await _settle(outgoing, DeliveryState.SENT, msgid=msgid)
    return True


@atomic()
async def _settle(
    outgoing: Outgoing,
    state: DeliveryState,
    *,
    msgid: str | None = None,
    error: WxError | None = None,
    later_s: int = 0,
) -> None:
    """Write down an outcome once. Only what is still ours to decide goes back to wait; a refusal empties the credit."""
    settled = await db.row(
        """
        UPDATE deliveries SET
            state = $2, msgid = $3, error = $4,
            due_at = CASE $2 WHEN 'waiting' THEN clock_now() + $5 * interval '1 second' ELSE due_at END
        WHERE id = $1 AND (state = 'sending' OR (state = 'unknown' AND $2 <> 'waiting')) RETURNING resident_id
        """,
        outgoing.delivery_id,
        state.value,
        msgid,
        str(error)[:200] if error else None,
        later_s,
    )
    if settled is None:
        return
    if state is DeliveryState.REFUSED:
        await credits.empty(
            settled["resident_id"], outgoing.template_id, CreditCause.REFUSED, delivery_id=outgoing.delivery_id
        )
    elif state in (DeliveryState.WAITING, DeliveryState.FAILED):
        await credits.give_back(settled["resident_id"], outgoing.template_id, outgoing.delivery_id)


async def _end(delivery_id: int, state: DeliveryState, *, error: str | None = None) -> None:
    await db.execute("UPDATE deliveries SET state = $2, error = $3 WHERE id = $1", delivery_id, state.value, error)


async def _message(found: dict[str, Any]) -> Message:
    if found["template"] == MessageTemplate.DIGEST:
        return digest(json.loads(found["counts"]), at=found["at"])
    told = Told(found["resident_id"], found["subject_kind"], found["subject_id"], json.loads(found["params"]))
    (params,) = await as_shown([told])
    return message(
        found["kind"],
        {name: value[0] if isinstance(value, list | tuple) else value for name, value in params.items()},
        subject_kind=found["subject_kind"],
        subject_id=found["subject_id"],
        at=found["at"],
    )
