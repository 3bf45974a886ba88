"""Shapes of expenses, the rules of spending, and the register of relatives. Money is in fen."""

from typing import Annotated, Any

from pydantic import Field

from models.base import Moderation
from models.expenses import ExpenseState, PayeeKind
from models.media import PHOTOS_MAX
from models.residents import Kinship, Role
from routers.schemas.base import (
    FEN_MAX,
    PRINTABLE,
    Asked,
    Author,
    Fen,
    Id,
    Moment,
    Shape,
    ShortText,
    TimelineLine,
    Title,
    bounded,
    examples,
)
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut

ReceiptIds = Annotated[list[Id], Field(min_length=1, max_length=PHOTOS_MAX)]
Keyword = Annotated[str, bounded(1, 200), PRINTABLE]


class ExpenseIn(Asked):
    """Money asked for out of a budget line. `receipt_ids` are one's own uploads: as `evidence` those concerned alone
    see them; as `photo` everybody does once it is paid, so nobody's data may be readable on them. `payee_kind` says
    whether a person is paid, whose name is never public, or a unit; unsaid, the payee's name decides. A `person` is
    named by `payee_resident_id`, or stated to be none with `payee_is_no_resident`."""

    model_config = examples(
        {
            "budget_line_id": 2,
            "amount_fen": 24000,
            "payee": "光明五金店",
            "payee_kind": "unit",
            "purpose": "感应灯三盏",
            "receipt_ids": [31],
        }
    )

    budget_line_id: Id
    amount_fen: Fen
    payee: Title
    payee_kind: PayeeKind | None = None
    payee_resident_id: Id | None = None
    payee_is_no_resident: bool = False
    purpose: ShortText
    receipt_ids: ReceiptIds


class FundExpenseIn(Asked):
    """Money asked for out of the general fund, by a resolution; the rest as for a campaign's."""

    model_config = examples(
        {
            "resolution_id": 3,
            "amount_fen": 12000,
            "payee": "光明五金店",
            "payee_kind": "unit",
            "purpose": "公共长椅的螺丝和油漆",
            "receipt_ids": [31],
        }
    )

    resolution_id: Id
    amount_fen: Fen
    payee: Title
    payee_kind: PayeeKind | None = None
    payee_resident_id: Id | None = None
    payee_is_no_resident: bool = False
    purpose: ShortText
    receipt_ids: ReceiptIds


class ApproveIn(Asked):
    """Photos of the receipts with persons' data made unreadable, to be published with the expense."""

    model_config = examples({"receipt_ids": [35]}, {})

    receipt_ids: PhotoIds = []


class PayIn(Asked):
    """Under what reference the bank paid, if it names one."""

    model_config = examples({"reference": "网银 20261123-0017"}, {})

    reference: Annotated[str, bounded(1, 100), PRINTABLE] | None = None


class ApprovalOut(Shape):
    """Who answers for it: in what part and when; by name only for those concerned."""

    role: Role
    at: Moment
    approver: Author | None


EXPENSE: dict[str, Any] = {
    "id": 6,
    "community_id": 4,
    "campaign_id": 8,
    "budget_line_id": 2,
    "resolution_id": 3,
    "amount_fen": 24000,
    "payee": "光明五金店",
    "payee_kind": "unit",
    "payee_resident_id": None,
    "payee_is_no_resident": None,
    "warnings": [],
    "purpose": "感应灯三盏",
    "state": "paid",
    "moderation": "passed",
    "requester": None,
    "approvals": [
        {"role": "committee", "at": "2026-11-23T10:00:00+08:00", "approver": None},
        {"role": "supervisor", "at": "2026-11-23T11:00:00+08:00", "approver": None},
    ],
    "missing": [],
    "receipts": [PHOTO],
    "paid_at": "2026-11-23T12:00:00+08:00",
    "reference": None,
    "created_at": "2026-11-23T09:00:00+08:00",
}


class ExpenseOut(Shape):
    """An expense. `missing` says what it lacks to be paid: `two_people`, `committee`, `supervisor`. Names, the
    reference and the original receipts are for the staff, the supervisors and those it concerns, as are `warnings`:
    `payee_not_named` says that a person is paid and nobody said whether he is a resident, `unit_by_word_only` that a
    unit which does not sound like one is paid. `corrected`: it was paid, and the payment undone by a transfer the other
    way."""

    model_config = examples(EXPENSE)

    id: int
    community_id: int
    campaign_id: int | None
    budget_line_id: int | None
    resolution_id: int
    amount_fen: int
    payee: str | None
    payee_kind: PayeeKind
    payee_resident_id: int | None
    payee_is_no_resident: bool | None
    warnings: list[str]
    purpose: str | None
    state: ExpenseState
    moderation: Moderation
    requester: Author | None
    approvals: list[ApprovalOut]
    missing: list[str]
    receipts: list[PhotoOut]
    paid_at: Moment | None
    reference: str | None
    created_at: Moment


class ExpenseDetailOut(ExpenseOut):
    """An expense and its history."""

    model_config = examples(
        {
            **EXPENSE,
            "timeline": [
                {
                    "id": 51,
                    "verb": "expense.paid",
                    "at": "2026-11-23T12:00:00+08:00",
                    "by": "committee",
                    "assisted": False,
                    "reason": None,
                    "facts": {"from": "approved", "state": "paid", "amount_fen": 24000},
                }
            ],
        }
    )

    timeline: list[TimelineLine]


class FundRulesIn(Asked):
    """From what amount on (more than `supervisor_above_fen`) a supervisor approves too, and the community's own phrases
    for what is never paid: several words for the same (`香烟/白酒`), or two things near each other (`干部+旅游`)."""

    model_config = examples({"supervisor_above_fen": 100000, "never_paid": ["香烟/白酒", "干部+旅游"]})

    supervisor_above_fen: Annotated[int, Field(ge=0, le=FEN_MAX, strict=True)]
    never_paid: Annotated[list[Keyword], Field(max_length=50)] = []


class ProposalOut(Shape):
    """Rules that the committee or a supervisor proposed; the same from the other side puts them into force."""

    supervisor_above_fen: int
    never_paid: list[str]
    role: Role
    created_at: Moment


class NeverPaidOut(Shape):
    """What the law forbids to pay, with its article."""

    zh: str
    en: str
    article: str


class FundRulesOut(Shape):
    """The rules in force, what the law forbids besides, and what was proposed."""

    model_config = examples(
        {
            "community_id": 4,
            "supervisor_above_fen": 100000,
            "never_paid": ["香烟/白酒", "干部+旅游"],
            "never_paid_by_law": [
                {
                    "zh": "志愿服务是无偿的，不支付报酬",
                    "en": "Volunteers are not paid",
                    "article": "志愿服务条例第二条、第三条",
                }
            ],
            "in_force_at": "2026-11-23T12:00:00+08:00",
            "proposal": None,
        }
    )

    community_id: int
    supervisor_above_fen: int
    never_paid: list[str]
    never_paid_by_law: list[NeverPaidOut]
    in_force_at: Moment | None
    proposal: ProposalOut | None


class RelativeIn(Asked):
    """What the other is to this resident."""

    model_config = examples({"kinship": "sibling"})

    kinship: Kinship


class RelativeOut(Shape):
    """A relative, and what he is to this resident."""

    resident_id: int
    kinship: Kinship


class RelativesOut(Shape):
    """A resident's relatives as the register has them."""

    model_config = examples({"resident_id": 7, "relatives": [{"resident_id": 9, "kinship": "sibling"}]})

    resident_id: int
    relatives: list[RelativeOut]
