"""Micro-wishes and who took them on."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import Conflict, Forbidden, Invalid, refuses
from models.base import RESTRICT, Moderation, Record, Stateful
from models.places import OfCommunity
from models.residents import Resident
from models.units import Unit


class WishState(StrEnum):
    IN_REVIEW = "in_review"
    OPEN = "open"
    CLAIMED = "claimed"
    FULFILLED = "fulfilled"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class WishKind(StrEnum):
    GOODS = "goods"
    SERVICE = "service"
    COMPANIONSHIP = "companionship"
    LEARNING = "learning"


class WishClaimState(StrEnum):
    HELD = "held"
    FULFILLED = "fulfilled"
    RELEASED = "released"


class WishSort(StrEnum):
    NEW = "new"
    NEEDED_BY = "needed_by"


class Outcome(StrEnum):
    """How the committee settled a dispute: the wisher was right, or not."""

    UPHELD = "upheld"
    DISMISSED = "dismissed"


class ContactConsent(StrEnum):
    """Whether whoever claims may know how to reach the wisher, or each claimer only when the wisher agrees to him."""

    ON_CLAIM = "on_claim"
    ASK = "ask"


class ContactField(StrEnum):
    NAME = "name"
    PHONE = "phone"
    ADDRESS = "address"
    WORDS = "words"


class Side(StrEnum):
    """From which side somebody speaks in a dispute."""

    WISHER = "wisher"
    CLAIMER = "claimer"
    COMMITTEE = "committee"


class AlreadyClaimed(Conflict):
    code, zh, en = "already_claimed", "这个心愿已经有人认领了", "This wish has been claimed already"


class TooManyClaims(Conflict):
    code = "too_many_claims"
    zh = "每人最多同时认领三个心愿，请先完成手上的"
    en = "At most three wishes at a time; fulfil one first"


class ClaimingPaused(Forbidden):
    code = "claiming_paused"
    zh = "您有三次认领到期未完成，暂停认领三十天"
    en = "Three claims of yours ran out; claiming is paused for 30 days"


class OwnWish(Forbidden):
    code, zh, en = "own_wish", "不能认领自己发布的心愿", "Nobody claims a wish of his own"


class NotChecked(Conflict):
    code, zh, en = "not_checked", "内容尚未通过审核", "Its words have not passed the check"


class AlreadyAttested(Conflict):
    code, zh, en = "already_attested", "这个心愿已经核实过了", "This wish has been attested already"


class PhotoConsentMissing(Invalid):
    code = "photo_consent_missing"
    zh = "照片中有受助人时，须另行取得本人对照片的同意"
    en = "Photos that show the person helped need his separate consent"


class ContactNotShared(Forbidden):
    code = "contact_not_shared"
    zh = "只有正在认领的邻居，经许愿人同意后可以查看联系方式"
    en = "How to reach the wisher is for who holds a claim, while the wisher consents"


class ExtensionAsked(Conflict):
    code, zh, en = "extension_asked", "每次认领只能申请一次延期", "A claim is extended once only"


class NotHeard(Conflict):
    code = "not_heard"
    zh = "请先听取认领人的说明；三天内没有说明的，可以直接处理"
    en = "Hear the claimer first; who says nothing within three days has been heard"


class UnitNotConfirmed(Forbidden):
    code = "unit_not_confirmed"
    zh = "只有经居委会确认的单位联系人可以代表单位认领"
    en = "Only the contact of a unit that the committee has confirmed claims for it"


refuses("wish_claims_not_by_the_wisher", OwnWish)
refuses("wish_claims_help_comes_from_another", OwnWish)
refuses("wish_claims_of_the_units_contact", UnitNotConfirmed)
refuses("wish_disclosures_while_held", ContactNotShared)

CLAIMERS_MAX = 10
HANDS = 3
"""How many claims one resident, or one unit, may hold at a time."""
EXTENSION_DAYS_MAX = 7
STATEMENTS_MAX = 20
"""How many statements one person makes in a dispute."""
FIRST_DAY = date(2000, 1, 1)


class Wish(OfCommunity, Stateful):
    """A small wish. It is `claimed` when all `claimers` slots are taken; `assistant` posted it on the author's behalf,
    and a committee member attests such a wish on a ground that stays with the committee.

    What came through the door of `services.wishes` also knows `free_slots`, `claimed_by_me` (or by whom the reader
    helps), its `photos`, and how its reader may know the wisher: a name, masked for most, and an id or none.
    """

    FLOW = {
        WishState.IN_REVIEW: {WishState.OPEN, WishState.WITHDRAWN},
        WishState.OPEN: {WishState.CLAIMED, WishState.WITHDRAWN, WishState.EXPIRED},
        WishState.CLAIMED: {WishState.OPEN, WishState.FULFILLED},
        WishState.FULFILLED: {WishState.CONFIRMED, WishState.DISPUTED},
        WishState.DISPUTED: {WishState.CLOSED},
        WishState.CONFIRMED: set(),
        WishState.CLOSED: set(),
        WishState.WITHDRAWN: set(),
        WishState.EXPIRED: set(),
    }

    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "wishes", on_delete=RESTRICT
    )
    author_id: int
    assistant: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "wishes_for_others", on_delete=RESTRICT, null=True
    )
    assistant_id: int | None
    approved_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "approved_wishes", on_delete=RESTRICT, null=True
    )
    approved_by_id: int | None
    attested_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "attested_wishes", on_delete=RESTRICT, null=True
    )
    attested_by_id: int | None
    attested_at: datetime | None = fields.DatetimeField(null=True)
    attested_ground = fields.CharField(1000, null=True)
    state = fields.CharEnumField(WishState, max_length=16, default=WishState.IN_REVIEW)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    kind = fields.CharEnumField(WishKind, max_length=16)
    title = fields.CharField(60)
    body = fields.TextField()
    value_fen = fields.BigIntField(null=True)
    needed_by: date | None = fields.DateField(null=True)
    claimers = fields.SmallIntField(default=1)
    thanks = fields.TextField(null=True)
    thanks_moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.PASSED)
    thanks_public = fields.BooleanField(default=False)
    """Whether the wisher lets everybody read his thanks, not only those who are thanked."""
    photo_of_person = fields.BooleanField(default=False)
    """Whether its photos show the person who is helped: neighbours then see them only while `photo_consent` stands."""
    photo_consent = fields.BooleanField(default=False)
    disputed_at: datetime | None = fields.DatetimeField(null=True)
    outcome = fields.CharEnumField(Outcome, max_length=16, null=True)

    free_slots: int = 0
    claimed_by_me: bool = False
    photos: Sequence[Any] = ()
    wisher_name: str = ""
    wisher_id: int | None = None

    class Meta:
        table = "wishes"

    @property
    def assisted(self) -> bool:
        """Whether somebody posted it on the wisher's behalf."""
        return self.assistant_id is not None

    @property
    def attested(self) -> bool:
        """Whether a committee member has vouched for it."""
        return self.attested_by_id is not None

    @property
    def needed_day(self) -> int:
        """The day it is needed by as a number, for cursors."""
        return (self.needed_by - FIRST_DAY).days if self.needed_by else 0


class WishClaim(OfCommunity, Stateful):
    """A neighbour took on one slot of a wish, with one of his three hands, until `due_at`; for his unit, with its own.

    `assistant` helped him if he does not use a phone. He may ask once for `extension_days` more.

    `wisher_id` and `claimers` repeat the wish's own, so that the database can hold a claim against them.
    """

    FLOW = {
        WishClaimState.HELD: {WishClaimState.FULFILLED, WishClaimState.RELEASED},
        WishClaimState.FULFILLED: set(),
        WishClaimState.RELEASED: set(),
    }

    wish: fields.ForeignKeyRelation[Wish] = fields.ForeignKeyField("models.Wish", "claims", on_delete=RESTRICT)
    wish_id: int
    wisher: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "claims_received", on_delete=RESTRICT
    )
    wisher_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "wish_claims", on_delete=RESTRICT
    )
    resident_id: int
    assistant: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "wish_claims_for_others", on_delete=RESTRICT, null=True
    )
    assistant_id: int | None
    unit: fields.ForeignKeyNullableRelation[Unit] = fields.ForeignKeyField(
        "models.Unit", "wish_claims", on_delete=RESTRICT, null=True
    )
    unit_id: int | None
    claimers = fields.SmallIntField()
    slot = fields.SmallIntField()
    hand = fields.SmallIntField()
    state = fields.CharEnumField(WishClaimState, max_length=16, default=WishClaimState.HELD)
    due_at = fields.DatetimeField()
    reminded = fields.BooleanField(default=False)
    ended_at: datetime | None = fields.DatetimeField(null=True)
    ran_out = fields.BooleanField(default=False)
    """Released by the clock, not by hand."""
    upheld_at: datetime | None = fields.DatetimeField(null=True)
    """When the committee found that what he reported was not so; it counts like a claim that ran out."""
    extension_days = fields.SmallIntField(null=True)
    extended_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "wish_claims_extended", on_delete=RESTRICT, null=True
    )
    extended_by_id: int | None
    contact_shared = fields.BooleanField(default=False)
    """Whether the wisher lets just this claimer know how to reach him."""
    note = fields.TextField(null=True)
    """What the claimer says he did."""
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.PASSED)

    class Meta:
        table = "wish_claims"


class WishContact(OfCommunity, Record):
    """How to reach a wisher, as he lets claimers know: always his name, his telephone and home as they are then, and
    sealed words of his own.
    """

    wish: fields.ForeignKeyRelation[Wish] = fields.ForeignKeyField("models.Wish", "contacts", on_delete=RESTRICT)
    wish_id: int
    consent = fields.CharEnumField(ContactConsent, max_length=8)
    phone = fields.BooleanField()
    address = fields.BooleanField()
    words_sealed = fields.BinaryField(null=True)
    withdrawn_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "wish_contacts"


class WishDisclosure(OfCommunity, Record):
    """Somebody who held a claim read how to reach the wisher: who, when, and which fields."""

    wish: fields.ForeignKeyRelation[Wish] = fields.ForeignKeyField("models.Wish", "disclosures", on_delete=RESTRICT)
    wish_id: int
    claim: fields.ForeignKeyRelation[WishClaim] = fields.ForeignKeyField(
        "models.WishClaim", "disclosures", on_delete=RESTRICT
    )
    claim_id: int
    reader: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "contacts_read", on_delete=RESTRICT
    )
    reader_id: int
    told: list[str] = fields.JSONField()
    """Which of ContactField."""

    class Meta:
        table = "wish_disclosures"


class WishStatement(OfCommunity, Record):
    """What one side says in a dispute; for the two sides and the committee only."""

    wish: fields.ForeignKeyRelation[Wish] = fields.ForeignKeyField("models.Wish", "statements", on_delete=RESTRICT)
    wish_id: int
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "wish_statements", on_delete=RESTRICT
    )
    author_id: int
    side = fields.CharEnumField(Side, max_length=16)
    body = fields.TextField()
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "wish_statements"
