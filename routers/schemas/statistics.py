"""Shapes of figures of places."""

from datetime import date
from typing import Any

from models.places import PlaceKind
from routers.schemas.base import Shape, examples

FLOWS: dict[str, int] = {
    "needs": 3,
    "needs_done": 1,
    "wishes": 2,
    "wishes_confirmed": 1,
    "deliberations": 17,
    "resolutions": 17,
    "activities": 1,
    "service_minutes": 180,
    "campaigns": 51,
    "teams": 156,
    "team_members": 1672,
    "raised_fen": 62012000,
    "in_kind_fen": 0,
    "spent_fen": 24000,
    "refunded_fen": 0,
    "matched_fen": 0,
    "given_fen": 0,
}
MONTH: dict[str, Any] = {"month": "2026-11-01", **FLOWS}
MONEY: dict[str, Any] = {"raised_fen": 62012000, "spent_fen": 24000, "refunded_fen": 0, "matched_fen": 0}
RESPONSE: dict[str, Any] = {"count": 2, "median_hours": 5, "p90_hours": 30, "in_time": 2, "late": 0}
FIGURES: dict[str, Any] = {
    "place_id": 30,
    "name": "众筹大赛区",
    "kind": "district",
    "from_on": None,
    "until_on": None,
    "communities": 17,
    "residents": 2040,
    "households": 2040,
    **FLOWS,
    "wishes_value_fen": 20000,
    "overdue": 0,
    "needs_by_field": {"elderly": 1, "safety": 2},
    "needs_by_class": {"mutual_aid": 3},
    "needs_by_state": {"rated": 1, "submitted": 2},
    "needs_by_route": {"deliberation": 1},
    "wishes_by_kind": {"goods": 2},
    "wishes_by_state": {"confirmed": 1, "open": 1},
    "deliberations_by_state": {"decided": 17},
    "activities_by_kind": {"service": 1},
    "campaigns_by_state": {"open": 51},
    "campaigns_by_path": {"community": 51},
    "money": {"community": MONEY},
    "first_answer": RESPONSE,
    "decision": RESPONSE,
    "turnout": {"votes": 17, "roll": 2040, "voted": 17},
    "people": {"voted": {"count": 17, "suppressed": False}, "wrote": {"count": None, "suppressed": True}},
    "months": [MONTH],
}


class GroupOut(Shape):
    """How many people; null, and `suppressed`, where the number would tell of fewer than five."""

    model_config = examples({"count": None, "suppressed": True})

    count: int | None
    suppressed: bool


class ResponseOut(Shape):
    """How long needs waited, in whole hours; `in_time` by working days, of those for which a day was set."""

    model_config = examples(RESPONSE)

    count: int
    median_hours: int | None
    p90_hours: int | None
    in_time: int
    late: int


class MoneyOut(Shape):
    """Of one legal path, in fen; `raised_fen` is captured money less what was set aside for refunds."""

    model_config = examples(MONEY)

    raised_fen: int
    spent_fen: int
    refunded_fen: int
    matched_fen: int


class TurnoutOut(Shape):
    """Electors on the rolls of the votes that closed, and how many of them voted."""

    model_config = examples({"votes": 17, "roll": 2040, "voted": 17})

    votes: int
    roll: int
    voted: int


class FlowsOut(Shape):
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


class MonthOut(FlowsOut):
    """One month, named by its first day."""

    model_config = examples(MONTH)

    month: date


class FiguresOut(FlowsOut):
    """The communities of a place, added up from the day `from_on` until before `until_on`.

    `residents`, `households` and `overdue` are as of now; by state and route as at the end of the period. `people`
    counts each neighbour once per community, by the whole months that the period touches.
    """

    model_config = examples(FIGURES)

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
    money: dict[str, MoneyOut]
    first_answer: ResponseOut
    decision: ResponseOut
    turnout: TurnoutOut
    people: dict[str, GroupOut]
    months: list[MonthOut] | None


class ComparedOut(Shape):
    """The places below, one beside the other."""

    model_config = examples({"items": [{**FIGURES, "months": None}]})

    items: list[FiguresOut]


class OpenDataOut(Shape):
    """A table of open data; docs/open-data.md says what its columns mean. `complete` unless it was cut at 10,000."""

    model_config = examples(
        {
            "place_id": 3,
            "table": "hours",
            "columns": ["community_id", "month", "service_minutes"],
            "rows": [[3, "2026-11-01", 180]],
            "complete": True,
        }
    )

    place_id: int
    table: str
    columns: list[str]
    rows: list[list[str | int | bool | date | None]]
    complete: bool
