"""Consent for one purpose at a time, given and withdrawn by the resident himself (个保法 14-15, 25)."""

from collections.abc import Sequence

from app.core import db
from app.core.db import atomic
from models.homes import NotForChildren
from models.residents import Consent, ConsentPurpose
from services import events
from services.policies import Actor

GRANT = """
INSERT INTO consents (resident_id, purpose, policy_version) VALUES ($1, $2, $3)
ON CONFLICT (resident_id, purpose) WHERE withdrawn_at IS NULL DO NOTHING RETURNING id
"""
WITHDRAW = """
UPDATE consents SET withdrawn_at = clock_now() WHERE resident_id = $1 AND purpose = $2 AND withdrawn_at IS NULL
    AND ($3::text IS NULL OR policy_version <> $3) RETURNING id
"""


async def consents(actor: Actor) -> list[Consent]:
    """All that the actor ever consented to, newest first; `withdrawn_at` says what is over."""
    return await Consent.filter(resident_id=actor.id).order_by("-id").limit(100)


@atomic()
async def consent(actor: Actor, purpose: ConsentPurpose, *, policy_version: str) -> Consent:
    """Consent to a purpose as a policy version describes it; the same again changes nothing, another replaces it.

    Raises NotForChildren under 14.
    """
    if actor.child:
        raise NotForChildren
    await db.execute(WITHDRAW, actor.id, purpose.value, policy_version)
    given = await db.value(GRANT, actor.id, purpose.value, policy_version)
    live = await Consent.get(resident_id=actor.id, purpose=purpose, withdrawn_at=None)
    if given is not None:
        await events.record(actor, "consent.given", live)
    return live


@atomic()
async def withdraw_consent(actor: Actor, purpose: ConsentPurpose) -> None:
    """Withdraw one's consent; it is over at once, and again changes nothing."""
    ended = await db.value(WITHDRAW, actor.id, purpose.value, None)
    if ended is not None:
        await events.record(actor, "consent.withdrawn", await Consent.get(id=ended))


async def named(resident_ids: Sequence[int]) -> set[int]:
    """Those of the residents who let their nickname be published."""
    found = await db.rows(
        "SELECT resident_id FROM consents WHERE resident_id = ANY ($1::bigint[]) AND purpose = 'publishing' "
        "AND withdrawn_at IS NULL",
        list(resident_ids),
    )
    return {line["resident_id"] for line in found}
