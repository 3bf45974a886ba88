"""Shapes of micro-wishes."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from models.base import Moderation
from models.units import UnitKind
from models.wishes import (
    CLAIMERS_MAX,
    EXTENSION_DAYS_MAX,
    ContactConsent,
    ContactField,
    Outcome,
    Side,
    WishClaimState,
    WishKind,
    WishState,
)
from routers.schemas.base import (
    Asked,
    Author,
    Body,
    Fen,
    Id,
    Moment,
    ReasonText,
    Shape,
    ShortText,
    TimelineLine,
    Title,
    examples,
)
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut
from routers.schemas.residents import ConsentIn, HelpIn

WISH: dict[str, Any] = {
    "id": 9,
    "community_id": 4,
    "state": "open",
    "moderation": "passed",
    "kind": "goods",
    "title": "想要一台收音机",
    "body": "奶奶眼睛不好，想听戏。",
    "value_fen": 8000,
    "needed_by": "2026-12-31",
    "claimers": 1,
    "free_slots": 1,
    "claimed_by_me": False,
    "author": {"id": None, "nickname": "王**"},
    "assisted": True,
    "attested": True,
    "photo_of_person": False,
    "photo_consent": False,
    "photos": [PHOTO],
    "created_at": "2026-11-23T10:00:00+08:00",
}
UNIT: dict[str, Any] = {"id": 3, "kind": "party_branch", "name": "锦阳社区第二党支部"}


class WishIn(HelpIn):
    """A small wish. `value_fen` is an estimate in fen; `claimers` how many neighbours it takes.

    `photo_of_person` says that a photo shows the person helped: neighbours see the photos then while he consents. Who
    posts for somebody gives that separate consent as `photo_of_person_consent`.
    """

    model_config = examples(
        {
            "community_id": 4,
            "kind": "goods",
            "title": "想要一台收音机",
            "body": "奶奶眼睛不好，想听戏。",
            "value_fen": 8000,
            "needed_by": "2026-12-31",
        }
    )

    community_id: Id
    kind: WishKind
    title: Title
    body: Body
    value_fen: Fen | None = None
    needed_by: date | None = None
    claimers: Annotated[int, Field(ge=1, le=CLAIMERS_MAX, strict=True)] = 1
    photo_ids: PhotoIds = []
    photo_of_person: bool = False
    photo_of_person_consent: ConsentIn | None = None
    need_ids: Annotated[list[Id], Field(max_length=20)] = []


class WisherOut(Shape):
    """Who wishes: for all but the wisher's side and the committee the name is masked and the id null."""

    id: int | None
    nickname: str


class WishOut(Shape):
    """A wish as its reader may see it."""

    model_config = examples(WISH)

    id: int
    community_id: int
    state: WishState
    moderation: Moderation
    kind: WishKind
    title: str
    body: str
    value_fen: int | None
    needed_by: date | None
    claimers: int
    free_slots: int
    claimed_by_me: bool
    author: WisherOut
    assisted: bool
    attested: bool
    photo_of_person: bool
    photo_consent: bool
    photos: list[PhotoOut]
    created_at: Moment


class UnitSeenOut(Shape):
    """A unit that helps."""

    id: int
    kind: UnitKind
    name: str


class ClaimOut(Shape):
    """A claim on a wish, for those concerned; `due_at` is when it runs out.

    `extension_days` were asked for and, if `extended`, given. `contact_shared`: its holder may read the contact now.
    `upheld`: a dispute over it was.
    """

    id: int
    claimer: Author
    assistant_id: int | None
    unit: UnitSeenOut | None
    state: WishClaimState
    due_at: Moment
    extension_days: int | None
    extended: bool
    contact_shared: bool
    upheld: bool
    note: str | None
    moderation: Moderation
    photos: list[PhotoOut]


class WishStatementOut(Shape):
    """What a side said in a dispute."""

    id: int
    side: Side
    mine: bool
    body: str | None
    moderation: Moderation
    created_at: Moment


class WishDetailOut(WishOut):
    """A wish with the claims and thanks that are the reader's to know, and its history.

    `units` help or helped, for everybody to see. `ground` (of the attestation) is for the committee; `contact_consent`,
    `statements` and `outcome` (of a dispute) for the two sides and the staff.
    """

    model_config = examples(
        WISH
        | {
            "state": "claimed",
            "free_slots": 0,
            "units": [UNIT],
            "claims": [
                {
                    "id": 4,
                    "claimer": {"id": 8, "nickname": "阿梅"},
                    "assistant_id": None,
                    "unit": UNIT,
                    "state": "held",
                    "due_at": "2026-11-30T10:00:00+08:00",
                    "extension_days": None,
                    "extended": False,
                    "contact_shared": True,
                    "upheld": False,
                    "note": None,
                    "moderation": "passed",
                    "photos": [PHOTO],
                }
            ],
            "need_ids": [5],
            "thanks": None,
            "thanks_moderation": "passed",
            "thanks_public": False,
            "ground": None,
            "contact_consent": "on_claim",
            "outcome": None,
            "statements": [],
            "timeline": [
                {
                    "id": 90,
                    "verb": "wish.claimed",
                    "at": "2026-11-23T10:00:00+08:00",
                    "by": "resident",
                    "assisted": False,
                    "reason": None,
                    "facts": {"from": "open", "state": "claimed", "claim_id": 4},
                }
            ],
        }
    )

    units: list[UnitSeenOut]
    claims: list[ClaimOut]
    need_ids: list[int]
    thanks: str | None
    thanks_moderation: Moderation
    thanks_public: bool
    ground: str | None
    contact_consent: ContactConsent | None
    outcome: Outcome | None
    statements: list[WishStatementOut]
    timeline: list[TimelineLine]


class AttestIn(Asked):
    """On what ground one vouches for a wish posted for somebody; the ground stays with the committee."""

    model_config = examples({"ground": "入户走访，独居老人"})

    ground: ReasonText


class WishApproveIn(Asked):
    """A ground, where the wish was posted for somebody and approving attests it."""

    model_config = examples({}, {"ground": "入户走访，独居老人"})

    ground: ReasonText | None = None


class ClaimIn(HelpIn):
    """For which unit one claims, or on whose behalf; without either, for oneself."""

    model_config = examples({"unit_id": 3})

    unit_id: Id | None = None


class FulfilIn(HelpIn):
    """What one did for the wish."""

    model_config = examples({"note": "收音机已送到奶奶手上。"})

    note: Body
    photo_ids: PhotoIds = []


class ExtensionIn(HelpIn):
    """How many days more one asks for, and why."""

    model_config = examples({"days": 3, "reason": "收音机缺货，周五到店"})

    days: Annotated[int, Field(ge=1, le=EXTENSION_DAYS_MAX, strict=True)]
    reason: ReasonText


class WishExtendIn(HelpIn):
    """Whose claim gets the days asked for."""

    model_config = examples({"claim_id": 4})

    claim_id: Id


class ConfirmIn(HelpIn):
    """The wisher's thanks, if he likes; `thanks_public` lets everybody read them."""

    model_config = examples({"thanks": "谢谢热心的邻居！", "thanks_public": True})

    thanks: Body | None = None
    thanks_public: bool = False


class ThanksIn(HelpIn):
    """Whether everybody may read one's thanks."""

    model_config = examples({"public": False})

    public: bool


class DisputeIn(HelpIn):
    """Why what was reported is not so, if one wants to say."""

    model_config = examples({"reason": "至今没有收到"})

    reason: ReasonText | None = None


class StatementIn(HelpIn):
    """One's side of a dispute."""

    model_config = examples({"body": "周三放在门口，有照片。"})

    body: Body


class ResolveIn(Asked):
    """How a dispute is settled. Upheld, the claims named (or all) count as abandoned."""

    model_config = examples({"outcome": "dismissed", "reason": "双方当面说清，东西已收到"})

    outcome: Outcome
    reason: ReasonText
    claim_ids: Annotated[list[Id], Field(min_length=1, max_length=CLAIMERS_MAX)] | None = None


class ContactIn(HelpIn):
    """How one may be reached, beside one's name: the account's telephone, the registered home, words of one's own.

    `on_claim`: whoever holds a claim may read it; `ask`: each claimer only when one agrees to him.
    """

    model_config = examples({"consent": "ask", "phone": True, "address": False, "words": "晚上在家"})

    consent: ContactConsent
    phone: bool = False
    address: bool = False
    words: ShortText | None = None


class ContactOut(Shape):
    """How to reach the wisher. Whoever holds a claim and reads this stands in the log that the wisher sees."""

    model_config = examples(
        {
            "consent": "on_claim",
            "name": "王淑芬",
            "phone": "028-85551234",
            "address": "7号楼 1 101",
            "words": "晚上在家",
        }
    )

    consent: ContactConsent
    name: str
    phone: str | None
    address: str | None
    words: str | None


class WishDisclosureOut(Shape):
    """Somebody who held a claim read how to reach the wisher."""

    model_config = examples(
        {
            "id": 12,
            "claim_id": 4,
            "reader": {"id": 8, "nickname": "阿梅"},
            "fields": ["name", "phone"],
            "at": "2026-11-24T19:00:00+08:00",
        }
    )

    id: int
    claim_id: int
    reader: Author
    fields: list[ContactField]
    at: Moment
