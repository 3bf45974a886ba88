"""Shapes of households through time, invitations, guardians, accounts, terms, and help."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import model_validator

from models.deliberations import Roll
from models.homes import ChangeState, InvitationState, RequestState
from models.residents import Capacity, ConsentKind, Outcome, Role
from routers.schemas.base import PRINTABLE, Asked, Id, Moment, ReasonText, Shape, ShortText, When, bounded, examples
from routers.schemas.residents import BirthYear, ConsentIn, HelpIn, HouseholdOut

CodeText = Annotated[str, bounded(4, 40), PRINTABLE]


class MemberOut(Shape):
    """Somebody of a household; staff who do not live there see the name masked."""

    resident_id: int
    nickname: str
    capacity: Capacity
    from_at: Moment
    until_at: Moment | None


MEMBER: dict[str, Any] = {
    "resident_id": 7,
    "nickname": "小林",
    "capacity": "owner",
    "from_at": "2026-11-23T10:00:00+08:00",
    "until_at": None,
}
CHANGE: dict[str, Any] = {
    "id": 4,
    "household_id": 3,
    "resident_id": 8,
    "proposed_by_id": 7,
    "state": "pending",
    "agreed": 1,
    "needed": 2,
    "reason": "我常出差",
    "created_at": "2026-11-23T10:00:00+08:00",
}


class RepresentativeChangeOut(Shape):
    """A change of representative: how many of the household's adults said yes, of how many."""

    model_config = examples(CHANGE)

    id: int
    household_id: int
    resident_id: int
    proposed_by_id: int
    state: ChangeState
    agreed: int
    needed: int
    reason: str | None
    created_at: Moment


class HouseholdDetailOut(HouseholdOut):
    """A household with its members and the change of representative it has under way."""

    model_config = examples(
        {
            "id": 3,
            "community_id": 4,
            "building_id": 6,
            "unit": "1",
            "room": "101",
            "area_cm2": 890000,
            "representative_id": 7,
            "members": [MEMBER],
            "pending_change": CHANGE,
        }
    )

    members: list[MemberOut]
    pending_change: RepresentativeChangeOut | None


class StoodOut(Shape):
    """Who represented a household, and its area in cm², from one moment until another."""

    representative_id: int | None
    area_cm2: int | None
    from_at: Moment
    until_at: Moment | None


class HouseholdHistoryOut(Shape):
    """Who lived there when, and what stood on record; newest first, at most 200 of each."""

    model_config = examples(
        {
            "members": [MEMBER],
            "records": [
                {"representative_id": 7, "area_cm2": None, "from_at": "2026-11-23T10:00:00+08:00", "until_at": None}
            ],
        }
    )

    members: list[MemberOut]
    records: list[StoodOut]


class HouseholdLineOut(Shape):
    """A household in a list for staff."""

    model_config = examples(
        {"id": 3, "building_id": 6, "unit": "1", "room": "101", "area_cm2": None, "representative_id": 7, "members": 2}
    )

    id: int
    building_id: int
    unit: str
    room: str
    area_cm2: int | None
    representative_id: int | None
    members: int


class RepresentativeIn(HelpIn):
    """Which adult member is to represent the household."""

    model_config = examples({"resident_id": 8, "reason": "我常出差"})

    resident_id: Id
    reason: ReasonText | None = None


class InvitationIn(Asked):
    """As what somebody is invited into the household."""

    model_config = examples({"capacity": "family"})

    capacity: Capacity


class InvitationOut(Shape):
    """An invitation; `code` is told once, to whoever makes it, and to nobody on a repetition."""

    model_config = examples(
        {
            "id": 5,
            "household_id": 3,
            "capacity": "family",
            "state": "open",
            "code": "7KQXW2MPD4TZ",
            "made_by_id": 7,
            "used_by_id": None,
            "expires_at": "2026-11-30T10:00:00+08:00",
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    household_id: int
    capacity: Capacity
    state: InvitationState
    code: str | None
    made_by_id: int
    used_by_id: int | None
    expires_at: Moment
    created_at: Moment


class BornIn(Asked):
    """When one was born; the date shows exactly 18 or 14 years and is kept sealed until one is 18."""

    model_config = examples({"birth_year": 1995})

    birth_year: BirthYear
    birth_date: date | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.birth_date is not None and self.birth_date.year != self.birth_year:
            raise ValueError("birth_date and birth_year disagree")
        return self


class MembershipOut(Shape):
    """To which household one belongs, since when."""

    model_config = examples(
        {
            "id": 11,
            "household_id": 3,
            "community_id": 4,
            "capacity": "family",
            "from_at": "2026-11-23T10:00:00+08:00",
            "until_at": None,
        }
    )

    id: int
    household_id: int
    community_id: int
    capacity: Capacity
    from_at: Moment
    until_at: Moment | None


class EndIn(Asked):
    """Why somebody does not live there any more."""

    model_config = examples({"reason": "已搬离"})

    reason: ReasonText


class VoterOut(Shape):
    """A line of a roll; of a household, with whoever represented it. The name is masked, the area in cm²."""

    resident_id: int | None
    household_id: int | None
    name: str | None
    area_cm2: int | None


class ElectorateOut(Shape):
    """How many could vote at a moment; who, only for the committee (for others `items` is empty)."""

    model_config = examples(
        {
            "roll": "residents",
            "at": "2026-03-01T23:59:59.999999+08:00",
            "size": 1,
            "area_cm2": None,
            "items": [{"resident_id": 7, "household_id": None, "name": "小**", "area_cm2": None}],
            "next_cursor": None,
        }
    )

    roll: Roll
    at: Moment
    size: int
    area_cm2: int | None
    items: list[VoterOut]
    next_cursor: str | None


class GuardianshipIn(Asked):
    """For which child one consents; the committee names another guardian, and how he consented."""

    model_config = examples({"child_id": 31})

    child_id: Id
    guardian_id: Id | None = None
    consent: ConsentIn | None = None


class GuardianshipOut(Shape):
    """A guardian's consent."""

    model_config = examples(
        {
            "id": 2,
            "child_id": 31,
            "guardian_id": 7,
            "named_by_id": None,
            "consent_kind": None,
            "created_at": "2026-11-23T10:00:00+08:00",
            "ended_at": None,
        }
    )

    id: int
    child_id: int
    guardian_id: int
    named_by_id: int | None
    consent_kind: ConsentKind | None
    created_at: Moment
    ended_at: Moment | None


class RenewIn(Asked):
    """Until when a role goes on; a supervisor's needs the residents' meeting's resolution."""

    model_config = examples({"until": "2027-11-23T00:00:00+08:00", "resolution_id": None})

    until: When
    resolution_id: Id | None = None


class HolderOut(Shape):
    """Who holds a role at a place."""

    model_config = examples(
        {
            "id": 5,
            "resident_id": 9,
            "nickname": "何楼长",
            "role": "building_head",
            "from_at": "2026-11-23T10:00:00+08:00",
            "until_at": None,
        }
    )

    id: int
    resident_id: int
    nickname: str
    role: Role
    from_at: Moment
    until_at: Moment | None


class AssistanceOut(Shape):
    """One act done on behalf of somebody; names are masked, `outcome` says what an objection came to."""

    model_config = examples(
        {
            "id": 6,
            "resident_id": 21,
            "resident": "王**",
            "assistant_id": 9,
            "assistant": "何**",
            "verb": "need.endorsed",
            "subject": "need:12",
            "consent": "witness",
            "witness_id": 8,
            "created_at": "2026-11-23T10:00:00+08:00",
            "objected_at": None,
            "outcome": None,
        }
    )

    id: int
    resident_id: int
    resident: str
    assistant_id: int
    assistant: str
    verb: str
    subject: str
    consent: ConsentKind
    witness_id: int | None
    created_at: Moment
    objected_at: Moment | None
    outcome: Outcome | None


class ObjectionToHelpIn(HelpIn):
    """Why one did not want it; another helper says on whose behalf."""

    model_config = examples({"reason": "我没有同意"})

    reason: ShortText | None = None


class LinkIn(Asked):
    """Which new account belongs to the person on record."""

    model_config = examples({"resident_id": 40})

    resident_id: Id


class LinkRequestOut(Shape):
    """The committee's question whether a new account is somebody on record."""

    model_config = examples(
        {
            "id": 1,
            "recorded_id": 21,
            "newcomer_id": 40,
            "asked": True,
            "state": "pending",
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    recorded_id: int
    newcomer_id: int
    asked: bool
    """Whether the committee has asked him; until then only a telephone number says so."""
    state: RequestState
    created_at: Moment


class PhoneMoveOut(Shape):
    """A request that a lost account lets go of a number. Which account that is, only the committee reads."""

    model_config = examples(
        {"id": 1, "new_id": 40, "old_id": None, "state": "pending", "created_at": "2026-11-23T10:00:00+08:00"}
    )

    id: int
    new_id: int
    old_id: int | None
    state: RequestState
    created_at: Moment
