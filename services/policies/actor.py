"""Who is asking: a resident with his home and the roles he holds now. Everything a policy needs, already loaded."""

from dataclasses import dataclass, field

from models.residents import ConsentKind, Role

OFFICERS = frozenset({Role.STREET_OFFICER, Role.DISTRICT_OFFICER})
STAFF = frozenset({Role.COMMITTEE, Role.SOCIAL_WORKER, Role.BUILDING_HEAD})


@dataclass(frozen=True)
class Grant:
    """A role held at a place; `communities` are those it covers whole, `community_id` the one it lies in."""

    role: Role
    place_id: int
    path: str
    community_id: int | None
    communities: frozenset[int]


@dataclass(frozen=True)
class Help:
    """Whose hand does it for somebody who does not use a phone, and how that person agreed."""

    assistant_id: int
    consent: ConsentKind
    witness_id: int | None = None
    media_id: int | None = None


@dataclass(frozen=True)
class Actor:
    """The person who acts. `community_id` is where he lives, None until his residence is confirmed.

    With `help` he acts by somebody else's hand. A `child` is under 14, and `guarded` when a guardian has consented.
    """

    id: int
    nickname: str
    openid: str | None = None
    birth_year: int | None = None
    suspended: bool = False
    household_id: int | None = None
    community_id: int | None = None
    home_path: str | None = None
    grants: tuple[Grant, ...] = field(default=())
    session_id: int | None = None
    child: bool = False
    guarded: bool = False
    help: Help | None = None

    @property
    def hand_id(self) -> int:
        """Who does it: he himself, or whoever helps him."""
        return self.help.assistant_id if self.help else self.id

    @property
    def helper_id(self) -> int | None:
        """Who helps him, if somebody does."""
        return self.help.assistant_id if self.help else None

    @property
    def needs_guardian(self) -> bool:
        """Whether he is under 14 and no guardian has consented: then he looks, but does not act."""
        return self.child and not self.guarded

    @property
    def verified(self) -> bool:
        """Whether his residence is confirmed and he is not suspended."""
        return self.household_id is not None and not self.suspended

    def lives_in(self, community_id: int) -> bool:
        """Whether he is a verified resident of the community; of a child, whether his guardian has consented."""
        return self.verified and self.community_id == community_id and not self.needs_guardian

    def holds(self, community_id: int, *roles: Role) -> bool:
        """Whether he holds one of the roles over the whole community, there or above."""
        return not self.suspended and any(
            grant.role in roles and community_id in grant.communities for grant in self.grants
        )

    def holds_at(self, path: str, *roles: Role) -> bool:
        """Whether he holds one of the roles at the place of `path` or above it."""
        return not self.suspended and any(grant.role in roles and path.startswith(grant.path) for grant in self.grants)

    def is_committee(self, community_id: int) -> bool:
        """Whether he sits on the community's committee."""
        return self.holds(community_id, Role.COMMITTEE)

    def is_staff(self, community_id: int) -> bool:
        """Whether he works in the community: committee, social worker, or head of one of its buildings."""
        return not self.suspended and any(
            grant.role in STAFF and (community_id in grant.communities or grant.community_id == community_id)
            for grant in self.grants
        )

    def serves(self, *roles: Role) -> list[int]:
        """The communities in which, or in a part of which, he holds one of the roles."""
        held = [] if self.suspended else [grant for grant in self.grants if grant.role in roles]
        parts = {grant.community_id for grant in held if grant.community_id is not None}
        return sorted(parts.union(*(grant.communities for grant in held)))
