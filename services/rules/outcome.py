"""One door to counting: how a vote is cast and counted, what the count gave, and whether it carries under its rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.rules import budget, runoff, tally
from services.rules.budget import Purchase
from services.rules.quorum import MORE_THAN_HALF, AnyRule, Threshold, Verdict, Weight, is_quorate, judge, preset_of
from services.rules.runoff import Round
from services.rules.tally import ANSWERS, Candidate, Choice

PLAIN = frozenset({"yes_no", "single", "approval"})
"""Kinds in which naming an option is being in favour of it."""
ADVISE = frozenset({"score", "budget"})
"""Kinds that order and choose, but do not say that a majority is in favour: no majority is asked of them."""
BUDGET_COUNTS = {"greedy": budget.greedy, "equal_shares": budget.equal_shares}


@dataclass(frozen=True)
class Method:
    """How a vote is cast and counted."""

    kind: str
    max_choices: int | None = None
    max_score: int | None = None
    budget_fen: int | None = None
    count: str | None = None
    """Of a budget: `greedy` or `equal_shares`."""


@dataclass(frozen=True)
class Count:
    """What a count gave. `winners` lead it, in order, all of them when they tie; the rule says whether they carry."""

    numbers: dict[Candidate, int]
    """Votes (heads) of each; points for scores; of a ranked vote the votes in the last round the option stood in."""
    winners: tuple[Candidate, ...]
    areas_cm2: dict[Candidate, int] = field(default_factory=dict)
    """What stands behind the votes, where area counts too."""
    rounds: tuple[Round, ...] = ()
    purchases: tuple[Purchase, ...] = ()


def can_judge(rule: AnyRule, kind: str) -> bool:
    """Whether the rule can be applied to such ballots: heads and area (民法典 278) need votes that are simply for."""
    return kind in PLAIN or not preset_of(rule).by_area


def stops_at(rule: AnyRule) -> Threshold:
    """The share of all ballots with which a ranked count is over: the rule's own, or more than half."""
    return preset_of(rule).majority or MORE_THAN_HALF


def count(
    rule: AnyRule, method: Method, options: Mapping[int, int | None], ballots: Iterable[tuple[Choice, Weight]]
) -> Count:
    """Count ballots of any kind. `options`: id → cost in fen (budget votes only). Equal ballots may come together."""
    ballots = list(ballots)
    if method.kind in PLAIN:
        candidates: list[Candidate] = list(ANSWERS if method.kind == "yes_no" else options)
        votes = tally.tally(method.kind, candidates, ballots)
        numbers = {one: weight.heads for one, weight in votes.items()}
        standing = {one: number for one, number in numbers.items() if one != "abstain"}
        return Count(numbers, _leaders(standing), {one: weight.area_cm2 for one, weight in votes.items()})
    if method.kind == "score":
        assert method.max_score is not None
        given = ((choice["scores"], weight.heads) for choice, weight in ballots)
        points = tally.score(options, given, method.max_score)
        return Count(points, _leaders(points))
    if method.kind == "ranked":
        rankings = [(choice["ranking"], weight.heads) for choice, weight in ballots]
        winner, rounds = runoff.instant_runoff(options, rankings, stops_at(rule))
        last = {one: votes for past in rounds for one, votes in past.votes.items()}
        return Count({one: last.get(one, 0) for one in options}, () if winner is None else (winner,), rounds=rounds)
    assert method.kind == "budget"
    assert method.budget_fen is not None
    assert method.count is not None
    costs = {one: cost for one, cost in options.items() if cost is not None}
    assert len(costs) == len(options), "every project has its cost"
    named = [(choice["option_ids"], weight.heads) for choice, weight in ballots]
    bought = tuple(BUDGET_COUNTS[method.count](costs, named, method.budget_fen))
    return Count(budget.support(costs, named), tuple(one.project for one in bought), purchases=bought)


def decide(rule: AnyRule, method: Method, counted: Count, present: Weight, roll: Weight) -> Verdict[Candidate]:
    """Whether the count carries under the rule.

    A ranked vote carries when its winner ends with the majority the rule asks of all who took part. Scores and budgets
    advise (`passed` None) once quorate.
    """
    assert can_judge(rule, method.kind)
    if method.kind in ADVISE:
        quorate = is_quorate(rule, present, roll)
        return Verdict(quorate, None if quorate else False, frozenset())
    if method.kind in PLAIN:
        votes = {
            one: Weight(number, counted.areas_cm2[one])
            for one, number in counted.numbers.items()
            if one not in ("no", "abstain")
        }
        return judge(rule, votes, present, roll)
    return judge(rule, {one: Weight(counted.numbers[one]) for one in counted.winners}, present, roll)


def _leaders(numbers: Mapping[Candidate, int]) -> tuple[Candidate, ...]:
    most = max(numbers.values(), default=0)
    return tuple(one for one, number in numbers.items() if number == most > 0)
