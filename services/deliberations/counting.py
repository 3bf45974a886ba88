"""The count of a closed vote: its result, and the resolution that comes of it."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from app.core import clock, db
from models.deliberations import (
    BallotKind,
    Deliberation,
    Option,
    Resolution,
    Result,
)
from services.deliberations.terms import Terms, applied
from services.rules import outcome, telling, wording
from services.rules.archive import FEWEST_SHOWN
from services.rules.outcome import Count, Method
from services.rules.quorum import Verdict, Weight
from services.rules.tally import Candidate, Choice

WITHHELD = (
    f"不足 {FEWEST_SHOWN} 张选票，为保密不公布票数，只公布是否通过。",
    f"With fewer than {FEWEST_SHOWN} ballots no figures are shown, only whether it passed, to keep it secret.",
)
GIVEN = """
SELECT b.choice, count(*) AS heads, coalesce(sum(e.area_cm2), 0)::bigint AS area_cm2
FROM ballots b JOIN electors e ON e.id = b.elector_id WHERE b.deliberation_id = $1 GROUP BY b.choice
UNION ALL
SELECT choice, count(*), 0 FROM secret_ballots WHERE deliberation_id = $1 GROUP BY choice
"""
INVALIDATED = "SELECT count(*) FROM objections WHERE deliberation_id = $1 AND state = 'invalidated'"


async def count(deliberation: Deliberation) -> tuple[Result, bool]:
    """Write the result; also say whether the quorum was met."""
    ballots = [
        (json.loads(line["choice"]), Weight(line["heads"], line["area_cm2"]))
        for line in await db.rows(GIVEN, deliberation.id)
    ]
    present = sum((weight for _, weight in ballots), Weight(0))
    roll, terms = Weight(deliberation.roll_size or 0, deliberation.roll_area_cm2 or 0), applied(deliberation)
    method, options = method_of(deliberation), list(deliberation.options)
    counted = outcome.count(terms.preset, method, {option.id: option.cost_fen for option in options}, ballots)
    verdict = outcome.decide(terms.preset, method, counted, present, roll)
    said: Any = {"present": present, "roll": roll, "unit": deliberation.roll, "recognised": terms.recognised}
    withheld = deliberation.secret and present.heads < FEWEST_SHOWN
    if withheld:
        zh, en = wording.explain(terms.preset, [], quorate=verdict.quorate, passed=verdict.passed, how=WITHHELD, **said)
    else:
        titles = {option.id: option.title for option in options}
        zh, en = telling.tell(terms.preset, method, titles, counted, verdict, **said)
    result = await Result.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        roll_size=roll.heads,
        voted=present.heads,
        voted_area_cm2=present.area_cm2 if terms.preset.by_area else None,
        tally=[] if withheld else _tally(method, options, counted, verdict, ballots, present, terms.preset.by_area),
        invalidated=await db.value(INVALIDATED, deliberation.id),
        passed=verdict.passed,
        explanation_zh=zh,
        explanation_en=en,
    )
    return result, verdict.quorate


def method_of(deliberation: Deliberation) -> Method:
    """How a vote is cast and counted."""
    return Method(
        deliberation.ballot_kind,
        max_choices=deliberation.max_choices,
        max_score=deliberation.max_score,
        budget_fen=deliberation.budget_fen,
        count=deliberation.budget_count,
    )


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
        binding=_binds(applied(deliberation), result),
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


def _binds(terms: Terms, result: Result) -> bool:
    """What passes or not does, but for owners' votes where the place does not hold them as the statutory ballot."""
    return result.passed is not None and (terms.recognised or not terms.preset.by_area)


def _tally(
    method: Method,
    options: Sequence[Option],
    counted: Count,
    verdict: Verdict[Candidate],
    ballots: Sequence[tuple[Choice, Weight]],
    present: Weight,
    by_area: bool,
) -> list[dict[str, Any]]:
    """A line for each candidate, in their order: `score` of scores, `rounds` of a ranked vote, `selected` of both and
    of budgets; in a vote of scores `votes` are the ballots that give it any points."""
    known = {option.id: option for option in options}
    votes: dict[Candidate, int] = counted.numbers
    if method.kind == BallotKind.SCORE:
        votes = Counter()
        for choice, weight in ballots:
            votes.update({int(one): weight.heads for one, points in choice["scores"].items() if points})
    chooses = method.kind in (BallotKind.SCORE, BallotKind.RANKED, BallotKind.BUDGET)
    lines = []
    for one, number in counted.numbers.items():
        option = known.get(one) if isinstance(one, int) else None
        judged = verdict.passed is not None and one not in ("no", "abstain")
        lines.append(
            {
                "option_id": option and option.id,
                "choice": None if option else one,
                "title": option.title if option else telling.ANSWERS_IN_WORDS[one][0],
                "votes": votes.get(one, 0),
                "area_cm2": counted.areas_cm2[one] if by_area else None,
                "score": number if method.kind == BallotKind.SCORE else None,
                "rounds": [past.votes[one] for past in counted.rounds if one in past.votes]
                if isinstance(one, int) and counted.rounds
                else None,
                "cost_fen": option and option.cost_fen,
                "external_id": option and option.external_id,
                "selected": one in counted.winners if chooses else None,
                "share": f"{votes.get(one, 0)}/{present.heads}" if present.heads else None,
                "passed": one in verdict.winners if judged else None,
            }
        )
    return lines
