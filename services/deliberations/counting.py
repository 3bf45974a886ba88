"""The count of a closed vote: its result, and the resolution that comes of it."""

import json
from typing import Any

from app.core import clock, db
from models.deliberations import (
    BallotKind,
    Deliberation,
    Resolution,
    Result,
)
from services.deliberations.terms import Terms, applied
from services.rules.quorum import Weight, judge
from services.rules.tally import ANSWERS, Candidate, tally
from services.rules.wording import Line, explain

ANSWERS_IN_WORDS = {"yes": ("同意", "in favour"), "no": ("反对", "against"), "abstain": ("弃权", "abstaining")}


async def count(deliberation: Deliberation) -> tuple[Result, bool]:
    """Write the result; also say whether the quorum was met."""
    ballots = [
        (json.loads(line["choice"]), Weight(line["heads"], line["area_cm2"]))
        for line in await db.rows(
            "SELECT b.choice, count(*) AS heads, coalesce(sum(e.area_cm2), 0)::bigint AS area_cm2 "
            "FROM ballots b JOIN electors e ON e.id = b.elector_id WHERE b.deliberation_id = $1 GROUP BY b.choice",
            deliberation.id,
        )
    ]
    words: dict[Candidate, tuple[str, str]] = {
        option.id: (option.title, option.title) for option in deliberation.options
    }
    if deliberation.ballot_kind is BallotKind.YES_NO:
        words = {answer: ANSWERS_IN_WORDS[answer] for answer in ANSWERS}
    present = sum((weight for _, weight in ballots), Weight(0))
    roll, terms = Weight(deliberation.roll_size or 0, deliberation.roll_area_cm2 or 0), applied(deliberation)
    votes = tally(deliberation.ballot_kind, list(words), ballots)
    standing = {one: favour for one, favour in votes.items() if one not in ("no", "abstain")}
    verdict = judge(terms.preset, standing, present, roll)
    lines = {
        one: Line(
            *words[one],
            votes=favour.heads,
            passed=one in verdict.winners if one in standing and verdict.passed is not None else None,
            area_cm2=favour.area_cm2,
        )
        for one, favour in votes.items()
    }
    zh, en = explain(
        terms.preset,
        list(lines.values()),
        present=present,
        roll=roll,
        quorate=verdict.quorate,
        passed=verdict.passed,
        unit=deliberation.roll,
        recognised=terms.recognised,
    )
    result = await Result.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        roll_size=roll.heads,
        voted=present.heads,
        voted_area_cm2=present.area_cm2 if terms.preset.by_area else None,
        tally=[_tally_line(one, line, present.heads, terms.preset.by_area) for one, line in lines.items()],
        passed=verdict.passed,
        explanation_zh=zh,
        explanation_en=en,
    )
    return result, verdict.quorate


async def resolve(deliberation: Deliberation, result: Result) -> Resolution:
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
        binding=_binds(applied(deliberation)),
        passed=result.passed,
        explanation_zh=result.explanation_zh,
        explanation_en=result.explanation_en,
        counts={
            "roll": result.roll_size,
            "voted": result.voted,
            "roll_area_cm2": deliberation.roll_area_cm2,
            "voted_area_cm2": result.voted_area_cm2,
            "tally": result.tally,
        },
        roll_hash=deliberation.roll_hash,
    )


def _binds(terms: Terms) -> bool:
    """A consultation does not, nor owners' votes where the place does not hold them as the statutory ballot."""
    return terms.preset.majority is not None and (terms.recognised or not terms.preset.by_area)


def _tally_line(candidate: Candidate, line: Line, voted: int, by_area: bool) -> dict[str, Any]:
    return {
        "option_id": candidate if isinstance(candidate, int) else None,
        "choice": candidate if isinstance(candidate, str) else None,
        "title": line.zh,
        "votes": line.votes,
        "area_cm2": line.area_cm2 if by_area else None,
        "share": f"{line.votes}/{voted}" if voted else None,
        "passed": line.passed,
    }
