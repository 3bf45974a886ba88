"""Suspending an account: who is suspended reads, exports and leaves; since when and until when is in the events."""

from app.core.db import atomic
from models.residents import Resident
from services import events
from services.residents.homes import find_resident


@atomic()
async def suspend(resident_id: int) -> None:
    """Let a resident act no more until it is lifted, as whoever runs the server may; again changes nothing.

    Raises NotFound.
    """
    await _set(resident_id, suspended=True)


@atomic()
async def lift_suspension(resident_id: int) -> None:
    """Let him act again; again changes nothing. Raises NotFound."""
    await _set(resident_id, suspended=False)


async def _set(resident_id: int, *, suspended: bool) -> None:
    changed = await Resident.filter(id=resident_id, suspended=not suspended).update(suspended=suspended)
    resident = await find_resident(resident_id)
    if changed:
        await events.record(None, "resident.suspended" if suspended else "resident.unsuspended", resident)
