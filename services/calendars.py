"""Which days are worked where: national rule, the district's, the street's, the community's, the nearest last."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from app.core import db
from app.core.clock import SHANGHAI
from app.core.db import atomic
from models.places import Calendar
from models.residents import Role
from services import events, places
from services.policies import Actor, require
from services.rules.calendars import working_day_after

ABOVE = """
SELECT c.days_off, c.working_days FROM calendars c JOIN places a ON a.id = c.place_id
JOIN places p ON p.id = $1 AND starts_with(p.path, a.path) ORDER BY length(a.path)
"""


async def find(place_id: int) -> Calendar:
    """A place's own days off and moved working days; none until somebody set them. Raises NotFound."""
    place = await places.find(place_id)
    found = await Calendar.get_or_none(place_id=place.id)
    return found or Calendar(place_id=place.id, days_off=[], working_days=[])


@atomic()
async def update(actor: Actor, place_id: int, *, days_off: Sequence[date], working_days: Sequence[date]) -> Calendar:
    """Say the days off and moved working days of a place and all below it; an officer above. Raises Forbidden.

    Due dates of open needs that lie ahead are counted anew, within seconds.
    """
    place = await places.find(place_id)
    require(
        actor.holds_at(place.path, Role.STREET_OFFICER, Role.DISTRICT_OFFICER),
        "只有上级街道或区级干部可以设置工作日历",
        "Only officers of the street or district above may set the calendar",
    )
    said = {"days_off": _written(days_off), "working_days": _written(working_days)}
    calendar, _ = await Calendar.update_or_create(place_id=place.id, defaults=said)
    await events.record(actor, "calendar.updated", calendar, place_id=place.id)
    return calendar


async def exceptions(place_id: int) -> dict[date, bool]:
    """The days on which it is otherwise than Monday to Friday at a place, and whether they are worked."""
    found: dict[date, bool] = {}
    for line in await db.rows(ABOVE, place_id):
        found |= {date.fromisoformat(day): False for day in json.loads(line["days_off"])}
        found |= {date.fromisoformat(day): True for day in json.loads(line["working_days"])}
    return found


def ends(exceptions: dict[date, bool], at: datetime, count: int) -> datetime:
    """The midnight that ends the `count`-th working day after `at`."""
    day = working_day_after(at.astimezone(SHANGHAI).date(), count, exceptions)
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)


def _written(days: Sequence[date]) -> list[str]:
    return sorted({day.isoformat() for day in days})
