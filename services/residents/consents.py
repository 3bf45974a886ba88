"""Consent for one purpose at a time, given and withdrawn by the resident himself (个保法 14-15, 23, 25, 29)."""

from collections.abc import Sequence

from app.core import db
from app.core.db import atomic
from app.core.errors import Conflict, Invalid
from models.homes import NotForChildren
from models.residents import Consent, ConsentPurpose
from services import events
from services.policies import Actor

GRANT = """
INSERT INTO consents (resident_id, purpose, policy_version, recipient) VALUES ($1, $2, $3, $4)
ON CONFLICT (resident_id, purpose, recipient) WHERE withdrawn_at IS NULL DO NOTHING RETURNING id
"""
REPLACE = """
UPDATE consents SET withdrawn_at = clock_now() WHERE resident_id = $1 AND purpose = $2 AND withdrawn_at IS NULL
    AND policy_version <> $3 AND recipient IS NOT DISTINCT FROM $4
"""
WITHDRAW = """
UPDATE consents SET withdrawn_at = clock_now() WHERE resident_id = $1 AND purpose = $2 AND withdrawn_at IS NULL
RETURNING id
"""
# What was agreed to under other words than those in force, and the service itself until it was.
DUE = """
SELECT DISTINCT purpose FROM consents WHERE resident_id = $1 AND withdrawn_at IS NULL AND policy_version <> $2
UNION SELECT 'service' WHERE NOT EXISTS
    (SELECT 1 FROM consents WHERE resident_id = $1 AND purpose = 'service' AND withdrawn_at IS NULL)
ORDER BY 1
"""


class LeaveInstead(Conflict):
    code = "leave_instead"
    zh = "没有这项同意就无法继续使用；不再使用请注销账号（DELETE /v1/me）"
    en = "The service cannot be given without it; to end it, delete the account (DELETE /v1/me)"


async def consents(actor: Actor) -> list[Consent]:
    """All that the actor ever consented to, newest first; `withdrawn_at` says what is over."""
    return await Consent.filter(resident_id=actor.id).order_by("-id").limit(100)


async def consents_due(actor: Actor, policy_version: str) -> list[ConsentPurpose]:
    """To what the actor is asked to consent (again) under the policy in force."""
    return [ConsentPurpose(line["purpose"]) for line in await db.rows(DUE, actor.id, policy_version)]


@atomic()
async def consent(
    actor: Actor, purpose: ConsentPurpose, *, policy_version: str, recipient: str | None = None
) -> Consent:
    """Consent to a purpose as a policy version describes it; the same again changes nothing, another replaces it.

    `recipient` names the organisation of `sharing`, each a consent of its own. Raises Invalid without it, or with one
    for another purpose, NotForChildren to have something published under 14.
    """
    if actor.child and purpose is ConsentPurpose.PUBLISHING:
        raise NotForChildren
    if (recipient is not None) != (purpose is ConsentPurpose.SHARING):
        raise Invalid("共享须写明接收方，其他用途没有接收方", "Sharing names its recipient, no other purpose has one")
    await db.execute(REPLACE, actor.id, purpose.value, policy_version, recipient)
    given = await db.value(GRANT, actor.id, purpose.value, policy_version, recipient)
    live = await Consent.get(resident_id=actor.id, purpose=purpose, recipient=recipient, withdrawn_at=None)
    if given is not None:
        await events.record(actor, "consent.given", live)
    return live


@atomic()
async def withdraw_consent(actor: Actor, purpose: ConsentPurpose) -> None:
    """Withdraw one's consent, `sharing` from every recipient; it is over at once, and again changes nothing.

    Raises LeaveInstead for the service itself.
    """
    if purpose is ConsentPurpose.SERVICE:
        raise LeaveInstead
    for ended in await db.rows(WITHDRAW, actor.id, purpose.value):
        await events.record(actor, "consent.withdrawn", await Consent.get(id=ended["id"]))


async def named(resident_ids: Sequence[int]) -> set[int]:
    """Those of the residents who let their nickname be published."""
    found = await db.rows(
        "SELECT resident_id FROM consents WHERE resident_id = ANY ($1::bigint[]) AND purpose = 'publishing' "
        "AND withdrawn_at IS NULL",
        list(resident_ids),
    )
    return {line["resident_id"] for line in found}
