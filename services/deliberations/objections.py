"""Objections: to the roll before the vote opens, and while it runs to a ballot that somebody else entered."""

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.core import db
from app.core.db import atomic
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.deliberations import Deliberation, DeliberationState, Roll
from models.residents import Resident, Role
from models.rolls import Channel, Objection, ObjectionState, ObjectionTooLate
from services import checks, events, notifications, residents
from services.deliberations import rolls
from services.deliberations.reading import find as find_deliberation
from services.policies import Actor, require, require_resident
from services.policies import deliberations as policies

STRIKES_FROM = {Roll.RESIDENTS, Roll.REPRESENTATIVES}


@atomic()
async def object_to(actor: Actor, deliberation_id: int, *, reason: str, resident_id: int | None = None) -> Objection:
    """Say that the roll is wrong (about oneself, another, or all of it), or that a ballot entered for one is not his.

    Once the vote runs, only the second: the ballot leaves the box, its trace stays here, and he may vote again. Who
    helps somebody without a phone to say so did not enter that ballot himself.
    Raises NotFound, NotVerified, Forbidden, AlreadyExists, ObjectionTooLate, Invalid (no such resident).
    """
    deliberation = await find_deliberation(actor, deliberation_id)
    if deliberation.state is DeliberationState.VOTING:
        return await _invalidate(actor, deliberation, resident_id, reason)
    if not (actor.is_staff(deliberation.community_id) or await _stands_on_roll(actor, deliberation)):
        require_resident(actor, deliberation.community_id)
    if resident_id is not None and not await Resident.exists(id=resident_id):
        raise Invalid("没有找到这位居民", "No such resident")
    made = await Objection.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        author_id=actor.id,
        resident_id=resident_id,
        reason=reason,
    )
    await checks.expect(actor, made)
    await events.record(actor, "objection.made", made, deliberation_id=deliberation.id)
    committee = await residents.holders(Role.COMMITTEE, deliberation.community_id)
    await notifications.tell(
        [one for one in committee if one != actor.id], "objection.made", deliberation, title=deliberation.title
    )
    if resident_id != actor.id:
        await notifications.tell([resident_id], "objection.about_you", deliberation, title=deliberation.title)
    return await find(actor, made.id)


@atomic()
async def decide(actor: Actor, objection_id: int, *, state: ObjectionState, answer: str) -> Objection:
    """Answer an objection before the vote opens: dismissed, corrected (the records were put right), or struck.

    Raises NotFound, Forbidden (neither committee nor officer, or a party), InvalidState, ObjectionTooLate, Invalid.
    """
    objection = await find(actor, objection_id)
    require(policies.may_hear_objections(actor, objection.deliberation))
    if state is ObjectionState.STRUCK and (
        objection.resident_id is None or objection.deliberation.roll not in STRIKES_FROM
    ):
        raise Invalid(
            "只能从居民或居民代表名册中除名一位指明的居民；其他情形请先更正户代表或产权登记",
            "Only a named resident is struck, from a roll of residents or representatives; else correct the records",
        )
    await objection.move_to(state, decided_by_id=actor.id, answer=answer, moderation=Moderation.CHECKING)
    await checks.expect(actor, objection, again=True)
    await events.record(actor, f"objection.{state}", objection, deliberation_id=objection.deliberation_id)
    about = objection.deliberation
    await events.record(actor, f"deliberation.objection_{state}", about, objection_id=objection.id)
    concerned = [objection.author_id, objection.resident_id]
    await notifications.tell(concerned, "objection.decided", about, title=about.title)
    return await find(actor, objection.id)


def visible(actor: Actor) -> QuerySet[Objection]:
    """One's own, those about oneself, and those one decides."""
    mine = Q(author_id=actor.id) | Q(resident_id=actor.id) | Q(community_id__in=policies.hears_objections_in(actor))
    return Objection.filter(mine).select_related("deliberation", "author")


async def find(actor: Actor, objection_id: int) -> Objection:
    """One objection, for its author, whom it names and the staff. Raises NotFound."""
    objection = await visible(actor).get_or_none(id=objection_id)
    if objection is None:
        raise NotFound("没有找到这条异议", "No such objection")
    return objection


async def listed(actor: Actor, deliberation_id: int, *, page: Page) -> Listed[Objection]:
    """The objections to a vote's roll and ballots that the actor may see, newest first. Raises NotFound."""
    deliberation = await find_deliberation(actor, deliberation_id)
    return await newest(visible(actor).filter(deliberation_id=deliberation.id), page)


def answer_shown(actor: Actor, objection: Objection) -> str | None:
    """The committee's answer, once it has passed the check; the staff read it before."""
    shown = actor.is_staff(objection.community_id) or objection.moderation is Moderation.PASSED
    return objection.answer if shown else None


def reason_shown(actor: Actor, objection: Objection) -> str | None:
    """The reason; to whom it names once it has passed the check."""
    only_named = objection.resident_id == actor.id != objection.author_id and not actor.is_staff(objection.community_id)
    return None if only_named and objection.moderation is not Moderation.PASSED else objection.reason


# Of whom it was entered for: himself, or as the representative of his household then.
ENTERED = """
SELECT id, channel, entered_by_id, receipt FROM ballots
WHERE deliberation_id = $1 AND resident_id = $2 AND channel <> 'phone' FOR UPDATE
"""


async def _stands_on_roll(actor: Actor, deliberation: Deliberation) -> bool:
    """Also owners who live elsewhere."""
    return not actor.suspended and (await rolls.own_line(actor, deliberation.id)).on_roll


async def _invalidate(actor: Actor, deliberation: Deliberation, resident_id: int | None, reason: str) -> Objection:
    ballot = await db.row(ENTERED, deliberation.id, actor.id)
    if resident_id not in (None, actor.id) or (ballot is not None and ballot["entered_by_id"] == actor.hand_id):
        raise Forbidden(
            "只能由本人，或经本人同意由未录入该选票的工作人员代为提出",
            "Only he himself, or with his consent staff who did not enter it, may",
        )
    if ballot is None:
        raise ObjectionTooLate
    made = await Objection.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        author_id=actor.hand_id,
        resident_id=actor.id,
        reason=reason,
        state=ObjectionState.INVALIDATED,
        ballot_id=ballot["id"],
        channel=Channel(ballot["channel"]),
        entered_by_id=ballot["entered_by_id"],
        receipt=ballot["receipt"],
    )
    await db.execute("DELETE FROM ballots WHERE id = $1", ballot["id"])
    await checks.expect(actor, made, author_id=actor.hand_id)
    await events.record(
        actor,
        "deliberation.ballot_invalidated",
        deliberation,
        objection_id=made.id,
        channel=ballot["channel"],
    )
    await notifications.tell(
        [actor.id, ballot["entered_by_id"]],
        "deliberation.ballot_invalidated",
        deliberation,
        title=deliberation.title,
    )
    return await find(actor, made.id)
