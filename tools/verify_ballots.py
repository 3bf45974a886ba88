"""Recount the archive of a closed vote and check its receipts: with Python 3.9 or newer, and nothing else.

    python verify_ballots.py archive.json                     check and recount everything
    python verify_ballots.py archive.json --receipt HEX       and show how the ballot with my receipt was counted
    python verify_ballots.py archive.json --choice '{"choice":"yes"}' --nonce HEX      and that it says what I chose

Ends with 0 when all holds; with 1 when not, naming what is wrong; with 2 when called wrongly. That the archive's head
was signed with the published key is checked by OpenSSL: docs/verifying.md has the command and explains the rest.
"""

import argparse, fractions, hashlib, itertools, json, pathlib, sys  # noqa: E401, I001

canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def sha256(text):
    """SHA-256 (hex) of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def reached(parts, wholes, numerator, denominator, more_than):
    """Whether more than, or at least, such a share of the heads (and of the area, where the rule weighs it)."""
    return all(a > 0 and a * denominator - b * numerator >= more_than for a, b in zip(parts, wholes))


def run_off(standing, rankings, goal, rounds=()):
    """The option with fewest votes leaves, at a tie by the rounds before, then the larger id, until one has enough."""
    firsts = [next((one for one in ranking if one in standing), None) for ranking in rankings]
    votes = {one: firsts.count(one) for one in standing}
    order = sorted(votes, key=lambda one: ([votes[one], *(past["votes"][one] for past in rounds[::-1])], -int(one)))
    loser = order[0] if len(order) > 2 and not reached([votes[order[-1]]], [len(rankings)], **goal) else None
    rounds = [*rounds, {"votes": votes, "exhausted": firsts.count(None), "eliminated": loser}]
    return run_off(order[1:], rankings, goal, rounds) if loser else (rounds, [one for one in order[-1:] if votes[one]])


def share(cost, one, purses, named):
    """What each supporter gives so that all pay the cost together, who has less giving all he has; None: too dear."""
    held = sorted(purse for purse, names in zip(purses, named) if one in names)
    each = zip(held, range(len(held), 0, -1), itertools.accumulate(held, initial=0))
    return next((fractions.Fraction(cost - paid, n) for has, n, paid in each if has * n >= cost - paid), None)


def fund(costs, named, left, purses, unit):
    """Buy what costs a supporter least for each fen, then the cheaper. Purses hold parts of a fen, `unit` to a fen."""
    bought, offers = [], costs
    while offers := {n: due for n in offers if (due := costs[n] <= left and share(costs[n] * unit, n, purses, named))}:
        best = min(offers, key=lambda one: (offers[one] / costs[one], costs[one], int(one)))
        gives, up = offers.pop(best).as_integer_ratio()
        purses = [max(0, purse * up - gives * (best in names)) for purse, names in zip(purses, named)]
        bought, left, unit = [*bought, best], left - costs[best], unit * up
    return bought


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
list(map(parser.add_argument, ("archive", "--receipt", "--choice", "--nonce")))
archive = json.loads(pathlib.Path((args := parser.parse_args()).archive).read_text("utf-8"))
head, ballot, rule, ballots = archive.pop("head", None), archive["ballot"], archive["rule"], archive["ballots"]
roll, there, few = archive["roll"], archive["turnout"], ballot["secret"] and archive["turnout"][0] < 5
costs, whole = {str(it["id"]): it["cost_fen"] for it in archive["options"]}, [roll["size"], roll["area_cm2"]]
ids = ["yes", "no", "abstain"] if (kind := ballot["kind"]) == "yes_no" else list(costs)

# What each ballot names, best first when ranked, and the points it gives: 1, but for scores.
named = [next(iter(one["choice"].values())) for one in ballots]
named = [it if kind == "score" else dict.fromkeys(map(str, it if isinstance(it, list) else [it]), 1) for it in named]
columns = [[one["weight"][i] for one in ballots] for i in range(1 + rule["by_area"])]
votes = {one: [sum(w * names.get(one, 0) for w, names in zip(column, named)) for column in columns] for one in ids}
rounds, chosen = run_off(ids, named, ballot["stops_at"]) if kind == "ranked" else ([], [])
# By equal shares everyone has an equal part of the money; by votes alone (greedy) a purse that never runs out.
purse = ballot["budget_fen"] if ballot["count"] == "equal_shares" else sum(filter(None, costs.values())) * len(named)
chosen = fund(costs, named, ballot["budget_fen"], [purse] * len(named), len(named)) if kind == "budget" else chosen
votes = {one: [number] for past in rounds for one, number in past["votes"].items()} or votes
tally, most, top = {"numbers": votes, "chosen": chosen, "rounds": rounds}, ballot["max_choices"], ballot["max_score"]
quorate = not rule["quorum"] or reached(there, whole, **rule["quorum"])
passed = rule["majority"] and any(reached(votes[one], there, **rule["majority"]) for one in {*ids} - {"no", "abstain"})
possible = [quorate and passed] if not few else [False, quorate] if rule["majority"] else [quorate and None]
counted = {one["receipt"]: canonical(one["choice"]) for one in ballots}
said, nonce = args.choice and canonical(json.loads(args.choice)), (args.nonce or "").lower()
mine = args.receipt or (said and sha256(f"{archive['deliberation_id']}\n{said}\n{nonce or parser.error('nonce')}"))
checks = {
    "The head is missing, or of another archive.": head and head["text"].split()[2] == sha256(canonical(archive)),
    "The roll is inconsistent.": [len(roll["lines"]), sha256("\n".join(roll["lines"]))] == [roll["size"], roll["hash"]],
    "Too much for the roll.": all(a <= b for a, b in zip(there, whole)) and (roll["kind"] == "owners" or not whole[1]),
    "A ballot stands there twice, or out of order.": [one["receipt"] for one in ballots] == sorted(counted),
    "A ballot holds too much.": all(len(it) <= most and max(it.values(), default=0) <= top for it in named),
    "The turnout is not the sum of the ballots.": [sum(it) for it in columns] == ([0] if few else there),
    "The tally is not what the ballots give.": [archive["withheld"], archive["tally"]] == [few, None if few else tally],
    "By its rule it did not end so.": archive["quorate"] is quorate and archive["passed"] in possible,
    f"Under the receipt stands {counted.get(mine)}.": not mine or (mine in counted and said in (None, counted[mine])),
}
print(*[sentence for sentence, holds in checks.items() if not holds] or ["All holds.", counted.get(mine, "")], sep="\n")
sys.exit(not all(checks.values()))
