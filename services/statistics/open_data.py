"""Open data: tables for whoever wants to count again. No texts of people, no ids of residents, no small groups."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.core import db
from models.places import Place
from services.rules.anonymity import LEAST
from services.statistics.facts import Sums, begins, sums
from services.statistics.reading import PATHS, counted_place, period

ROWS_MAX = 10_000

Cell = str | int | bool | date | None


class OpenTable(StrEnum):
    NEEDS = "needs"
    WISHES = "wishes"
    ACTIVITIES = "activities"
    DELIBERATIONS = "deliberations"
    CAMPAIGNS = "campaigns"
    MONEY = "money"
    HOURS = "hours"


@dataclass(frozen=True)
class OpenData:
    """A table with its columns' stable names; months are named by their first day. `complete` unless it was cut."""

    place_id: int
    table: OpenTable
    columns: list[str]
    rows: list[list[Cell]]
    complete: bool


MONTH = "date_trunc('month', {}.created_at AT TIME ZONE 'Asia/Shanghai')::date AS month"
INSIDE = """
    {0}.community_id IN (SELECT id FROM places WHERE kind = 'community' AND path LIKE $1 || '%')
    AND {0}.created_at >= $2 AND {0}.created_at < $3"""
GROUP = f"CASE WHEN {{0}} = 0 OR {{0}} >= {LEAST} THEN {{0}} END AS {{1}}"

# What was published, a row each, newest first.
TABLES = {
    OpenTable.NEEDS: f"""
        SELECT n.id, n.community_id, {MONTH.format("n")}, n.field, n.service_class, n.state, n.route,
            a.hours / 24 AS days_to_answer, d.hours / 24 AS days_to_decision, a.late AS answer_late,
            d.late AS decision_late, {GROUP.format("n.endorsements", "endorsements")}
        FROM needs n LEFT JOIN need_responses a ON a.need_id = n.id AND a.step = 'answer'
        LEFT JOIN need_responses d ON d.need_id = n.id AND d.step = 'decision'
        WHERE n.moderation = 'passed' AND {INSIDE.format("n")} ORDER BY n.id DESC""",
    OpenTable.WISHES: f"""
        SELECT w.id, w.community_id, {MONTH.format("w")}, w.kind, w.state, w.claimers
        FROM wishes w
        WHERE w.moderation = 'passed' AND w.state NOT IN ('in_review', 'withdrawn') AND {INSIDE.format("w")}
        ORDER BY w.id DESC""",
    OpenTable.ACTIVITIES: f"""
        SELECT a.id, a.community_id, {MONTH.format("a")}, a.kind, s.shifts, s.seats,
            {GROUP.format("s.volunteers", "volunteers")}
        FROM activities a CROSS JOIN LATERAL (
            SELECT count(*) AS shifts, coalesce(sum(capacity), 0)::bigint AS seats, (
                SELECT count(DISTINCT g.resident_id) FROM signups g JOIN shifts h ON h.id = g.shift_id
                WHERE h.activity_id = a.id AND g.state = 'confirmed') AS volunteers
            FROM shifts WHERE activity_id = a.id AND state = 'planned') s
        WHERE a.moderation = 'passed' AND {INSIDE.format("a")} ORDER BY a.id DESC""",
    OpenTable.DELIBERATIONS: f"""
        SELECT d.id, d.community_id, {MONTH.format("d")}, d.form, d.ballot_kind, d.secret, d.roll, d.rule, d.state,
            r.roll_size, CASE WHEN NOT d.secret OR r.voted >= {LEAST} THEN r.voted END AS voted, r.passed,
            x.id AS resolution_id
        FROM deliberations d JOIN results r ON r.deliberation_id = d.id
        LEFT JOIN resolutions x ON x.deliberation_id = d.id
        WHERE d.moderation = 'passed' AND {INSIDE.format("d")} ORDER BY d.id DESC""",
    OpenTable.CAMPAIGNS: f"""
        SELECT c.id, c.community_id, {MONTH.format("c")}, c.legal_path, c.kind, c.state, c.goal_fen,
            CASE WHEN c.legal_path = 'charity' THEN
                (SELECT coalesce(sum(i.amount_fen), 0) FROM incomes i
                    WHERE i.campaign_id = c.id AND i.struck_by_id IS NULL)
            ELSE m.raised_fen END::bigint AS raised_fen, m.spent_fen::bigint,
            (SELECT count(*) FROM teams WHERE campaign_id = c.id) AS teams,
            {GROUP.format("h.members", "team_members")}
        FROM campaigns c
        CROSS JOIN LATERAL (SELECT count(*) AS members FROM team_members WHERE campaign_id = c.id) h
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(CASE WHEN t.leg IN ('capture', 'returned') THEN t.amount_fen
                    WHEN t.leg IN ('set_aside', 'counter_capture') THEN -t.amount_fen END), 0) AS raised_fen,
                coalesce(sum(CASE t.leg WHEN 'spent' THEN t.amount_fen WHEN 'counter_spent' THEN -t.amount_fen END), 0)
                    AS spent_fen
            FROM accounts a JOIN LATERAL (
                SELECT leg, amount_fen FROM transfers WHERE credit_account_id = a.id
                UNION ALL SELECT leg, amount_fen FROM transfers WHERE debit_account_id = a.id) t ON true
            WHERE a.campaign_id = c.id) m
        WHERE c.published_by_id IS NOT NULL AND {INSIDE.format("c")} ORDER BY c.id DESC""",
}
COLUMNS = {
    OpenTable.NEEDS: [
        "id", "community_id", "month", "field", "service_class", "state", "route", "days_to_answer",
        "days_to_decision", "answer_late", "decision_late", "endorsements",
    ],
    OpenTable.WISHES: ["id", "community_id", "month", "kind", "state", "claimers"],
    OpenTable.ACTIVITIES: ["id", "community_id", "month", "kind", "shifts", "seats", "volunteers"],
    OpenTable.DELIBERATIONS: [
        "id", "community_id", "month", "form", "ballot_kind", "secret", "roll", "rule", "state", "roll_size", "voted",
        "passed", "resolution_id",
    ],
    OpenTable.CAMPAIGNS: [
        "id", "community_id", "month", "legal_path", "kind", "state", "goal_fen", "raised_fen", "spent_fen", "teams",
        "team_members",
    ],
    OpenTable.MONEY: ["community_id", "month", "legal_path", "raised_fen", "spent_fen", "refunded_fen", "matched_fen",
        "given_fen"],
    OpenTable.HOURS: ["community_id", "month", "service_minutes"],
}  # fmt: skip


async def open_data(
    place_id: int, table: OpenTable, *, from_on: date | None = None, until_on: date | None = None
) -> OpenData:
    """The newest 10,000 rows of a table about a community, street or district. Raises NotFound, Invalid."""
    place = await counted_place(place_id)
    first, last = await period(from_on, until_on)
    columns = COLUMNS[table]
    if table in TABLES:
        found = await _published(place, table, begins(first), begins(last))
    else:
        found = await _by_month(place, table, first, last)
    rows = [[line[column] for column in columns] for line in found]
    return OpenData(place.id, table, columns, rows[:ROWS_MAX], len(rows) <= ROWS_MAX)


async def _published(place: Place, table: OpenTable, since: datetime, until: datetime) -> list[dict[str, Cell]]:
    return await db.rows(f"{TABLES[table]} LIMIT {ROWS_MAX + 1}", place.path, since, until)


async def _by_month(place: Place, table: OpenTable, first: date, last: date) -> list[dict[str, Cell]]:
    inside = await db.rows("SELECT id FROM places WHERE kind = 'community' AND path LIKE $1 || '%'", place.path)
    found = await sums({line["id"]: line["id"] for line in inside}, first, last, by_month=True)
    lines = _hours(found) if table is OpenTable.HOURS else _money(found)
    return sorted(lines, key=lambda line: (str(line["month"]), line["community_id"]), reverse=True)


def _hours(found: Sums) -> list[dict[str, Cell]]:
    return [
        {"community_id": community_id, "month": month, "service_minutes": measures["service_minutes", ""]}
        for (community_id, month), measures in found.items()
        if ("service_minutes", "") in measures
    ]


def _money(found: Sums) -> list[dict[str, Cell]]:
    names = COLUMNS[OpenTable.MONEY][3:]
    return [
        {"community_id": community_id, "month": month, "legal_path": path}
        | {name: measures.get((name, path), 0) for name in names}
        for (community_id, month), measures in found.items()
        for path in PATHS
        if any(measures.get((name, path)) for name in names)
    ]
