"""What one may see of deliberations, results and resolutions, and whom their turns concern."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.core import db
from app.core.errors import InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.deliberations import (
    Archive,
    Ballot,
    Deliberation,
    DeliberationState,
    Resolution,
    Result,
    SecretVote,
)
from models.needs import NeedLink
from services import comments, events, needs, notifications
from services.deliberations.terms import Terms, applied
from services.events import TimelineItem
from services.policies import Actor, require
from services.policies import deliberations as policies
from services.policies.actor import STAFF


@dataclass(frozen=True)
class OwnBallot:
    """What the reader himself voted, for himself or his household, by phone or with help."""

    choice: dict[str, Any]
    receipt: str


@dataclass(frozen=True)
class Detail:
    """A deliberation with its public history and the reader's own ballot."""

    deliberation: Deliberation
    timeline: list[TimelineItem]
    my_ballot: OwnBallot | None
    """Of an open vote; what one cast in a secret one nobody can look up."""
    has_voted: bool


@dataclass(frozen=True)
class Outcome:
    """What came out of a vote; no resolution when too few took part."""

    deliberation: Deliberation
    result: Result
    resolution_id: int | None

    @property
    def terms(self) -> Terms:
        """What it had to reach, as it was in force at the opening."""
        return applied(self.deliberation)

    @property
    def area(self) -> dict[str, int] | None:
        """In cm², of the roll and of those who voted, where the rule weighs it."""
        roll, voted = self.deliberation.roll_area_cm2, self.result.voted_area_cm2
        return {"roll_cm2": roll or 0, "voted_cm2": voted} if voted is not None else None


def visible(actor: Actor | None) -> QuerySet[Deliberation]:
    """What the actor may see: what passed the content check, his own, and all where he serves."""
    seen = Q(moderation=Moderation.PASSED)
    if actor is not None:
        seen |= Q(author_id=actor.id) | Q(community_id__in=actor.serves(*STAFF))
    return Deliberation.filter(seen).select_related("author").prefetch_related("options")


async def find(actor: Actor | None, deliberation_id: int) -> Deliberation:
    """One deliberation. Raises NotFound."""
    deliberation = await visible(actor).get_or_none(id=deliberation_id)
    if deliberation is None:
        raise NotFound("没有找到这项协商议事", "No such deliberation")
    await name_needs([deliberation])
    return deliberation


comments.DOORS[Deliberation.noun()] = find


async def detail(actor: Actor, deliberation_id: int) -> Detail:
    """One deliberation with its history and the actor's own ballot. Raises NotFound."""
    deliberation = await find(actor, deliberation_id)
    own, voted = await _own_part(actor, deliberation)
    return Detail(deliberation, await events.timeline(actor, deliberation), own, voted)


async def listed(
    actor: Actor, *, community_id: int | None, state: DeliberationState | None, page: Page
) -> Listed[Deliberation]:
    """Deliberations, newest first."""
    asked = {"community_id": community_id, "state": state}
    found = await newest(visible(actor).filter(**{key: value for key, value in asked.items() if value}), page)
    await name_needs(found.items)
    return found


async def outcome(deliberation_id: int) -> Outcome:
    """What came out of a closed vote; anybody may read it. Raises NotFound, InvalidState before the close."""
    deliberation = await find(None, deliberation_id)
    result = await Result.get_or_none(deliberation_id=deliberation.id)
    if result is None:
        raise InvalidState(deliberation.state)
    resolution = await Resolution.get_or_none(deliberation_id=deliberation.id)
    return Outcome(deliberation, result, resolution.id if resolution else None)


async def published(deliberation_id: int) -> Archive:
    """The archive of a closed vote; anybody may read it. Raises NotFound, InvalidState before the close."""
    deliberation = await find(None, deliberation_id)
    kept = await Archive.get_or_none(deliberation_id=deliberation.id)
    if kept is None:
        raise InvalidState(deliberation.state)
    return kept


async def who_voted_what(actor: Actor, deliberation_id: int, *, page: Page) -> Listed[Ballot]:
    """The ballots of an open vote with their voters, for the committee, once it is over.

    Raises NotFound, Forbidden, SecretVote, InvalidState before the close.
    """
    deliberation = await find(actor, deliberation_id)
    require(policies.may_moderate(actor, deliberation))
    if deliberation.secret:
        raise SecretVote
    if deliberation.closed_at is None:
        raise InvalidState(deliberation.state)
    return await newest(Ballot.filter(deliberation_id=deliberation.id).prefetch_related("elector", "resident"), page)


async def find_resolution(resolution_id: int) -> Resolution:
    """A resolution; anybody may read it. Raises NotFound."""
    resolution = await Resolution.get_or_none(id=resolution_id)
    if resolution is None:
        raise NotFound("没有找到这项决议", "No such resolution")
    return resolution


async def locked(deliberation_id: int) -> Deliberation:
    """The deliberation, its row locked until the transaction ends, whoever may see it."""
    query = Deliberation.filter(id=deliberation_id).select_for_update()
    deliberation = await query.prefetch_related("author", "options").get()
    await name_needs([deliberation])
    return deliberation


async def name_needs(found: Sequence[Deliberation]) -> None:
    """Say of each from which needs it came; one query for all."""
    links = await NeedLink.filter(kind=Deliberation.noun(), subject_id__in=[one.id for one in found]).order_by("id")
    for one in found:
        one.need_ids = [link.need_id for link in links if link.subject_id == one.id]


async def tell(deliberation: Deliberation, kind: str) -> None:
    """Tell the proposer, the people of the needs it came from, and everybody on the roll (a household's speaker).

    Of words that have not passed only the proposer hears.
    """
    electors = await db.rows(
        "SELECT coalesce(resident_id, speaker_id) AS id FROM electors "
        "WHERE deliberation_id = $1 AND external_id IS NULL",
        deliberation.id,
    )
    ids = [deliberation.author_id, *(elector["id"] for elector in electors)]
    for need_id in deliberation.need_ids:
        ids += await needs.participants(need_id)
    if deliberation.moderation is not Moderation.PASSED:
        ids = [deliberation.author_id]
    await notifications.tell(ids, kind, deliberation, title=deliberation.title)


# By way of the roll, whose lines are found by index; what another cast for the household only counts.
OWN_PART = """
SELECT e.has_voted OR b.id IS NOT NULL AS voted, b.resident_id = $2 AS own, b.choice, b.receipt
FROM electors e LEFT JOIN ballots b ON b.deliberation_id = e.deliberation_id AND b.elector_id = e.id
WHERE e.deliberation_id = $1 AND (e.resident_id = $2 OR e.household_id = $3)
"""


async def _own_part(actor: Actor, deliberation: Deliberation) -> tuple[OwnBallot | None, bool]:
    """What the actor voted, and whether he (or his household) has; nobody has before the roll is frozen."""
    if deliberation.roll_size is None:
        return None, False
    found = await db.row(OWN_PART, deliberation.id, actor.id, actor.household_id)
    if found is None:
        return None, False
    own = OwnBallot(json.loads(found["choice"]), found["receipt"]) if found["own"] else None
    return own, found["voted"]
