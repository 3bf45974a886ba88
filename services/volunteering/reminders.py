"""A day and two hours before it starts, everybody with a seat in a shift is reminded; each once."""

from app.core import db
from app.core.db import atomic
from models.volunteering import Shift
from services import notifications
from services.due import one_by_one
from services.volunteering.changing import in_shanghai

DUE_MAX = 100
DAY_BEFORE, HOURS_BEFORE = (1, 24, "shift.tomorrow"), (2, 2, "shift.soon")
# Whoever took his seat later than that has just read when it is.
DUE = """
g.state = 'confirmed' AND g.reminded < {step}
    AND g.created_at <= s.starts_at - interval '{hours} hours'
    AND s.state = 'planned' AND s.starts_at > clock_now() AND s.starts_at <= clock_now() + interval '{hours} hours'
"""


async def remind_volunteers() -> None:
    """Remind those whose shift is near, at most 100 shifts each time."""
    for step, hours, kind in (HOURS_BEFORE, DAY_BEFORE):
        due = DUE.format(step=step, hours=hours)
        near = await db.rows(
            f"SELECT DISTINCT s.id FROM shifts s JOIN signups g ON g.shift_id = s.id WHERE {due} LIMIT {DUE_MAX}"
        )

        async def remind(shift_id: int, step: int = step, due: str = due, kind: str = kind) -> None:
            await _remind(shift_id, step, due, kind)

        await one_by_one((line["id"] for line in near), remind)


@atomic()
async def _remind(shift_id: int, step: int, due: str, kind: str) -> None:
    shift = (
        await Shift.filter(id=shift_id).select_related("activity").select_for_update(of=("shifts",), no_key=True).get()
    )
    told = await db.rows(
        f"UPDATE signups g SET reminded = {step} FROM shifts s WHERE s.id = $1 AND g.shift_id = s.id AND {due} "
        "RETURNING g.resident_id",
        shift_id,
    )
    if told:
        await notifications.tell(
            [line["resident_id"] for line in told],
            kind,
            shift.activity,
            title=shift.activity.title,
            at=in_shanghai(shift.starts_at),
            place=shift.place_text,
        )
