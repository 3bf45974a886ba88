"""What is shown already: residents report it, the committee hides and restores it, its author appeals.

Each is a check of its own in the human queue. Who may see the thing `services.reports` has asked before.
"""

from dataclasses import dataclass
from datetime import datetime

from app.core import db
from app.core.db import atomic
from app.core.errors import InvalidState, NotFound, TooLate
from app.core.pages import Listed, Page, cut, where
from models.base import Moderation
from models.moderation import AppealDecided, Check, CheckState, Report, TooManyReports, Why
from services import events
from services.moderation import texts
from services.moderation.queue import Queued, decide, find
from services.policies import Actor, require

APPEAL_DAYS = 15
REPORTS_MAX = 20
"""Reports of one resident that wait at a time."""
COMMITTEE_ONLY = ("只有居委会可以隐藏或恢复内容", "Only the committee hides and restores what is shown")
OWN_WORDS = ("不能举报自己的内容", "Nobody reports his own words")

OPEN = """
INSERT INTO checks (subject_kind, subject_id, community_id, author_id, speaker_id, state, tries, trace_ids,
    next_try_at, why)
SELECT $1::varchar, $2::bigint, $3::bigint, $4::bigint, coalesce((
        SELECT c.speaker_id FROM checks c WHERE c.subject_kind = $1 AND c.subject_id = $2 ORDER BY c.id DESC LIMIT 1
    ), $4), 'queued', 0, '[]', clock_now(), $5::varchar
ON CONFLICT (subject_kind, subject_id) WHERE state IN ('pending', 'queued') DO NOTHING
"""
APPEAL = f"""
INSERT INTO checks (subject_kind, subject_id, community_id, author_id, speaker_id, state, tries, trace_ids,
    next_try_at, why, plea, appeal_of_id)
SELECT subject_kind, subject_id, community_id, author_id, speaker_id, 'queued', 0, '[]', clock_now(),
    'appeal', $2::varchar, id
FROM checks WHERE id = $1 AND clock_now() < coalesce(decided_at, created_at) + interval '{APPEAL_DAYS} days'
RETURNING id
"""
REPORTS = """
SELECT r.id, c.subject_kind, c.subject_id, r.reason, c.state, r.created_at
FROM reports r JOIN checks c ON c.id = r.check_id WHERE r.reporter_id = $1
"""
DECISIONS = f"""
SELECT c.id, c.subject_kind, c.subject_id, coalesce(c.decided_at, c.created_at) AS decided_at, c.label,
    (SELECT w.text FROM events e JOIN reasons w ON w.id = (e.facts->>'reason_id')::bigint
        WHERE e.subject_kind = 'check' AND e.subject_id = c.id ORDER BY e.id DESC LIMIT 1) AS reason,
    coalesce(c.decided_at, c.created_at) + interval '{APPEAL_DAYS} days' AS appeal_until, a.state AS appeal
FROM checks c LEFT JOIN checks a ON a.appeal_of_id = c.id
WHERE c.author_id = $1 AND c.state = 'hidden' AND c.appeal_of_id IS NULL
"""


@dataclass(frozen=True)
class Target:
    """Something that stands somewhere, written by somebody."""

    kind: str
    id: int
    community_id: int
    author_id: int


@dataclass(frozen=True)
class Reported:
    """A report as whoever made it knows it."""

    id: int
    subject_kind: str
    subject_id: int
    reason: str
    state: CheckState
    created_at: datetime


@dataclass(frozen=True)
class Decision:
    """Something of the reader's own that was hidden, and what became of his appeal."""

    id: int
    subject_kind: str
    subject_id: int
    decided_at: datetime
    label: int | None
    reason: str | None
    appeal_until: datetime
    appeal: CheckState | None


@atomic()
async def report(actor: Actor, target: Target, *, reason: str) -> Reported:
    """Ask the moderators to look at something that is shown; it stays shown until they have.

    Raises Forbidden for one's own, AlreadyExists while a report of his waits, TooManyReports, InvalidState when it is
    not shown.
    """
    require(actor.id != target.author_id, *OWN_WORDS)
    await db.advisory_lock(f"the reports of {actor.id}")
    if await Report.filter(reporter_id=actor.id, check__state=CheckState.QUEUED).count() >= REPORTS_MAX:
        raise TooManyReports
    check = await _live(target, Why.REPORTED, Moderation.PASSED)
    made = await Report.create(community_id=target.community_id, check_id=check.id, reporter_id=actor.id, reason=reason)
    await events.record(None, "check.reported", check)
    return await find_report(actor, made.id)


async def find_report(actor: Actor, report_id: int) -> Reported:
    """A report of the actor's own. Raises NotFound."""
    found = await db.rows(f"{REPORTS} AND r.id = $2", actor.id, report_id)
    if not found:
        raise NotFound("没有找到这次举报", "No such report")
    return _reported(found[0])


async def my_reports(actor: Actor, *, page: Page) -> Listed[Reported]:
    """What the actor has reported, newest first."""
    narrowed, values = where(2, ("r.id < {}", page.after[0] if page.after else None))
    found = await db.rows(f"{REPORTS}{narrowed} ORDER BY r.id DESC LIMIT {page.limit + 1}", actor.id, *values)
    return cut([_reported(line) for line in found], page)


@atomic()
async def decide_by_hand(actor: Actor, target: Target, state: CheckState, *, reason: str) -> Queued:
    """Hide what is shown, or show what is hidden; its author is told why. Reports of it are closed with it.

    Raises Forbidden but for the committee and for one's own, InvalidState, VoteInSight, DecidedBefore.
    """
    require(actor.is_committee(target.community_id), *COMMITTEE_ONLY)
    before = Moderation.PASSED if state is CheckState.HIDDEN else Moderation.HIDDEN
    check = await _live(target, Why.BY_HAND, before)
    await decide(actor, check, state, reason=reason)
    return await find(actor, check.id)


@atomic()
async def note_hidden(actor: Actor, target: Target, *, reason_id: int) -> None:
    """Note what the committee has hidden by its domain's own verb, so that it counts and can be appealed against."""
    check = await _live(target, Why.BY_HAND, None)
    await decide(actor, check, CheckState.HIDDEN, reason_id=reason_id)


@atomic()
async def appeal(actor: Actor, check_id: int, *, reason: str) -> Decision:
    """Ask, once and within 15 days, that somebody else looks at what was hidden of the actor's own.

    Raises NotFound, AppealDecided, AlreadyExists, InvalidState when it is not hidden any more, TooLate.
    """
    decided = await find_decision(actor, check_id)
    shown = await texts.shown(decided.subject_kind, decided.subject_id)
    if shown != Moderation.HIDDEN:
        raise InvalidState(shown or "gone")
    if await Check.exists(
        id__gt=check_id, subject_kind=decided.subject_kind, subject_id=decided.subject_id, state="passed"
    ):
        raise AppealDecided
    made = await db.value(APPEAL, check_id, reason)
    if made is None:
        raise TooLate("申诉期限已过", "The time to appeal is over")
    await events.record(actor, "check.appealed", await Check.get(id=made))
    return await find_decision(actor, check_id)


async def find_decision(actor: Actor, check_id: int) -> Decision:
    """One decision to hide something of the actor's own. Raises NotFound."""
    found = await db.rows(f"{DECISIONS} AND c.id = $2", actor.id, check_id)
    if not found:
        raise NotFound("没有找到这个决定", "No such decision")
    return _decision(found[0])


async def my_decisions(actor: Actor, *, page: Page) -> Listed[Decision]:
    """What was hidden of the actor's own, newest first."""
    narrowed, values = where(2, ("c.id < {}", page.after[0] if page.after else None))
    found = await db.rows(f"{DECISIONS}{narrowed} ORDER BY c.id DESC LIMIT {page.limit + 1}", actor.id, *values)
    return cut([_decision(line) for line in found], page)


async def _live(target: Target, why: Why, shown: Moderation | None) -> Check:
    """The check of a thing that waits, or a new one, locked. Raises InvalidState unless the thing is as `shown`."""
    await db.execute(OPEN, target.kind, target.id, target.community_id, target.author_id, why.value)
    live = Check.filter(
        subject_kind=target.kind, subject_id=target.id, state__in=(CheckState.PENDING, CheckState.QUEUED)
    )
    check = await live.select_for_update(no_key=True).get_or_none()
    now = await texts.shown(target.kind, target.id)
    if check is None or (shown is not None and now != shown):
        raise InvalidState(now or "gone")
    return check


def _reported(line: dict[str, object]) -> Reported:
    return Reported(**line | {"state": CheckState(line["state"])})  # type: ignore[arg-type]


def _decision(line: dict[str, object]) -> Decision:
    return Decision(**line | {"appeal": CheckState(line["appeal"]) if line["appeal"] else None})  # type: ignore[arg-type]
