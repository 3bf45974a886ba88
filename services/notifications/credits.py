"""How many messages WeChat lets us send whom: one consent is one message. An append-only ledger beside its sums.

A consent is heard twice: from the client, which may be wrong, and from WeChat's push, in either order. The two are one
tap when they lie within ten minutes of each other; each is matched at most once, and only the first counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid
from models.notifications import Answer, CreditCause, MessageCredit, MessageTemplate
from models.residents import Resident
from services.notifications.preferences import preferences
from services.notifications.templates import TEMPLATES, TemplateId
from services.policies import Actor

SAME_TAP_MINUTES = 10
CREDITS_MAX = 100


@dataclass(frozen=True)
class Subscription:
    """What a client needs to ask for a consent, and how many the resident has given that are not used up."""

    template: MessageTemplate
    template_id: str
    title: str
    credits: int
    enabled: bool


@dataclass(frozen=True)
class Balance:
    """A resident's credits by template; `id` is his."""

    id: int
    credits: dict[str, int]


async def subscriptions(actor: Actor, template_id: TemplateId) -> list[Subscription]:
    """The templates of this installation, with the actor's credits and wishes."""
    amounts = (await balance(actor.id, template_id)).credits
    wanted = await preferences(actor)
    return [
        Subscription(name, wechat_id, template.title, amounts.get(name, 0), wanted.wants(name))
        for name, template in TEMPLATES.items()
        if (wechat_id := template_id(name)) is not None
    ]


async def balance(resident_id: int, template_id: TemplateId) -> Balance:
    """How many messages of each template a resident may still be sent; those with none are left out."""
    amounts = {
        credit.template_id: credit.amount
        for credit in await MessageCredit.filter(resident_id=resident_id, amount__gt=0)
    }
    held = {name.value: amounts.get(template_id(name) or "", 0) for name in TEMPLATES}
    return Balance(resident_id, {name: amount for name, amount in held.items() if amount})


@atomic()
async def report(actor: Actor, answers: Mapping[str, Answer], template_id: TemplateId) -> Balance:
    """Believe for now what a client says its user answered, by template id or name. Raises Invalid for another key."""
    known = {key: wechat_id for name in TEMPLATES if (wechat_id := template_id(name)) for key in (wechat_id, name)}
    if unknown := sorted(set(answers) - set(known)):
        raise Invalid(f"没有这个消息模板：{unknown[0]}", f"No such template: {unknown[0]}")
    heard = {known[key]: answer for key, answer in answers.items()}
    for wechat_id, answer in sorted(heard.items()):
        await _hear(actor.id, wechat_id, answer, CreditCause.REPORTED)
    return await balance(actor.id, template_id)


@atomic()
async def heard_subscription(
    openid: str, answers: Iterable[tuple[str, str]], *, scene: Literal["popup", "change"]
) -> None:
    """WeChat tells what somebody answered: when he was asked (`popup`), or in WeChat's settings (`change`).

    Who is not ours, and words we do not know, are passed over.
    """
    resident = await Resident.get_or_none(openid=openid).only("id")
    if resident is None:
        return
    for wechat_id, answer in sorted(answers):
        if scene == "popup":
            await _hear(resident.id, wechat_id, answer, CreditCause.CONFIRMED)
        elif answer in (Answer.REJECT, Answer.BAN):
            await empty(resident.id, wechat_id, CreditCause.REMOVED)


async def spend(resident_id: int, wechat_id: str, delivery_id: int) -> bool:
    """Take one credit for a message that is about to be sent; False when there is none."""
    spent = await db.value(
        "WITH held AS (UPDATE message_credits SET amount = amount - 1 "
        "WHERE resident_id = $1 AND template_id = $2 AND amount > 0 RETURNING resident_id, template_id) "
        "INSERT INTO credit_entries (resident_id, template_id, cause, change, delivery_id) "
        "SELECT resident_id, template_id, 'spent', -1, $3 FROM held RETURNING id",
        resident_id,
        wechat_id,
        delivery_id,
    )
    return spent is not None


async def give_back(resident_id: int, wechat_id: str, delivery_id: int) -> None:
    """Return the credit of a message that certainly was not sent."""
    amount = await _lock(resident_id, wechat_id)
    change = int(amount < CREDITS_MAX)
    await _enter(resident_id, wechat_id, CreditCause.RETURNED, change, delivery_id=delivery_id)


async def empty(resident_id: int, wechat_id: str, cause: CreditCause, delivery_id: int | None = None) -> None:
    """Nothing more may be sent until there is a new consent."""
    amount = await _lock(resident_id, wechat_id)
    await _enter(resident_id, wechat_id, cause, -amount, delivery_id=delivery_id)


async def _hear(resident_id: int, wechat_id: str, answer: str, cause: CreditCause) -> None:
    if answer == Answer.BAN:
        await empty(resident_id, wechat_id, CreditCause.BANNED)
    if answer != Answer.ACCEPT:
        return
    amount = await _lock(resident_id, wechat_id)
    other = CreditCause.CONFIRMED if cause is CreditCause.REPORTED else CreditCause.REPORTED
    twin = await db.value(TWIN, resident_id, wechat_id, other.value)
    change = int(twin is None and amount < CREDITS_MAX)
    await _enter(resident_id, wechat_id, cause, change, matches_id=twin)


# The oldest consent heard from the other side that has no match yet.
TWIN = f"""
SELECT e.id FROM credit_entries e
WHERE e.resident_id = $1 AND e.template_id = $2 AND e.cause = $3 AND e.matches_id IS NULL
    AND e.created_at > clock_now() - interval '{SAME_TAP_MINUTES} minutes'
    AND NOT EXISTS (SELECT 1 FROM credit_entries m WHERE m.matches_id = e.id)
ORDER BY e.id LIMIT 1
"""


async def _lock(resident_id: int, wechat_id: str) -> int:
    """Hold a credit, made if new, until the transaction ends; its amount."""
    return int(
        await db.value(
            "INSERT INTO message_credits (resident_id, template_id, amount) VALUES ($1, $2, 0) "
            "ON CONFLICT ON CONSTRAINT message_credits_one_per_template "
            "DO UPDATE SET amount = message_credits.amount RETURNING amount",
            resident_id,
            wechat_id,
        )
    )


async def _enter(
    resident_id: int,
    wechat_id: str,
    cause: CreditCause,
    change: int,
    *,
    delivery_id: int | None = None,
    matches_id: int | None = None,
) -> None:
    await db.execute(
        "WITH held AS (UPDATE message_credits SET amount = amount + $4 WHERE resident_id = $1 AND template_id = $2) "
        "INSERT INTO credit_entries (resident_id, template_id, cause, change, delivery_id, matches_id) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        resident_id,
        wechat_id,
        cause.value,
        change,
        delivery_id,
        matches_id,
    )
