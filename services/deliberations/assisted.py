"""A ballot entered for somebody who does not use a phone, with his consent on record."""

from typing import Any

from app.core.db import atomic
from app.core.errors import NotFound
from models.deliberations import Ballot, Deliberation
from models.residents import Assistance
from models.rolls import Channel, SecretInPerson
from services import events, notifications, residents
from services.deliberations.reading import find
from services.deliberations.voting import cast
from services.policies import Actor, require
from services.policies import deliberations as policies
from services.residents import OnBehalfOf


@atomic()
async def cast_for(
    actor: Actor, deliberation_id: int, choice: dict[str, Any], *, on_behalf_of: OnBehalfOf
) -> Assistance:
    """Enter what an elector (or the representative of a household) chose; he is told. What is kept has his receipt.

    In a secret vote nobody does: whoever enters a choice knows it. Raises NotFound, Forbidden, Invalid (the consent),
    SecretInPerson, AlreadyVoted when there is a ballot of his that the actor did not enter so, and what `cast` raises.
    """
    deliberation = await find(actor, deliberation_id)
    require(policies.may_enter_ballots(actor, deliberation))
    if deliberation.secret:
        raise SecretInPerson
    elector = await residents.stand_in(actor, on_behalf_of)
    receipt = await cast(elector, deliberation.id, choice, channel=Channel.ASSISTED, entered_by_id=actor.id)
    ballot = await Ballot.get(deliberation_id=deliberation.id, resident_id=elector.id, receipt=receipt)
    kept = await residents.note_help(elector, "ballot.cast", ballot.noun(), ballot.id, receipt=receipt)
    await events.record(elector, "deliberation.ballot_entered", deliberation)
    await tell_whom_it_was_entered_for(deliberation, [elector.id])
    return kept


async def find_entered(actor: Actor, assistance_id: int) -> Assistance:
    """What the actor entered for somebody, also when it was replaced or objected to since. Raises NotFound."""
    kept = await Assistance.get_or_none(id=assistance_id, assistant_id=actor.id, receipt__isnull=False)
    if kept is None:
        raise NotFound("没有找到这张选票", "No such ballot")
    return kept


async def tell_whom_it_was_entered_for(deliberation: Deliberation, resident_ids: list[int]) -> None:
    """So that whoever did not want it objects while the vote runs."""
    await notifications.tell(resident_ids, "deliberation.ballot_entered", deliberation, title=deliberation.title)
