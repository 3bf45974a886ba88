"""People: residents, their sessions, households and who lived there when, roles, and help given on behalf of others."""

from datetime import date, datetime
from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Forbidden, Invalid, refuses
from models.base import NOW, RESTRICT, Moderation, Record, Stateful
from models.places import OfCommunity, Place


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


class Kinship(StrEnum):
    """What the one is to the other."""

    SPOUSE = "spouse"
    PARENT = "parent"
    CHILD = "child"
    SIBLING = "sibling"
    OTHER = "other"

    @property
    def seen_from_the_other(self) -> "Kinship":
        """What the other is to the one."""
        return {Kinship.PARENT: Kinship.CHILD, Kinship.CHILD: Kinship.PARENT}.get(self, self)


class ConsentKind(StrEnum):
    """How somebody who does not use a phone agreed to be helped."""

    SIGNATURE = "signature"
    WITNESS = "witness"
    VOICE = "voice"


class Outcome(StrEnum):
    """Whether an act that somebody did not want could be undone."""

    UNDONE = "undone"
    KEPT = "kept"


class ConsentPurpose(StrEnum):
    """For what somebody lets us use his data beyond the service itself; each purpose is asked for on its own."""

    SERVICE = "service"
    PUBLISHING = "publishing"
    SHARING = "sharing"
    """With one organisation, named in the consent."""
    SENSITIVE = "sensitive"


class PhoneTaken(Conflict):
    code, zh, en = "phone_taken", "该手机号已被其他账号绑定", "This phone number is bound to another account"


class HasLeft(Conflict):
    code, zh, en = "has_left", "这位居民已经注销", "This resident has left"


class LastOfficer(Conflict):
    code = "last_officer"
    zh = "不能撤销最后一位街道或区级干部"
    en = "The last officer of a street or district cannot be revoked"


class SelfGrant(Forbidden):
    code, zh, en = "self_grant", "不能给自己授予角色", "Nobody grants himself a role"


class WrongSize(Invalid):
    code = "constituency_size"
    zh = "一个居民代表选区须有二十至五十户（居委会组织法第十三条）"
    en = "A constituency has 20 to 50 households (Organic Law of Residents' Committees, art. 13)"


class TermsOverlap(Conflict):
    code = "terms_overlap"
    zh = "该选区或该居民在这段时间已有居民代表任期"
    en = "The constituency or the resident has another term of a representative in that time"


class WrongTerm(Invalid):
    zh = "任期须有起止日期，且不超过五年"
    en = "A term begins before it ends, and lasts five years at most"


class NoElection(Invalid):
    zh = "请注明推选依据：本社区的决议或会议记录"
    en = "Name what elected him: a resolution of the community, or the minutes"


class WrongShare(Invalid):
    zh = "产权份额应为真分数或一，且各份之和不超过一；每户至多一位行使表决权"
    en = "Shares are fractions that add up to one at most; one owner of a flat votes for it"


# Where nobody writes any more who has left, and the column that says whose row it is, as in revision 0031.
OWN_ROWS = {
    table: column
    for column, tables in {
        "resident_id": "attendances ballots comment_supports consents endorsements household_claims "
        "idempotency_keys memberships need_ratings notice_preferences petition_signatures representative_votes "
        "role_grants satisfactions sessions signups team_members wish_claims",
        "author_id": "activities campaigns comments deliberation_reviews deliberations disclosure_answers "
        "disclosure_questions meetings need_answers needs objections option_proposals petitions reasons "
        "wishes",
        "actor_id": "events",
        "assistant_id": "assistances",
        "founder_id": "teams",
        "giver_id": "pledges",
        "guardian_id": "guardianships",
        "made_by_id": "invitations",
        "new_id": "phone_moves",
        "newcomer_id": "resident_links",
        "proposed_by_id": "representative_changes",
        "reporter_id": "reports",
        "uploader_id": "media",
    }.items()
    for table in tables.split()
}

refuses("constituencies_one_name", AlreadyExists)
refuses("constituencies_size", WrongSize)
refuses("representatives_one_at_a_time", TermsOverlap)
refuses("representatives_of_one_constituency", TermsOverlap)
refuses("representatives_term", WrongTerm)
refuses("representatives_elected", NoElection)
refuses("representatives_resolution_same_community", NoElection)
refuses("representatives_not_by_oneself", SelfGrant)
refuses("ownerships_share", WrongShare)
refuses("ownerships_one_live", WrongShare)
refuses("ownerships_one_votes", WrongShare)
refuses("residents_phone_index_key", PhoneTaken)
refuses("households_one_per_room", AlreadyExists)
refuses("household_claims_one_pending", AlreadyExists)
refuses("memberships_one_live", AlreadyExists)
refuses("role_grants_one_live", AlreadyExists)
for _table in OWN_ROWS:
    refuses(f"{_table}_not_of_who_left", HasLeft)
refuses("residents_who_left_are_nobody", HasLeft)
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
    of_age_at: datetime | None = fields.DatetimeField(null=True)
    """Since when that stands; a trigger notes it."""
    of_fourteen = fields.BooleanField(default=False)
    """The same for 14 years, up to which a guardian must consent."""
    birth_date_sealed = fields.BinaryField(null=True)
    """Kept until it has shown that he is 18."""
    birthday_looked_for_on: date | None = fields.DateField(null=True)
    """The last day on which that was looked at."""
    suspended = fields.BooleanField(default=False)
    left_at: datetime | None = fields.DatetimeField(null=True)
    """When he had his account erased; what the law keeps stands under a pseudonym."""

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


class Household(OfCommunity, Record):
    """A room in a building, with its exclusive area and its representative."""

    building: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "rooms", on_delete=RESTRICT)
    building_id: int
    unit = fields.CharField(20)
    room = fields.CharField(20)
    area_cm2 = fields.BigIntField(null=True)
    representative: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "represents", on_delete=RESTRICT, null=True
    )
    representative_id: int | None
    constituency: fields.ForeignKeyNullableRelation["Constituency"] = fields.ForeignKeyField(
        "models.Constituency", "households", on_delete=RESTRICT, null=True
    )
    constituency_id: int | None

    class Meta:
        table = "households"


class Constituency(OfCommunity, Record):
    """20 to 50 households that choose one residents' representative (居委会组织法 13); none: it has been dissolved."""

    name = fields.CharField(60)

    class Meta:
        table = "constituencies"


class Representative(OfCommunity, Record):
    """A residents' representative for a term, from one day until another (that day he is none any more)."""

    constituency: fields.ForeignKeyRelation[Constituency] = fields.ForeignKeyField(
        "models.Constituency", "representatives", on_delete=RESTRICT
    )
    constituency_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "terms", on_delete=RESTRICT
    )
    resident_id: int
    from_on = fields.DateField()
    until_on = fields.DateField()
    resolution_id = fields.BigIntField(null=True)
    minutes = fields.CharField(200, null=True)
    """Where it is written down that he was elected, if no resolution says so."""
    ended_at: datetime | None = fields.DatetimeField(null=True)
    """When it ended before its time."""
    recorded_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "terms_recorded", on_delete=RESTRICT
    )
    recorded_by_id: int

    class Meta:
        table = "representatives"


class Ownership(OfCommunity, Record):
    """Somebody owns a flat, or a share of it, from one day until another."""

    household: fields.ForeignKeyRelation[Household] = fields.ForeignKeyField(
        "models.Household", "ownerships", on_delete=RESTRICT
    )
    household_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "ownerships", on_delete=RESTRICT
    )
    resident_id: int
    share_numerator = fields.SmallIntField()
    share_denominator = fields.SmallIntField()
    votes = fields.BooleanField()
    """Whom the owners of one flat have named to vote for it."""
    recorded_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "ownerships_recorded", on_delete=RESTRICT
    )
    recorded_by_id: int
    from_at = fields.DatetimeField(db_default=NOW)
    until_at = fields.DatetimeField(null=True)

    class Meta:
        table = "ownerships"


class Membership(OfCommunity, Record):
    """Somebody belongs to a household from one day until another, so that "who could vote on 1 March" stays known."""

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
    adult_at: datetime | None = fields.DatetimeField(null=True)
    """From when on he was an adult in it, once it is over: it outlasts the year of birth. A trigger notes it."""

    class Meta:
        table = "memberships"


class HouseholdClaim(OfCommunity, Stateful):
    """A resident says where he lives; its representative, the building head or the committee confirms."""

    FLOW = {
        ClaimState.PENDING: {ClaimState.CONFIRMED, ClaimState.DECLINED},
        ClaimState.CONFIRMED: set(),
        ClaimState.DECLINED: set(),
    }

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
    birth_year = fields.SmallIntField(null=True)
    of_age = fields.BooleanField(default=False)
    of_fourteen = fields.BooleanField(default=False)
    birth_date_sealed = fields.BinaryField(null=True)
    """Until the claim is decided."""
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


class Assistance(OfCommunity, Record):
    """One act done on behalf of somebody who does not use a phone, and how that person agreed."""

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
    witness_id: int | None
    media_id = fields.BigIntField(null=True)
    verb = fields.CharField(60)
    subject_kind = fields.CharField(30)
    subject_id = fields.BigIntField()
    receipt = fields.CharField(64, null=True)
    """Of a ballot entered for him: what was handed to him then, also when another has replaced that ballot."""
    objected_at: datetime | None = fields.DatetimeField(null=True)
    objected_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "assistances_objected", on_delete=RESTRICT, null=True
    )
    objected_by_id: int | None
    outcome = fields.CharEnumField(Outcome, max_length=8, null=True)
    """What an objection came to."""

    class Meta:
        table = "assistances"


class Relative(Record):
    """Two residents are related, so neither approves what the other asks for or is paid; kept after it was struck out.

    `low_id` is the smaller id of the two; `kinship` says what the higher is to the lower.
    """

    low: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "relatives_above", on_delete=RESTRICT
    )
    low_id: int
    high: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "relatives_below", on_delete=RESTRICT
    )
    high_id: int
    kinship = fields.CharEnumField(Kinship, max_length=8)
    declared_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "relatives_declared", on_delete=RESTRICT
    )
    declared_by_id: int
    ended_at = fields.DatetimeField(null=True)
    ended_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "relatives_ended", on_delete=RESTRICT, null=True
    )
    ended_by_id: int | None

    class Meta:
        table = "relatives"


class Consent(Record):
    """A consent to one purpose, under the words of one policy version, until it is withdrawn (个保法 14-15)."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "consents", on_delete=RESTRICT
    )
    resident_id: int
    purpose = fields.CharEnumField(ConsentPurpose, max_length=16)
    policy_version = fields.CharField(20)
    recipient = fields.CharField(60, null=True)
    """With whom his data may be shared."""
    granted_at: datetime = fields.DatetimeField(db_default=NOW)
    withdrawn_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "consents"
