"""Statements to take away, campaign accounts, what hangs on display, and residents' questions about it."""

from functools import partial
from typing import Any

from fastapi import Response

from models.disclosures import DisclosureKind
from routers.deps import CurrentActor, OnlyOnce, ThePaging, acting
from routers.house import PUBLIC, make_router
from routers.schemas.base import Author, Month, PageOf, PathId
from routers.schemas.disclosures import (
    AnswerIn,
    CampaignAccountsOut,
    DisclosureDetailOut,
    DisclosureOut,
    QuestionIn,
    QuestionOut,
)
from services import disclosures, statements
from services.disclosures import Question
from services.rules.tables import Table
from services.statements import CampaignAccounts

communities = make_router("/communities", "fund")
campaigns = make_router("/campaigns", "campaigns")
displayed = make_router("/disclosures", "disclosures")
asked_about = make_router("/questions", "disclosures")

CSV, XLSX = "text/csv; charset=utf-8", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
A_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}, "description": "The table"}}
AN_XLSX: dict[int | str, dict[str, Any]] = {200: {"content": {XLSX: {}}, "description": "The workbook"}}


@communities.get("/{community_id}/fund/statement.csv", response_class=Response, responses=A_CSV, openapi_extra=PUBLIC)
async def export_statement_csv(community_id: PathId, month: Month) -> Response:
    """The month's statement as CSV (UTF-8), in yuan; no text in it is a formula."""
    found = await statements.monthly(community_id, month)
    return _csv(found.tables(), f"statement-{community_id}-{month}")


@communities.get(
    "/{community_id}/fund/statement.xlsx", response_class=Response, responses=AN_XLSX, openapi_extra=PUBLIC
)
async def export_statement_xlsx(community_id: PathId, month: Month) -> Response:
    """The month's statement as a workbook."""
    found = await statements.monthly(community_id, month)
    return _xlsx(found.tables(), f"statement-{community_id}-{month}")


@campaigns.get("/{campaign_id}/accounts", response_model=CampaignAccountsOut)
async def get_campaign_accounts(actor: CurrentActor, campaign_id: PathId) -> CampaignAccounts:
    """What a campaign raised, its budget, and every fen in and out of its own account."""
    return await statements.accounts(actor, campaign_id)


@campaigns.get("/{campaign_id}/accounts.csv", response_class=Response, responses=A_CSV)
async def export_campaign_accounts_csv(actor: CurrentActor, campaign_id: PathId) -> Response:
    """The same as CSV (UTF-8), in yuan."""
    return _csv((await statements.accounts(actor, campaign_id)).tables(), f"campaign-{campaign_id}")


@campaigns.get("/{campaign_id}/accounts.xlsx", response_class=Response, responses=AN_XLSX)
async def export_campaign_accounts_xlsx(actor: CurrentActor, campaign_id: PathId) -> Response:
    """The same as a workbook."""
    return _xlsx((await statements.accounts(actor, campaign_id)).tables(), f"campaign-{campaign_id}")


@communities.get("/{community_id}/disclosures", response_model=PageOf[DisclosureOut], openapi_extra=PUBLIC)
async def list_disclosures(
    paging: ThePaging, community_id: PathId, kind: DisclosureKind | None = None
) -> dict[str, Any]:
    """What hangs or hung on display, newest first."""
    found = await disclosures.disclosures(community_id, kind=kind, page=paging.page)
    return paging.of(found.map(lambda one: DisclosureOut.of(one[0], on_display=one[1])))


@communities.get("/{community_id}/questions", response_model=PageOf[QuestionOut])
async def list_owed_questions(
    actor: CurrentActor, paging: ThePaging, community_id: PathId, overdue: bool = False
) -> dict[str, Any]:
    """Questions that wait for an answer, or only those overdue; for committee, supervisors and officers."""
    found = await disclosures.questions_owed(actor, community_id, overdue=overdue, page=paging.page)
    return paging.of(found.map(_question))


@displayed.get("/{disclosure_id}", response_model=DisclosureDetailOut, openapi_extra=PUBLIC)
async def get_disclosure(disclosure_id: PathId) -> DisclosureDetailOut:
    """One disclosure with its document, its hash, and the proof of when it hung, on screen and on paper."""
    shown = await disclosures.find(disclosure_id)
    told = {name: value for name, value in vars(shown).items() if name != "disclosure"}
    return DisclosureDetailOut.of(shown.disclosure, text=shown.disclosure.document, **told)


@displayed.get("/{disclosure_id}/questions", response_model=PageOf[QuestionOut])
async def list_questions(actor: CurrentActor, paging: ThePaging, disclosure_id: PathId) -> dict[str, Any]:
    """What was asked about it, newest first, with the answers."""
    return paging.of((await disclosures.questions(actor, disclosure_id, page=paging.page)).map(_question))


@displayed.post("/{disclosure_id}/questions", response_model=QuestionOut, status_code=201)
async def ask_question(
    actor: CurrentActor, only_once: OnlyOnce, disclosure_id: PathId, asked: QuestionIn
) -> QuestionOut:
    """Ask about it; the committee answers within five working days."""
    effect = acting(actor, asked, "disclosure_question.asked", disclosures.ask, disclosure_id, body=asked.body)
    return _question(await only_once(effect, partial(disclosures.find_question, actor)))


@asked_about.post("/{question_id}/answer", response_model=QuestionOut)
async def answer_question(
    actor: CurrentActor, only_once: OnlyOnce, question_id: PathId, asked: AnswerIn
) -> QuestionOut:
    """Answer a question; the committee does, once."""
    effect = partial(disclosures.answer, actor, question_id, body=asked.body)
    return _question(await only_once(effect, partial(disclosures.find_question, actor)))


def _question(question: Question) -> QuestionOut:
    return QuestionOut.of(question, author=Author(id=question.author_id, nickname=question.nickname))


def _csv(tables: list[Table], name: str) -> Response:
    return _file(statements.as_csv(tables), CSV, f"{name}.csv")


def _xlsx(tables: list[Table], name: str) -> Response:
    return _file(statements.as_xlsx(tables), XLSX, f"{name}.xlsx")


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
