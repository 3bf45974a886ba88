"""Homes through time: what was on record of a household, who joins by invitation, who answers for a child, and two
accounts of one person."""

from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound, TooMany, refuses
from models.base import NOW, RESTRICT, Record, Stateful
from models.events import Reason
from models.places import OfCommunity
from models.residents import Capacity, ConsentKind, Household, Resident

INVITATIONS_MAX = 5
"""How many invitations of one household may be open at a time."""


class ChangeState(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class RequestState(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class InvitationState(StrEnum):
    """Told from the row and the clock, never stored."""

    OPEN = "open"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"


class ChangePending(Conflict):
    code = "change_pending"
    zh = "本户已有一项更换户代表的提议，请先处理"
    en = "The household has a change of its representative under way; settle it first"


class TooManyInvitations(TooMany):
    code = "too_many_invitations"
    zh = "本户未使用的邀请已达上限，请先撤回或等待过期"
    en = "The household has as many open invitations as it may; revoke one or wait"


class NoSuchInvitation(NotFound):
    code, zh, en = "invitation_unknown", "没有这个邀请码，请核对", "No such invitation; check the code"


class InvitationUsed(Conflict):
    code, zh, en = "invitation_used", "这个邀请码已被使用", "This invitation has been used"


class InvitationRevoked(Conflict):
    code, zh, en = "invitation_revoked", "这个邀请已撤回", "This invitation was revoked"


class InvitationExpired(Conflict):
    code, zh, en = "invitation_expired", "这个邀请码已过期", "This invitation has run out"


class NotAChild(Invalid):
    code = "not_a_child"
    zh = "只有不满十四周岁的孩子需要监护人同意（个人信息保护法第三十一条）"
    en = "Only a child under 14 needs a guardian's consent (Personal Information Protection Law, art. 31)"


class NotForChildren(Forbidden):
    code, zh, en = "not_for_children", "不满十四周岁的孩子不能这样做", "Not for children under 14"


class NotAGuardian(Invalid):
    code = "not_a_guardian"
    zh = "监护人须年满十八周岁，并与孩子同户，或由居委会认定"
    en = "A guardian is an adult of the child's household, or one whom the committee names"


class AlreadyActive(Conflict):
    code = "account_in_use"
    zh = "这个账号已有住户认证或其他记录，不能再与他人的记录合并"
    en = "This account has a residence or other records of its own and cannot be linked any more"


refuses("representative_changes_one_pending", ChangePending)
refuses("representative_votes_once", AlreadyExists)
refuses("invitations_bounded", TooManyInvitations)
refuses("guardianships_once", AlreadyExists)
refuses("resident_links_one_pending", AlreadyExists)
refuses("phone_moves_one_pending", AlreadyExists)


class HouseholdRecord(OfCommunity, Record):
    """What stood on record of a household from one moment until another; a trigger writes it."""

    household: fields.ForeignKeyRelation[Household] = fields.ForeignKeyField(
        "models.Household", "records", on_delete=RESTRICT
    )
    household_id: int
    representative: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "represented", on_delete=RESTRICT, null=True
    )
    representative_id: int | None
    area_cm2 = fields.BigIntField(null=True)
    from_at = fields.DatetimeField(db_default=NOW)
    until_at = fields.DatetimeField(null=True)

    class Meta:
        table = "household_records"


class RepresentativeChange(OfCommunity, Stateful):
    """Somebody of a household proposes who represents it; it happens when all its adults or the committee agree."""

    FLOW = {
        ChangeState.PENDING: {ChangeState.CONFIRMED, ChangeState.DECLINED, ChangeState.WITHDRAWN},
        ChangeState.CONFIRMED: set(),
        ChangeState.DECLINED: set(),
        ChangeState.WITHDRAWN: set(),
    }

    household: fields.ForeignKeyRelation[Household] = fields.ForeignKeyField(
        "models.Household", "representative_changes", on_delete=RESTRICT
    )
    household_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "representations_proposed", on_delete=RESTRICT
    )
    resident_id: int
    proposed_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "representative_changes", on_delete=RESTRICT
    )
    proposed_by_id: int
    decided_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "representative_changes_decided", on_delete=RESTRICT, null=True
    )
    decided_by_id: int | None
    reason: fields.ForeignKeyNullableRelation[Reason] = fields.ForeignKeyField(
        "models.Reason", "representative_changes", on_delete=RESTRICT, null=True
    )
    reason_id: int | None
    state = fields.CharEnumField(ChangeState, max_length=16, default=ChangeState.PENDING)
    agreed: int
    """How many of the household's adults have said yes."""
    needed: int

    class Meta:
        table = "representative_changes"


class RepresentativeVote(OfCommunity, Record):
    """An adult of the household says yes."""

    change: fields.ForeignKeyRelation[RepresentativeChange] = fields.ForeignKeyField(
        "models.RepresentativeChange", "votes", on_delete=RESTRICT
    )
    change_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "representative_votes", on_delete=RESTRICT
    )
    resident_id: int

    class Meta:
        table = "representative_votes"


class Invitation(OfCommunity, Record):
    """Whoever has its code may join the household once, within seven days. Only the code's hash is kept."""

    household: fields.ForeignKeyRelation[Household] = fields.ForeignKeyField(
        "models.Household", "invitations", on_delete=RESTRICT
    )
    household_id: int
    capacity = fields.CharEnumField(Capacity, max_length=8)
    code_hash = fields.BinaryField()
    made_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "invitations", on_delete=RESTRICT
    )
    made_by_id: int
    slot = fields.SmallIntField()
    expires_at = fields.DatetimeField()
    used_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "invitations_used", on_delete=RESTRICT, null=True
    )
    used_by_id: int | None
    used_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)
    code: str | None = None
    """Told once, to whoever has just made it."""
    state: InvitationState

    class Meta:
        table = "invitations"


class Guardianship(OfCommunity, Record):
    """A guardian lets a child under 14 take part, until he withdraws it or the child turns 14 (个保法 31)."""

    child: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "guardians", on_delete=RESTRICT
    )
    child_id: int
    guardian: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "wards", on_delete=RESTRICT
    )
    guardian_id: int
    named_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "guardians_named", on_delete=RESTRICT, null=True
    )
    named_by_id: int | None
    consent_kind = fields.CharEnumField(ConsentKind, max_length=16, null=True)
    """How he agreed where he did not say so himself, logged in."""
    witness: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "guardianships_witnessed", on_delete=RESTRICT, null=True
    )
    witness_id: int | None
    media_id: int | None = fields.BigIntField(null=True)
    ended_at = fields.DatetimeField(null=True)
    ended_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "guardianships_ended", on_delete=RESTRICT, null=True
    )
    ended_by_id: int | None

    class Meta:
        table = "guardianships"


class ResidentLink(OfCommunity, Stateful):
    """The committee says that a new account belongs to somebody on record; he himself confirms it.

    With no `asked_by` only the telephone number says so: the committee looks into it, and he does not know of it yet.
    """

    FLOW = {
        RequestState.PENDING: {RequestState.CONFIRMED, RequestState.DECLINED},
        RequestState.CONFIRMED: set(),
        RequestState.DECLINED: set(),
    }

    recorded: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "links", on_delete=RESTRICT
    )
    recorded_id: int
    newcomer: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "links_offered", on_delete=RESTRICT
    )
    newcomer_id: int
    asked_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "links_asked", on_delete=RESTRICT, null=True
    )
    asked_by_id: int | None
    state = fields.CharEnumField(RequestState, max_length=16, default=RequestState.PENDING)

    @property
    def asked(self) -> bool:
        """Whether the committee has asked him."""
        return self.asked_by_id is not None

    class Meta:
        table = "resident_links"


class PhoneMove(OfCommunity, Stateful):
    """Somebody who holds a telephone asks that an account he lost lets go of its number; the committee confirms."""

    FLOW = ResidentLink.FLOW

    old: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "phone_moves_from", on_delete=RESTRICT
    )
    old_id: int
    new: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "phone_moves_to", on_delete=RESTRICT
    )
    new_id: int
    decided_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "phone_moves_decided", on_delete=RESTRICT, null=True
    )
    decided_by_id: int | None
    state = fields.CharEnumField(RequestState, max_length=16, default=RequestState.PENDING)

    class Meta:
        table = "phone_moves"
