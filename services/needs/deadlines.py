"""By when a need is answered and decided: working days that each community may set; what is late is said to be."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid
from models.base import Moderation
from models.needs import OPEN, Need, NeedLevel, NeedRules, NeedState
from models.residents import Role
from services import calendars, events, notifications, places
from services.due import one_by_one
from services.policies import Actor, require
from services.policies import needs as policies
from services.policies.actor import STAFF

DUE_MAX, RECOUNTED_AT_ONCE = 100, 500
RULES = NeedRules(answer_days=3, decision_days=15, escalation_days=5)


@dataclass(frozen=True)
class Deadlines:
    """When a need of a community raised or handed up now is due."""

    at: datetime
    answer_at: datetime
    decision_at: datetime
    escalation_at: datetime
    rules: NeedRules

    @property
    def of_a_need(self) -> dict[str, Any]:
        """The columns of a need raised now."""
        return {
            "due_at": self.answer_at,
            "decision_due_at": self.decision_at,
            "counted_from": self.at,
            "answer_days": self.rules.answer_days,
            "decision_days": self.rules.decision_days,
        }


async def rules(community_id: int) -> NeedRules:
    """Within how many working days a community answers and decides. Raises NotFound."""
    community = await places.find_community(community_id)
    return await NeedRules.get_or_none(community_id=community.id) or RULES


@atomic()
async def update_rules(
    actor: Actor, community_id: int, *, answer_days: int, decision_days: int, escalation_days: int
) -> NeedRules:
    """Say a community's due dates, for needs to come; its committee or an officer above. Raises Forbidden, Invalid."""
    community = await places.find_community(community_id)
    require(
        actor.holds(community.id, Role.COMMITTEE, Role.STREET_OFFICER, Role.DISTRICT_OFFICER),
        "只有居委会成员或上级干部可以设置办理期限",
        "Only the committee or an officer above may set the due dates",
    )
    if decision_days < answer_days:
        raise Invalid("办结期限不能早于首次答复期限", "A decision is not due before the first answer")
    days: dict[str, Any] = {
        "answer_days": answer_days,
        "decision_days": decision_days,
        "escalation_days": escalation_days,
    }
    kept, _ = await NeedRules.update_or_create(community_id=community.id, defaults=days)
    await events.record(actor, "need_rules.updated", kept, **days)
    return kept


async def deadlines(community_id: int) -> Deadlines:
    """When a need of a community raised or handed up now is due."""
    now = await clock.now()
    said = await NeedRules.get_or_none(community_id=community_id) or RULES
    exceptions = await calendars.exceptions(community_id)
    answer, decision, escalation = (
        calendars.ends(exceptions, now, days) for days in (said.answer_days, said.decision_days, said.escalation_days)
    )
    return Deadlines(now, answer, decision, escalation, said)


async def step(need: Need, target: NeedState, *, due_at: datetime | None = None, **columns: Any) -> bool | None:
    """Take a step of the road and owe the next one by `due_at`; True when this one came late, else None.

    What was said of a date that stays is not said again.

    Raises InvalidState.
    """
    was_due = need.due_at
    if due_at != was_due:
        columns["overdue_noted"] = False
    await need.move_to(target, due_at=due_at, **columns)
    now = await clock.now()
    need.overdue = due_at is not None and due_at <= now
    return (was_due is not None and was_due <= now) or None


AHEAD = f"""
SELECT n.id, n.community_id, n.due_at, n.decision_due_at, n.counted_from, n.answer_days, n.decision_days,
    h.id AS hop_id, h.created_at AS hop_at, h.days AS hop_days
FROM needs n JOIN places c ON c.id = n.community_id AND starts_with(c.path, $1)
    LEFT JOIN need_hops h ON h.need_id = n.id AND h.ended IS NULL
WHERE n.state = ANY($2::text[]) AND greatest(n.due_at, n.decision_due_at) > clock_now() AND n.id > $3
ORDER BY n.id LIMIT {RECOUNTED_AT_ONCE} FOR NO KEY UPDATE OF n
"""
# Each date that moves stands in the need's timeline.
MOVE = """
WITH moved AS (
    UPDATE needs n SET due_at = c.due_at, decision_due_at = c.decision_due_at
    FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS c (id, due_at, decision_due_at)
    WHERE n.id = c.id RETURNING n.id, n.community_id, n.due_at
), hops AS (
    UPDATE need_hops h SET due_at = m.due_at FROM moved m WHERE h.need_id = m.id AND h.ended IS NULL
)
INSERT INTO events (verb, subject_kind, subject_id, community_id, facts)
SELECT 'need.due_moved', 'need', id, community_id, '{}' FROM moved
"""


async def follow_calendar(place_id: int) -> None:
    """Count the dates ahead of open needs anew, at a place and below, by its calendar of now; again does no harm.

    What is overdue stays so, and nothing becomes so before the day is over.
    """
    place, after = await places.find(place_id), 0
    while last := await _recount(place.path, after):
        after = last


@atomic(limit_s=60)
async def _recount(path: str, after: int) -> int | None:
    """Some of them; the last one's id, or None when there are no more."""
    held = await db.rows(AHEAD, path, list(OPEN), after)
    now, exceptions, moved = await clock.now(), {}, []
    for need in held:
        if need["community_id"] not in exceptions:
            exceptions[need["community_id"]] = await calendars.exceptions(need["community_id"])
        days_off = exceptions[need["community_id"]]
        today_ends = calendars.ends(days_off, now, 0)

        def count(was: datetime | None, since: datetime, days: int) -> datetime | None:
            if was is None or was <= now:
                return was
            return max(calendars.ends(days_off, since, days), today_ends)  # noqa: B023 - called at once

        decision_at = count(need["decision_due_at"], need["counted_from"], need["decision_days"])
        if need["hop_id"] is not None:
            due_at = count(need["due_at"], need["hop_at"], need["hop_days"])
        elif need["due_at"] == need["decision_due_at"]:
            due_at = decision_at
        else:
            due_at = count(need["due_at"], need["counted_from"], need["answer_days"])
        if (due_at, decision_at) != (need["due_at"], need["decision_due_at"]):
            moved.append((need["id"], due_at, decision_at))
    if moved:
        await db.execute(MOVE, *(list(column) for column in zip(*moved, strict=True)))
    return held[-1]["id"] if held else None


async def note_overdue() -> None:
    """Say of needs that ran out of time, at most 100, that they are overdue, each in a transaction of its own."""
    due = await db.rows(
        "SELECT id FROM needs WHERE due_at <= (SELECT clock_now()) AND NOT overdue_noted "
        f"ORDER BY due_at LIMIT {DUE_MAX}"
    )
    await one_by_one((line["id"] for line in due), _note)


@atomic()
async def _note(need_id: int) -> None:
    still_due = await db.value(
        "SELECT id FROM needs WHERE id = $1 AND due_at <= clock_now() AND NOT overdue_noted "
        "FOR NO KEY UPDATE SKIP LOCKED",
        need_id,
    )
    if still_due is None:
        return
    need = await Need.get(id=need_id)
    await Need.filter(id=need.id).update(overdue_noted=True)
    await events.record(None, "need.overdue", need, level=need.level.value)
    concerned = await staff_of(need, {need.level, NeedLevel.COMMUNITY})
    await notifications.tell([need.author_id, need.assistant_id, *concerned], "need.overdue", need, title=need.title)


async def staff_of(need: Need, levels: Iterable[NeedLevel]) -> list[int]:
    """The ids of those who handle a need at these levels; of one whose words are not shown, the community's staff."""
    handlers = {role for level in levels for role in policies.HANDLERS[level]}
    roles = handlers if need.moderation is Moderation.PASSED else handlers & STAFF
    found = await db.rows(
        "SELECT DISTINCT g.resident_id AS id FROM role_grants g JOIN places p ON p.id = g.place_id "
        "JOIN places c ON c.id = $1 AND starts_with(c.path, p.path) "
        "WHERE g.role = ANY($2::text[]) AND g.from_at <= clock_now() "
        "AND (g.until_at IS NULL OR g.until_at > clock_now()) LIMIT 100",
        need.community_id,
        [role.value for role in roles],
    )
    return [line["id"] for line in found]
