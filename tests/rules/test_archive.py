"""The archive of a closed vote: what stands in it, and what does not."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.rules.archive import Roll, head_text, publish
from services.rules.canonical import canonical
from tests.tools.voting import METHODS, a_vote

pytestmark = pytest.mark.no_database


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys(inner)
    if isinstance(value, list):
        for inner in value:
            yield from keys(inner)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_what_is_published_names_no_voter_and_no_time(name: str) -> None:
    archive, _ = a_vote(name, secret=True)
    allowed = {"choice", "receipt", "weight"}
    assert all(set(ballot) == allowed for ballot in archive["ballots"])
    telling = ("elector", "resident", "voter", "name", "nonce", "salt", "time", "cast", "created")
    assert not [key for key in keys(archive) if any(word in key for word in telling) and key != "name"]


def test_ballots_stand_in_the_order_of_their_receipts_whoever_came_first() -> None:
    archive, kept = a_vote("single", voters=20)
    receipts = [ballot["receipt"] for ballot in archive["ballots"]]
    assert receipts == sorted(receipts)
    assert [ballot["choice"] for ballot in archive["ballots"]] != [choice for choice, _ in kept]


def test_the_roll_s_hash_is_over_its_lines() -> None:
    lines = ["a" * 64, "b" * 64]
    assert Roll("residents", lines).hash == hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert Roll("residents", []).hash == hashlib.sha256(b"").hexdigest()


def test_the_head_names_the_archive_and_is_no_part_of_it() -> None:
    archive, _ = a_vote("ranked")
    digest = hashlib.sha256(canonical(archive)).hexdigest()
    assert head_text(archive) == f"linli-ballots/1\n7\n{digest}\n"
    whole = json.loads(publish(archive, key_id="1a2b3c4d", signature="AAAA"))
    assert whole.pop("head") == {"text": head_text(archive), "key_id": "1a2b3c4d", "signature": "AAAA"}
    assert whole == archive


def test_the_same_vote_has_the_same_archive_to_the_byte() -> None:
    assert canonical(a_vote("greedy")[0]) == canonical(a_vote("greedy")[0])


def test_options_and_limits_are_written_as_they_were_applied() -> None:
    archive, _ = a_vote("equal_shares", number=3)
    assert [option["external_id"] for option in archive["options"]] == ["P-8", "P-9", "P-10"]
    assert archive["ballot"] == {
        "kind": "budget",
        "secret": False,
        "max_choices": 3,
        "max_score": 1,
        "budget_fen": 100000,
        "count": "equal_shares",
        "stops_at": None,
    }
    assert archive["rule"]["majority"] is None
    ranked, _ = a_vote("ranked")
    assert ranked["ballot"]["stops_at"] == {"numerator": 1, "denominator": 2, "more_than": True}
