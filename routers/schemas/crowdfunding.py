"""Shapes of the fund, campaigns, pledges and teams. Money is in fen."""

from typing import Annotated, Any

from pydantic import Field

from models.base import Moderation
from models.crowdfunding import CampaignKind, CampaignState, LegalPath, PledgeKind, PledgeState
from routers.schemas.base import (
    Asked,
    Body,
    Fen,
    Id,
    Moment,
    ReasonText,
    Shape,
    ShortText,
    TimelineLine,
    Title,
    When,
    examples,
)
from routers.schemas.giving import BeneficiaryIn, BeneficiaryOut, CharityIn, CharityOut
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut
from routers.schemas.residents import HelpIn

Quantity = Annotated[int, Field(ge=1, le=1000, strict=True)]
Hours = Annotated[int, Field(ge=1, le=1000, strict=True)]


class BudgetLineIn(Asked):
    """One purpose of the money asked for."""

    model_config = examples({"title": "灯具", "amount_fen": 60000})

    title: Title
    amount_fen: Fen


class CampaignIn(Asked):
    """A campaign to draw up; `budget` adds up to `goal_fen`, `minimum_fen` is the goal unless given.

    On the `charity` path, and on no other, `charity` is said.
    """

    model_config = examples(
        {
            "community_id": 4,
            "legal_path": "community",
            "kind": "all_or_nothing",
            "title": "7号楼楼道照明",
            "body": "更换六层楼道的感应灯，惠及全楼居民。",
            "goal_fen": 100000,
            "minimum_fen": 80000,
            "deadline": "2026-12-23T18:00:00+08:00",
            "budget": [{"title": "灯具", "amount_fen": 60000}, {"title": "安装", "amount_fen": 40000}],
            "resolution_id": 3,
            "need_ids": [5],
        }
    )

    community_id: Id
    legal_path: LegalPath
    kind: CampaignKind
    title: Title
    body: Body
    goal_fen: Fen
    minimum_fen: Fen | None = None
    opens_at: When | None = None
    deadline: When
    budget: Annotated[list[BudgetLineIn], Field(min_length=1, max_length=50)]
    resolution_id: Id
    need_ids: Annotated[list[Id], Field(max_length=20)] = []
    photo_ids: PhotoIds = []
    beneficiary: BeneficiaryIn = BeneficiaryIn()
    charity: CharityIn | None = None


class BudgetLineOut(Shape):
    """One purpose of the money: what was asked for it, taken from it by changes of use, paid and left of it.

    `use_change_id` says that a change of use made the line. All `amount_fen` less `released_fen` are the goal together,
    or what was raised if that is more. `adopted`: somebody gives or is just paying the whole line, so nobody else can.
    """

    id: int
    title: str
    amount_fen: int
    released_fen: int
    spent_fen: int
    left_fen: int
    use_change_id: int | None
    adopted: bool


UNTOUCHED: dict[str, Any] = {"released_fen": 0, "spent_fen": 0, "use_change_id": None, "adopted": False}


CAMPAIGN: dict[str, Any] = {
    "id": 8,
    "community_id": 4,
    "legal_path": "community",
    "kind": "all_or_nothing",
    "title": "7号楼楼道照明",
    "body": "更换六层楼道的感应灯，惠及全楼居民。",
    "state": "open",
    "moderation": "passed",
    "goal_fen": 100000,
    "minimum_fen": 80000,
    "opens_at": None,
    "deadline": "2026-12-23T18:00:00+08:00",
    "extended_from": None,
    "budget": [
        {"id": 1, "title": "灯具", "amount_fen": 60000, **UNTOUCHED, "left_fen": 60000},
        {"id": 2, "title": "安装", "amount_fen": 40000, **UNTOUCHED, "left_fen": 40000},
    ],
    "resolution_id": 3,
    "need_ids": [5],
    "photos": [PHOTO],
    "raised_fen": 45000,
    "spent_fen": 0,
    "in_kind_fen": 0,
    "backers": 9,
    "progress": 45,
    "beneficiary": {"kind": "community", "cause": None, "statement": None},
    "charity": None,
    "created_at": "2026-11-23T10:00:00+08:00",
}


class CampaignOut(Shape):
    """A campaign: `raised_fen` is captured money less refunds, `progress` whole percent of the goal."""

    model_config = examples(CAMPAIGN)

    id: int
    community_id: int
    legal_path: LegalPath
    kind: CampaignKind
    title: str
    body: str
    state: CampaignState
    moderation: Moderation
    goal_fen: int
    minimum_fen: int
    opens_at: Moment | None
    deadline: Moment
    extended_from: Moment | None
    budget: list[BudgetLineOut]
    resolution_id: int
    need_ids: list[int]
    photos: list[PhotoOut]
    raised_fen: int
    spent_fen: int
    in_kind_fen: int
    backers: int
    progress: int
    beneficiary: BeneficiaryOut
    charity: CharityOut | None
    created_at: Moment


class CampaignDetailOut(CampaignOut):
    """A campaign and its public history."""

    model_config = examples(
        {
            **CAMPAIGN,
            "timeline": [
                {
                    "id": 41,
                    "verb": "campaign.published",
                    "at": "2026-11-23T11:00:00+08:00",
                    "by": "committee",
                    "assisted": False,
                    "reason": None,
                    "facts": {"from": "in_review", "state": "open"},
                }
            ],
        }
    )

    timeline: list[TimelineLine]


class CancelIn(Asked):
    """Why a campaign is called off."""

    model_config = examples({"reason": "物业已承诺更换"})

    reason: ReasonText | None = None


class PledgeIn(HelpIn):
    """What one gives. money and sale: `amount_fen`, or for a sale the `sale_item_id` and its `quantity` (1); adoption:
    `budget_line_id`; in_kind: `item` and its value in `amount_fen`; time: `hours`, and the `shift_id` one signs up for
    with it; skill: `item`."""

    model_config = examples(
        {"kind": "money", "amount_fen": 5000, "message": "支持邻里"},
        {"kind": "in_kind", "item": "感应灯两盏", "amount_fen": 12000},
        {"kind": "adoption", "budget_line_id": 2},
        {"kind": "sale", "sale_item_id": 3, "quantity": 2},
    )

    kind: PledgeKind
    amount_fen: Fen | None = None
    item: ShortText | None = None
    hours: Hours | None = None
    budget_line_id: Id | None = None
    team_id: Id | None = None
    shift_id: Id | None = None
    sale_item_id: Id | None = None
    quantity: Quantity | None = None
    anonymous: bool = True
    message: ShortText | None = None


class PledgeOut(Shape):
    """A pledge as its giver and the staff see it; `payment` goes straight into wx.requestPayment.

    `refunded_fen` of it went back, or is on its way.
    """

    model_config = examples(
        {
            "id": 21,
            "campaign_id": 8,
            "kind": "money",
            "state": "awaiting_payment",
            "amount_fen": 5000,
            "refunded_fen": 0,
            "item": None,
            "hours": None,
            "budget_line_id": None,
            "team_id": None,
            "shift_id": None,
            "sale_item_id": None,
            "quantity": None,
            "handed_over_at": None,
            "anonymous": True,
            "message": "支持邻里",
            "moderation": "passed",
            "payment": {
                "timeStamp": "1795400000",
                "nonceStr": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
                "package": "prepay_id=wx201410272009395522657a690389285100",
                "signType": "RSA",
                "paySign": "oR9d8PuhnIc+YZ8cBHFCwfgpaK9gd7vaRvkYD7rthRAZ…",
            },
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    campaign_id: int
    kind: PledgeKind
    state: PledgeState
    amount_fen: int | None
    refunded_fen: int
    item: str | None
    hours: int | None
    budget_line_id: int | None
    team_id: int | None
    shift_id: int | None
    sale_item_id: int | None
    quantity: int | None
    handed_over_at: Moment | None
    anonymous: bool
    message: str | None
    moderation: Moderation
    payment: dict[str, str] | None
    created_at: Moment


class TakeBackIn(Asked):
    """What goes back, all that is left unless it says, and why; the committee says why."""

    model_config = examples({"reason": "重复付款"}, {"reason": "多付了", "amount_fen": 2000})

    amount_fen: Fen | None = None
    reason: ReasonText | None = None


class SettleIn(Asked):
    """Where the surplus goes: to another campaign only by a resolution, else to the general fund, by one or none."""

    model_config = examples({"to_campaign_id": 9, "resolution_id": 4}, {"resolution_id": 4}, {})

    to_campaign_id: Id | None = None
    resolution_id: Id | None = None


class GiftOut(Shape):
    """A line in the list of gifts; a giver is named if he wants to be and has consented to publishing.

    `refunded_fen` of it went back, or is on its way.
    """

    model_config = examples(
        {
            "id": 21,
            "giver": "一位邻居",
            "mine": False,
            "kind": "money",
            "state": "paid",
            "amount_fen": 5000,
            "refunded_fen": 0,
            "item": None,
            "hours": None,
            "message": "支持邻里",
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    giver: str
    mine: bool
    kind: PledgeKind
    state: PledgeState
    amount_fen: int | None
    refunded_fen: int
    item: str | None
    hours: int | None
    message: str | None
    created_at: Moment
