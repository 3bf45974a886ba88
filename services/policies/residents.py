"""Who may confirm a residence, look after households, grant roles, and act on behalf of others."""

from collections.abc import Iterable

from models.homes import Guardianship, PhoneMove, RepresentativeChange
from models.places import Place, PlaceKind
from models.residents import Household, Role
from services.policies.actor import OFFICERS, STAFF, Actor

# Who grants what. District officers come only from the command line.
GRANTER: dict[Role, Role] = {
    Role.STREET_OFFICER: Role.DISTRICT_OFFICER,
    Role.COMMITTEE: Role.STREET_OFFICER,
    Role.REVIEWER: Role.STREET_OFFICER,
    Role.SUPERVISOR: Role.STREET_OFFICER,
    Role.BUILDING_HEAD: Role.COMMITTEE,
    Role.SOCIAL_WORKER: Role.COMMITTEE,
}
HELD_AT: dict[Role, set[PlaceKind]] = {
    Role.DISTRICT_OFFICER: {PlaceKind.DISTRICT},
    Role.STREET_OFFICER: {PlaceKind.STREET},
    Role.COMMITTEE: {PlaceKind.COMMUNITY},
    Role.SUPERVISOR: {PlaceKind.COMMUNITY},
    Role.REVIEWER: {PlaceKind.STREET, PlaceKind.COMMUNITY},
    Role.SOCIAL_WORKER: {PlaceKind.COMMUNITY, PlaceKind.GRID},
    Role.BUILDING_HEAD: {PlaceKind.BUILDING},
}


def may_confirm_residence(actor: Actor, building: Place, household: Household | None, claimant_id: int) -> bool:
    """The household's representative, the building head or the committee; never the claimant himself."""
    if actor.id == claimant_id or actor.suspended:
        return False
    return (
        (household is not None and household.representative_id == actor.id and household.id == actor.household_id)
        or actor.holds_at(building.path, Role.BUILDING_HEAD)
        or actor.holds_at(building.path, Role.COMMITTEE)
    )


def may_see_household(actor: Actor, household: Household) -> bool:
    """Who lives in it, and whoever looks after its building."""
    return actor.household_id == household.id or may_help(actor, household.building.path)


def may_look_after_households(actor: Actor, community_id: int) -> bool:
    """The committee records areas and representatives."""
    return actor.is_committee(community_id)


def may_record_area(actor: Actor, household: Household) -> bool:
    """The committee; what stands on record of one's own home, which weighs in owners' votes, another member changes."""
    return actor.is_committee(household.community_id) and (
        household.area_cm2 is None or actor.household_id != household.id
    )


def may_name_representative(actor: Actor, household: Household, resident_id: int) -> bool:
    """The committee, but nobody himself."""
    return actor.is_committee(household.community_id) and actor.id != resident_id


def may_decide_representation(actor: Actor, change: RepresentativeChange) -> bool:
    """The committee, but nobody in his own cause."""
    return actor.is_committee(change.community_id) and actor.id != change.resident_id


def may_end_membership(actor: Actor, household: Household, resident_id: int) -> bool:
    """The household's representative or the committee, for others than themselves."""
    represents = actor.id == household.representative_id and actor.household_id == household.id
    return (represents or actor.is_committee(household.community_id)) and actor.id != resident_id


def may_read_electorate(actor: Actor, community_id: int) -> bool:
    """The community's staff and the officers above count; who it was only the committee sees."""
    return community_id in actor.serves(*STAFF, *OFFICERS)


def may_end_guardianship(actor: Actor, guardianship: Guardianship) -> bool:
    """The guardian himself, or the committee."""
    return actor.id == guardianship.guardian_id or actor.is_committee(guardianship.community_id)


def committee_of(actor: Actor) -> list[int]:
    """The communities on whose committee he sits."""
    return actor.serves(Role.COMMITTEE)


def may_decide_phone_move(actor: Actor, move: PhoneMove) -> bool:
    """The committee, but nobody in his own cause."""
    return actor.is_committee(move.community_id) and actor.id not in (move.old_id, move.new_id)


def may_help(actor: Actor, home_path: str) -> bool:
    """A building head, social worker or committee member acts for people who live where he serves."""
    return actor.holds_at(home_path, Role.BUILDING_HEAD, Role.SOCIAL_WORKER, Role.COMMITTEE)


def serves_at(actor: Actor) -> list[str]:
    """The paths of the places whose people he looks after."""
    helpers = (Role.BUILDING_HEAD, Role.SOCIAL_WORKER, Role.COMMITTEE)
    return [grant.path for grant in actor.grants if grant.role in helpers and not actor.suspended]


def may_grant(actor: Actor, role: Role, place: Place) -> bool:
    """Whoever holds the granting role at the place or above it."""
    return role in GRANTER and actor.holds_at(place.path, GRANTER[role])


def may_know_holders(actor: Actor, place: Place) -> bool:
    """Who lives below the place, and whoever serves in its community or above."""
    lives_below = actor.verified and actor.home_path is not None and actor.home_path.startswith(place.path)
    neighbour = actor.verified and place.community_id is not None and actor.community_id == place.community_id
    everybody_serving = tuple(Role)
    serves = actor.holds_at(place.path, *everybody_serving) or place.community_id in actor.serves(*everybody_serving)
    return lives_below or neighbour or (serves and not actor.suspended)


def may_read_relatives(actor: Actor, resident_id: int, communities: Iterable[int]) -> bool:
    """Oneself, and the committee, supervisors and officers of where that person lives or serves."""
    readers = (Role.COMMITTEE, Role.SUPERVISOR, *OFFICERS)
    return actor.id == resident_id or any(actor.holds(place, *readers) for place in communities)


def may_declare_relatives(actor: Actor, resident_id: int, communities: Iterable[int]) -> bool:
    """Oneself, and the supervisors and officers: one relative more only ever closes doors."""
    declarers = (Role.SUPERVISOR, *OFFICERS)
    return actor.id == resident_id or any(actor.holds(place, *declarers) for place in communities)


def may_strike_relatives(actor: Actor, communities: Iterable[int]) -> bool:
    """The officers above, never the supervisors or oneself."""
    return any(actor.holds(place, *OFFICERS) for place in communities)
