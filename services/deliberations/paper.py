"""Paper ballots: typed in by two people, compared line by line; only what agrees is entered, and nothing is lost."""

import csv
import io
import json
import secrets
from dataclasses import asdict
from typing import Any

from tortoise.queryset import QuerySet

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.deliberations import Deliberation, DeliberationState, VoteClosed
from models.rolls import BadSheet, BatchState, PaperBatch, SamePerson, SecretInPerson
from services import events
from services.deliberations.assisted import tell_whom_it_was_entered_for
from services.deliberations.reading import find as find_deliberation
from services.policies import Actor, require
from services.policies import deliberations as policies
from services.rules import paper
from services.rules.paper import Compared, Line
from services.rules.tally import receipt

NONCE_BYTES = 16

# guard_ballot() locks the deliberation and reads its clock for each row; whoever has voted keeps his ballot.
ENTER = """
WITH given AS (
    SELECT * FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[]) AS g (code, choice, nonce, receipt)
), who AS (
    SELECT g.*, e.id AS elector_id, coalesce(e.resident_id, e.speaker_id) AS resident_id
    FROM given g JOIN electors e ON e.deliberation_id = $1 AND e.code = g.code
), landed AS (
    INSERT INTO ballots
        (community_id, deliberation_id, elector_id, resident_id, choice, nonce, receipt, channel, entered_by_id)
    SELECT $6, $1, elector_id, resident_id, choice::jsonb, nonce, receipt, 'paper', $7 FROM who
    WHERE resident_id IS NOT NULL AND resident_id NOT IN ($7, $8)
    ON CONFLICT ON CONSTRAINT ballots_one_per_elector DO NOTHING
    RETURNING elector_id
)
SELECT g.code, w.resident_id, CASE
    WHEN w.elector_id IS NULL THEN 'unknown_code'
    WHEN w.resident_id IS NULL THEN 'no_representative'
    WHEN w.resident_id IN ($7, $8) THEN 'own_ballot'
    WHEN l.elector_id IS NULL THEN 'already_voted'
    ELSE 'entered' END AS outcome
FROM given g LEFT JOIN who w ON w.code = g.code LEFT JOIN landed l ON l.elector_id = w.elector_id
"""


@atomic(limit_s=60)
async def enter(actor: Actor, deliberation_id: int, raw: bytes) -> PaperBatch:
    """Type in paper ballots (CSV `code,choice`). The first batch waits; the next, by another person, is compared with
    it, and what agrees is entered. Of the rest the report names each line, to be looked at and typed in again.

    Raises NotFound, Forbidden, InvalidState, VoteClosed, SecretInPerson, BadSheet, SamePerson, BadChoice.
    """
    deliberation = await find_deliberation(actor, deliberation_id)
    require(policies.may_enter_ballots(actor, deliberation))
    await _check_open(deliberation)
    lines = _read(deliberation, raw)
    await db.advisory_lock(f"paper of {deliberation.id}")
    first = await PaperBatch.get_or_none(deliberation_id=deliberation.id, state=BatchState.WAITING)
    if first is None:
        return await _keep(actor, deliberation, lines, BatchState.WAITING)
    if first.entered_by_id == actor.id:
        raise SamePerson
    compared = paper.compare([Line(**line) for line in first.lines], lines)
    entered = await _enter(deliberation, [one for one in compared if one.outcome == "agrees"], first, actor)
    report = [asdict(one) | {"outcome": entered.get(one.code, one.outcome)} for one in compared]
    await first.move_to(BatchState.COMPARED)
    second = await _keep(
        actor,
        deliberation,
        lines,
        BatchState.COMPARED,
        first_id=first.id,
        first_by_id=first.entered_by_id,
        report=report,
    )
    landed = sum(outcome == "entered" for outcome in entered.values())
    await events.record(
        actor,
        "deliberation.paper_entered",
        deliberation,
        batch_id=second.id,
        entered=landed,
        left_out=len(report) - landed,
    )
    return second


@atomic()
async def withdraw(actor: Actor, batch_id: int) -> PaperBatch:
    """Take back a batch that waits for its second. Raises NotFound, Forbidden, InvalidState."""
    batch = await find(actor, batch_id)
    require(batch.entered_by_id == actor.id or actor.is_committee(batch.community_id))
    await batch.move_to(BatchState.WITHDRAWN)
    await events.record(actor, "paper_batch.withdrawn", batch)
    return batch


def visible(actor: Actor) -> QuerySet[PaperBatch]:
    """Those of the communities in which the actor works."""
    return PaperBatch.filter(community_id__in=policies.enters_ballots_in(actor))


async def find(actor: Actor, batch_id: int) -> PaperBatch:
    """One batch, for the staff; what the first person typed is not shown before the second has. Raises NotFound."""
    batch = await visible(actor).get_or_none(id=batch_id)
    if batch is None:
        raise NotFound("没有找到这批纸质票", "No such batch")
    return batch


async def listed(actor: Actor, deliberation_id: int, *, page: Page) -> Listed[PaperBatch]:
    """The batches of a vote, newest first, for the staff. Raises NotFound."""
    deliberation = await find_deliberation(actor, deliberation_id)
    return await newest(visible(actor).filter(deliberation_id=deliberation.id), page)


async def report_csv(actor: Actor, batch_id: int) -> str:
    """What became of each line of a comparison, for a spreadsheet; no cell of it is a formula. Raises NotFound."""
    batch = await find(actor, batch_id)
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["code", "outcome", "first_rows", "first", "second_rows", "second"])
    for one in batch.report or []:
        first, second = (json.dumps(one[side], ensure_ascii=False) if one[side] else "" for side in ("first", "second"))
        rows = (" ".join(map(str, one[f"{side}_rows"])) for side in ("first", "second"))
        cells = [one["code"], one["outcome"], next(rows), first, next(rows), second]
        writer.writerow([paper.harmless(cell) for cell in cells])
    return "\ufeff" + table.getvalue()


async def _check_open(deliberation: Deliberation) -> None:
    if deliberation.secret:
        raise SecretInPerson
    if deliberation.state in policies.BEFORE_THE_VOTE:
        raise InvalidState(deliberation.state)
    if deliberation.state is not DeliberationState.VOTING or deliberation.voting_until <= await clock.now():
        raise VoteClosed


def _read(deliberation: Deliberation, raw: bytes) -> list[Line]:
    options = [option.id for option in deliberation.options]
    try:
        return paper.read(raw, deliberation.ballot_kind, options, deliberation.max_choices, deliberation.max_score)
    except paper.Unreadable as exc:
        raise BadSheet(exc.zh, exc.en) from exc


async def _enter(deliberation: Deliberation, agreed: list[Compared], first: PaperBatch, actor: Actor) -> dict[str, str]:
    """What became of each code on which the two agree."""
    choices: list[dict[str, Any]] = [one.first or {} for one in agreed]
    nonces = [secrets.token_bytes(NONCE_BYTES) for _ in agreed]
    found = await db.rows(
        ENTER,
        deliberation.id,
        [one.code for one in agreed],
        [json.dumps(choice) for choice in choices],
        nonces,
        [receipt(deliberation.id, choice, nonce) for choice, nonce in zip(choices, nonces, strict=True)],
        deliberation.community_id,
        actor.id,
        first.entered_by_id,
    )
    entered = [line["resident_id"] for line in found if line["outcome"] == "entered"]
    await tell_whom_it_was_entered_for(deliberation, entered)
    return {line["code"]: line["outcome"] for line in found}


async def _keep(
    actor: Actor, deliberation: Deliberation, lines: list[Line], state: BatchState, **compared: Any
) -> PaperBatch:
    return await PaperBatch.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        entered_by_id=actor.id,
        state=state,
        lines=[asdict(line) for line in lines],
        **compared,
    )
