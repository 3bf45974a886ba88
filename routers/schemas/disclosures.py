"""Shapes of statements, campaign accounts, disclosures and questions. Money is in fen."""

from datetime import date
from typing import Annotated, Any

from models.base import Moderation
from models.disclosures import DisclosureKind
from models.ledger import AccountKind
from routers.schemas.base import PRINTABLE_LINES, Asked, Author, Moment, Shape, bounded, examples
from routers.schemas.following import DisplayOut
from routers.schemas.residents import HelpIn

QuestionText = Annotated[str, bounded(1, 1000), PRINTABLE_LINES]


class BudgetSpentOut(Shape):
    """A line of the budget, what changes of use took from it, and what was paid out for it."""

    id: int
    title: str
    amount_fen: int
    released_fen: int
    spent_fen: int


class MovementOut(Shape):
    """What a campaign's account had from accounts of a kind, and what it gave them."""

    counterpart: AccountKind
    in_fen: int
    out_fen: int


class CampaignAccountsOut(Shape):
    """A campaign's books; `balance_fen` is what its own account holds now."""

    model_config = examples(
        {
            "campaign_id": 8,
            "title": "7号楼楼道照明",
            "goal_fen": 100000,
            "raised_fen": 45000,
            "in_kind_fen": 12000,
            "balance_fen": 45000,
            "budget": [{"id": 1, "title": "灯具", "amount_fen": 60000, "released_fen": 0, "spent_fen": 0}],
            "movements": [{"counterpart": "wechat_clearing", "in_fen": 45000, "out_fen": 0}],
        }
    )

    campaign_id: int
    title: str
    goal_fen: int
    raised_fen: int
    in_kind_fen: int
    balance_fen: int
    budget: list[BudgetSpentOut]
    movements: list[MovementOut]


DISCLOSED: dict[str, Any] = {
    "id": 3,
    "community_id": 4,
    "kind": "statement",
    "about": 202610,
    "title": "社区公益金收支公示 2026-10",
    "document_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "shown_from": "2026-11-01T00:10:00+08:00",
    "shown_until": "2026-11-16T00:10:00+08:00",
    "on_display": True,
}


class DisclosureOut(Shape):
    """What hangs on display; `about` is the month of a statement (202610), or the campaign's or resolution's id."""

    model_config = examples(DISCLOSED)

    id: int
    community_id: int
    kind: DisclosureKind
    about: int
    title: str
    document_hash: str
    shown_from: Moment
    shown_until: Moment
    on_display: bool


class DisclosureDetailOut(DisclosureOut):
    """A disclosure with what it says: `text` is hashed (SHA-256, UTF-8) to `document_hash`; `days` it hung.

    `on_paper` says where a resolution hung besides, and from when until when.
    """

    model_config = examples(
        DISCLOSED
        | {
            "document": {"kind": "statement", "month": "2026-10", "accounts": []},
            "text": '{"accounts":[],"kind":"statement","month":"2026-10"}',
            "days": ["2026-11-01", "2026-11-02"],
            "on_paper": [],
        }
    )

    document: dict[str, Any]
    text: str
    days: list[date]
    on_paper: list[DisplayOut]


class QuestionIn(HelpIn):
    """What one would like to know about a disclosure."""

    model_config = examples({"body": "灯具为什么买了两批？"})

    body: QuestionText


class AnswerIn(Asked):
    """The committee's answer."""

    model_config = examples({"body": "第一批有两盏损坏，已退换。"})

    body: QuestionText


class QuestionOut(Shape):
    """A question, its answer, and whether that came or comes too late."""

    model_config = examples(
        {
            "id": 6,
            "disclosure_id": 3,
            "author": {"id": 7, "nickname": "小林"},
            "body": "灯具为什么买了两批？",
            "moderation": "passed",
            "due_at": "2026-12-01T00:00:00+08:00",
            "overdue": False,
            "answer": None,
            "answered_at": None,
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    disclosure_id: int
    author: Author
    body: str
    moderation: Moderation
    due_at: Moment
    overdue: bool
    answer: str | None
    answered_at: Moment | None
    created_at: Moment
