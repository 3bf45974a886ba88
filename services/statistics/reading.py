"""The figures of a place, of the places below it, and month by month."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from app.core import db
from app.core.errors import Invalid
from models.places import Place, PlaceKind
from services import places
from services.rules import spans
from services.statistics.facts import FIRST_DAY, sums, today
from services.statistics.people import Group, took_part

MONTHS_MAX, LAST_DAY = 120, date(2100, 1, 1)


class By(StrEnum):
    """Whether the figures are told month by month too."""

    MONTH = "month"
    NONE = "none"


@dataclass(frozen=True)
class Response:
    """How long needs waited, in whole hours: half of them at most the median, 90 % at most `p90_hours`."""

    count: int
    median_hours: int | None
    p90_hours: int | None
    in_time: int
    late: int


@dataclass(frozen=True)
class Money:
    """Of one legal path, or `general` for the fund itself; in fen."""

    raised_fen: int
    spent_fen: int
    refunded_fen: int
    matched_fen: int


@dataclass(frozen=True)
class Turnout:
    """Of votes that closed: electors on their rolls, and how many of them voted. Small secret votes are left out."""

    votes: int
    roll: int
    voted: int


@dataclass(frozen=True, kw_only=True)
class Flows:
    """What happened, less what was taken back; money in fen, service in minutes."""

    needs: int
    needs_done: int
    wishes: int
    wishes_confirmed: int
    deliberations: int
    resolutions: int
    activities: int
    service_minutes: int
    campaigns: int
    teams: int
    team_members: int
    raised_fen: int
    in_kind_fen: int
    spent_fen: int
    refunded_fen: int
    matched_fen: int
    given_fen: int


@dataclass(frozen=True, kw_only=True)
class Month(Flows):
    """What happened in one month, from its first day on."""

    month: date


@dataclass(frozen=True, kw_only=True)
class Figures(Flows):
    """What the communities of a place add up to.

    `residents`, `households` and `overdue` are as of now, what is counted by state or route as at the end of the
    period; all else happened in it. What was taken back is subtracted on the day on which it was.
    """

    place_id: int
    name: str
    kind: PlaceKind
    from_on: date | None
    until_on: date | None
    communities: int
    residents: int
    households: int
    wishes_value_fen: int
    overdue: int
    needs_by_field: dict[str, int]
    needs_by_class: dict[str, int]
    needs_by_state: dict[str, int]
    needs_by_route: dict[str, int]
    wishes_by_kind: dict[str, int]
    wishes_by_state: dict[str, int]
    deliberations_by_state: dict[str, int]
    activities_by_kind: dict[str, int]
    campaigns_by_state: dict[str, int]
    campaigns_by_path: dict[str, int]
    money: dict[str, Money]
    first_answer: Response
    decision: Response
    turnout: Turnout
    people: dict[str, Group]
    months: list[Month] | None = None


FLOWS = tuple(field.name for field in fields(Flows))
BREAKDOWNS = ("needs_by_field", "needs_by_class", "wishes_by_kind", "activities_by_kind", "campaigns_by_path")
STOCKS = ("needs_by_state", "needs_by_route", "wishes_by_state", "deliberations_by_state", "campaigns_by_state")
PATHS = ("community", "charity", "government", "general")

COMMUNITIES = """
SELECT id, path FROM places WHERE kind = 'community' AND path LIKE $1 || '%' ORDER BY id
"""
NOW = """
SELECT c.grouped, count(*) AS communities,
    sum((SELECT count(*) FROM memberships WHERE until_at IS NULL AND community_id = c.id))::bigint AS residents,
    sum((SELECT count(*) FROM households WHERE community_id = c.id))::bigint AS households,
    sum((SELECT count(*) FROM needs WHERE community_id = c.id AND due_at <= (SELECT clock_now())
        AND moderation = 'passed'))::bigint AS overdue
FROM unnest($1::bigint[], $2::int[]) AS c (id, grouped) GROUP BY c.grouped
"""


async def figures(
    place_id: int, *, from_on: date | None = None, until_on: date | None = None, by: By = By.NONE
) -> Figures:
    """What all communities of a community, street or district add up to, from a day until before another.

    Raises NotFound, and Invalid below a community or for a period that ends before it begins or is too long.
    """
    place = await counted_place(place_id)
    (found,) = await _figures(place, [place], from_on, until_on)
    if by is By.NONE:
        return found
    return Figures(**{**vars(found), "months": await _months(place, from_on, until_on)})


async def children(place_id: int, *, from_on: date | None = None, until_on: date | None = None) -> list[Figures]:
    """The figures of each street of a district or community of a street, in the order they were made.

    Raises NotFound, and Invalid for other places or periods.
    """
    place = await counted_place(place_id)
    below = await Place.filter(parent_id=place.id, kind__in=[PlaceKind.STREET, PlaceKind.COMMUNITY]).order_by("id")
    if place.kind is PlaceKind.COMMUNITY:
        raise Invalid("社区以下不再分别统计", "Figures are not kept below a community")
    return await _figures(place, below, from_on, until_on)


async def counted_place(place_id: int) -> Place:
    """A place that figures are kept for. Raises NotFound, Invalid below a community."""
    place = await places.find(place_id)
    if place.kind in (PlaceKind.GRID, PlaceKind.BUILDING):
        raise Invalid("统计按社区、街道和区汇总", "Figures are kept for communities, streets and districts")
    return place


async def period(from_on: date | None, until_on: date | None) -> tuple[date, date]:
    """The days asked for, from all time until the end of today by default. Raises Invalid."""
    first, last = from_on or FIRST_DAY, until_on or await today() + timedelta(days=1)
    if not FIRST_DAY <= first < last <= LAST_DAY:
        raise Invalid("统计的起止日期不对", "The period has to begin before it ends, between 2000 and 2100")
    return first, last


async def _groups(place: Place, wanted: list[Place]) -> dict[int, int]:
    """Communities below a place, each with which of the wanted places it is grouped by."""
    found = await db.rows(COMMUNITIES, place.path)
    return {
        line["id"]: number for line in found for number, one in enumerate(wanted) if line["path"].startswith(one.path)
    }


async def _figures(place: Place, wanted: list[Place], from_on: date | None, until_on: date | None) -> list[Figures]:
    first, last = await period(from_on, until_on)
    groups = await _groups(place, wanted)
    flows = await sums(groups, first, last)
    stocks = flows if first == FIRST_DAY else await sums(groups, FIRST_DAY, last)
    now = {line.pop("grouped"): line for line in await db.rows(NOW, list(groups), list(groups.values()))}
    people = await took_part(place.path, first, last)
    return [
        Figures(
            place_id=one.id,
            name=one.name,
            kind=one.kind,
            from_on=from_on,
            until_on=until_on,
            **now.get(number, {"communities": 0, "residents": 0, "households": 0, "overdue": 0}),
            **_said(flows.get((number, None), {}), stocks.get((number, None), {})),
            people=people[one.id],
        )
        for number, one in enumerate(wanted)
    ]


def _said(flows: Mapping[tuple[str, str], int], stocks: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {
        **_flows(flows),
        "wishes_value_fen": flows.get(("wishes_value_fen", ""), 0),
        **{measure: _by_dimension(flows, measure) for measure in BREAKDOWNS},
        **{measure: _by_dimension(stocks, measure) for measure in STOCKS},
        "money": {
            path: Money(
                **{
                    name: flows.get((name, path), 0)
                    for name in ("raised_fen", "spent_fen", "refunded_fen", "matched_fen")
                }
            )
            for path in PATHS
        },
        "first_answer": _response(flows, "answer"),
        "decision": _response(flows, "decision"),
        "turnout": Turnout(**{name: flows.get((name, ""), 0) for name in ("votes", "roll", "voted")}),
    }


def _flows(found: Mapping[tuple[str, str], int]) -> dict[str, int]:
    return {name: sum(_by_dimension(found, name).values()) for name in FLOWS}


def _by_dimension(found: Mapping[tuple[str, str], int], measure: str) -> dict[str, int]:
    return {dimension: amount for (name, dimension), amount in sorted(found.items()) if name == measure and amount}


def _response(found: Mapping[tuple[str, str], int], step: str) -> Response:
    hours = {int(hour): count for hour, count in _by_dimension(found, f"{step}_hours").items()}
    in_time = _by_dimension(found, f"{step}_in_time")
    return Response(
        count=sum(hours.values()),
        median_hours=spans.quantile(hours, 1, 2),
        p90_hours=spans.quantile(hours, 9, 10),
        in_time=in_time.get("in_time", 0),
        late=in_time.get("late", 0),
    )


async def _months(place: Place, from_on: date | None, until_on: date | None) -> list[Month]:
    """The newest 120 months of a period in which anything happened, oldest first."""
    first, last = await period(from_on, until_on)
    found = await sums(await _groups(place, [place]), first, last, by_month=True)
    by_month = {month: _flows(measures) for (_, month), measures in found.items() if month is not None}
    return [Month(month=month, **by_month[month]) for month in sorted(by_month)[-MONTHS_MAX:]]
