"""Guardians: under 14 somebody looks, but acts only when a guardian has consented (个人信息保护法 31).

That a guardianship is over at 14 needs no deed: nobody asks for it any more.
"""

from tortoise.expressions import Q

from app.core import clock
from app.core.db import atomic
from app.core.errors import Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.homes import Guardianship, NotAChild, NotAGuardian
from models.residents import Membership
from services import events
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.ages import is_adult, is_child
from services.residents.helping import OnBehalfOf, check_evidence


@atomic()
async def consent_for_child(
    actor: Actor, *, child_id: int, guardian_id: int | None = None, consent: OnBehalfOf | None = None
) -> Guardianship:
    """Let a child take part: an adult of its household says so himself, or the committee records who did, and how.

    Raises NotFound for a child one may not know of, NotAChild, NotAGuardian, Forbidden, Invalid (evidence missing),
    AlreadyExists.
    """
    home = await Membership.get_or_none(resident_id=child_id, until_at=None)
    named = guardian_id is not None and guardian_id != actor.id
    if home is None or not (actor.household_id == home.household_id or actor.is_committee(home.community_id)):
        raise NotFound("没有找到这个孩子", "No such child")
    if not await is_child(child_id):
        raise NotAChild
    if named:
        require(
            actor.is_committee(home.community_id), "只有居委会可以认定监护人", "Only the committee names a guardian"
        )
        if consent is None or guardian_id in (None, child_id) or not await is_adult(guardian_id):
            raise NotAGuardian if consent is not None else Invalid("请附上监护人同意的凭证", "Say how he consented")
        await check_evidence(actor.id, consent)
    elif not (actor.verified and actor.household_id == home.household_id and await is_adult(actor.id)):
        raise NotAGuardian
    made = await Guardianship.create(
        community_id=home.community_id,
        child_id=child_id,
        guardian_id=guardian_id if named else actor.id,
        named_by_id=actor.id if named else None,
        consent_kind=consent.consent if named and consent else None,
        witness_id=consent.witness_id if named and consent else None,
        media_id=consent.media_id if named and consent else None,
    )
    await events.record(actor, "guardianship.begun", made, child_id=child_id, guardian_id=made.guardian_id)
    return made


@atomic()
async def withdraw_guardianship(actor: Actor, guardianship_id: int) -> Guardianship:
    """Withdraw one's consent, or end it as the committee; the child only looks from now on. Again changes nothing.

    Raises NotFound, Forbidden.
    """
    found = await find_guardianship(actor, guardianship_id)
    require(policies.may_end_guardianship(actor, found))
    ended = await Guardianship.filter(id=found.id, ended_at=None).update(
        ended_at=await clock.now(), ended_by_id=actor.id
    )
    if ended:
        await events.record(actor, "guardianship.ended", found, child_id=found.child_id, guardian_id=found.guardian_id)
    return await find_guardianship(actor, guardianship_id)


async def find_guardianship(actor: Actor, guardianship_id: int) -> Guardianship:
    """One guardianship, for the two and the committee. Raises NotFound."""
    found = await Guardianship.filter(_seen(actor)).get_or_none(id=guardianship_id)
    if found is None:
        raise NotFound("没有找到这项监护同意", "No such guardianship")
    return found


async def guardianships(actor: Actor, *, page: Page) -> Listed[Guardianship]:
    """Those the actor is part of, and of the communities whose committee he is on; newest first."""
    return await newest(Guardianship.filter(_seen(actor)), page)


def _seen(actor: Actor) -> Q:
    committees = policies.committee_of(actor)
    return Q(child_id=actor.id) | Q(guardian_id=actor.id) | Q(community_id__in=committees)
