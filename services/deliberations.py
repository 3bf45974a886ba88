"""Deliberations: from a proposal over discussion and vote to a resolution that money and roles cite."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.comments import Comment
from models.deliberations import (
    BallotKind,
    Deliberation,
    DeliberationState,
    Form,
    NotOnRoll,
    Option,
    Resolution,
    Result,
    Roll,
    Rule,
    StillVoting,
    VoteClosed,
)
from services import comments, events, notifications
from services.events import TimelineItem
from services.policies import Actor, require, require_resident
from services.policies import deliberations as policies
from services.residents import ADULT_AGE
from services.rules.quorum import Weight, judge
from services.rules.tally import ANSWERS, Candidate, receipt, tally
from services.rules.wording import Line, explain

OFFERED_KINDS = {BallotKind.YES_NO, BallotKind.SINGLE, BallotKind.APPROVAL}
OFFERED_ROLLS = {Roll.RESIDENTS, Roll.HOUSEHOLDS}
UNDISCUSSED = {DeliberationState.PROPOSED, DeliberationState.WITHDRAWN}
DUE_AT_ONCE = 50
NONCE_BYTES = 16
ANSWERS_IN_WORDS = {"yes": ("同意", "in favour"), "no": ("反对", "against"), "abstain": ("弃权", "abstaining")}


@dataclass(frozen=True)
class Proposal:
    """What somebody wants to be decided, how, by whom and until when."""

    community_id: int
    form: Form
    title: str
    body: str
    ballot_kind: BallotKind
    roll: Roll
    rule: Rule
    discussion_until: datetime
    voting_until: datetime
    secret: bool = False
    max_choices: int | None = None
    options: Sequence[str] = ()
    need_ids: Sequence[int] = ()


@dataclass(frozen=True)
class OwnBallot:
    """What the reader himself (or his household) voted."""

    choice: dict[str, Any]
    receipt: str


@dataclass(frozen=True)
class Detail:
    """A deliberation with its public history and the reader's own ballot."""

    deliberation: Deliberation
    timeline: list[TimelineItem]
    my_ballot: OwnBallot | None


@dataclass(frozen=True)
class Outcome:
    """What came out of a vote; no resolution when too few took part."""

    deliberation: Deliberation
    result: Result
    resolution_id: int | None


# --- reading ----------------------------------------------------------------------------------------------------


def visible(actor: Actor | None) -> QuerySet[Deliberation]:
    """What the actor may see: what passed the content check, and his own."""
    seen = Q(moderation=Moderation.PASSED)
    if actor is not None:
        seen |= Q(author_id=actor.id)
    return Deliberation.filter(seen).prefetch_related("author", "options")


async def find(actor: Actor | None, deliberation_id: int) -> Deliberation:
    """One deliberation. Raises NotFound."""
    deliberation = await visible(actor).get_or_none(id=deliberation_id)
    if deliberation is None:
        raise NotFound("没有找到这项协商议事", "No such deliberation")
    return deliberation


async def detail(actor: Actor, deliberation_id: int) -> Detail:
    """One deliberation with its history and the actor's own ballot. Raises NotFound."""
    deliberation = await find(actor, deliberation_id)
    return Detail(deliberation, await events.timeline(deliberation), await _own_ballot(actor, deliberation))


async def listed(
    actor: Actor, *, community_id: int | None, state: DeliberationState | None, page: Page
) -> Listed[Deliberation]:
    """Deliberations, newest first."""
    asked = {"community_id": community_id, "state": state}
    return await newest(visible(actor).filter(**{key: value for key, value in asked.items() if value}), page)


async def outcome(deliberation_id: int) -> Outcome:
    """What came out of a closed vote; anybody may read it. Raises NotFound, InvalidState before the close."""
    deliberation = await find(None, deliberation_id)
    result = await Result.get_or_none(deliberation_id=deliberation.id)
    if result is None:
        raise InvalidState(deliberation.state)
    resolution = await Resolution.get_or_none(deliberation_id=deliberation.id)
    return Outcome(deliberation, result, resolution.id if resolution else None)


async def find_resolution(resolution_id: int) -> Resolution:
    """A resolution; anybody may read it. Raises NotFound."""
    resolution = await Resolution.get_or_none(id=resolution_id)
    if resolution is None:
        raise NotFound("没有找到这项决议", "No such resolution")
    return resolution


# --- proposing and discussing -----------------------------------------------------------------------------------


@atomic()
async def propose(actor: Actor, proposal: Proposal) -> Deliberation:
    """Put a question to the neighbours; the committee opens its discussion.

    Raises NotVerified, Forbidden, Invalid (not yet offered, options that do not fit), BadDates, RuleMisfitsRoll,
    SameOption, NotFound for a need.
    """
    if not actor.is_committee(proposal.community_id):
        require_resident(actor, proposal.community_id)
    _refuse_what_is_not_offered(proposal)
    _refuse_misfitting_options(proposal)
    deliberation = await Deliberation.create(
        community_id=proposal.community_id,
        author_id=actor.id,
        form=proposal.form,
        title=proposal.title,
        body=proposal.body,
        ballot_kind=proposal.ballot_kind,
        max_choices=_max_choices(proposal),
        roll=proposal.roll,
        rule=proposal.rule,
        discussion_until=proposal.discussion_until,
        voting_until=proposal.voting_until,
    )
    for position, title in enumerate(proposal.options, start=1):
        await Option.create(
            community_id=deliberation.community_id, deliberation_id=deliberation.id, position=position, title=title
        )
    await events.record(actor, "deliberation.proposed", deliberation)
    return await find(actor, deliberation.id)


@atomic()
async def open_discussion(actor: Actor, deliberation_id: int) -> Deliberation:
    """Take a proposal on the agenda: from now on the neighbours discuss it. Raises Forbidden, InvalidState."""
    deliberation = await find(actor, deliberation_id)
    require(policies.may_moderate(actor, deliberation))
    await deliberation.move_to(DeliberationState.DISCUSSION)
    await events.record(actor, "deliberation.discussion_opened", deliberation)
    return deliberation


@atomic()
async def comment(actor: Actor, deliberation_id: int, *, body: str, parent_id: int | None = None) -> Comment:
    """Join the discussion; from its opening on, also after the decision. Raises NotVerified, InvalidState, Invalid."""
    deliberation = await find(actor, deliberation_id)
    if not actor.is_staff(deliberation.community_id):
        require_resident(actor, deliberation.community_id)
    if deliberation.state in UNDISCUSSED:
        raise InvalidState(deliberation.state)
    return await comments.add(actor, deliberation, deliberation.community_id, body=body, parent_id=parent_id)


async def comments_on(actor: Actor, deliberation_id: int, *, page: Page) -> Listed[Comment]:
    """What was said about a deliberation, newest first. Raises NotFound."""
    return await comments.listed(await find(actor, deliberation_id), page=page)


@atomic()
async def withdraw(actor: Actor, deliberation_id: int, *, reason: str | None = None) -> Deliberation:
    """Take it back before it is decided; its proposer may until the vote opens. Raises Forbidden, InvalidState."""
    deliberation = await find(actor, deliberation_id)
    require(policies.may_withdraw(actor, deliberation))
    await deliberation.move_to(DeliberationState.WITHDRAWN)
    await events.record(actor, "deliberation.withdrawn", deliberation, reason=reason)
    await _tell(deliberation, "deliberation.withdrawn")
    return deliberation


# --- voting -----------------------------------------------------------------------------------------------------


@atomic(limit_s=60)
async def open_voting(actor: Actor, deliberation_id: int) -> Deliberation:
    """Freeze the roll and open the vote. Raises Forbidden, InvalidState, VoteClosed when its time is over already."""
    deliberation = await find(actor, deliberation_id)
    require(policies.may_moderate(actor, deliberation))
    return await _open_voting(actor, await _locked(deliberation.id))


# One statement; guard_ballot() locks the deliberation, reads the clock after that, and checks the choice.
# A choice sent again keeps its receipt.
CAST = """
WITH vote AS (
    SELECT d.id, d.community_id, d.state, d.voting_until > clock_now() AS runs, coalesce(
        (SELECT e.id FROM electors e WHERE e.deliberation_id = d.id AND e.resident_id = $2),
        (SELECT e.id FROM electors e JOIN households h ON h.id = e.household_id
            WHERE e.deliberation_id = d.id AND h.id = $3 AND h.representative_id = $2)
    ) AS elector_id
    FROM deliberations d WHERE d.id = $1 AND (d.moderation = 'passed' OR d.author_id = $2)
), landed AS (
    INSERT INTO ballots (community_id, deliberation_id, elector_id, resident_id, choice, nonce, receipt)
    SELECT community_id, id, elector_id, $2, $5, $6, $7 FROM vote
    WHERE state = 'voting' AND runs AND elector_id IS NOT NULL AND community_id = $4
    ON CONFLICT ON CONSTRAINT ballots_one_per_elector DO UPDATE SET
        nonce = CASE WHEN ballots.choice = excluded.choice THEN ballots.nonce ELSE excluded.nonce END,
        receipt = CASE WHEN ballots.choice = excluded.choice THEN ballots.receipt ELSE excluded.receipt END,
        choice = excluded.choice, resident_id = excluded.resident_id, cast_at = clock_now()
    RETURNING receipt
)
SELECT vote.*, landed.receipt FROM vote LEFT JOIN landed ON true
"""


@atomic()
async def cast(actor: Actor, deliberation_id: int, choice: dict[str, Any]) -> str:
    """Vote, or change one's vote while it runs; for a household its representative does. Returns the receipt.

    `choice` is `{choice}`, `{option_id}` or `{option_ids}`, as the kind of ballot asks.
    Raises NotFound, NotVerified, InvalidState before the opening, VoteClosed, NotOnRoll, BadChoice.
    """
    if "option_ids" in choice:
        choice = {"option_ids": sorted(choice["option_ids"])}
    nonce = secrets.token_bytes(NONCE_BYTES)
    vote = await db.row(
        CAST,
        deliberation_id,
        actor.id,
        actor.household_id,
        actor.community_id if actor.verified else None,
        json.dumps(choice),
        nonce,
        receipt(deliberation_id, choice, nonce),
    )
    if vote is None:
        raise NotFound("没有找到这项协商议事", "No such deliberation")
    require_resident(actor, vote["community_id"])
    if vote["state"] in policies.BEFORE_THE_VOTE:
        raise InvalidState(vote["state"])
    if vote["state"] != DeliberationState.VOTING or not vote["runs"]:
        raise VoteClosed
    if vote["elector_id"] is None:
        raise NotOnRoll
    return str(vote["receipt"])


@atomic(limit_s=60)
async def close(actor: Actor, deliberation_id: int) -> Deliberation:
    """End the vote by hand and count it. Raises Forbidden, InvalidState, StillVoting before its time."""
    deliberation = await find(actor, deliberation_id)
    require(policies.may_moderate(actor, deliberation))
    deliberation = await _locked(deliberation.id)
    if deliberation.state is DeliberationState.VOTING and not await _may_end(deliberation):
        raise StillVoting
    return await _close(actor, deliberation)


# --- by the clock -----------------------------------------------------------------------------------------------

DUE = f"""
SELECT id FROM deliberations
WHERE state IN ('proposed', 'discussion', 'voting') AND voting_until <= (SELECT clock_now())
UNION
SELECT id FROM deliberations WHERE state = 'discussion' AND discussion_until <= (SELECT clock_now())
LIMIT {DUE_AT_ONCE}
"""


async def advance_due() -> None:
    """Open the votes whose discussion is over, close those whose time is over, withdraw what was never opened.

    At most 50 at a time, each in its own transaction; one that fails does not keep the others waiting.
    """
    failures = []
    for due in await db.rows(DUE):
        try:
            await _advance(due["id"])
        except Exception as exc:
            failures.append(exc)
    if failures:
        raise ExceptionGroup("deliberations that did not advance", failures)


@atomic(limit_s=60)
async def _advance(deliberation_id: int) -> None:
    deliberation = (
        await Deliberation.filter(id=deliberation_id)
        .select_for_update(skip_locked=True)
        .prefetch_related("author", "options")
        .first()
    )
    if deliberation is None:
        return
    now = await clock.now()
    if deliberation.voting_until <= now:
        if deliberation.state is DeliberationState.VOTING:
            await _close(None, deliberation)
        elif deliberation.state in policies.BEFORE_THE_VOTE:
            await deliberation.move_to(DeliberationState.WITHDRAWN)
            await events.record(None, "deliberation.lapsed", deliberation)
            await _tell(deliberation, "deliberation.lapsed")
    elif deliberation.state is DeliberationState.DISCUSSION and deliberation.discussion_until <= now:
        await _open_voting(None, deliberation)


# --- helpers ----------------------------------------------------------------------------------------------------


def _refuse_what_is_not_offered(proposal: Proposal) -> None:
    if proposal.ballot_kind not in OFFERED_KINDS:
        raise Invalid("这种表决方式尚未开放", f"{proposal.ballot_kind} ballots are not yet offered")
    if proposal.secret:
        raise Invalid("无记名投票尚未开放", "Secret votes are not yet offered")
    if proposal.roll not in OFFERED_ROLLS:
        raise Invalid("这种名册尚未开放", f"A roll of {proposal.roll} is not yet offered")


def _refuse_misfitting_options(proposal: Proposal) -> None:
    count = len(proposal.options)
    if proposal.ballot_kind is BallotKind.YES_NO and count:
        raise Invalid("是否表决不需要选项", "A yes/no vote takes no options")
    if proposal.ballot_kind is not BallotKind.YES_NO and count < 2:
        raise Invalid("请至少提供两个选项", "Give at least two options")
    if proposal.max_choices is not None and (
        proposal.ballot_kind is not BallotKind.APPROVAL or proposal.max_choices > count
    ):
        raise Invalid(
            "max_choices 只用于多选，且不超过选项数",
            "max_choices is for approval ballots, at most the number of options",
        )


def _max_choices(proposal: Proposal) -> int | None:
    if proposal.ballot_kind is not BallotKind.APPROVAL:
        return None
    return proposal.max_choices or len(proposal.options)


async def _locked(deliberation_id: int) -> Deliberation:
    query = Deliberation.filter(id=deliberation_id).select_for_update()
    return await query.prefetch_related("author", "options").get()


# 居委会组织法 26: residents of 18 and more. A difference of exactly 18 years does not count without a birth date.
ROLL = f"""
WITH adults AS (
    SELECT m.resident_id, m.household_id FROM memberships m JOIN residents r ON r.id = m.resident_id
    WHERE m.community_id = $2 AND m.until_at IS NULL AND NOT r.suspended AND r.birth_year
        < (SELECT extract(year FROM clock_now() AT TIME ZONE 'Asia/Shanghai')) - {ADULT_AGE}
), added AS (
    INSERT INTO electors (community_id, deliberation_id, number, {{column}})
    SELECT $2, $1, row_number() OVER (ORDER BY {{column}}), {{column}} FROM (SELECT DISTINCT {{column}} FROM adults) a
    RETURNING number, {{column}} AS id
)
SELECT count(*) AS size, encode(sha256(convert_to(
    coalesce(string_agg(number || ':{{kind}}:' || id, E'\\n' ORDER BY number), ''), 'UTF8')), 'hex') AS hash
FROM added
"""
ROLLS = {
    Roll.RESIDENTS: ROLL.format(column="resident_id", kind="residents"),
    Roll.HOUSEHOLDS: ROLL.format(column="household_id", kind="households"),
}


async def _open_voting(actor: Actor | None, deliberation: Deliberation) -> Deliberation:
    if deliberation.state is not DeliberationState.DISCUSSION:
        raise InvalidState(deliberation.state)
    now = await clock.now()
    if deliberation.voting_until <= now:
        raise VoteClosed
    roll = await db.row(ROLLS[deliberation.roll], deliberation.id, deliberation.community_id)
    assert roll is not None  # noqa: S101 - an aggregate has a row
    await deliberation.move_to(DeliberationState.VOTING, opened_at=now, roll_size=roll["size"], roll_hash=roll["hash"])
    await events.record(actor, "deliberation.voting_opened", deliberation, roll_size=roll["size"])
    await _tell(deliberation, "deliberation.voting_opened")
    return deliberation


async def _may_end(deliberation: Deliberation) -> bool:
    if deliberation.rule is Rule.CONSULTATION or deliberation.voting_until <= await clock.now():
        return True
    voted = await db.value("SELECT count(*) FROM ballots WHERE deliberation_id = $1", deliberation.id)
    return bool(voted == deliberation.roll_size)


async def _close(actor: Actor | None, deliberation: Deliberation) -> Deliberation:
    """Count and decide; the deliberation is locked, so no ballot lands any more."""
    if deliberation.state is not DeliberationState.VOTING:
        raise InvalidState(deliberation.state)
    result, quorate = await _count(deliberation)
    resolution_id = (await _resolve(deliberation, result)).id if quorate else None
    target = DeliberationState.DECIDED if quorate else DeliberationState.FAILED_QUORUM
    await deliberation.move_to(target, closed_at=await clock.now())
    verb = f"deliberation.{target}"
    await events.record(
        actor, verb, deliberation, voted=result.voted, passed=result.passed, resolution_id=resolution_id
    )
    await _tell(deliberation, verb)
    return deliberation


async def _count(deliberation: Deliberation) -> tuple[Result, bool]:
    """Write the result; also say whether the quorum was met."""
    ballots = [
        (json.loads(line["choice"]), Weight(line["heads"]))
        for line in await db.rows(
            "SELECT choice, count(*) AS heads FROM ballots WHERE deliberation_id = $1 GROUP BY choice",
            deliberation.id,
        )
    ]
    words: dict[Candidate, tuple[str, str]] = {
        option.id: (option.title, option.title) for option in deliberation.options
    }
    if deliberation.ballot_kind is BallotKind.YES_NO:
        words = {answer: ANSWERS_IN_WORDS[answer] for answer in ANSWERS}
    present, roll = sum((weight for _, weight in ballots), Weight(0)), Weight(deliberation.roll_size or 0)
    votes = tally(deliberation.ballot_kind, list(words), ballots)
    standing = {one: favour for one, favour in votes.items() if one not in ("no", "abstain")}
    verdict = judge(deliberation.rule, standing, present, roll)
    lines = {
        one: Line(
            *words[one],
            votes=favour.heads,
            passed=one in verdict.winners if one in standing and verdict.passed is not None else None,
        )
        for one, favour in votes.items()
    }
    zh, en = explain(
        deliberation.rule,
        list(lines.values()),
        present=present,
        roll=roll,
        quorate=verdict.quorate,
        passed=verdict.passed,
        unit=deliberation.roll,
    )
    result = await Result.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        roll_size=roll.heads,
        voted=present.heads,
        tally=[_tally_line(one, line, present.heads) for one, line in lines.items()],
        passed=verdict.passed,
        explanation_zh=zh,
        explanation_en=en,
    )
    return result, verdict.quorate


def _tally_line(candidate: Candidate, line: Line, voted: int) -> dict[str, Any]:
    return {
        "option_id": candidate if isinstance(candidate, int) else None,
        "choice": candidate if isinstance(candidate, str) else None,
        "title": line.zh,
        "votes": line.votes,
        "share": f"{line.votes}/{voted}" if voted else None,
        "passed": line.passed,
    }


async def _resolve(deliberation: Deliberation, result: Result) -> Resolution:
    """Write the resolution under the next number of its community's year."""
    await db.advisory_lock(f"resolutions of {deliberation.community_id}")
    year = (await clock.now()).astimezone(clock.SHANGHAI).year
    count = await db.value(
        "SELECT count(*) FROM resolutions WHERE community_id = $1 AND number LIKE $2 || '-%'",
        deliberation.community_id,
        str(year),
    )
    return await Resolution.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        number=f"{year}-{count + 1:03}",
        title=deliberation.title,
        rule=deliberation.rule,
        binding=deliberation.rule is not Rule.CONSULTATION,
        passed=result.passed,
        explanation_zh=result.explanation_zh,
        explanation_en=result.explanation_en,
        counts={"roll": result.roll_size, "voted": result.voted, "tally": result.tally},
        roll_hash=deliberation.roll_hash,
    )


async def _own_ballot(actor: Actor, deliberation: Deliberation) -> OwnBallot | None:
    found = await db.row(
        "SELECT b.choice, b.receipt FROM ballots b JOIN electors e ON e.id = b.elector_id "
        "WHERE b.deliberation_id = $1 AND (e.resident_id = $2 OR e.household_id = $3)",
        deliberation.id,
        actor.id,
        actor.household_id,
    )
    return OwnBallot(json.loads(found["choice"]), found["receipt"]) if found else None


async def _tell(deliberation: Deliberation, kind: str) -> None:
    """Tell the proposer and everybody on the roll (for a household its representative)."""
    electors = await db.rows(
        "SELECT coalesce(e.resident_id, h.representative_id) AS id FROM electors e "
        "LEFT JOIN households h ON h.id = e.household_id WHERE e.deliberation_id = $1",
        deliberation.id,
    )
    ids = [deliberation.author_id, *(elector["id"] for elector in electors)]
    await notifications.tell(ids, kind, deliberation, title=deliberation.title)
