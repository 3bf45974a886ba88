"""Shapes of legal paths, incomes noted, and teams. Money is in fen."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from models.base import Moderation
from models.crowdfunding import BeneficiaryKind, Cause, PledgeKind
from routers.schemas.base import PRINTABLE, Asked, Fen, Id, Moment, Shape, ShortText, Title, bounded, examples
from routers.schemas.media import PhotoOut
from routers.schemas.residents import HelpIn

DocumentNumber = Annotated[str, bounded(1, 64), PRINTABLE]
CharityName = Annotated[str, bounded(1, 100), PRINTABLE]
HttpsUrl = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=500, pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$"
    ),
]
"""An address that is shown, and never followed by us."""
Price = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]


class BeneficiaryIn(Asked):
    """For whom it is raised. For one `person` say the `cause`: illness, accident and hardship are refused here."""

    model_config = examples({"kind": "group", "statement": "7号楼行动不便的老人"})

    kind: BeneficiaryKind = BeneficiaryKind.COMMUNITY
    cause: Cause | None = None
    statement: ShortText | None = None


class BeneficiaryOut(Shape):
    """For whom it is raised."""

    kind: BeneficiaryKind
    cause: Cause | None
    statement: str | None


class CharityIn(Asked):
    """The charity that raises: its name, certificate of public fundraising, filing number, and its page."""

    model_config = examples(
        {
            "name": "锦城慈善基金会",
            "certificate_number": "53510000MJQ1234567",
            "filing_number": "53510000MJQ1234567A26001",
            "platform_url": "https://charity.example.org/p/2601",
        }
    )

    name: CharityName
    certificate_number: DocumentNumber
    filing_number: DocumentNumber
    platform_url: HttpsUrl


class CharityOut(Shape):
    """The charity that raises, and where."""

    name: str
    certificate_number: str
    filing_number: str
    platform_url: str


class IncomeIn(Asked):
    """What a document says came in; a charity's statement comes with its picture (`purpose=evidence`)."""

    model_config = examples({"amount_fen": 2000000, "document_number": "锦民发〔2026〕12号", "evidence_ids": [31]})

    amount_fen: Fen
    document_number: DocumentNumber
    evidence_ids: Annotated[list[Id], Field(max_length=9)] = []


class IncomeOut(Shape):
    """An income noted; what is `struck` does not count, a government's grant only once its slip is countersigned.

    The number is empty until it has passed its check; `evidence` is for the committee, supervisors and officers.
    """

    model_config = examples(
        {
            "id": 5,
            "campaign_id": 8,
            "amount_fen": 2000000,
            "document_number": "锦民发〔2026〕12号",
            "struck": False,
            "counted": False,
            "slip_id": 12,
            "evidence": [],
            "moderation": "passed",
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    campaign_id: int
    amount_fen: int
    document_number: str
    struck: bool
    counted: bool
    slip_id: int | None
    evidence: list[PhotoOut]
    moderation: Moderation
    created_at: Moment


class OfferIn(Asked):
    """So many of something, at `price_fen` each."""

    model_config = examples({"title": "手工香囊", "price_fen": 1500, "quantity": 40})

    title: Title
    price_fen: Price
    quantity: Annotated[int, Field(ge=1, le=10_000, strict=True)]


class SaleIn(Asked):
    """All that is sold; an item is known by its title, and what is left out is not sold any more."""

    model_config = examples({"items": [{"title": "手工香囊", "price_fen": 1500, "quantity": 40}]})

    items: Annotated[list[OfferIn], Field(max_length=50)]


ITEM: dict[str, Any] = {
    "id": 3,
    "campaign_id": 8,
    "title": "手工香囊",
    "price_fen": 1500,
    "quantity": 40,
    "left": 38,
    "moderation": "passed",
    "created_at": "2026-11-23T10:00:00+08:00",
}


class SaleItemOut(Shape):
    """Something that is sold; `left` may still be ordered."""

    model_config = examples(ITEM)

    id: int
    campaign_id: int
    title: str
    price_fen: int
    quantity: int
    left: int
    moderation: Moderation
    created_at: Moment


class SaleOut(Shape):
    """All that is sold."""

    model_config = examples({"items": [ITEM]})

    items: list[SaleItemOut]


class ChooseShiftIn(HelpIn):
    """The shift for which one signs up with the time he promised."""

    model_config = examples({"shift_id": 12})

    shift_id: Id


class HandTeamOverIn(HelpIn):
    """Who leads from now on: the `id` of a helper in the list of the team's helpers."""

    model_config = examples({"helper_id": 40})

    helper_id: Id


class BroughtOut(Shape):
    """How many pledges of a kind a team brought."""

    kind: PledgeKind
    pledges: int


class TeamIn(HelpIn):
    """A team to start."""

    model_config = examples({"name": "7号楼小分队"})

    name: Title


TEAM: dict[str, Any] = {
    "id": 3,
    "campaign_id": 8,
    "name": "7号楼小分队",
    "moderation": "passed",
    "helpers": 11,
    "pledges": 7,
    "joined": True,
    "leading": False,
    "created_at": "2026-11-23T10:00:00+08:00",
}


class TeamOut(Shape):
    """A team: how many help, how many pledges it brought; whether one has `joined`, and whether he leads."""

    model_config = examples(TEAM)

    id: int
    campaign_id: int
    name: str
    moderation: Moderation
    helpers: int
    pledges: int
    joined: bool
    leading: bool
    created_at: Moment


class TeamPageOut(TeamOut):
    """A team and how many pledges of each kind it brought."""

    model_config = examples({**TEAM, "brought": [{"kind": "money", "pledges": 5}, {"kind": "time", "pledges": 2}]})

    brought: list[BroughtOut]


class HelperOut(Shape):
    """A helper; who did not consent to publishing is 一位邻居."""

    model_config = examples(
        {"id": 40, "nickname": "一位邻居", "leading": False, "mine": False, "since": "2026-11-23T10:00:00+08:00"}
    )

    id: int
    nickname: str
    leading: bool
    mine: bool
    since: Moment
