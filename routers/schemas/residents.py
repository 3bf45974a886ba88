"""Shapes of people, homes and roles."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from models.base import Moderation
from models.places import PlaceKind
from models.residents import Capacity, ClaimState, ConsentKind, ConsentPurpose, Role
from routers.schemas.base import PRINTABLE, Asked, Id, Moment, ReasonText, Shape, ShortText, When, bounded, examples

RoomText = Annotated[str, bounded(1, 20), PRINTABLE]
Nickname = Annotated[str, bounded(1, 30), PRINTABLE]
PersonName = Annotated[str, bounded(1, 30), PRINTABLE]
PhoneNumber = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\+?[0-9][0-9 -]{4,18}[0-9]$")]
BirthYear = Annotated[int, Field(ge=1900, le=2100, strict=True)]


class LoginIn(Asked):
    """The code of wx.login."""

    model_config = examples({"code": "0a3Xy9Ga1kZ8"})

    code: Annotated[str, bounded(1, 128), PRINTABLE]


class PhoneIn(Asked):
    """The code that a button with open-type getPhoneNumber gives; not the one of wx.login."""

    model_config = examples({"code": "7f3c0b1d9e2a"})

    code: Annotated[str, bounded(1, 128), PRINTABLE]


class HouseholdOut(Shape):
    """The home of a resident, as he himself sees it."""

    model_config = examples(
        {
            "id": 3,
            "community_id": 4,
            "building_id": 6,
            "unit": "1",
            "room": "101",
            "area_cm2": 890000,
            "representative_id": 7,
            "capacity": "owner",
        }
    )

    id: int
    community_id: int
    building_id: int
    unit: str
    room: str
    area_cm2: int | None
    representative_id: int | None
    capacity: Capacity | None = None


class RoleOut(Shape):
    """A role held at a place and all below it."""

    role: Role
    place_id: int


ME: dict[str, Any] = {
    "id": 7,
    "nickname": "小林",
    "nickname_moderation": "passed",
    "avatar_url": None,
    "phone_masked": None,
    "verified": True,
    "household": {
        "id": 3,
        "community_id": 4,
        "building_id": 6,
        "unit": "1",
        "room": "101",
        "area_cm2": 890000,
        "representative_id": 7,
        "capacity": "owner",
    },
    "roles": [{"role": "building_head", "place_id": 6}],
    "credits": {},
    "claiming_paused_until": None,
    "consents_due": ["service"],
}


class Me(Shape):
    """One's own page; others see a new nickname once it has passed."""

    model_config = examples(ME)

    id: int
    nickname: str
    nickname_moderation: Moderation
    avatar_url: str | None
    phone_masked: str | None
    verified: bool
    household: HouseholdOut | None
    roles: list[RoleOut]
    credits: dict[str, int]
    claiming_paused_until: Moment | None
    """After three abandoned wishes; null when he may claim."""
    consents_due: list[ConsentPurpose]
    """To what one is asked to consent (again), because the policy is another one by now."""


class LoginOut(Shape):
    """A fresh session; keep the token, it is told once."""

    model_config = examples(
        {
            "token": "q5Jm0n8s1V0nq0y8T0c3m1kL6v9pQx2dZr4tUw7yAbE",
            "expires_at": "2026-12-23T10:00:00+08:00",
            "resident": ME,
        }
    )

    token: str
    expires_at: Moment
    resident: Me


class MeIn(Asked):
    """The fields of one's own page to replace; null takes the picture away."""

    model_config = examples({"nickname": "小林"})

    nickname: Nickname = ""
    avatar_url: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=500), PRINTABLE] | None = None


class NoticeOut(Shape):
    """A line of the inbox."""

    model_config = examples(
        {
            "id": 12,
            "kind": "need.accepted",
            "text": "您的需求「楼道灯坏了」已受理",
            "subject": "need:5",
            "read": False,
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    kind: str
    text: str
    subject: str
    read: bool
    created_at: Moment


class PlaceIn(Asked):
    """A place to add below another."""

    model_config = examples({"parent_id": 3, "kind": "building", "name": "7号楼"})

    parent_id: Id
    kind: PlaceKind
    name: Annotated[str, bounded(1, 60), PRINTABLE]


class PlaceOut(Shape):
    """A place and where it lies; `community_id` is null above communities."""

    model_config = examples(
        {"id": 6, "parent_id": 4, "kind": "building", "name": "7号楼", "path": "/1/2/4/6/", "community_id": 4}
    )

    id: int
    parent_id: int | None
    kind: PlaceKind
    name: str
    path: str
    community_id: int | None


class HouseholdClaimIn(Asked):
    """Where one lives. `birth_date` shows exactly 18 or 14 years on the birthday; it is kept sealed until one is 18."""

    model_config = examples({"building_id": 6, "unit": "1", "room": "101", "capacity": "owner", "birth_year": 1980})

    building_id: Id
    unit: RoomText
    room: RoomText
    capacity: Capacity
    birth_year: BirthYear
    birth_date: date | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.birth_date is not None and self.birth_date.year != self.birth_year:
            raise ValueError("birth_date and birth_year disagree")
        return self


class ConfirmClaimIn(Asked):
    """What whoever confirms has seen: that this year's birthday is over, for exactly 18 or 14 years."""

    model_config = examples({"birthday_passed": True})

    birthday_passed: bool = False


class HouseholdClaimOut(Shape):
    """A claim and what became of it."""

    model_config = examples(
        {
            "id": 9,
            "state": "pending",
            "resident_id": 7,
            "community_id": 4,
            "building_id": 6,
            "unit": "1",
            "room": "101",
            "capacity": "owner",
            "birth_year": 1980,
            "reason": None,
            "moderation": "passed",
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    state: ClaimState
    resident_id: int
    community_id: int
    building_id: int
    unit: str
    room: str
    capacity: Capacity
    birth_year: int | None
    reason: str | None
    moderation: Moderation
    created_at: Moment


class HouseholdIn(Asked):
    """What the committee records of a household; area in cm²."""

    model_config = examples({"area_cm2": 890000, "representative_id": 7})

    area_cm2: Annotated[int, Field(ge=1, le=10**9, strict=True)] | None = None
    representative_id: Id | None = None


class ResidentIn(Asked):
    """Somebody who does not use WeChat; `birthday_passed` when whoever registers has seen that this year's is over."""

    model_config = examples({"household_id": 3, "name": "王淑芬", "birth_year": 1941, "phone": "028-85551234"})

    household_id: Id
    name: PersonName
    birth_year: BirthYear
    birthday_passed: bool = False
    phone: PhoneNumber | None = None


class ReadIn(Asked):
    """Up to which notice one has read; nothing means all."""

    model_config = examples({"through_id": 42})

    through_id: Id | None = None


class ResidentOut(Shape):
    """A resident as staff see him after registering him; the name is masked."""

    model_config = examples({"id": 21, "nickname": "王**", "birth_year": 1941})

    id: int
    nickname: str
    birth_year: int | None


class RoleIn(Asked):
    """A role to give; `resolution_id` is required for a supervisor."""

    model_config = examples({"resident_id": 7, "role": "building_head"})

    resident_id: Id
    role: Role
    until: When | None = None
    resolution_id: Id | None = None


class RoleGrantOut(Shape):
    """A role given."""

    model_config = examples({"id": 5, "resident_id": 7, "role": "building_head", "place_id": 6, "until_at": None})

    id: int
    resident_id: int
    role: Role
    place_id: int
    until_at: Moment | None


class ConsentIn(Asked):
    """How the person helped agreed: signature photo, witness, or voice."""

    kind: ConsentKind
    witness_id: Id | None = None
    media_id: Id | None = None


class OnBehalfOfIn(Asked):
    """Whom one helps, and how he agreed."""

    model_config = examples({"resident_id": 21, "consent": {"kind": "witness", "witness_id": 8}})

    resident_id: Id
    consent: ConsentIn


class HelpIn(Asked):
    """Nothing to say but, perhaps, on whose behalf."""

    model_config = examples({"on_behalf_of": {"resident_id": 21, "consent": {"kind": "witness", "witness_id": 8}}})

    on_behalf_of: OnBehalfOfIn | None = None

    def said(self) -> dict[str, Any]:
        """What is asked for, whoever it is for."""
        return self.model_dump(exclude={"on_behalf_of"})


class HelpedReasoned(HelpIn):
    """A reason, perhaps given on somebody's behalf."""

    model_config = examples({"reason": "灯又坏了"})

    reason: ReasonText


class HelpQuery(Asked):
    """On whose behalf a DELETE is sent, in its query: it has no body."""

    on_behalf_of: Annotated[int | None, Field(ge=1, description="Whom one helps")] = None
    consent_kind: ConsentKind | None = None
    witness_id: Annotated[int | None, Field(ge=1)] = None
    media_id: Annotated[int | None, Field(ge=1)] = None


class DeclineIn(Asked):
    """Why a claim is declined."""

    model_config = examples({"reason": "房号与登记不符"})

    reason: ShortText
