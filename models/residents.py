"""People: residents, their sessions, households and who lived there when, roles, and help given on behalf of others."""

from datetime import datetime
from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Forbidden, refuses
from models.base import NOW, RESTRICT, Moderation, Record, Stateful
from models.places import Place


class Capacity(StrEnum):
    """As what somebody belongs to a household."""

    OWNER = "owner"
    TENANT = "tenant"
    FAMILY = "family"


class Role(StrEnum):
    BUILDING_HEAD = "building_head"
    COMMITTEE = "committee"
    SOCIAL_WORKER = "social_worker"
    SUPERVISOR = "supervisor"
    REVIEWER = "reviewer"
    STREET_OFFICER = "street_officer"
    DISTRICT_OFFICER = "district_officer"


class ClaimState(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class ConsentKind(StrEnum):
    """How somebody who does not use a phone agreed to be helped."""

    SIGNATURE = "signature"
    WITNESS = "witness"
    VOICE = "voice"


class ConsentPurpose(StrEnum):
    """For what somebody lets us use his data beyond the service itself; each purpose is asked for on its own."""

    PUBLISHING = "publishing"


class PhoneTaken(Conflict):
    code, zh, en = "phone_taken", "该手机号已被其他账号绑定", "This phone number is bound to another account"


class LastOfficer(Conflict):
    code = "last_officer"
    zh = "不能撤销最后一位街道或区级干部"
    en = "The last officer of a street or district cannot be revoked"


class SelfGrant(Forbidden):
    code, zh, en = "self_grant", "不能给自己授予角色", "Nobody grants himself a role"


refuses("residents_phone_index_key", PhoneTaken)
refuses("households_one_per_room", AlreadyExists)
refuses("household_claims_one_pending", AlreadyExists)
refuses("memberships_one_live", AlreadyExists)
refuses("role_grants_one_live", AlreadyExists)
refuses("role_grants_not_to_oneself", SelfGrant)
refuses("role_grants_last_officer", LastOfficer)


class Resident(Record):
    """A person. Real name and phone are kept only as ciphertext; `nickname` is what others see."""

    openid = fields.CharField(64, null=True, unique=True)
    unionid = fields.CharField(64, null=True)
    nickname = fields.CharField(30)
    nickname_wanted = fields.CharField(30, null=True)
    """What he would like to be called, until it has passed."""
    nickname_moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.PASSED)
    avatar_id: int | None = fields.BigIntField(null=True)
    """The picture others see, out of `media`; one that waits for its check is wanted beside it."""
    wanted_avatar_id: int | None = fields.BigIntField(null=True)
    name_sealed = fields.BinaryField(null=True)
    phone_sealed = fields.BinaryField(null=True)
    phone_index = fields.BinaryField(null=True)
    birth_year = fields.SmallIntField(null=True)
    of_age = fields.BooleanField(default=False)
    """Shown by a birth date to be 18 although the calendar years differ by exactly 18."""
    suspended = fields.BooleanField(default=False)

    class Meta:
        table = "residents"


class Session(Record):
    """A login. Only the token's hash is kept; it slides by 30 days and ends for good after 90."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "sessions", on_delete=RESTRICT
    )
    resident_id: int
    token_hash = fields.BinaryField()
    expires_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()

    class Meta:
        table = "sessions"


class Household(Record):
    """A room in a building, with its exclusive area and its representative."""

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "households", on_delete=RESTRICT
    )
    community_id: int
    building: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "rooms", on_delete=RESTRICT)
    building_id: int
    unit = fields.CharField(20)
    room = fields.CharField(20)
    area_cm2 = fields.BigIntField(null=True)
    representative: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "represents", on_delete=RESTRICT, null=True
    )
    representative_id: int | None

    class Meta:
        table = "households"


class Membership(Record):
    """Somebody belongs to a household from one day until another, so that "who could vote on 1 March" stays known."""

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "memberships", on_delete=RESTRICT
    )
    community_id: int
    household: fields.ForeignKeyRelation[Household] = fields.ForeignKeyField(
        "models.Household", "memberships", on_delete=RESTRICT
    )
    household_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "memberships", on_delete=RESTRICT
    )
    resident_id: int
    capacity = fields.CharEnumField(Capacity, max_length=8)
    from_at = fields.DatetimeField(db_default=NOW)
    until_at = fields.DatetimeField(null=True)

    class Meta:
        table = "memberships"


class HouseholdClaim(Stateful):
    """A resident says where he lives; its representative, the building head or the committee confirms."""

    FLOW = {
        ClaimState.PENDING: {ClaimState.CONFIRMED, ClaimState.DECLINED},
        ClaimState.CONFIRMED: set(),
        ClaimState.DECLINED: set(),
    }

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "household_claims", on_delete=RESTRICT
    )
    community_id: int
    building: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "room_claims", on_delete=RESTRICT
    )
    building_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "household_claims", on_delete=RESTRICT
    )
    resident_id: int
    unit = fields.CharField(20)
    room = fields.CharField(20)
    capacity = fields.CharEnumField(Capacity, max_length=8)
    birth_year = fields.SmallIntField()
    of_age = fields.BooleanField(default=False)
    state = fields.CharEnumField(ClaimState, max_length=16, default=ClaimState.PENDING)
    decided_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "decided_claims", on_delete=RESTRICT, null=True
    )
    decided_by_id: int | None
    reason = fields.CharField(200, null=True)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.PASSED)
    """Of the reason."""

    class Meta:
        table = "household_claims"


class RoleGrant(Record):
    """A role held at a place (and all below it) from one moment until another; no granter = the command line."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "role_grants", on_delete=RESTRICT
    )
    resident_id: int
    role = fields.CharEnumField(Role, max_length=20)
    place: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "role_grants", on_delete=RESTRICT)
    place_id: int
    granted_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "grants_given", on_delete=RESTRICT, null=True
    )
    granted_by_id: int | None
    resolution_id = fields.BigIntField(null=True)
    """The resolution of the residents' meeting that made somebody a supervisor."""
    from_at = fields.DatetimeField(db_default=NOW)
    until_at = fields.DatetimeField(null=True)
    revoked_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "grants_revoked", on_delete=RESTRICT, null=True
    )

    class Meta:
        table = "role_grants"


class Assistance(Record):
    """One act done on behalf of somebody who does not use a phone, and how that person agreed."""

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "assistances", on_delete=RESTRICT
    )
    community_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "helped_with", on_delete=RESTRICT
    )
    resident_id: int
    assistant: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "assistances", on_delete=RESTRICT
    )
    assistant_id: int
    consent_kind = fields.CharEnumField(ConsentKind, max_length=16)
    witness: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "witnessed", on_delete=RESTRICT, null=True
    )
    media_id = fields.BigIntField(null=True)
    verb = fields.CharField(60)
    subject_kind = fields.CharField(30)
    subject_id = fields.BigIntField()

    class Meta:
        table = "assistances"


class Consent(Record):
    """A consent to one purpose, under the words of one policy version, until it is withdrawn (个保法 14-15)."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "consents", on_delete=RESTRICT
    )
    resident_id: int
    purpose = fields.CharEnumField(ConsentPurpose, max_length=16)
    policy_version = fields.CharField(20)
    granted_at: datetime = fields.DatetimeField(db_default=NOW)
    withdrawn_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "consents"
