"""What tests write through the services, past the request that would have it checked."""

from typing import TypeVar

from models.base import Moderation
from models.moderation import Check, CheckState
from services import moderation

T = TypeVar("T")


async def passed(made: T) -> T:
    """What was just made, with all the words that wait for a check passed; what was made before the check knows it."""
    for check in await Check.filter(state=CheckState.PENDING):
        await moderation.trust(check.subject_kind, check.subject_id)
    thing = getattr(made, "activity", made)
    if hasattr(type(thing), "_meta"):
        thing.moderation = Moderation.PASSED
    return made
