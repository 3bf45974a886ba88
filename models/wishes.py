"""Micro-wishes and who took them on."""

from datetime import date, datetime
from enum import StrEnum

from tortoise import fields

from app.core.errors import Conflict, Forbidden, refuses
from models.base import RESTRICT, Moderation, Stateful
from models.places import Place
from models.residents import Resident


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


refuses("wish_claims_not_by_the_wisher", OwnWish)

CLAIMERS_MAX = 10
HANDS = 3
"""How many claims one resident may hold at a time."""


class Wish(Stateful):
    """A small wish. It is `claimed` when all `claimers` slots are taken; `assistant` posted it on the author's behalf.

    What came through the door of `services.wishes` also knows `free_slots`, `claimed_by_me`, and how its reader may
    know the wisher: a name, masked for most, and an id or none.
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

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "wishes", on_delete=RESTRICT)
    community_id: int
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

    free_slots: int = 0
    claimed_by_me: bool = False
    wisher_name: str = ""
    wisher_id: int | None = None

    class Meta:
        table = "wishes"

    @property
    def assisted(self) -> bool:
        """Whether somebody posted it on the wisher's behalf."""
        return self.assistant_id is not None


class WishClaim(Stateful):
    """A neighbour took on one slot of a wish, with one of his three hands, until `due_at`.

    `wisher_id` and `claimers` repeat the wish's own, so that the database can hold a claim against them.
    """

    FLOW = {
        WishClaimState.HELD: {WishClaimState.FULFILLED, WishClaimState.RELEASED},
        WishClaimState.FULFILLED: set(),
        WishClaimState.RELEASED: set(),
    }

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "wish_claims", on_delete=RESTRICT
    )
    community_id: int
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
    claimers = fields.SmallIntField()
    slot = fields.SmallIntField()
    hand = fields.SmallIntField()
    state = fields.CharEnumField(WishClaimState, max_length=16, default=WishClaimState.HELD)
    due_at = fields.DatetimeField()
    reminded = fields.BooleanField(default=False)
    ended_at: datetime | None = fields.DatetimeField(null=True)
    ran_out = fields.BooleanField(default=False)
    """Released by the clock, not by hand."""
    note = fields.TextField(null=True)
    """What the claimer says he did."""
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.PASSED)

    class Meta:
        table = "wish_claims"
