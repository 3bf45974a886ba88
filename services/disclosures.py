"""On public display (公示, 居委会组织法 34): documents for at least 15 days, the proof that they hung, questions."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import NotFound
from app.core.pages import Listed, Page, cut, newest, where
from models.base import Moderation
from models.crowdfunding import Campaign
from models.deliberations import Resolution
from models.disclosures import Disclosure, DisclosureAnswer, DisclosureKind, DisclosureQuestion, Display
from models.residents import Role
from services import calendars, checks, deliberations, events, notifications, places, residents, statements
from services.deliberations import DisplayView
from services.due import one_by_one
from services.policies import Actor, require, require_resident
from services.policies.actor import OFFICERS, STAFF
from services.rules.canonical import canonical

SHOWN_DAYS = 15
ANSWER_DAYS = 5
DUE_AT_ONCE, NOTED_AT_ONCE = 20, 1000
COMMITTEE_ONLY = ("由本社区居委会成员答复", "Committee members of this community answer")


COLUMNS = ("id", "community_id", "kind", "about", "title", "document_hash", "shown_from", "shown_until")
"""All but the document itself."""


@dataclass(frozen=True)
class Shown:
    """A disclosure as readers see it; `days` on which it was noted that it hung, at most 400.

    A resolution hangs on paper, too: where, and from when until when.
    """

    disclosure: Disclosure
    on_display: bool
    document: Any
    days: list[date]
    on_paper: list[DisplayView]


@dataclass(frozen=True)
class Question:
    """What a resident asked, and the answer; `overdue` when that came too late or has not come yet."""

    id: int
    disclosure_id: int
    author_id: int
    nickname: str
    body: str
    moderation: Moderation
    due_at: datetime
    overdue: bool
    answer: str | None
    answered_at: datetime | None
    created_at: datetime


async def disclosures(
    community_id: int, *, kind: DisclosureKind | None = None, page: Page
) -> Listed[tuple[Disclosure, bool]]:
    """What hangs or hung on display in a community, newest first, and whether it hangs now; public."""
    community = await places.find_community(community_id)
    query = Disclosure.filter(community_id=community.id).only(*COLUMNS)
    found = await newest(query if kind is None else query.filter(kind=kind), page)
    now = await clock.now()
    return found.map(lambda one: (one, one.shown_until > now))


async def find(disclosure_id: int) -> Shown:
    """One disclosure with its document and the days it hung; public. Raises NotFound."""
    found = await Disclosure.get_or_none(id=disclosure_id)
    if found is None:
        raise NotFound("没有找到这份公示", "No such disclosure")
    resolved = found.kind is DisclosureKind.RESOLUTION
    on_paper = (await deliberations.aftermath(found.about)).displays if resolved else []
    on_display = found.shown_until > await clock.now()
    return Shown(found, on_display, json.loads(found.document), await _days(found.id), on_paper)


async def of_resolution(resolution_id: int) -> tuple[Disclosure, list[date]] | None:
    """The display of a resolution on screen, with the days on which it hung; None before it has begun."""
    found = await Disclosure.get_or_none(kind=DisclosureKind.RESOLUTION, about=resolution_id).only(*COLUMNS)
    return (found, await _days(found.id)) if found is not None else None


async def _days(disclosure_id: int) -> list[date]:
    return [one.day for one in await Display.filter(disclosure_id=disclosure_id).order_by("day").limit(400)]


@atomic()
async def ask(actor: Actor, disclosure_id: int, *, body: str) -> Question:
    """Ask about a disclosure; verified residents do, also after its time. The answer is due in 5 working days there.

    Raises NotFound, NotVerified, Forbidden.
    """
    disclosure = (await find(disclosure_id)).disclosure
    require_resident(actor, disclosure.community_id)
    asked = await DisclosureQuestion.create(
        community_id=disclosure.community_id,
        disclosure_id=disclosure.id,
        author_id=actor.id,
        body=body,
        due_at=calendars.ends(await calendars.exceptions(disclosure.community_id), await clock.now(), ANSWER_DAYS),
    )
    await checks.expect(actor, asked)
    await events.record(actor, "disclosure_question.asked", asked, disclosure_id=disclosure.id)
    committee = await residents.holders(Role.COMMITTEE, disclosure.community_id)
    await notifications.tell(committee, "disclosure_question.asked", disclosure, title=disclosure.title)
    return await find_question(actor, asked.id)


@atomic()
async def answer(actor: Actor, question_id: int, *, body: str) -> Question:
    """Answer a question, once; the committee does. Raises NotFound, Forbidden, AlreadyAnswered."""
    asked = await find_question(actor, question_id)
    question = await DisclosureQuestion.get(id=asked.id).select_related("disclosure")
    require(actor.is_committee(question.community_id), *COMMITTEE_ONLY)
    given = await DisclosureAnswer.create(
        community_id=question.community_id, question_id=question.id, author_id=actor.id, body=body
    )
    await checks.expect(actor, given)
    await events.record(actor, "disclosure_question.answered", question, late=asked.overdue)
    await notifications.tell(
        [question.author_id], "disclosure_question.answered", question.disclosure, title=question.disclosure.title
    )
    return await find_question(actor, question_id)


# $1 reads, $2 are the communities in which he works. Answers that nobody may see yet are no answers to him.
QUESTIONS = """
SELECT q.id, q.disclosure_id, q.author_id, r.nickname, q.body, q.moderation, q.due_at, q.created_at,
    coalesce(a.created_at, clock_now()) > q.due_at AS overdue,
    CASE WHEN a.moderation = 'passed' OR a.author_id = $1 OR q.community_id = ANY ($2::bigint[]) THEN a.body END
        AS answer,
    a.created_at AS answered_at
FROM disclosure_questions q JOIN residents r ON r.id = q.author_id
LEFT JOIN disclosure_answers a ON a.question_id = q.id AND a.moderation <> 'hidden'
WHERE (q.moderation = 'passed' OR q.author_id = $1 OR q.community_id = ANY ($2::bigint[]))
"""


async def find_question(actor: Actor, question_id: int) -> Question:
    """One question that the actor may see. Raises NotFound."""
    found = await db.row(f"{QUESTIONS} AND q.id = $3", actor.id, actor.serves(*STAFF), question_id)
    if found is None:
        raise NotFound("没有找到这个问题", "No such question")
    return _question(found)


async def questions(actor: Actor, disclosure_id: int, *, page: Page) -> Listed[Question]:
    """What was asked about a disclosure, newest first. Raises NotFound."""
    disclosure = (await find(disclosure_id)).disclosure
    return await _questions(actor, page, ("q.disclosure_id = {}", disclosure.id))


async def questions_owed(actor: Actor, community_id: int, *, overdue: bool, page: Page) -> Listed[Question]:
    """Questions that wait for an answer, newest first, or only those overdue.

    For the committee, the supervisors and the officers above. Raises NotFound, Forbidden.
    """
    community = await places.find_community(community_id)
    require(actor.holds(community.id, Role.COMMITTEE, Role.SUPERVISOR, *OFFICERS))
    late = ("q.due_at < clock_now()",) if overdue else ("true",)
    return await _questions(actor, page, ("q.community_id = {}", community.id), ("a.id IS NULL",), late)


async def disclose_due() -> None:
    """Put on display what is due, at most 20 of each kind: last month's statements, settled campaigns, resolutions."""
    due = [
        (kind, line["community_id"], line["about"])
        for kind, question in DUE.items()
        for line in await db.rows(f"{question} LIMIT {DUE_AT_ONCE}")
    ]
    await one_by_one(due, lambda one: _disclose(*one))


# A month is over ten minutes after its end: what was begun in it has been written by then.
DUE: dict[DisclosureKind, str] = {
    DisclosureKind.STATEMENT: """
        SELECT a.community_id, to_char(m, 'YYYYMM')::bigint AS about
        FROM (SELECT community_id, min(created_at) AS since FROM accounts GROUP BY community_id) a, generate_series(
            date_trunc('month', a.since AT TIME ZONE 'Asia/Shanghai'),
            date_trunc('month', (clock_now() - interval '10 minutes') AT TIME ZONE 'Asia/Shanghai')
                - interval '1 month',
            interval '1 month') m
        WHERE NOT EXISTS (SELECT FROM disclosures d WHERE d.community_id = a.community_id AND d.kind = 'statement'
            AND d.about = to_char(m, 'YYYYMM')::bigint)
        ORDER BY about, community_id""",
    DisclosureKind.CAMPAIGN: """
        SELECT c.community_id, c.id AS about FROM campaigns c WHERE c.state = 'settled' AND NOT EXISTS (
            SELECT FROM disclosures d WHERE d.community_id = c.community_id AND d.kind = 'campaign' AND d.about = c.id)
        ORDER BY c.id""",
    DisclosureKind.RESOLUTION: """
        SELECT r.community_id, r.id AS about FROM resolutions r WHERE NOT EXISTS (
            SELECT FROM disclosures d
            WHERE d.community_id = r.community_id AND d.kind = 'resolution' AND d.about = r.id)
        ORDER BY r.id""",
}


DISCLOSE = f"""
INSERT INTO disclosures (community_id, kind, about, title, document, document_hash, shown_from, shown_until)
SELECT $1, $2, $3, $4, $5, $6, at, at + interval '{SHOWN_DAYS} days' FROM (SELECT clock_now() AS at OFFSET 0) AS now
ON CONFLICT ON CONSTRAINT disclosures_once DO NOTHING RETURNING id
"""


@atomic(limit_s=60)
async def _disclose(kind: DisclosureKind, community_id: int, about: int) -> None:
    title, document = await _document(kind, community_id, about)
    text = canonical(document)
    hashed = hashlib.sha256(text).hexdigest()
    made = await db.value(DISCLOSE, community_id, kind.value, about, title, text.decode(), hashed)
    if made is not None:  # otherwise another worker was faster
        disclosure = await Disclosure.get(id=made)
        await events.record(None, "disclosure.shown", disclosure, about=about)


async def _document(kind: DisclosureKind, community_id: int, about: int) -> tuple[str, dict[str, Any]]:
    if kind is DisclosureKind.STATEMENT:
        year, month = divmod(about, 100)
        statement = await statements.monthly(community_id, f"{year}-{month:02}")
        return f"社区公益金收支公示 {statement.month}", {"kind": kind.value, **asdict(statement)}
    if kind is DisclosureKind.CAMPAIGN:
        campaign = await Campaign.get(id=about)
        books = await statements.books(campaign)
        return f"众筹项目收支公示：{campaign.title}", {"kind": kind.value, **asdict(books)}
    resolution = await Resolution.get(id=about)
    names = ("number", "title", "binding", "passed", "explanation_zh", "explanation_en", "counts", "roll_hash")
    said = {name: getattr(resolution, name) for name in names}
    document = {"kind": kind.value, "resolution_id": about, "rule": resolution.rule.value, **said}
    return f"决议公示 {resolution.number}：{resolution.title}", document


NOTE = f"""
INSERT INTO displays (community_id, disclosure_id, day, document_hash)
SELECT d.community_id, d.id, (clock_now() AT TIME ZONE 'Asia/Shanghai')::date,
    encode(sha256(convert_to(d.document, 'UTF8')), 'hex')
FROM disclosures d WHERE d.shown_until > clock_now() AND NOT EXISTS (
    SELECT FROM displays s
    WHERE s.disclosure_id = d.id AND s.day = (clock_now() AT TIME ZONE 'Asia/Shanghai')::date)
ORDER BY d.id LIMIT {NOTED_AT_ONCE} ON CONFLICT ON CONSTRAINT displays_once_a_day DO NOTHING RETURNING id
"""


async def note_displays() -> None:
    """Note of what hangs today that it does, with the hash of what is read back; all of it, 1,000 at a time."""
    while len(await db.rows(NOTE)) == NOTED_AT_ONCE:
        pass


async def remind_due() -> None:
    """Tell the committee, once, of questions whose answer is overdue; at most 20, each in its own transaction."""
    due = await db.rows(f"SELECT q.id FROM disclosure_questions q WHERE {OVERDUE} ORDER BY due_at LIMIT {DUE_AT_ONCE}")
    await one_by_one((line["id"] for line in due), _remind)


OVERDUE = """
q.reminded_at IS NULL AND q.due_at < clock_now() AND q.moderation <> 'hidden' AND NOT EXISTS (
    SELECT FROM disclosure_answers a WHERE a.question_id = q.id AND a.moderation <> 'hidden')
"""


@atomic()
async def _remind(question_id: int) -> None:
    taken = await db.value(
        f"UPDATE disclosure_questions q SET reminded_at = clock_now() WHERE q.id = $1 AND {OVERDUE} RETURNING q.id",
        question_id,
    )
    if taken is None:
        return
    question = await DisclosureQuestion.get(id=question_id).select_related("disclosure")
    await events.record(None, "disclosure_question.overdue", question)
    committee = await residents.holders(Role.COMMITTEE, question.community_id)
    title = question.disclosure.title
    await notifications.tell(committee, "disclosure_question.overdue", question.disclosure, title=title)


async def _questions(actor: Actor, page: Page, *conditions: tuple[Any, ...]) -> Listed[Question]:
    narrowed, values = where(3, *conditions, ("q.id < {}", page.after[0] if page.after else None))
    found = await db.rows(
        f"{QUESTIONS} {narrowed} ORDER BY q.id DESC LIMIT {page.limit + 1}",
        actor.id,
        actor.serves(*STAFF),
        *values,
    )
    return cut([_question(line) for line in found], page)


def _question(found: dict[str, Any]) -> Question:
    return Question(**found | {"moderation": Moderation(found["moderation"])})
