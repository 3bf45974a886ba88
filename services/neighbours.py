"""What people are told about homes, guardians, accounts and terms, and what somebody who moves away leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core import db
from app.core.clock import SHANGHAI
from app.core.db import atomic
from models.base import Record
from models.events import Event
from models.homes import Guardianship, Invitation, PhoneMove, RepresentativeChange, ResidentLink
from models.places import Place
from models.residents import Membership, Resident, Role, RoleGrant
from services import crowdfunding, notifications, residents, volunteering, wishes
from services.due import one_by_one

REMIND_DAYS, DUE_MAX = 7, 100
# Told of is a term's end, once for each end it was given.
ENDING = f"""
SELECT g.id FROM role_grants g
WHERE g.until_at > clock_now() AND g.until_at <= clock_now() + interval '{REMIND_DAYS} days' AND NOT EXISTS (
    SELECT 1 FROM notices n WHERE n.resident_id = g.resident_id AND n.kind = 'role.ending'
        AND n.subject_kind = 'role_grant' AND n.subject_id = g.id
        AND n.created_at > g.until_at - interval '{REMIND_DAYS} days')
ORDER BY g.until_at LIMIT {DUE_MAX}
"""
# Who revoked a role told its holder himself; what ran out is looked for during a week.
ENDED = f"""
SELECT g.id FROM role_grants g
WHERE g.until_at <= clock_now() AND g.until_at > clock_now() - interval '{REMIND_DAYS} days'
    AND g.revoked_by_id IS NULL AND NOT EXISTS (
    SELECT 1 FROM notices n WHERE n.resident_id = g.resident_id AND n.kind IN ('role.ended', 'role.revoked')
        AND n.subject_kind = 'role_grant' AND n.subject_id = g.id AND n.created_at >= g.until_at)
    AND NOT EXISTS (SELECT 1 FROM events e WHERE e.verb = 'role.revoked' AND e.subject_kind = 'role_grant'
        AND e.subject_id = g.id)
ORDER BY g.until_at LIMIT {DUE_MAX}
"""


@dataclass(frozen=True)
class News:
    """Whom an event concerns, and of what he is told."""

    to: Sequence[int]
    about: Record
    kind: str


async def news(event: Event) -> News:
    """Whom an event about homes, guardians, accounts or roles concerns."""
    subject_id, verb = event.subject_id, event.verb
    match event.subject_kind:
        case "membership":
            left = await Membership.get(id=subject_id).select_related("household")
            return News(_others(event, left.resident_id, left.household.representative_id), left, verb)
        case "representative_change":
            change = await RepresentativeChange.get(id=subject_id)
            members = await Membership.filter(household_id=change.household_id, until_at=None)
            to = [member.resident_id for member in members]
            return News(_others(event, *to, change.resident_id, change.proposed_by_id), change, verb)
        case "invitation":
            used = await Invitation.get(id=subject_id)
            return News([used.made_by_id], used, verb)
        case "guardianship":
            guarded = await Guardianship.get(id=subject_id)
            return News([guarded.child_id, guarded.guardian_id], guarded, verb)
        case "resident_link":
            link = await ResidentLink.get(id=subject_id)
            if verb == "resident_link.matched":
                return News(await residents.holders(Role.COMMITTEE, link.community_id), link, verb)
            concerned = link.newcomer_id if verb == "resident_link.asked" else link.asked_by_id
            return News([concerned] if concerned else [], link, verb)
        case "resident":
            return News([subject_id], await Resident.get(id=subject_id), verb)
        case "phone_move":
            move = await PhoneMove.get(id=subject_id)
            asked = verb == "phone_move.asked"
            committee = await residents.holders(Role.COMMITTEE, move.community_id) if asked else []
            return News([move.old_id, *committee] if asked else [move.new_id, move.old_id], move, verb)
        case _:
            grant = await RoleGrant.get(id=subject_id).select_related("place")
            return News(await _officers_above(grant.place), grant, verb)


async def let_go(event: Event) -> None:
    """Give back what somebody who has left a community held there: claims, seats, places in teams still raising.

    A seat kept until its shift because it is too late to cancel stays: he may still come. Moving back keeps all.
    """
    resident_id, community_id = event.facts["resident_id"], event.community_id
    if not event.facts["away"] or await Membership.exists(
        resident_id=resident_id, community_id=community_id, until_at=None
    ):
        return
    assert community_id is not None, "a membership has a community"  # noqa: S101
    if await Resident.exists(id=resident_id, left_at=None):  # whoever left altogether gave all of it back then
        gone = await residents.actor(resident_id)
        await wishes.release_all(gone, community_id=community_id)
        await volunteering.give_up_all(gone, community_id=community_id)
    await crowdfunding.leave_teams(resident_id, community_id)


async def remind_of_terms() -> None:
    """Tell whoever holds a role that it ends within seven days, and when it has; at most 100 of each."""
    await one_by_one([line["id"] for line in await db.rows(ENDING)], _remind)
    await one_by_one([line["id"] for line in await db.rows(ENDED)], _note_end)


@atomic()
async def _remind(grant_id: int) -> None:
    await _tell_of(grant_id, ENDING, "role.ending")


@atomic()
async def _note_end(grant_id: int) -> None:
    await _tell_of(grant_id, ENDED, "role.ended")


async def _tell_of(grant_id: int, still: str, kind: str) -> None:
    """Under the grant's lock, so that of two workers one tells."""
    await db.execute("SELECT id FROM role_grants WHERE id = $1 FOR NO KEY UPDATE", grant_id)
    if await db.value(still.replace("WHERE", "WHERE g.id = $1 AND", 1), grant_id) is None:
        return
    grant = await RoleGrant.get(id=grant_id)
    assert grant.until_at is not None, "it ends"  # noqa: S101
    until = grant.until_at.astimezone(SHANGHAI).strftime("%Y-%m-%d")
    told = [grant.resident_id, grant.granted_by_id]
    await notifications.tell(told, kind, grant, until=until)


async def _officers_above(place: Place) -> list[int]:
    found = await db.rows(
        "SELECT DISTINCT g.resident_id AS id FROM role_grants g JOIN places p ON p.id = g.place_id "
        "WHERE g.role = 'street_officer' AND starts_with($1, p.path) "
        "AND (g.until_at IS NULL OR g.until_at > clock_now())",
        place.path,
    )
    return [line["id"] for line in found]


def _others(event: Event, *resident_ids: int | None) -> list[int]:
    return sorted({one for one in resident_ids if one is not None and one != event.actor_id})
