"""Shapes of what committee members record by hand, of matches, changes of use, and the progress of refunds."""

from typing import Annotated, Any

from pydantic import Field

from models.base import Moderation
from models.crowdfunding import UseChangeState
from models.payments import RefundState
from models.slips import MatchState, SlipKind, SlipState, Via
from routers.schemas.base import (
    PRINTABLE_LINES,
    Asked,
    Fen,
    Id,
    Moment,
    ReasonText,
    Shape,
    ShortText,
    Title,
    When,
    bounded,
    examples,
)

EvidenceIds = Annotated[list[Id], Field(min_length=1, max_length=9)]
Ratio = Annotated[int, Field(ge=1, le=1000, strict=True)]
EVIDENCE: dict[str, Any] = {"note": "收据 0012 号", "evidence_ids": [71]}


class OfflineGiftIn(Asked):
    """Money somebody gave in cash or by bank; `giver_id` where he is a resident and wants to hear of it."""

    model_config = examples({"via": "cash", "amount_fen": 20000, "giver_id": 12, **EVIDENCE})

    via: Via
    amount_fen: Fen
    giver_id: Id | None = None
    note: ShortText
    evidence_ids: EvidenceIds


class MatchPaymentIn(Asked):
    """What a unit has paid of what it owes."""

    model_config = examples({"amount_fen": 50000, **EVIDENCE})

    amount_fen: Fen
    note: ShortText
    evidence_ids: EvidenceIds


class HandBackIn(Asked):
    """How a gift was handed back."""

    model_config = examples(EVIDENCE)

    note: ShortText
    evidence_ids: EvidenceIds


class CorrectionIn(Asked):
    """Why a transfer is undone."""

    model_config = examples({"note": "金额录错，应为 200 元"})

    note: ShortText


class SlipOut(Shape):
    """A slip: it moves money once two committee members have signed. `transfer_id` is the transfer it undoes."""

    model_config = examples(
        {
            "id": 6,
            "community_id": 4,
            "kind": "gift",
            "state": "entered",
            "campaign_id": 8,
            "via": "cash",
            "amount_fen": 20000,
            "giver_id": 12,
            "gift_id": None,
            "match_id": None,
            "transfer_id": None,
            "income_id": None,
            "note": "收据 0012 号",
            "evidence_ids": [71],
            "entered_by_id": 5,
            "decided_by_id": None,
            "decided_at": None,
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    community_id: int
    kind: SlipKind
    state: SlipState
    campaign_id: int | None
    via: Via | None
    amount_fen: int
    giver_id: int | None
    gift_id: int | None
    match_id: int | None
    transfer_id: int | None
    income_id: int | None
    note: str
    evidence_ids: list[int]
    entered_by_id: int
    decided_by_id: int | None
    decided_at: Moment | None
    created_at: Moment


class MatchIn(Asked):
    """A unit's promise: `adds_fen` for each `for_each_fen` that neighbours give (1:2 is 2 for each 1), up to a cap."""

    model_config = examples({"unit": "锦阳物业服务公司", "for_each_fen": 1, "adds_fen": 2, "cap_fen": 500000})

    unit: Title
    for_each_fen: Ratio = 1
    adds_fen: Ratio
    cap_fen: Fen


class MatchOut(Shape):
    """A promise to match: what it owes by what is raised now, and what was paid."""

    model_config = examples(
        {
            "id": 2,
            "campaign_id": 8,
            "unit": "锦阳物业服务公司",
            "for_each_fen": 1,
            "adds_fen": 2,
            "cap_fen": 500000,
            "state": "promised",
            "moderation": "passed",
            "owed_fen": 90000,
            "paid_fen": 0,
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    campaign_id: int
    unit: str
    for_each_fen: int
    adds_fen: int
    cap_fen: int
    state: MatchState
    moderation: Moderation
    owed_fen: int
    paid_fen: int
    created_at: Moment


class ExtendIn(Asked):
    """A later deadline, and why."""

    model_config = examples({"deadline": "2027-01-10T18:00:00+08:00", "reason": "春节前再募集两周"})

    deadline: When
    reason: ReasonText


class UseChangeIn(Asked):
    """What part of the money is to be used for something else, by which new resolution, and how long givers have.

    It is taken from `budget_line_id` first; the rest, or all of it, from the lines by what is left of each.
    """

    model_config = examples(
        {
            "resolution_id": 9,
            "title": "无障碍坡道",
            "body": "灯具由物业承担，余款改建单元门口坡道。",
            "amount_fen": 40000,
            "budget_line_id": 1,
            "refund_days": 15,
        }
    )

    resolution_id: Id
    title: Title
    body: Annotated[str, bounded(1, 1000), PRINTABLE_LINES]
    amount_fen: Fen
    budget_line_id: Id | None = None
    refund_days: Annotated[int, Field(ge=15, le=90, strict=True)] = 15


class UseChangeOut(Shape):
    """A change of use: announced until `refund_until`, while givers may take their share back, then in force."""

    model_config = examples(
        {
            "id": 1,
            "campaign_id": 8,
            "resolution_id": 9,
            "title": "无障碍坡道",
            "body": "灯具由物业承担，余款改建单元门口坡道。",
            "amount_fen": 40000,
            "raised_fen": 100000,
            "budget_line_id": 1,
            "refund_until": "2026-12-08T10:00:00+08:00",
            "state": "announced",
            "moderation": "passed",
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    campaign_id: int
    resolution_id: int
    title: str
    body: str
    amount_fen: int
    raised_fen: int
    budget_line_id: int | None
    refund_until: Moment
    state: UseChangeState
    moderation: Moderation
    created_at: Moment


class TallyOut(Shape):
    """So many refunds, and what they come to."""

    refunds: int
    amount_fen: int


NONE: dict[str, Any] = {"refunds": 0, "amount_fen": 0}


class ProgressOut(Shape):
    """How far the refunds of a campaign are; `by_hand` are gifts in cash or by bank still to be handed back."""

    model_config = examples(
        {
            "campaign_id": 8,
            "total": {"refunds": 9, "amount_fen": 45000},
            "unfinished": 1,
            "states": {
                "requested": NONE,
                "processing": {"refunds": 1, "amount_fen": 5000},
                "succeeded": {"refunds": 8, "amount_fen": 40000},
                "abnormal": NONE,
                "closed": NONE,
            },
            "by_hand": NONE,
        }
    )

    campaign_id: int
    total: TallyOut
    unfinished: int
    states: dict[RefundState, TallyOut]
    by_hand: TallyOut
