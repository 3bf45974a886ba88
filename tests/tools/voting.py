"""Archives of closed votes for the tests: of every kind, with ballots as voters would cast them."""

import hashlib
import random
from typing import Any

from services.rules.archive import Cast, Option, Roll, build, head_text, publish
from services.rules.outcome import Method
from services.rules.quorum import PRESETS, Preset
from services.rules.tally import receipt
from tests.proofs import roll_line

DELIBERATION_ID = 7
METHODS = {
    "yes_no": Method("yes_no"),
    "single": Method("single"),
    "approval": Method("approval", max_choices=2),
    "score": Method("score", max_score=5),
    "ranked": Method("ranked"),
    "greedy": Method("budget", budget_fen=1_000_00, count="greedy"),
    "equal_shares": Method("budget", budget_fen=1_000_00, count="equal_shares"),
}


def options_of(method: Method, number: int, chance: random.Random) -> list[Option]:
    if method.kind == "yes_no":
        return []
    costs = [chance.choice([100_00, 250_00, 333_33, 400_00]) for _ in range(number)]
    return [
        Option(id, f"选项 {id}", cost if method.kind == "budget" else None, f"P-{id}")
        for id, cost in zip(range(8, 8 + number), costs, strict=True)  # 8, 9, 10: as text they sort otherwise
    ]


def a_choice(method: Method, ids: list[int], chance: random.Random) -> dict[str, Any]:
    some = chance.sample(ids, chance.randint(0, len(ids)))
    return {
        "yes_no": lambda: {"choice": chance.choice(["yes", "yes", "no", "abstain"])},
        "single": lambda: {"option_id": chance.choice(ids)},
        "approval": lambda: {"option_ids": sorted(some[: method.max_choices])},
        "score": lambda: {"scores": {str(one): chance.randint(0, method.max_score or 0) for one in some}},
        "ranked": lambda: {"ranking": some},
        "budget": lambda: {"option_ids": sorted(some)},
    }[method.kind]()


def a_vote(
    name: str,
    *,
    seed: int = 1,
    voters: int = 20,
    on_roll: int = 30,
    number: int = 4,
    rule: str = "residents_meeting",
    secret: bool = False,
    preset: Preset | None = None,
) -> tuple[dict[str, Any], list[tuple[dict[str, Any], bytes]]]:
    """An archive without its head, and what each voter keeps: his choice and his nonce."""
    chance, method, preset = random.Random(seed), METHODS[name], preset or PRESETS[rule]
    options = options_of(method, number, chance)
    kept = [(a_choice(method, [one.id for one in options], chance), chance.randbytes(16)) for _ in range(voters)]
    areas = [chance.randint(300_000, 1_500_000) for _ in range(on_roll)]
    return build(
        deliberation_id=DELIBERATION_ID,
        question="小区的钱怎么花？",
        options=options,
        method=method,
        secret=secret,
        rule=rule,
        preset=preset,
        roll=Roll(
            "owners" if preset.by_area else "residents",
            [roll_line(n, "residents", 1000 + n, area, chance.randbytes(16)) for n, area in enumerate(areas, 1)],
            sum(areas) if preset.by_area else 0,
        ),
        ballots=[
            Cast(choice, receipt(DELIBERATION_ID, choice, nonce), area)
            for (choice, nonce), area in zip(kept, areas, strict=False)
        ],
        resolution_number="2026-003",
    ), kept


def published(archive: dict[str, Any]) -> bytes:
    """With a head whose signature nobody checks."""
    return publish(archive, key_id="00000000", signature=hashlib.sha256(head_text(archive).encode()).hexdigest())
