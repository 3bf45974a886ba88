"""Elections of elsewhere, out of PaBuLib files: the question, the roll and the ballots in bulk, to be counted here."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid
from models.base import Moderation
from models.deliberations import (
    MAX_SCORE,
    BallotKind,
    BudgetCount,
    Deliberation,
    DeliberationState,
    Form,
    Option,
    Roll,
    Rule,
)
from models.residents import Role
from services import events, places
from services.deliberations import rolls, terms
from services.deliberations.reading import locked
from services.deliberations.voting import NONCE_BYTES, end
from services.rules.pabulib import Election, Project, Vote
from services.rules.tally import receipt

AT_ONCE = 2_000
VOTE_DAYS = 30
TITLE_MOST, ID_MOST, POINTS_MOST = 60, 60, 1_000_000
FREEZE = f"""
WITH added AS (
    INSERT INTO electors (community_id, deliberation_id, number, external_id)
    SELECT $2, $1, number, name FROM unnest($3::text[]) WITH ORDINALITY AS voters (name, number)
    RETURNING number, resident_id, household_id, area_cm2, salt
)
SELECT encode(sha256(convert_to(coalesce(string_agg({rolls.LINE.format(kind=Roll.RESIDENTS)}, E'\\n' ORDER BY number),
    ''), 'UTF8')), 'hex') FROM added
"""
ENTER = """
INSERT INTO ballots (community_id, deliberation_id, elector_id, choice, nonce, receipt, channel)
SELECT e.community_id, e.deliberation_id, e.id, given.choice::jsonb, given.nonce, given.receipt, 'import'
FROM unnest($2::int[], $3::text[], $4::bytea[], $5::text[]) AS given (number, choice, nonce, receipt)
JOIN electors e ON e.deliberation_id = $1 AND e.number = given.number
"""


@dataclass(frozen=True)
class Imported:
    """What was made of a file."""

    deliberation_id: int
    electors: int
    ballots: int


@atomic(limit_s=3600)
async def import_election(
    election: Election, *, community_id: int, name: str, count: BudgetCount | None = None, close: bool = False
) -> Imported:
    """Make an open consultation of an election that has taken place; `close` counts it at once.

    `count` is how a budget is counted where it is not as the file says. Whoever runs the server vouches for the words.
    Raises NotFound, Invalid (no committee to stand for it, a count for no budget, an id or points beyond all bounds).
    """
    _refuse_what_does_not_fit(election, count)
    community = await places.find_community(community_id)
    now, kind = await clock.now(), BallotKind(election.kind)
    deliberation = await Deliberation.create(
        community_id=community.id,
        author_id=await _who_stands_for_it(community.id),
        form=Form.OPEN,
        title=_title(election, name),
        body=_body(election),
        ballot_kind=kind,
        max_score=_most_points(election) if kind is BallotKind.SCORE else None,
        budget_fen=election.budget_fen if kind is BallotKind.BUDGET else None,
        budget_count=(count or election.count or BudgetCount.GREEDY) if kind is BallotKind.BUDGET else None,
        roll=Roll.RESIDENTS,
        rule=Rule.CONSULTATION,
        discussion_until=now + timedelta(minutes=1),
        voting_until=now + timedelta(days=VOTE_DAYS),
        moderation=Moderation.PASSED,
    )
    await Option.bulk_create(
        Option(
            community_id=community.id,
            deliberation_id=deliberation.id,
            position=position,
            title=project.title,
            cost_fen=project.cost_fen,
            external_id=project.external_id,
        )
        for position, project in enumerate(sorted(election.projects, key=_by_id), start=1)
    )
    voters = [(vote.voter_id or str(number))[:ID_MOST] for number, vote in enumerate(election.votes, start=1)]
    await deliberation.move_to(DeliberationState.DISCUSSION)
    roll_hash = await db.value(FREEZE, deliberation.id, community.id, voters)
    await deliberation.move_to(
        DeliberationState.VOTING,
        opened_at=now,
        roll_size=len(voters),
        roll_hash=roll_hash,
        terms=await terms.in_force(deliberation),
    )
    await _enter(deliberation, election.votes)
    await events.record(None, "deliberation.imported", deliberation, electors=len(voters), ballots=len(voters))
    if close:
        await end(None, await locked(deliberation.id))
    return Imported(deliberation.id, len(voters), len(voters))


async def _enter(deliberation: Deliberation, votes: Sequence[Vote]) -> None:
    """Put the ballots into the box, each looked at by the same guard as everybody's."""
    found = await Option.filter(deliberation_id=deliberation.id)
    ids = {option.external_id: option.id for option in found if option.external_id}
    for start in range(0, len(votes), AT_ONCE):
        choices = [vote.choice(deliberation.ballot_kind, ids) for vote in votes[start : start + AT_ONCE]]
        nonces = [secrets.token_bytes(NONCE_BYTES) for _ in choices]
        await db.execute(
            ENTER,
            deliberation.id,
            list(range(start + 1, start + 1 + len(choices))),
            [json.dumps(choice) for choice in choices],
            nonces,
            [receipt(deliberation.id, choice, nonce) for choice, nonce in zip(choices, nonces, strict=True)],
        )


async def _who_stands_for_it(community_id: int) -> int:
    """The committee member longest in office: everything that is asked has somebody who asks."""
    found = await db.value(
        "SELECT resident_id FROM role_grants WHERE place_id = $1 AND role = $2 "
        "AND (until_at IS NULL OR until_at > clock_now()) ORDER BY from_at, id LIMIT 1",
        community_id,
        Role.COMMITTEE,
    )
    if found is None:
        raise Invalid("这个社区还没有居委会成员", "This community has no committee yet")
    return int(found)


def _refuse_what_does_not_fit(election: Election, count: BudgetCount | None) -> None:
    if count is not None and election.kind != BallotKind.BUDGET:
        raise Invalid("只有预算表决才有计票方式", f"Votes of type {election.vote_type} are not counted as a budget")
    if any(len(project.external_id) > ID_MOST for project in election.projects):
        raise Invalid("项目编号太长", f"A project's id has more than {ID_MOST} characters")
    if _most_points(election) > POINTS_MOST:
        raise Invalid("分数太大", f"More than {POINTS_MOST} points for a project")


def _most_points(election: Election) -> int:
    return max((points for vote in election.votes for points in vote.points), default=0) or MAX_SCORE


def _by_id(project: Project) -> tuple[bool, int, str]:
    """Numbers first, as numbers: at a tie the smaller id wins, theirs as ours."""
    is_number = project.external_id.isdecimal()
    return not is_number, int(project.external_id) if is_number else 0, project.external_id


def _title(election: Election, name: str) -> str:
    said = election.meta.get("description") or name
    return " ".join(said.split())[:TITLE_MOST].rstrip() or "PaBuLib"


def _body(election: Election) -> str:
    where = (election.meta.get(key, "") for key in ("country", "unit", "district", "subunit", "instance"))
    said = "，".join(one for one in where if one)
    return f"由命令行导入的他处选举（PaBuLib 格式）。{said}"[:5000]
