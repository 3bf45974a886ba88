"""Needs: raised by residents, supported by neighbours, handled by the community, rated and reopened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound, TooLate
from app.core.pages import Listed, Page, cut, where
from models.base import Moderation, Record
from models.comments import Comment
from models.needs import (
    OPEN,
    Need,
    NeedAnswer,
    NeedField,
    NeedLink,
    NeedRating,
    NeedRoute,
    NeedSort,
    NeedState,
    ServiceClass,
)
from models.residents import Resident
from services import checks, comments, events, media, notifications, residents
from services.due import one_by_one
from services.events import TimelineItem
from services.policies import Actor, require, require_resident
from services.policies import needs as policies
from services.policies.actor import STAFF
from services.residents import OnBehalfOf
from services.rules.similarity import most_alike

REOPEN_DAYS, CLOSE_DAYS = 30, 30
COMPARED_MAX, SIMILAR_MAX, SIMILAR_LEAST = 500, 5, Fraction(2, 5)
LINKED_MAX = 20
CAME_TO_NOTHING = (NeedState.DECLINED, NeedState.WITHDRAWN, NeedState.MERGED)
DUE_MAX = 100
STAFF_ONLY = ("只有本社区的工作人员可以处理", "Only staff of this community may do this")

SEEN = f"""
SELECT n.*, r.nickname, {media.photos_sql("need", "n.id", "$1")} AS photos,
    EXISTS (SELECT 1 FROM endorsements e WHERE e.need_id = n.id AND e.resident_id = $1) AS endorsed_by_me
FROM needs n JOIN residents r ON r.id = n.author_id
WHERE (n.moderation = 'passed' OR n.author_id = $1 OR n.assistant_id = $1 OR n.community_id = ANY($2::bigint[]))
"""
ATTACHED = """
SELECT id, 'answer' AS kind, body, moderation, created_at AS at FROM need_answers
WHERE need_id = $1 AND (moderation = 'passed' OR author_id = $2 OR $3)
UNION ALL SELECT subject_id, kind, NULL, NULL, created_at FROM need_links WHERE need_id = $1 ORDER BY at, id
"""
ENDORSE = """
WITH still_open AS (
    SELECT id, community_id FROM needs WHERE id = $1 AND state = ANY($3::text[]) FOR NO KEY UPDATE
), made AS (
    INSERT INTO endorsements (community_id, need_id, resident_id) SELECT community_id, id, $2 FROM still_open
    ON CONFLICT ON CONSTRAINT endorsements_once DO NOTHING
)
SELECT id FROM still_open
"""


async def visible(actor: Actor, narrowed: str, *values: Any) -> list[Need]:
    """The one door: the needs the actor may see, narrowed by SQL whose values count from $3."""
    found = await db.rows(SEEN + narrowed, actor.id, actor.serves(*STAFF), *values)
    return [_need(line) for line in found]


async def find(actor: Actor, need_id: int) -> Need:
    """One need that the actor may see. Raises NotFound."""
    found = await visible(actor, "AND n.id = $3", need_id)
    if not found:
        raise NotFound("没有找到这条需求", "No such need")
    return found[0]


comments.DOORS[Need.noun()] = find


async def listed(
    actor: Actor,
    *,
    community_id: int | None = None,
    state: NeedState | None = None,
    field: NeedField | None = None,
    q: str | None = None,
    sort: NeedSort = NeedSort.NEW,
    page: Page,
) -> Listed[Need]:
    """Needs, newest or most endorsed first; `q` is looked for in title and body."""
    by = ("endorsements", "id") if sort is NeedSort.SUPPORT else ("id",)
    columns = ", ".join(f"n.{column}" for column in by)
    after = page.after if page.after and len(page.after) == len(by) else (None,)
    narrowed, values = where(
        3,
        ("n.community_id = {}", community_id),
        ("n.state = {}", state),
        ("n.field = {}", field),
        ("(n.title ILIKE {0} OR n.body ILIKE {0})", _containing(q) if q else None),
        (f"({columns}) < ({', '.join(['{}'] * len(after))})", *after),
    )
    order = ", ".join(f"n.{column} DESC" for column in by)
    found = await visible(actor, f"{narrowed} ORDER BY {order} LIMIT {page.limit + 1}", *values)
    return cut(found, page, by=by)


async def similar(actor: Actor, community_id: int, *, title: str) -> list[Need]:
    """At most 5 open needs of the community whose titles are like `title`, out of its newest 500."""
    titles = await db.rows(
        "SELECT id, title FROM needs WHERE community_id = $1 AND state = ANY($2::text[]) "
        f"ORDER BY id DESC LIMIT {COMPARED_MAX}",
        community_id,
        list(OPEN),
    )
    ids = most_alike(title, ((line["id"], line["title"]) for line in titles), least=SIMILAR_LEAST, most=SIMILAR_MAX)
    found = await visible(actor, "AND n.id = ANY($3::bigint[])", ids)
    return sorted(found, key=lambda need: ids.index(need.id))


@dataclass(frozen=True)
class Answer:
    """An official answer."""

    id: int
    body: str
    moderation: Moderation
    at: datetime


@dataclass(frozen=True)
class Link:
    """Something made from a need."""

    kind: str
    id: int


@dataclass(frozen=True)
class NeedDetail:
    """A need with its answers, what was made from it, and its public history."""

    need: Need
    answers: list[Answer]
    links: list[Link]
    timeline: list[TimelineItem]


async def detail(actor: Actor, need_id: int) -> NeedDetail:
    """One need with everything that became of it. Raises NotFound."""
    need = await find(actor, need_id)
    attached = await db.rows(ATTACHED, need.id, actor.id, actor.is_staff(need.community_id))
    answers = [
        Answer(line["id"], line["body"], Moderation(line["moderation"]), line["at"])
        for line in attached
        if line["body"]
    ]
    links = [Link(line["kind"], line["id"]) for line in attached if line["body"] is None]
    return NeedDetail(need, answers, links, await events.timeline(actor, need))


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
    on_behalf_of: OnBehalfOf | None = None,
) -> Need:
    """Say what is needed, for oneself or for somebody one helps.

    Raises NotVerified, Forbidden, and what `media.attach` and `residents.speaker` raises about the person helped.
    """
    speaker = await residents.speaker(actor, community_id, on_behalf_of)
    need = await Need.create(
        community_id=community_id,
        author_id=speaker.id,
        assistant_id=actor.id if speaker.helped else None,
        service_class=service_class,
        field=field,
        title=title,
        body=body,
    )
    await checks.expect(actor, need, author_id=speaker.id)
    await media.attach(actor, need, community_id, photo_ids)
    await residents.note_assistance(actor, speaker, "need.submitted", need, community_id)
    await events.record(actor, "need.submitted", need, on_behalf_of_id=speaker.on_behalf_of_id)
    return await find(actor, need.id)


async def endorse(actor: Actor, need_id: int) -> Need:
    """Stand behind a neighbour's need; doing it again changes nothing. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require_resident(actor, need.community_id)
    require(policies.may_endorse(actor, need), "不能附议自己的需求", "Nobody endorses his own need")
    if await db.value(ENDORSE, need.id, actor.id, list(OPEN)) is None:
        raise InvalidState((await find(actor, need_id)).state)
    return await find(actor, need_id)


async def unendorse(actor: Actor, need_id: int) -> Need:
    """Take one's support back; doing it again changes nothing."""
    need = await find(actor, need_id)
    require_resident(actor, need.community_id)
    await db.execute("DELETE FROM endorsements WHERE need_id = $1 AND resident_id = $2", need.id, actor.id)
    return await find(actor, need_id)


@atomic()
async def accept(actor: Actor, need_id: int) -> Need:
    """Take a need on; its author is told. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    _must_be(need, NeedState.SUBMITTED)
    await need.move_to(NeedState.ACCEPTED)
    await events.record(actor, "need.accepted", need)
    await _tell_author(actor, "need.accepted", need)
    return need


@atomic()
async def decline(actor: Actor, need_id: int, *, reason: str) -> Need:
    """Decline a need with a reason everybody reads. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    await need.move_to(NeedState.DECLINED)
    event = await events.record(actor, "need.declined", need, reason=reason)
    await _tell_author(actor, "need.declined", need, reason_id=event.facts["reason_id"])
    return need


@atomic()
async def route(actor: Actor, need_id: int, *, route: NeedRoute) -> Need:
    """Settle which path an accepted need takes. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    await need.move_to(NeedState.ROUTED, route=route)
    await events.record(actor, "need.routed", need, route=route.value)
    await _tell_author(actor, "need.routed", need)
    return need


@atomic()
async def answer(actor: Actor, need_id: int, *, body: str) -> Need:
    """Answer officially; the need is in progress from now on. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    await need.move_to(NeedState.IN_PROGRESS)
    said = await NeedAnswer.create(community_id=need.community_id, need_id=need.id, author_id=actor.id, body=body)
    await checks.expect(actor, said)
    await events.record(actor, "need.answered", need, answer_id=said.id)
    await _tell_author(actor, "need.answered", need)
    return need


@atomic()
async def finish(actor: Actor, need_id: int, *, note: str | None = None) -> Need:
    """Say that a need is done; author and endorsers are asked to rate it. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    await need.move_to(NeedState.DONE, done_at=await clock.now())
    await events.record(actor, "need.done", need, reason=note)
    await _tell_participants(actor, "need.done", need)
    return need


@atomic()
async def rate(actor: Actor, need_id: int, *, score: int, comment: str | None = None) -> Need:
    """Rate what was done, 1 to 5; author or endorser. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.may_rate(actor, need), "只有提出人或附议人可以评价", "Only its author or an endorser may rate it")
    await need.move_to(NeedState.RATED, rated_at=await clock.now())
    helped_id = _helped_id(actor, need)
    await NeedRating.create(
        community_id=need.community_id, need_id=need.id, resident_id=helped_id or actor.id, score=score
    )
    await events.record(actor, "need.rated", need, on_behalf_of_id=helped_id, reason=comment, score=score)
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
    await need.move_to(NeedState.ACCEPTED)
    if await db.value(
        f"SELECT done_at + interval '{REOPEN_DAYS} days' <= clock_now() FROM needs WHERE id = $1", need.id
    ):
        raise TooLate("办结已超过三十天，请重新提出需求", "It was done more than 30 days ago; please raise it anew")
    event = await events.record(actor, "need.reopened", need, on_behalf_of_id=_helped_id(actor, need), reason=reason)
    await _tell_participants(actor, "need.reopened", need, reason_id=event.facts["reason_id"])
    return need


@atomic()
async def withdraw(actor: Actor, need_id: int) -> Need:
    """Take a need back before anybody has taken it on. Raises Forbidden, InvalidState."""
    need = await find(actor, need_id)
    require(policies.speaks_for(actor, need), "只有提出人可以撤回", "Only its author may withdraw it")
    await need.move_to(NeedState.WITHDRAWN)
    await events.record(actor, "need.withdrawn", need, on_behalf_of_id=_helped_id(actor, need))
    return need


@atomic()
async def comment(actor: Actor, need_id: int, *, body: str, parent_id: int | None = None) -> Comment:
    """Say something about a need of one's own community. Raises Forbidden, and what `comments.add` raises."""
    need = await find(actor, need_id)
    require_resident(actor, need.community_id)
    return await comments.add(actor, need, need.community_id, body=body, parent_id=parent_id)


async def listed_comments(actor: Actor, need_id: int, *, page: Page) -> Listed[Comment]:
    """What was said about a need, newest first. Raises NotFound."""
    return await comments.listed(actor, await find(actor, need_id), page=page)


# --- for services to the right ----------------------------------------------------------------------------------


@atomic()
async def link(actor: Actor, need_ids: Sequence[int], subject: Record) -> None:
    """Note that `subject` was made from needs of its community; accepted ones that the actor handles become routed.

    Raises Invalid as `citable` does.
    """
    kind = subject.noun()
    for need in await citable(actor, need_ids, getattr(subject, "community_id", None)):
        await NeedLink.create(community_id=need.community_id, need_id=need.id, kind=kind, subject_id=subject.id)
        if need.state is NeedState.ACCEPTED and policies.may_handle(actor, need):
            await need.move_to(NeedState.ROUTED, route=NeedRoute(kind))
        await events.record(actor, "need.linked", need, kind=kind, subject_id=subject.id)


async def citable(actor: Actor, need_ids: Sequence[int], community_id: int | None) -> list[Need]:
    """The needs that something of this community may be made from; at most 20.

    Raises Invalid for a need the actor may not see, of another community, or that came to nothing.
    """
    ids = sorted(set(need_ids))
    found = await visible(actor, "AND n.id = ANY($3::bigint[]) ORDER BY n.id", ids)
    if len(found) != len(ids) or len(ids) > LINKED_MAX or any(need.community_id != community_id for need in found):
        raise Invalid("引用的需求不存在或不属于本社区", "A cited need is not there, or not of this community")
    if any(need.state in CAME_TO_NOTHING for need in found):
        raise Invalid("引用的需求已撤回、未受理或已合并", "A cited need was withdrawn, declined or merged")
    return found


async def standing(need_ids: Sequence[int]) -> list[int]:
    """Those of the needs that have not come to nothing."""
    found = await Need.filter(id__in=need_ids).exclude(state__in=CAME_TO_NOTHING).order_by("id")
    return [need.id for need in found]


async def links_of(kind: str, subject_ids: Sequence[int]) -> dict[int, list[int]]:
    """The needs that each subject of a kind was made from."""
    found = await db.rows(
        "SELECT subject_id, array_agg(need_id ORDER BY need_id) AS need_ids FROM need_links "
        "WHERE kind = $1 AND subject_id = ANY($2::bigint[]) GROUP BY subject_id",
        kind,
        list(subject_ids),
    )
    return {line["subject_id"]: line["need_ids"] for line in found}


async def participants(need_id: int) -> list[int]:
    """The ids of a need's author and endorsers, for notices."""
    found = await db.rows(
        "SELECT author_id AS id FROM needs WHERE id = $1 UNION SELECT resident_id FROM endorsements WHERE need_id = $1",
        need_id,
    )
    return [line["id"] for line in found]


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


def _need(found: dict[str, Any]) -> Need:
    need = Need._init_from_db(**found)
    need.author = Resident(id=need.author_id, nickname=found["nickname"])
    need.endorsed_by_me, need.photos = found["endorsed_by_me"], media.read_photos(found["photos"])
    return need


def _containing(q: str) -> str:
    escaped = q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _must_be(need: Need, *states: NeedState) -> None:
    """Where FLOW leads to one state by two verbs, each verb has its own beginning."""
    if need.state not in states:
        raise InvalidState(need.state)


def _helped_id(actor: Actor, need: Need) -> int | None:
    return need.author_id if actor.id == need.assistant_id else None


async def _tell_author(actor: Actor | None, kind: str, need: Need, **params: str | int) -> None:
    await _tell(actor, [need.author_id, need.assistant_id], kind, need, **params)


async def _tell_participants(actor: Actor, kind: str, need: Need, **params: str | int) -> None:
    await _tell(actor, [*await participants(need.id), need.assistant_id], kind, need, **params)


async def _tell(actor: Actor | None, to: Sequence[int | None], kind: str, need: Need, **params: str | int) -> None:
    others = [resident_id for resident_id in to if actor is None or resident_id != actor.id]
    await notifications.tell(others, kind, need, title=need.title, **params)
