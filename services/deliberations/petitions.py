"""Petitions: enough of a community ask for a residents' meeting, and the committee must answer (居委会组织法 26)."""

from collections.abc import Sequence
from datetime import timedelta

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.deliberations import NotChecked, NotOnRoll, Roll
from models.meetings import (
    Meeting,
    MeetingKind,
    MeetingState,
    NoSuchMeeting,
    Petition,
    PetitionOver,
    PetitionSignature,
    PetitionState,
)
from models.residents import Role
from services import checks, events, notifications, residents
from services.deliberations import electorate
from services.due import one_by_one
from services.events import TimelineItem
from services.policies import Actor, require, require_resident
from services.policies import meetings as policies
from services.rules.petition import needed

OPEN_DAYS, ANSWER_DAYS = 90, 15
DUE_AT_ONCE = 50
ROLLS = (Roll.RESIDENTS, Roll.HOUSEHOLDS, Roll.REPRESENTATIVES)


@atomic()
async def start_petition(actor: Actor, community_id: int, *, roll: Roll, title: str, body: str) -> Petition:
    """Ask for a residents' meeting in the name of residents, households or representatives.

    The roll is counted now, once: the goal stands for the 90 days in which one may sign.
    Raises NotVerified, Forbidden, NotOnRoll, NobodyToAsk, Invalid for a roll of owners.
    """
    require_resident(actor, community_id)
    if roll not in ROLLS:
        raise Invalid("业主不能以此方式联名", "Owners do not ask in this way")
    await _require_elector(actor, roll, community_id)
    size = await electorate.size(roll, community_id)
    petition = await Petition.create(
        community_id=community_id,
        author_id=actor.id,
        roll=roll,
        title=title,
        body=body,
        roll_size=size,
        needed=needed(roll, size),
        open_until=await clock.now() + timedelta(days=OPEN_DAYS),
    )
    await checks.expect(actor, petition)
    await events.record(actor, "petition.started", petition, needed=petition.needed, roll_size=size)
    return await find_petition(actor, petition.id)


async def find_petition(actor: Actor, petition_id: int) -> Petition:
    """One petition. Raises NotFound."""
    petition = await _visible(actor).get_or_none(id=petition_id)
    if petition is None:
        raise NotFound("没有找到这项联名", "No such petition")
    return (await _completed(actor, [petition]))[0]


async def petition_detail(actor: Actor, petition_id: int) -> tuple[Petition, list[TimelineItem]]:
    """One petition with its public history; who signed is not in it. Raises NotFound."""
    petition = await find_petition(actor, petition_id)
    return petition, await events.timeline(actor, petition)


async def petitions(
    actor: Actor, *, community_id: int | None = None, state: PetitionState | None = None, page: Page
) -> Listed[Petition]:
    """Petitions, newest first."""
    asked = {"community_id": community_id, "state": state}
    found = await newest(_visible(actor).filter(**{key: value for key, value in asked.items() if value}), page)
    return Listed(await _completed(actor, found.items), found.after)


SIGN = """
INSERT INTO petition_signatures (community_id, petition_id, resident_id, household_id)
SELECT $1, $2, $3, $4::bigint WHERE NOT EXISTS
    (SELECT 1 FROM petition_signatures WHERE petition_id = $2 AND (resident_id = $3 OR household_id = $4))
ON CONFLICT DO NOTHING RETURNING id
"""


@atomic()
async def sign(actor: Actor, petition_id: int) -> Petition:
    """Put one's name under it; of a household its representative does. Again: no change.

    The signature that makes enough asks the committee for its answer within 15 days.
    Raises NotFound, NotVerified, Forbidden, NotOnRoll, NotChecked, PetitionOver.
    """
    petition = await find_petition(actor, petition_id)
    require_resident(actor, petition.community_id)
    await _require_elector(actor, petition.roll, petition.community_id)
    if petition.moderation is not Moderation.PASSED:
        raise NotChecked
    if not petition.signed_by_me:
        await _refuse_if_over(petition)
    household_id = actor.household_id if petition.roll is Roll.HOUSEHOLDS else None
    signed = await db.value(SIGN, petition.community_id, petition.id, actor.id, household_id)
    if signed is not None:
        line = PetitionSignature(id=signed, community_id=petition.community_id)
        await events.record(actor, "petition_signature.given", line, petition_id=petition.id)
        await _ask_for_an_answer_if_enough(petition.id)
    return await find_petition(actor, petition_id)


@atomic()
async def unsign(actor: Actor, petition_id: int) -> Petition:
    """Take one's name back while it is open; again: no change. Raises NotFound, PetitionOver."""
    petition = await find_petition(actor, petition_id)
    if petition.signed_by_me:
        await _refuse_if_over(petition)
    gone = await db.value(
        "DELETE FROM petition_signatures WHERE petition_id = $1 AND resident_id = $2 RETURNING id",
        petition.id,
        actor.id,
    )
    if gone is not None:
        line = PetitionSignature(id=gone, community_id=petition.community_id)
        await events.record(actor, "petition_signature.taken_back", line, petition_id=petition.id)
    return await find_petition(actor, petition_id)


@atomic()
async def answer_petition(actor: Actor, petition_id: int, *, body: str, meeting_id: int | None = None) -> Petition:
    """Answer those who asked, with the residents' meeting called for it, or say why none is; they are told.

    Raises NotFound, Forbidden, InvalidState, NoSuchMeeting for one that is no residents' meeting here, or cancelled.
    """
    petition = await find_petition(actor, petition_id)
    require(policies.may_answer(actor, petition), "只有居委会可以答复", "Only the committee answers")
    if (
        meeting_id is not None
        and not await Meeting.filter(id=meeting_id, community_id=petition.community_id, kind=MeetingKind.RESIDENTS)
        .exclude(state=MeetingState.CANCELLED)
        .exists()
    ):
        raise NoSuchMeeting
    await petition.move_to(
        PetitionState.ANSWERED,
        answer=body,
        answer_moderation=Moderation.CHECKING,
        answered_at=await clock.now(),
        meeting_id=meeting_id,
    )
    await checks.expect(actor, petition, kind="petition_answer")
    await events.record(actor, "petition.answered", petition, meeting_id=meeting_id)
    await _tell(petition, "petition.answered", [petition.author_id, *await _signers(petition)])
    return await find_petition(actor, petition_id)


@atomic()
async def withdraw_petition(actor: Actor, petition_id: int) -> Petition:
    """Give it up while it is open. Raises NotFound, Forbidden, InvalidState."""
    petition = await find_petition(actor, petition_id)
    require(policies.may_withdraw(actor, petition), "只有发起人可以撤回", "Only who started it withdraws it")
    await petition.move_to(PetitionState.WITHDRAWN)
    await events.record(actor, "petition.withdrawn", petition)
    return await find_petition(actor, petition_id)


# --- by the clock -----------------------------------------------------------------------------------------------


async def lapse_due() -> None:
    """End the petitions that too few signed in time, at most 50; their authors are told."""
    due = await db.rows(
        f"SELECT id FROM petitions WHERE state = 'open' AND open_until <= clock_now() "
        f"ORDER BY open_until, id LIMIT {DUE_AT_ONCE}"
    )
    await one_by_one((line["id"] for line in due), _lapse)


@atomic()
async def _lapse(petition_id: int) -> None:
    petition = await Petition.get(id=petition_id)
    try:
        await petition.move_to(PetitionState.LAPSED)
    except InvalidState:
        return  # another worker was faster
    await events.record(None, "petition.lapsed", petition, signatures=petition.signatures)
    await _tell(petition, "petition.lapsed", [petition.author_id])


# --- helpers ----------------------------------------------------------------------------------------------------


async def _refuse_if_over(petition: Petition) -> None:
    """Name the state it is in; the row stays locked, as the signature's own trigger wants it."""
    held = await Petition.filter(id=petition.id).select_for_update().get()
    if held.state is not PetitionState.OPEN:
        raise PetitionOver(held.state)


async def _require_elector(actor: Actor, roll: Roll, community_id: int) -> None:
    if not await electorate.includes(roll, community_id, actor):
        raise NotOnRoll("您不在这项联名的名册上", "You are not on the roll of this petition")


async def _ask_for_an_answer_if_enough(petition_id: int) -> None:
    """The row is locked by the signature's own trigger, so exactly one signature is the last needed."""
    petition = await Petition.get(id=petition_id)
    if petition.signatures < petition.needed:
        return
    now = await clock.now()
    await petition.move_to(PetitionState.REACHED, reached_at=now, answer_due_at=now + timedelta(days=ANSWER_DAYS))
    await events.record(None, "petition.reached", petition, signatures=petition.signatures)
    due = (now + timedelta(days=ANSWER_DAYS)).astimezone(clock.SHANGHAI)
    committee = await residents.holders(Role.COMMITTEE, petition.community_id)
    told = {"title": petition.title, "due": f"{due:%Y-%m-%d}"}
    await notifications.tell([petition.author_id, *committee], "petition.reached", petition, **told)


def _visible(actor: Actor) -> QuerySet[Petition]:
    seen = (
        Q(moderation=Moderation.PASSED) | Q(author_id=actor.id) | Q(community_id__in=policies.sees_unchecked_in(actor))
    )
    return Petition.filter(seen).select_related("author")


async def _completed(actor: Actor, found: Sequence[Petition]) -> list[Petition]:
    """The same with whether the reader signed, whether the answer is overdue, and the answer if he may read it."""
    ids = [petition.id for petition in found]
    mine = await PetitionSignature.filter(petition_id__in=ids, resident_id=actor.id).values_list(
        "petition_id", flat=True
    )
    now = await clock.now()
    for petition in found:
        petition.signed_by_me = petition.id in mine
        petition.overdue = (
            petition.state is PetitionState.REACHED
            and petition.answer_due_at is not None
            and petition.answer_due_at < now
        )
        if petition.answer_moderation is not Moderation.PASSED and not actor.is_staff(petition.community_id):
            petition.answer = None
    return list(found)


async def _signers(petition: Petition) -> list[int]:
    signed = await PetitionSignature.filter(petition_id=petition.id).only("resident_id")
    return [signature.resident_id for signature in signed]


async def _tell(petition: Petition, kind: str, resident_ids: Sequence[int]) -> None:
    await notifications.tell(resident_ids, kind, petition, title=petition.title)
