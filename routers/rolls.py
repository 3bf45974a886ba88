"""Who may vote, and how it is made sure: representatives, owners, rolls, objections, thresholds, ballots on paper."""

import hashlib
from fractions import Fraction
from functools import partial
from typing import Annotated, Any

from fastapi import File, Query, Response, UploadFile

from app.core.errors import TooLarge
from models.residents import Assistance, Representative
from models.rolls import Objection, ObjectionState, PaperBatch
from routers.deliberations import rule_out
from routers.deps import CurrentActor, IdempotencyKey, InEnglish, Once, OnlyOnce, ThePaging, TheWechat, acting, helping
from routers.house import PUBLIC, make_router
from routers.schemas.base import PageOf, PathId, Reasoned
from routers.schemas.deliberations import BallotOut, ThresholdShape
from routers.schemas.rolls import (
    AssistedBallotIn,
    ConstituencyIn,
    ConstituencyOut,
    NewConstituencyIn,
    ObjectionIn,
    ObjectionOut,
    OwnerOut,
    OwnersIn,
    OwnersOut,
    PaperBatchOut,
    RepresentativeIn,
    RepresentativeOut,
    RollLineOut,
    RollOut,
    VotingRulesIn,
    VotingRulesOut,
)
from services import deliberations, residents
from services.deliberations import SHEETS_MOST, OwnLine, OwnTerms, Standing, Terms
from services.policies import Actor
from services.residents import ConstituencySeen, Owner
from services.rules.quorum import Threshold

constituencies = make_router("/constituencies", "representatives")
representatives = make_router("/representatives", "representatives")
homes = make_router("/households", "homes")
thresholds = make_router("/places", "voting rules")
rolls = make_router("/deliberations", "rolls")
objections = make_router("/objections", "rolls")
paper = make_router("/paper-batches", "paper ballots")

CSV_MOST = 512 * 1024
PRIVATE = {"Cache-Control": "private, no-store"}
PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}, "description": "A page each"}}
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}, "description": "The report"}}
LINES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}, "description": "A line each"}}


@constituencies.post("", response_model=ConstituencyOut, status_code=201)
async def draw_constituency(actor: CurrentActor, only_once: OnlyOnce, asked: NewConstituencyIn) -> ConstituencySeen:
    """Draw up a constituency of 20 to 50 households; committee only."""
    effect = partial(residents.add_constituency, actor, **asked.model_dump())
    return await only_once(effect, partial(residents.find_constituency, actor))


@constituencies.get("", response_model=PageOf[ConstituencyOut])
async def list_constituencies(
    actor: CurrentActor, paging: ThePaging, community_id: Annotated[PathId, Query()]
) -> dict[str, Any]:
    """The constituencies of a community, with their representatives."""
    return paging.of(await residents.constituencies(actor, community_id=community_id, page=paging.page))


@constituencies.get("/{constituency_id}", response_model=ConstituencyOut)
async def get_constituency(actor: CurrentActor, constituency_id: PathId) -> ConstituencySeen:
    """One constituency."""
    return await residents.find_constituency(actor, constituency_id)


@constituencies.put("/{constituency_id}", response_model=ConstituencyOut)
async def change_constituency(actor: CurrentActor, constituency_id: PathId, asked: ConstituencyIn) -> ConstituencySeen:
    """Give it another name and other households; with none it is dissolved. Committee only."""
    return await residents.change_constituency(actor, constituency_id, **asked.model_dump())


@constituencies.post("/{constituency_id}/representatives", response_model=RepresentativeOut, status_code=201)
async def record_representative(
    actor: CurrentActor, only_once: OnlyOnce, constituency_id: PathId, asked: RepresentativeIn
) -> Representative:
    """Record whom its households have elected off line; committee only, never oneself."""
    effect = partial(residents.record_representative, actor, constituency_id, **asked.model_dump())
    return await only_once(effect, partial(residents.find_representative, actor))


@representatives.post("/{representative_id}/end", response_model=RepresentativeOut)
async def end_representative_term(
    actor: CurrentActor, only_once: OnlyOnce, representative_id: PathId, asked: Reasoned
) -> Representative:
    """End a term today, with a reason; committee only."""
    effect = partial(residents.end_term, actor, representative_id, reason=asked.reason)
    return await only_once(effect, partial(residents.find_representative, actor))


@homes.get("/{household_id}/owners", response_model=OwnersOut)
async def list_owners(actor: CurrentActor, household_id: PathId) -> OwnersOut:
    """Who owns a flat now; for its owners, those who live there, and the staff."""
    return await _owners(actor, household_id)


@homes.put("/{household_id}/owners", response_model=OwnersOut)
async def set_owners(actor: CurrentActor, household_id: PathId, asked: OwnersIn) -> OwnersOut:
    """Record who owns a flat now, from the property certificate; committee only."""
    owners = [
        Owner(one.resident_id, Fraction(one.share_numerator, one.share_denominator), one.votes) for one in asked.owners
    ]
    await residents.set_owners(actor, household_id, owners)
    return await _owners(actor, household_id)


@thresholds.get("/{place_id}/voting-rules", response_model=VotingRulesOut, openapi_extra=PUBLIC)
async def list_voting_rules(place_id: PathId, in_english: InEnglish) -> VotingRulesOut:
    """What votes must reach at a place, under each preset."""
    return _rules(await deliberations.terms_of(place_id), in_english)


@thresholds.put("/{place_id}/voting-rules", response_model=VotingRulesOut)
async def set_voting_rules(
    actor: CurrentActor, place_id: PathId, in_english: InEnglish, asked: VotingRulesIn
) -> VotingRulesOut:
    """Ask for more than the law does, here and below; committee or officers, for votes that open from now on."""
    own = [OwnTerms(one.rule, _threshold(one.quorum), _threshold(one.majority), one.recognised) for one in asked.rules]
    return _rules(await deliberations.set_terms(actor, place_id, own), in_english)


@rolls.get("/{deliberation_id}/roll", response_model=RollOut)
async def get_roll(actor: CurrentActor, deliberation_id: PathId) -> Standing:
    """The roll as it would be now, or as it was frozen when the vote opened."""
    return await deliberations.roll(actor, deliberation_id)


@rolls.get("/{deliberation_id}/roll/me", response_model=RollLineOut)
async def get_own_roll_line(actor: CurrentActor, deliberation_id: PathId) -> OwnLine:
    """Whether one stands on the roll, and how to find one's own line in it."""
    return await deliberations.own_roll_line(actor, deliberation_id)


@rolls.get("/{deliberation_id}/roll/lines", response_class=Response, responses=LINES, openapi_extra=PUBLIC)
async def list_roll_lines(deliberation_id: PathId) -> Response:
    """The frozen roll without names; its SHA-256 is the published hash. Empty before the vote opens."""
    return Response("\n".join(await deliberations.roll_lines(deliberation_id)), media_type="text/plain")


@rolls.post("/{deliberation_id}/objections", response_model=ObjectionOut, status_code=201)
async def object_to_roll(
    actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId, asked: ObjectionIn
) -> ObjectionOut:
    """Object to the roll before the vote opens, or while it runs to a ballot that was entered for one."""
    effect = acting(actor, asked, "objection.made", deliberations.object_to, deliberation_id, **asked.said())
    return _objection(actor, await only_once(effect, partial(deliberations.find_objection, actor)))


@rolls.get("/{deliberation_id}/objections", response_model=PageOf[ObjectionOut])
async def list_objections(actor: CurrentActor, paging: ThePaging, deliberation_id: PathId) -> dict[str, Any]:
    """One's own objections and those about oneself; the staff see all."""
    page = await deliberations.objections(actor, deliberation_id, page=paging.page)
    return paging.of(page.map(partial(_objection, actor)))


@objections.get("/{objection_id}", response_model=ObjectionOut)
async def get_objection(actor: CurrentActor, objection_id: PathId) -> ObjectionOut:
    """One objection, for its author, whom it names and the staff."""
    return _objection(actor, await deliberations.find_objection(actor, objection_id))


@objections.post("/{objection_id}/dismiss", response_model=ObjectionOut)
async def dismiss_objection(
    actor: CurrentActor, only_once: OnlyOnce, objection_id: PathId, asked: Reasoned
) -> ObjectionOut:
    """The roll is right; committee only, before the vote opens."""
    return await _decide(actor, only_once, objection_id, ObjectionState.DISMISSED, asked)


@objections.post("/{objection_id}/correct", response_model=ObjectionOut)
async def correct_objection(
    actor: CurrentActor, only_once: OnlyOnce, objection_id: PathId, asked: Reasoned
) -> ObjectionOut:
    """The records have been put right, and the roll is made of them; committee only, before the vote opens."""
    return await _decide(actor, only_once, objection_id, ObjectionState.CORRECTED, asked)


@objections.post("/{objection_id}/strike", response_model=ObjectionOut)
async def strike_from_roll(
    actor: CurrentActor, only_once: OnlyOnce, objection_id: PathId, asked: Reasoned
) -> ObjectionOut:
    """The resident it names does not stand on this roll; committee only, before the vote opens."""
    return await _decide(actor, only_once, objection_id, ObjectionState.STRUCK, asked)


@rolls.post("/{deliberation_id}/ballots/assisted", response_model=BallotOut, status_code=201)
async def cast_assisted_ballot(
    actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId, asked: AssistedBallotIn
) -> Assistance:
    """Enter what somebody chose who does not use a phone; staff only, never in a secret vote. Hand him the receipt."""
    choice, for_whom = asked.ballot.model_dump(exclude_none=True), helping(asked.on_behalf_of)
    effect = partial(deliberations.cast_for, actor, deliberation_id, choice, on_behalf_of=for_whom)
    return await only_once(effect, partial(deliberations.find_entered, actor))


@rolls.get("/{deliberation_id}/ballot-sheets.pdf", response_class=Response, responses=PDF)
async def print_ballot_sheets(
    actor: CurrentActor,
    deliberation_id: PathId,
    first: Annotated[int, Query(ge=1, le=10**6, description="Number on the roll to begin with")] = 1,
    count: Annotated[int, Query(ge=1, le=SHEETS_MOST, description="How many sheets")] = SHEETS_MOST,
) -> Response:
    """Sheets to print, one page for each elector; staff only, while the vote runs, never in a secret vote."""
    made = await deliberations.printed_sheets(actor, deliberation_id, first=first, count=count)
    return Response(made, media_type="application/pdf", headers=PRIVATE)


@rolls.post("/{deliberation_id}/ballots/import", response_model=PaperBatchOut, status_code=201)
async def import_paper_ballots(
    actor: CurrentActor,
    wechat: TheWechat,
    deliberation_id: PathId,
    file: Annotated[UploadFile, File(description="CSV `code,choice`, at most 2,000 rows and 512 KiB")],
    idempotency_key: IdempotencyKey = None,
) -> PaperBatchOut:
    """Type in paper ballots. A second person types them again; what agrees is entered, the rest is reported."""
    raw = await file.read(CSV_MOST + 1)
    if len(raw) > CSV_MOST:
        raise TooLarge
    request = f"POST /v1/deliberations/{deliberation_id}/ballots/import\n".encode() + hashlib.sha256(raw).digest()
    only_once = Once(actor, wechat, idempotency_key, request)
    effect = partial(deliberations.enter_paper, actor, deliberation_id, raw)
    return _batch(await only_once(effect, partial(deliberations.find_batch, actor)))


@rolls.get("/{deliberation_id}/paper-batches", response_model=PageOf[PaperBatchOut])
async def list_paper_batches(actor: CurrentActor, paging: ThePaging, deliberation_id: PathId) -> dict[str, Any]:
    """The batches typed in for a vote; staff only."""
    page = await deliberations.paper_batches(actor, deliberation_id, page=paging.page)
    return paging.of(page.map(_batch))


@paper.get("/{batch_id}", response_model=PaperBatchOut)
async def get_paper_batch(actor: CurrentActor, batch_id: PathId) -> PaperBatchOut:
    """One batch with what became of each line; staff only."""
    return _batch(await deliberations.find_batch(actor, batch_id))


@paper.get("/{batch_id}/report.csv", response_class=Response, responses=CSV)
async def export_paper_report(actor: CurrentActor, batch_id: PathId) -> Response:
    """What became of each line, for a spreadsheet; staff only."""
    return Response(await deliberations.report_csv(actor, batch_id), media_type="text/csv", headers=PRIVATE)


@paper.post("/{batch_id}/withdraw", response_model=PaperBatchOut)
async def withdraw_paper_batch(actor: CurrentActor, only_once: OnlyOnce, batch_id: PathId) -> PaperBatchOut:
    """Take back a batch that waits for its second; whoever typed it, or the committee."""
    effect = partial(deliberations.withdraw_batch, actor, batch_id)
    return _batch(await only_once(effect, partial(deliberations.find_batch, actor)))


async def _decide(
    actor: Actor, only_once: Once, objection_id: int, state: ObjectionState, asked: Reasoned
) -> ObjectionOut:
    effect = partial(deliberations.decide_objection, actor, objection_id, state=state, answer=asked.reason)
    return _objection(actor, await only_once(effect, partial(deliberations.find_objection, actor)))


async def _owners(actor: Actor, household_id: int) -> OwnersOut:
    household, owners = await residents.owners_of(actor, household_id)
    shown = [
        OwnerOut(
            resident_id=one.resident_id,
            share_numerator=one.share.numerator,
            share_denominator=one.share.denominator,
            votes=one.votes,
        )
        for one in owners
    ]
    return OwnersOut(household_id=household.id, area_cm2=household.area_cm2, owners=shown)


def _objection(actor: Actor, objection: Objection) -> ObjectionOut:
    shown = ObjectionOut.model_validate(objection)
    words = {
        "reason": deliberations.reason_shown(actor, objection),
        "answer": deliberations.answer_shown(actor, objection),
    }
    return shown.model_copy(update=words)


def _batch(batch: PaperBatch) -> PaperBatchOut:
    return PaperBatchOut.of(batch, rows=len(batch.lines))


def _threshold(asked: ThresholdShape | None) -> Threshold | None:
    return Threshold(asked.numerator, asked.denominator, asked.more_than) if asked else None


def _rules(terms: list[Terms], in_english: bool) -> VotingRulesOut:
    return VotingRulesOut(rules=[rule_out(one, in_english) for one in terms])
