"""What may be seen of needs: one, many, and everything that became of one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.core import db
from app.core.errors import NotFound
from app.core.pages import Listed, Page, cut, where
from models.base import Moderation
from models.needs import OPEN, HopEnd, Need, NeedField, NeedLevel, NeedSort, NeedState, Urgency
from models.residents import Resident
from services import comments, events, media
from services.events import TimelineItem
from services.policies import Actor
from services.policies.actor import STAFF

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
OPEN_SQL = "n.state IN ('submitted', 'accepted', 'routed', 'in_progress')"
RANK = "need_rank(n.endorsements, n.urgency, n.created_at)"
ORDERS = {
    NeedSort.NEW: {"id": "n.id"},
    NeedSort.SUPPORT: {"endorsements": "n.endorsements", "id": "n.id"},
    NeedSort.PRIORITY: {"rank": RANK, "id": "n.id"},
}
SEEN = f"""
SELECT n.*, r.nickname, {media.photos_sql("need", "n.id", "$1")} AS photos,
    EXISTS (SELECT 1 FROM endorsements e WHERE e.need_id = n.id AND e.resident_id = $1) AS endorsed_by_me,
    coalesce(n.due_at <= (SELECT clock_now()), false) AS overdue, {RANK} AS rank,
    extract(epoch FROM (SELECT clock_now()) - '2000-01-01 00:00:00+00'::timestamptz)::bigint / 86400 AS today
FROM needs n JOIN residents r ON r.id = n.author_id
WHERE (n.moderation = 'passed' OR n.author_id = $1 OR n.assistant_id = $1 OR n.community_id = ANY($2::bigint[]))
"""
ATTACHED = """
SELECT 'answer' AS part, id AS nth, id, body, moderation, late, created_at AS at,
    NULL AS kind, NULL AS from_level, NULL AS level, NULL::timestamptz AS due_at, NULL AS ended,
    NULL::timestamptz AS ended_at
FROM need_answers WHERE need_id = $1 AND (moderation = 'passed' OR author_id = $2 OR $3)
UNION ALL
SELECT 'link', id, subject_id, NULL, NULL, NULL, created_at, kind, NULL, NULL, NULL, NULL, NULL
FROM need_links WHERE need_id = $1 AND (kind <> 'wish' OR $4)
UNION ALL
SELECT 'hop', id, place_id, NULL, NULL, coalesce(ended_at, clock_now()) >= due_at, created_at,
    NULL, from_level, level, due_at, ended, ended_at
FROM need_hops WHERE need_id = $1
UNION ALL
SELECT 'merged', id, id, NULL, NULL, NULL, created_at, NULL, NULL, NULL, NULL, NULL, NULL
FROM needs WHERE merged_into_id = $1 AND (moderation = 'passed' OR author_id = $2 OR assistant_id = $2 OR $3)
ORDER BY at, nth
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


async def find_locked(actor: Actor, need_id: int) -> Need:
    """The same, with the need's row held until the transaction ends, so that what is read stays so."""
    await db.execute("SELECT id FROM needs WHERE id = $1 FOR NO KEY UPDATE", need_id)
    return await find(actor, need_id)


async def listed(
    actor: Actor,
    *,
    community_id: int | None = None,
    place_id: int | None = None,
    state: NeedState | None = None,
    field: NeedField | None = None,
    level: NeedLevel | None = None,
    urgency: Urgency | None = None,
    overdue: bool | None = None,
    q: str | None = None,
    sort: NeedSort = NeedSort.NEW,
    page: Page,
) -> Listed[Need]:
    """Needs, newest, most endorsed, or most pressing first (these open ones only); each word of `q` is looked for."""
    order = ORDERS[sort]
    after = page.after if page.after and len(page.after) == len(order) else (None,)
    words = (q or "").split()
    narrowed, values = where(
        3,
        ("n.community_id = {}", community_id),
        (
            "n.community_id IN (SELECT c.id FROM places p JOIN places c ON c.kind = 'community' "
            "AND c.path LIKE p.path || '%' WHERE p.id = {})",
            place_id,
        ),
        ("n.state = {}", state),
        ("n.field = {}", field),
        ("n.level = {}", level),
        ("n.urgency = {}", urgency),
        ("coalesce(n.due_at <= (SELECT clock_now()), false) = {}", overdue if overdue is False else None),
        ("n.due_at <= (SELECT clock_now()) AND {}", overdue or None),
        *(_says(word) for word in words),
        (f"({', '.join(order.values())}) < ({', '.join(['{}'] * len(after))})", *after),
    )
    if sort is NeedSort.PRIORITY:
        narrowed = f"AND {OPEN_SQL}{narrowed}"
    by = ", ".join(f"{column} DESC" for column in order.values())
    found = await visible(actor, f"{narrowed} ORDER BY {by} LIMIT {page.limit + 1}", *values)
    return cut(found, page, by=tuple(order))


@dataclass(frozen=True)
class Answer:
    """An official answer; `late` when it came after the date it was due."""

    id: int
    body: str
    moderation: Moderation
    late: bool
    at: datetime


@dataclass(frozen=True)
class Link:
    """Something made from a need."""

    kind: str
    id: int


@dataclass(frozen=True)
class Hop:
    """A level the need was handed up to."""

    from_level: NeedLevel
    level: NeedLevel
    place_id: int
    due_at: datetime
    ended: HopEnd | None
    ended_at: datetime | None
    late: bool
    at: datetime


@dataclass(frozen=True)
class NeedDetail:
    """A need with its answers, what was made from it, what was merged into it, its way up, and its public history."""

    need: Need
    answers: list[Answer]
    links: list[Link]
    hops: list[Hop]
    merged_from: list[int]
    timeline: list[TimelineItem]


HOP = ("from_level", "level", "due_at", "ended", "ended_at", "late", "at")


async def detail(actor: Actor, need_id: int) -> NeedDetail:
    """One need with everything that became of it. Raises NotFound."""
    need = await find(actor, need_id)
    staff = actor.is_staff(need.community_id)
    names_the_wisher = staff or actor.id in (need.author_id, need.assistant_id)
    attached = await db.rows(ATTACHED, need.id, actor.id, staff, names_the_wisher)
    answers = [
        Answer(line["id"], line["body"], Moderation(line["moderation"]), line["late"], line["at"])
        for line in attached
        if line["part"] == "answer"
    ]
    links = [Link(line["kind"], line["id"]) for line in attached if line["part"] == "link"]
    hops = [
        Hop(place_id=line["id"], **{name: line[name] for name in HOP}) for line in attached if line["part"] == "hop"
    ]
    merged_from = [line["id"] for line in attached if line["part"] == "merged"]
    timeline = await events.timeline(actor, need)
    if not names_the_wisher:
        timeline = [_without_wish(line) for line in timeline]
    return NeedDetail(need, answers, links, hops, merged_from, timeline)


async def listed_comments(actor: Actor, need_id: int, *, page: Page) -> Listed[Any]:
    """What was said about a need, newest first. Raises NotFound."""
    return await comments.listed(actor, await find(actor, need_id), page=page)


async def participants(need_id: int) -> list[int]:
    """The ids of a need's author and endorsers, for notices."""
    found = await db.rows(
        "SELECT author_id AS id FROM needs WHERE id = $1 UNION SELECT resident_id FROM endorsements WHERE need_id = $1",
        need_id,
    )
    return [line["id"] for line in found]


@dataclass(frozen=True)
class Because:
    """One thing that makes a need more pressing, and how many points it brings."""

    what: str
    points: int


@dataclass(frozen=True)
class Priority:
    """How pressing an open need is: 2 points for each endorsement, 1 for each day, and what its urgency brings."""

    score: int
    because: Sequence[Because]


def _need(found: dict[str, Any]) -> Need:
    need = Need._init_from_db(**found)
    need.author = Resident(id=need.author_id, nickname=found["nickname"])
    need.endorsed_by_me, need.photos = found["endorsed_by_me"], media.read_photos(found["photos"])
    need.overdue, need.rank = found["overdue"], found["rank"]
    need.priority = _priority(need, found["today"]) if need.state in OPEN else None
    return need


def _without_wish(line: TimelineItem) -> TimelineItem:
    """Wishers are masked, authors of needs are not: which wish came of a need would tell them."""
    if line.facts.get("kind") != "wish":
        return line
    return replace(line, facts={name: fact for name, fact in line.facts.items() if name != "subject_id"})


def _priority(need: Need, today: int) -> Priority:
    born = (need.created_at - EPOCH).days
    supported, waited = 2 * need.endorsements, today - born
    urgent = need.rank + born - supported
    return Priority(
        need.rank + today,
        (Because("endorsements", supported), Because("urgency", urgent), Because("days", waited)),
    )


def _says(word: str) -> tuple[str, Any, Any]:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return (
        "n.id IN (SELECT w.need_id FROM need_words w WHERE grams(w.said) @> grams({}) AND w.said LIKE folded({}))",
        word,
        f"%{escaped}%",
    )
