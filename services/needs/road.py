"""Needs: raised by residents, supported by neighbours, handled by the community, rated and reopened."""

from collections.abc import Sequence

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import InvalidState, TooLate
from models.base import Moderation
from models.comments import Comment
from models.needs import (
    OPEN,
    HopEnd,
    Need,
    NeedAnswer,
    NeedField,
    NeedLevel,
    NeedRating,
    NeedRoute,
    NeedState,
    ServiceClass,
    Urgency,
)
from services import checks, comments, events, media, notifications
from services.due import one_by_one
from services.needs.deadlines import deadlines, step
from services.needs.escalation import end_hop, escalate
from services.needs.reading import find, participants
from services.policies import Actor, require, require_resident
from services.policies import needs as policies

REOPEN_DAYS, CLOSE_DAYS = 30, 30
DUE_MAX = 100
STAFF_ONLY = ("只有本社区的工作人员可以处理", "Only staff of this community may do this")

ENDORSE = """
WITH still_open AS (
    SELECT id, community_id FROM needs WHERE id = $1 AND state = ANY($3::text[]) FOR NO KEY UPDATE
), made AS (
    INSERT INTO endorsements (community_id, need_id, resident_id) SELECT community_id, id, $2 FROM still_open
    ON CONFLICT ON CONSTRAINT endorsements_once DO NOTHING
)
SELECT id FROM still_open
"""


@atomic()
async def submit(
    actor: Actor,
    *,
    community_id: int,
    service_class: ServiceClass,
    field: NeedField,
    title: str,
    body: str,
    photo_ids: Sequence[int] = (),
) -> Need:
    """Say what is needed. Raises NotVerified, Forbidden, and what `media.attach` raises."""
    require_resident(actor, community_id)
    due = await deadlines(community_id)
    need = await Need.create(
        community_id=community_id,
        author_id=actor.id,
        assistant_id=actor.helper_id,
        service_class=service_class,
        field=field,
        title=title,
        body=body,
        **due.of_a_need,
    )
    await checks.expect(actor, need)
    await media.attach(actor, need, community_id, photo_ids)
    await events.record(actor, "need.submitted", need)
    return await find(actor, need.id)


async def endorse(actor: Actor, need_id: int) -> Need:
    """Stand behind a neighbour's need; doing it again changes nothing. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require_resident(actor, need.community_id)
    require(policies.may_endorse(actor, need), "不能附议自己的需求", "Nobody endorses his own need")
    if await db.alone(ENDORSE, need.id, actor.id, list(OPEN)) is None:
        raise InvalidState((await find(actor, need_id)).state)
    return await find(actor, need_id)


async def unendorse(actor: Actor, need_id: int) -> Need:
    """Take one's support back, also after having moved away; doing it again changes nothing."""
    need = await find(actor, need_id)
    await db.execute("DELETE FROM endorsements WHERE need_id = $1 AND resident_id = $2", need.id, actor.id)
    return await find(actor, need_id)


@atomic()
async def accept(actor: Actor, need_id: int) -> Need:
    """Take a need on; its author is told. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    _must_be(need, NeedState.SUBMITTED)
    await step(need, NeedState.ACCEPTED, due_at=need.due_at)
    await events.record(actor, "need.accepted", need)
    await _tell_author(actor, "need.accepted", need)
    return need


@atomic()
async def decline(actor: Actor, need_id: int, *, reason: str) -> Need:
    """Decline a need with a reason everybody reads. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    late = await step(need, NeedState.DECLINED)
    event = await events.record(actor, "need.declined", need, reason=reason, late=late)
    await _tell_author(actor, "need.declined", need, reason_id=event.facts["reason_id"])
    return need


@atomic()
async def route(actor: Actor, need_id: int, *, route: NeedRoute) -> Need:
    """Settle which path an accepted need takes; by `escalation` it goes up at once, `official` still owes an answer.

    Raises Forbidden, InvalidState.
    """
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    if route is NeedRoute.ESCALATION:
        _must_be(need, NeedState.ACCEPTED)
        return await escalate(actor, need_id)
    due_at = need.decision_due_at if route is NeedRoute.OFFICIAL else None
    late = await step(need, NeedState.ROUTED, route=route, due_at=due_at)
    await events.record(actor, "need.routed", need, route=route.value, late=late)
    await _tell_author(actor, "need.routed", need)
    return need


@atomic()
async def answer(actor: Actor, need_id: int, *, body: str) -> Need:
    """Answer officially; the need is in progress from now on. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    undecided = need.state is NeedState.ACCEPTED
    late = await step(need, NeedState.IN_PROGRESS, due_at=need.decision_due_at if undecided else None)
    await end_hop(need, HopEnd.ANSWERED)
    said = await NeedAnswer.create(
        community_id=need.community_id, need_id=need.id, author_id=actor.id, body=body, late=bool(late)
    )
    await checks.expect(actor, said)
    await events.record(actor, "need.answered", need, answer_id=said.id, late=late)
    await _tell_author(actor, "need.answered", need)
    return need


@atomic()
async def finish(actor: Actor, need_id: int, *, note: str | None = None) -> Need:
    """Say that a need is done; author and endorsers are asked to rate it. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    late = await step(need, NeedState.DONE, done_at=await clock.now())
    await end_hop(need, HopEnd.DONE)
    await events.record(actor, "need.done", need, reason=note, late=late)
    await _tell_participants(actor, "need.done", need)
    return need


@atomic()
async def rate(actor: Actor, need_id: int, *, score: int, comment: str | None = None) -> Need:
    """Rate what was done, 1 to 5; author or endorser. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_rate(actor, need), "只有提出人或附议人可以评价", "Only its author or an endorser may rate it")
    await need.move_to(NeedState.RATED, rated_at=await clock.now())
    await NeedRating.create(community_id=need.community_id, need_id=need.id, resident_id=actor.id, score=score)
    await events.record(actor, "need.rated", need, reason=comment, score=score)
    await _tell_author(actor, "need.rated", need, score=score)
    return need


@atomic()
async def reopen(actor: Actor, need_id: int, *, reason: str) -> Need:
    """Ask for a need to be taken up again within 30 days of `done`; it is accepted once more.

    Raises Forbidden, InvalidState, TooLate.
    """
    need = await find(actor, need_id)
    require(policies.may_reopen(actor, need), "只有相关居民可以要求重办", "Only residents it affects may reopen it")
    _must_be(need, NeedState.DONE, NeedState.RATED)
    due = await deadlines(need.community_id)
    await step(need, NeedState.ACCEPTED, level=NeedLevel.GRID, route=None, **due.of_a_need)
    if await db.value(
        f"SELECT done_at + interval '{REOPEN_DAYS} days' <= clock_now() FROM needs WHERE id = $1", need.id
    ):
        raise TooLate("办结已超过三十天，请重新提出需求", "It was done more than 30 days ago; please raise it anew")
    event = await events.record(actor, "need.reopened", need, reason=reason)
    await _tell_participants(actor, "need.reopened", need, reason_id=event.facts["reason_id"])
    return need


@atomic()
async def withdraw(actor: Actor, need_id: int) -> Need:
    """Take a need back before anybody has taken it on. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.is_author(actor, need), "只有提出人可以撤回", "Only its author may withdraw it")
    await step(need, NeedState.WITHDRAWN)
    await events.record(actor, "need.withdrawn", need)
    return need


@atomic()
async def set_urgency(actor: Actor, need_id: int, *, urgency: Urgency) -> Need:
    """Say how urgent an open need is; the committee. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_set_urgency(actor, need), "只有居委会成员可以设置紧急程度", "Only the committee sets urgency")
    if await Need.filter(id=need.id, state__in=OPEN).update(urgency=urgency) == 0:
        raise InvalidState((await find(actor, need_id)).state)
    if need.urgency is not urgency:
        await events.record(actor, "need.urgency_set", need, urgency=urgency.value)
    return await find(actor, need_id)


@atomic()
async def comment(actor: Actor, need_id: int, *, body: str, parent_id: int | None = None) -> Comment:
    """Say something about a need of one's own community. Raises Forbidden, and what `comments.add` raises."""
    need = await find(actor, need_id)
    require_resident(actor, need.community_id)
    return await comments.add(actor, need, need.community_id, body=body, parent_id=parent_id)


# --- by the clock -----------------------------------------------------------------------------------------------


async def close_due() -> None:
    """Close needs rated 30 days ago, at most 100, each in a transaction of its own."""
    due = await db.rows(
        f"SELECT id FROM needs WHERE state = 'rated' AND rated_at <= clock_now() - interval '{CLOSE_DAYS} days' "
        f"ORDER BY rated_at LIMIT {DUE_MAX}"
    )
    await one_by_one((line["id"] for line in due), _close)


@atomic()
async def _close(need_id: int) -> None:
    still_due = await db.value(
        "SELECT id FROM needs WHERE id = $1 AND state = 'rated' "
        f"AND rated_at <= clock_now() - interval '{CLOSE_DAYS} days' FOR NO KEY UPDATE SKIP LOCKED",
        need_id,
    )
    if still_due is None:
        return
    need = await Need.get(id=need_id)
    await need.move_to(NeedState.CLOSED)
    await events.record(None, "need.closed", need)
    await _tell_author(None, "need.closed", need)


# --- helpers ----------------------------------------------------------------------------------------------------


def _must_be(need: Need, *states: NeedState) -> None:
    """Where FLOW leads to one state by two verbs, each verb has its own beginning."""
    if need.state not in states:
        raise InvalidState(need.state)


async def _tell_author(actor: Actor | None, kind: str, need: Need, **params: str | int) -> None:
    await _tell(actor, [need.author_id, need.assistant_id], kind, need, **params)


async def _tell_participants(actor: Actor, kind: str, need: Need, **params: str | int) -> None:
    """Of a need whose words are not shown nobody hears but who wrote it."""
    concerned = await participants(need.id) if need.moderation is Moderation.PASSED else [need.author_id]
    await _tell(actor, [*concerned, need.assistant_id], kind, need, **params)


async def _tell(actor: Actor | None, to: Sequence[int | None], kind: str, need: Need, **params: str | int) -> None:
    others = [resident_id for resident_id in to if actor is None or resident_id != actor.id]
    await notifications.tell(others, kind, need, title=need.title, **params)
