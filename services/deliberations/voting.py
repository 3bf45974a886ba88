"""The vote: its opening, ballots, the close, by hand and by the clock."""

import json
import secrets
from typing import Any

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import InvalidState, NotFound
from models.base import Moderation
from models.deliberations import (
    Deliberation,
    DeliberationState,
    NonceMisfits,
    NotChecked,
    NotOnRoll,
    Rule,
    StillVoting,
    VoteClosed,
)
from models.rolls import AlreadyVoted, Channel
from services import events
from services.deliberations import archiving, rolls, terms
from services.deliberations.counting import count, resolve
from services.deliberations.reading import find, locked, tell
from services.due import one_by_one
from services.policies import Actor, require, require_resident
from services.policies import deliberations as policies
from services.policies.actor import STAFF
from services.rules import delay
from services.rules.tally import receipt

DUE_AT_ONCE = 50
NONCE_BYTES = 16


@atomic(limit_s=60)
async def open_voting(actor: Actor, deliberation_id: int) -> Deliberation:
    """Freeze the roll and open the vote.

    It ends as announced, unless that is over already. Raises Forbidden, InvalidState, NotChecked while it is hidden,
    ObjectionsOpen, AreasMissing.
    """
    deliberation = await find(actor, deliberation_id)
    require(policies.may_moderate(actor, deliberation))
    return await _open_voting(actor, await locked(deliberation.id))


# What both kinds of cast begin with: the vote and the actor's line on its roll.
VOTE = """
    SELECT d.id, d.community_id, d.state, d.secret, d.voting_until > clock_now() AS runs,
    d.community_id = $4 OR (d.roll = 'owners' AND NOT $6) AS may, coalesce(
        (SELECT e.id FROM electors e WHERE e.deliberation_id = d.id AND e.resident_id = $2),
        (SELECT e.id FROM electors e WHERE e.deliberation_id = d.id AND e.household_id = $3 AND e.speaker_id = $2)
    ) AS elector_id
    FROM deliberations d
    WHERE d.id = $1 AND (d.moderation = 'passed' OR d.author_id = $2 OR d.community_id = ANY ($5::bigint[]))
"""
# One statement; guard_ballot() locks the deliberation, reads the clock after that, and checks the choice.
# A choice sent again keeps its receipt.
CAST = f"""
WITH vote AS ({VOTE}), landed AS (
    INSERT INTO ballots
        (community_id, deliberation_id, elector_id, resident_id, choice, nonce, receipt, channel, entered_by_id)
    SELECT community_id, id, elector_id, $2, $7, $9, $8, $10, $11::bigint FROM vote
    WHERE state = 'voting' AND runs AND NOT secret AND elector_id IS NOT NULL AND may
    ON CONFLICT ON CONSTRAINT ballots_one_per_elector DO UPDATE SET
        nonce = CASE WHEN ballots.choice = excluded.choice THEN ballots.nonce ELSE excluded.nonce END,
        receipt = CASE WHEN ballots.choice = excluded.choice THEN ballots.receipt ELSE excluded.receipt END,
        choice = excluded.choice, resident_id = excluded.resident_id, cast_at = clock_now(),
        channel = excluded.channel, entered_by_id = excluded.entered_by_id
    RETURNING receipt
)
SELECT vote.*, landed.receipt FROM vote LEFT JOIN landed ON true
"""
# The elector is marked on condition that he is not yet; of two casts at once the second waits and finds him marked.
# The deliberation is locked first, as at the close, so that a cast and the close wait for each other and never both.
CAST_SECRETLY = f"""
WITH vote AS ({VOTE} FOR SHARE OF d), marked AS (
    UPDATE electors e SET has_voted = true FROM vote
    WHERE e.id = vote.elector_id AND NOT e.has_voted AND state = 'voting' AND runs AND secret AND may
    RETURNING e.deliberation_id, e.community_id
), landed AS (
    INSERT INTO secret_ballots (community_id, deliberation_id, choice, receipt)
    SELECT community_id, deliberation_id, $7, $8 FROM marked RETURNING receipt
)
SELECT vote.*, landed.receipt FROM vote LEFT JOIN landed ON true
"""


async def cast(
    actor: Actor,
    deliberation_id: int,
    choice: dict[str, Any],
    *,
    nonce: bytes | None = None,
    channel: Channel = Channel.PHONE,
    entered_by_id: int | None = None,
) -> str:
    """Vote; for a household who represented it at the opening does, as an owner also who lives elsewhere.

    `choice` is `{choice}`, `{option_id}`, `{option_ids}`, `{scores}` or `{ranking}`, as the kind of ballot asks. An
    open vote may be changed while it runs; a secret one, which comes with a `nonce` of the voter's own, may not.
    `entered_by_id`: who entered it for the actor, where it did not come by phone; that never replaces what did.
    Returns the receipt. Raises NotFound, NotVerified, Forbidden, InvalidState before the opening, VoteClosed,
    NotOnRoll, BadChoice, AlreadyVoted, NonceMisfits, NonceUsed.
    """
    if "option_ids" in choice:
        choice = {"option_ids": sorted(choice["option_ids"])}
    salt = secrets.token_bytes(NONCE_BYTES) if nonce is None else nonce
    asked = (
        deliberation_id,
        actor.id,
        actor.household_id,
        actor.community_id if actor.verified else None,
        actor.serves(*STAFF),
        actor.suspended,
        json.dumps(choice),
        receipt(deliberation_id, choice, salt),
    )
    if nonce is None:
        vote = await db.alone(CAST, *asked, salt, channel, entered_by_id)
    else:
        vote = await db.alone(CAST_SECRETLY, *asked)
    if vote is None:
        raise NotFound("没有找到这项协商议事", "No such deliberation")
    if not vote["may"] or vote["elector_id"] is None:
        require_resident(actor, vote["community_id"])
    if vote["state"] in policies.BEFORE_THE_VOTE:
        raise InvalidState(vote["state"])
    if vote["state"] != DeliberationState.VOTING or not vote["runs"]:
        raise VoteClosed
    if vote["elector_id"] is None:
        raise NotOnRoll
    if vote["secret"] != (nonce is not None):
        raise NonceMisfits
    if vote["receipt"] is None:
        raise AlreadyVoted
    return str(vote["receipt"])


@atomic(limit_s=60)
async def close(actor: Actor, deliberation_id: int) -> Deliberation:
    """End the vote by hand and count it. Raises Forbidden, InvalidState, StillVoting before its time."""
    deliberation = await find(actor, deliberation_id)
    require(policies.may_moderate(actor, deliberation))
    deliberation = await locked(deliberation.id)
    if deliberation.state is DeliberationState.VOTING and not await _may_end(deliberation):
        raise StillVoting
    return await end(actor, deliberation)


async def end(actor: Actor | None, deliberation: Deliberation) -> Deliberation:
    """Count, decide, publish. The deliberation is locked, so no ballot lands any more. Raises InvalidState."""
    if deliberation.state is not DeliberationState.VOTING:
        raise InvalidState(deliberation.state)
    result, quorate = await count(deliberation)
    target = DeliberationState.DECIDED if quorate else DeliberationState.FAILED_QUORUM
    await deliberation.move_to(target, closed_at=await clock.now())
    resolution = await resolve(deliberation, result) if quorate else None
    await archiving.keep(deliberation, resolution.number if resolution else None)
    await archiving.forget_secrets(deliberation)
    verb = f"deliberation.{target}"
    await events.record(
        actor,
        verb,
        deliberation,
        voted=result.voted,
        passed=result.passed,
        resolution_id=resolution.id if resolution else None,
    )
    await tell(deliberation, verb)
    return deliberation


# --- by the clock -----------------------------------------------------------------------------------------------


WAITS = f"""
(d.moderation <> 'passed' OR EXISTS (SELECT 1 FROM objections o WHERE o.deliberation_id = d.id AND o.state = 'open')
    OR (d.roll = 'owners' AND ({rolls.AREAS_MISSING.replace("$1", "d.community_id")}) > 0))
"""
DUE = f"""
SELECT id FROM (
SELECT id, voting_until AS due_at FROM deliberations
WHERE state IN ('proposed', 'discussion', 'voting') AND voting_until <= (SELECT clock_now())
UNION
SELECT id, discussion_until FROM deliberations d
WHERE state = 'discussion' AND discussion_until <= (SELECT clock_now()) AND NOT {WAITS}
) due GROUP BY id ORDER BY min(due_at), id LIMIT {DUE_AT_ONCE}
"""


async def advance_due() -> None:
    """Open the votes whose discussion is over, close those whose time is over, withdraw what nobody took up.

    A vote that opens late, because the clock slept, ends as much later; it is not withdrawn. One that waits for
    its objections, for the areas of owners, or to be shown again, waits until its time is over.
    At most 50 at a time, each in its own transaction; one that fails does not keep the others waiting.
    """
    await one_by_one((due["id"] for due in await db.rows(DUE)), _advance)


@atomic(limit_s=60)
async def _advance(deliberation_id: int) -> None:
    free = await db.value("SELECT id FROM deliberations WHERE id = $1 FOR UPDATE SKIP LOCKED", deliberation_id)
    if free is None:  # another worker has it in hand
        return
    deliberation = await locked(deliberation_id)
    now = await clock.now()
    discussed = deliberation.state is DeliberationState.DISCUSSION and deliberation.discussion_until <= now
    if discussed and not await db.value(f"SELECT {WAITS} FROM deliberations d WHERE d.id = $1", deliberation.id):
        await _open_voting(None, deliberation)
    elif deliberation.voting_until <= now and deliberation.state is DeliberationState.VOTING:
        await end(None, deliberation)
    elif deliberation.voting_until <= now and deliberation.state in policies.BEFORE_THE_VOTE:
        await deliberation.move_to(DeliberationState.WITHDRAWN)
        await events.record(None, "deliberation.lapsed", deliberation)
        await tell(deliberation, "deliberation.lapsed")


# --- helpers ----------------------------------------------------------------------------------------------------


async def _open_voting(actor: Actor | None, deliberation: Deliberation) -> Deliberation:
    if deliberation.state is not DeliberationState.DISCUSSION:
        raise InvalidState(deliberation.state)
    if deliberation.moderation is not Moderation.PASSED:
        raise NotChecked
    now = await clock.now()
    announced = deliberation.discussion_until, deliberation.voting_until
    by_hand = actor is not None and now < deliberation.voting_until
    late = not by_hand and delay.is_late(*announced, now)
    size, area_cm2, roll_hash = await rolls.freeze(deliberation)
    await deliberation.move_to(
        DeliberationState.VOTING,
        opened_at=now,
        voting_until=deliberation.voting_until if by_hand else delay.ends_at(*announced, now),
        roll_size=size,
        roll_area_cm2=area_cm2,
        roll_hash=roll_hash,
        terms=await terms.in_force(deliberation),
    )
    await events.record(actor, "deliberation.voting_opened", deliberation, roll_size=size, late=late or None)
    await tell(deliberation, "deliberation.opened_late" if late else "deliberation.voting_opened")
    return deliberation


async def _may_end(deliberation: Deliberation) -> bool:
    if deliberation.rule is Rule.CONSULTATION or deliberation.voting_until <= await clock.now():
        return True
    voted = await db.value(
        "SELECT (SELECT count(*) FROM ballots WHERE deliberation_id = $1) "
        "+ (SELECT count(*) FROM electors WHERE deliberation_id = $1 AND has_voted)",
        deliberation.id,
    )
    return bool(voted == deliberation.roll_size)
