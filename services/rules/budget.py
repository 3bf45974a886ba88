"""Budget votes: which projects are paid for within an amount, by votes (greedy) or by equal shares. All exact."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from services.rules.tally import Candidate

Ballots = Iterable[tuple[Collection[int], int]]
"""The projects a ballot names, and how many cast just that."""


@dataclass(frozen=True)
class Purchase:
    """A project that is paid for, and by equal shares the most that any one of its supporters gives for it."""

    project: int
    cost_fen: int
    most_fen: Fraction | None = None


def support(costs: Mapping[int, int], ballots: Ballots) -> dict[Candidate, int]:
    """How many ballots name each project."""
    votes: dict[Candidate, int] = dict.fromkeys(costs, 0)
    for named, heads in ballots:
        assert len(set(named)) == len(named), "a ballot names each project once"
        for project in named:
            votes[project] += heads
    return votes


def greedy(costs: Mapping[int, int], ballots: Ballots, budget_fen: int) -> list[Purchase]:
    """The project with most votes first; what no longer fits is skipped and the next is tried.

    Ties go to the cheaper project, then to the smaller id. What nobody voted for is not paid for.
    """
    bought, votes = list[Purchase](), support(costs, ballots)
    for project in sorted(costs, key=lambda one: (-votes[one], costs[one], one)):
        if votes[project] and costs[project] <= budget_fen:
            budget_fen -= costs[project]
            bought.append(Purchase(project, costs[project]))
    return bought


def equal_shares(costs: Mapping[int, int], ballots: Ballots, budget_fen: int) -> list[Purchase]:
    """The method of equal shares on cost utilities, without completion.

    Every voter, also one who names nothing, holds an equal part of the budget. A project can be bought when its
    supporters can pay it together, each the same and who has less all he has. Bought next is the one where a supporter
    pays the least for each fen of its cost; ties go to the cheaper project, then to the smaller id. Source: Peters,
    Pierczyński, Skowron: Proportional Participatory Budgeting with Additive Utilities (NeurIPS 2021).
    """
    assert all(cost > 0 for cost in costs.values())
    alike = Counter[frozenset[int]]()
    for named, count in ballots:
        alike[frozenset(named)] += count
    heads, scale = list(alike.values()), alike.total()
    # Money is counted in parts of a fen, `scale` to the fen, so that it always is a whole number.
    money = [budget_fen] * len(heads)
    supporters = {project: [i for i, named in enumerate(alike) if project in named] for project in costs}
    # What is known of each project's rate. Money only leaves, so a rate only rises, and few need a second look.
    rates = dict.fromkeys(costs, Fraction(0))
    bought = list[Purchase]()
    while True:
        best: tuple[Fraction, int, int, Fraction] | None = None
        for project, known in sorted(rates.items(), key=lambda item: item[1]):
            if best is not None and known > best[0]:
                break
            cost = costs[project] * scale
            share = _share(cost, supporters[project], money, heads)
            if share is None:
                del rates[project]
                continue
            rates[project] = share / cost
            offer = (rates[project], costs[project], project, share)
            best = min(best, offer) if best else offer
        if best is None:
            return bought
        _, cost_fen, project, share = best
        del rates[project]
        bought.append(Purchase(project, cost_fen, share / scale))
        scale *= share.denominator
        money = [held * share.denominator for held in money]
        for i in supporters[project]:
            money[i] -= min(money[i], share.numerator)


def _share(cost: int, supporters: list[int], money: list[int], heads: list[int]) -> Fraction | None:
    """The least that covers the cost when each supporter gives it, or all he has; None when nothing does."""
    supporters.sort(key=money.__getitem__)
    payers = sum(heads[i] for i in supporters)
    for i in supporters:
        if money[i] * payers >= cost:
            return Fraction(cost, payers)
        cost -= money[i] * heads[i]
        payers -= heads[i]
    return None
