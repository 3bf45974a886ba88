"""The stand-alone script recounts every kind, finds every tampering, knows every receipt, and needs nothing else."""

import ast
import base64
import copy
import io
import json
import re
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from services.rules.archive import Cast, Option, Roll, build, head_text, publish
from services.rules.quorum import PRESETS, Threshold, stricter
from services.rules.tally import receipt
from tests.tools.voting import DELIBERATION_ID, METHODS, a_vote, published

pytestmark = pytest.mark.no_database

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "verify_ballots.py"


def verify(folder: Path, archive: bytes, *options: str) -> tuple[int, str]:
    """Run the script in this process; its exit code and what it says."""
    path = folder / "archive.json"
    path.write_bytes(archive)
    out, argv = io.StringIO(), sys.argv
    sys.argv = ["verify_ballots.py", str(path), *options]
    try:
        with redirect_stdout(out), redirect_stderr(out), pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT))
    finally:
        sys.argv = argv
    return int(ended.value.code or 0), out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archives")


# --- it holds -----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(
    name=st.sampled_from(sorted(METHODS)),
    seed=st.integers(0, 10**6),
    voters=st.integers(0, 30),
    number=st.integers(1, 5),
    rule=st.sampled_from(["residents_meeting", "representatives_meeting", "consultation"]),
)
def test_it_counts_like_the_house(folder: Path, name: str, seed: int, voters: int, number: int, rule: str) -> None:
    archive, _ = a_vote(name, seed=seed, voters=voters, number=number, rule=rule)
    assert verify(folder, published(archive)) == (0, "All holds.\n\n")


@settings(deadline=None, max_examples=50)
@given(
    name=st.sampled_from(["yes_no", "single", "approval"]),
    rule=st.sampled_from(["owners_ordinary", "owners_major"]),
    seed=st.integers(0, 10**6),
    voters=st.integers(0, 30),
)
def test_it_weighs_area_like_the_house(folder: Path, name: str, rule: str, seed: int, voters: int) -> None:
    archive, _ = a_vote(name, seed=seed, voters=voters, rule=rule, number=2)
    assert verify(folder, published(archive)) == (0, "All holds.\n\n")


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_place_with_stricter_thresholds(folder: Path, name: str) -> None:
    preset = stricter(PRESETS["residents_meeting"], quorum=Threshold(3, 5, True), majority=Threshold(2, 3, False))
    archive, _ = a_vote(name, preset=preset)
    assert archive["rule"]["quorum"] == {"numerator": 3, "denominator": 5, "more_than": True}
    assert verify(folder, published(archive))[0] == 0


def test_a_secret_vote_of_four_shows_no_ballot_and_five_do(folder: Path) -> None:
    archive, _ = a_vote("yes_no", voters=4, on_roll=5, secret=True)
    assert (archive["ballots"], archive["tally"], archive["turnout"]) == ([], None, [4])
    assert archive["passed"] in (True, False)
    assert verify(folder, published(archive))[0] == 0
    assert len(a_vote("yes_no", voters=5, on_roll=5, secret=True)[0]["ballots"]) == 5
    assert len(a_vote("yes_no", voters=4, on_roll=5, secret=False)[0]["ballots"]) == 4


def test_it_looks_back_at_ties_like_the_house(folder: Path) -> None:
    """The case of tests/rules/test_runoff.py: of the rounds before, the latest decides."""
    rankings = [[2]] * 4 + [[1]] * 5 + [[3, 1]] + [[3, 5]] * 2 + [[4, 2]] * 2 + [[5]] * 8
    archive = build(
        deliberation_id=DELIBERATION_ID,
        question="先修哪里？",
        options=[Option(id, f"选项 {id}") for id in range(1, 6)],
        method=METHODS["ranked"],
        secret=False,
        rule="consultation",
        preset=PRESETS["consultation"],
        roll=Roll("residents", ["0" * 64] * 30),
        ballots=[Cast({"ranking": ranking}, f"{number:064}") for number, ranking in enumerate(rankings)],
        resolution_number="2026-004",
    )
    assert [past["eliminated"] for past in archive["tally"]["rounds"]] == ["4", "3", "1", None]
    assert verify(folder, published(archive))[0] == 0


@pytest.mark.parametrize("rule", ["residents_meeting", "representatives_meeting", "owners_major", "consultation"])
def test_nobody_of_nobody_reaches_nothing(folder: Path, rule: str) -> None:
    archive, _ = a_vote("yes_no", voters=0, on_roll=0, rule=rule)
    assert archive["passed"] is (None if rule == "consultation" else False)
    assert verify(folder, published(archive))[0] == 0


def test_it_runs_alone(tmp_path: Path) -> None:
    path = tmp_path / "archive.json"
    path.write_bytes(published(a_vote("equal_shares")[0]))
    copied = tmp_path / "somewhere.py"
    copied.write_bytes(SCRIPT.read_bytes())
    alone = [sys.executable, "-I", "-S", str(copied)]
    done = subprocess.run([*alone, str(path)], capture_output=True, text=True, env={}, cwd="/", check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "All holds.", "")
    assert subprocess.run(alone, capture_output=True, check=False).returncode == 2
    assert "verify_ballots.py" in subprocess.run([*alone, "-h"], capture_output=True, text=True, check=True).stdout


def test_it_is_short_and_of_the_standard_library() -> None:
    source = SCRIPT.read_text()
    tree = ast.parse(source)
    sayings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    code = [
        line
        for number, line in enumerate(source.splitlines(), 1)
        if number not in sayings and line.strip() and not line.lstrip().startswith("#")
    ]
    assert len(code) <= 60
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


# --- what is wrong ------------------------------------------------------------------------------------------------

Tampering = Callable[[dict[str, Any]], object]


def swap(archive: dict[str, Any]) -> None:
    archive["ballots"][0], archive["ballots"][1] = archive["ballots"][1], archive["ballots"][0]


def stuff(archive: dict[str, Any]) -> None:
    more = {**archive["ballots"][0], "receipt": "f" * 64}
    archive["ballots"].append(more)


def flip(archive: dict[str, Any]) -> None:
    for ballot in archive["ballots"]:
        if ballot["choice"] == {"option_id": 9}:
            ballot["choice"] = {"option_id": 10}


TAMPERED: dict[str, tuple[Tampering, str]] = {
    "a changed ballot": (flip, "The tally is not what the ballots give."),
    "a dropped ballot": (lambda a: a["ballots"].pop(3), "The turnout is not the sum of the ballots."),
    "an added ballot": (stuff, "The turnout is not the sum of the ballots."),
    "a doubled ballot": (lambda a: a["ballots"].insert(1, a["ballots"][0]), "A ballot stands there twice"),
    "reordered ballots": (swap, "A ballot stands there twice, or out of order."),
    "a changed receipt": (lambda a: a["ballots"][-1].update(receipt="0" * 64), "out of order."),
    "a heavier ballot": (lambda a: a["ballots"][0].update(weight=[2]), "The turnout is not the sum of the ballots."),
    "a ballot for two": (lambda a: a["ballots"][0].update(choice={"option_ids": [8, 9]}), "A ballot holds too much."),
    "another title": (lambda a: a["options"][0].update(title="别的"), "The head is missing, or of another archive."),
    "another cost": (lambda a: a["options"][0].update(cost_fen=5), "The head is missing, or of another archive."),
    "a dropped option": (lambda a: a["options"].pop(), "The tally is not what the ballots give."),
    "another question": (lambda a: a.update(question="别的"), "The head is missing, or of another archive."),
    "a lower threshold": (
        lambda a: a["rule"]["majority"].update(numerator=1, denominator=10),
        "By its rule it did not end so.",
    ),
    "another rule": (lambda a: a["rule"].update(name="consultation"), "The head is missing, or of another archive."),
    "a longer roll": (lambda a: a["roll"]["lines"].append("0" * 64), "The roll is inconsistent."),
    "another elector": (lambda a: a["roll"]["lines"].__setitem__(0, "0" * 64), "The roll is inconsistent."),
    "a smaller roll": (lambda a: a["roll"].update(size=20), "The roll is inconsistent."),
    "another turnout": (lambda a: a["turnout"].__setitem__(0, 19), "The turnout is not the sum of the ballots."),
    "another tally": (lambda a: a["tally"]["numbers"]["8"].__setitem__(0, 19), "The tally is not what the ballots"),
    "passed, though not": (lambda a: a.update(passed=True), "By its rule it did not end so."),
    "no quorum, though there was": (lambda a: a.update(quorate=False), "By its rule it did not end so."),
    "ballots held back": (lambda a: a.update(withheld=True), "The tally is not what the ballots give."),
    "nothing shown, and passed": (
        lambda a: a.update(withheld=True, ballots=[], tally=None, passed=True),
        "The tally is not what the ballots give.",
    ),
    "area where none counts": (lambda a: a["roll"].update(area_cm2=5), "Too much for the roll."),
    "another resolution": (
        lambda a: a.update(resolution_number="2026-004"),
        "The head is missing, or of another archive.",
    ),
    "another deliberation": (lambda a: a.update(deliberation_id=8), "The head is missing, or of another archive."),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_tampering_is_found_and_named(folder: Path, what: str) -> None:
    archive, _ = a_vote("single", seed=5)
    assert archive["passed"] is False
    tamper, says = TAMPERED[what]
    with_head = json.loads(published(archive))
    tamper(with_head)
    code, said = verify(folder, json.dumps(with_head).encode())
    assert code == 1
    assert "The head is missing, or of another archive." in said
    assert says in said


@pytest.mark.parametrize("what", [what for what, (_, says) in TAMPERED.items() if "head" not in says])
def test_who_also_renews_the_head_is_still_found_by_recounting(folder: Path, what: str) -> None:
    archive, _ = a_vote("single", seed=5)
    tamper, says = TAMPERED[what]
    tamper(archive)
    code, said = verify(folder, published(archive))
    assert code == 1
    assert says in said
    assert "head" not in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"area_cm2": 1}, "Too much for the roll."),
        ({"area_cm2": 10**12}, "By its rule it did not end so."),
    ],
)
def test_another_area_of_the_roll_is_found(folder: Path, change: dict[str, int], says: str) -> None:
    archive, _ = a_vote("yes_no", rule="owners_major", voters=25)
    assert archive["quorate"] is True
    archive["roll"].update(change)
    code, said = verify(folder, published(archive))
    assert (code, says in said) == (1, True)


@pytest.mark.parametrize(
    "change", [{"quorate": False}, {"passed": None}, {"tally": {}}, {"withheld": False}, {"passed": False, "tally": []}]
)
def test_of_what_is_withheld_the_rest_is_checked(folder: Path, change: dict[str, Any]) -> None:
    archive, _ = a_vote("yes_no", voters=4, on_roll=5, secret=True)
    assert verify(folder, published(archive))[0] == 0
    assert verify(folder, published({**archive, **change}))[0] == 1


def test_without_a_quorum_nothing_passes_that_is_withheld(folder: Path) -> None:
    archive, _ = a_vote("yes_no", voters=2, on_roll=30, secret=True)
    assert verify(folder, published(archive))[0] == 0
    assert verify(folder, published({**archive, "passed": True}))[0] == 1


@pytest.mark.parametrize("name", sorted(METHODS))
def test_no_kind_hides_another_ballot(folder: Path, name: str) -> None:
    """Every ballot of the archive in turn is exchanged for another's choice; the head always notices."""
    archive, _ = a_vote(name, voters=12, on_roll=12)
    with_head = json.loads(published(archive))
    for number, ballot in enumerate(with_head["ballots"]):
        for other in with_head["ballots"]:
            if other["choice"] != ballot["choice"]:
                tampered = copy.deepcopy(with_head)
                tampered["ballots"][number]["choice"] = other["choice"]
                assert verify(folder, json.dumps(tampered).encode())[0] == 1
                break


def test_an_archive_without_its_head_is_recounted_all_the_same(folder: Path) -> None:
    archive, _ = a_vote("score")
    assert verify(folder, json.dumps(archive).encode()) == (1, "The head is missing, or of another archive.\n")
    archive["turnout"] = [19]
    assert "The turnout is not the sum" in verify(folder, json.dumps(archive).encode())[1]


def test_an_archive_may_be_spelt_otherwise(folder: Path) -> None:
    with_head = json.loads(published(a_vote("score")[0]))
    assert verify(folder, json.dumps(with_head, indent=2, ensure_ascii=True).encode())[0] == 0


# --- receipts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_receipt_is_found_with_its_choice(folder: Path, name: str) -> None:
    archive, kept = a_vote(name, voters=8)
    for choice, nonce in kept:
        given = ("--choice", json.dumps(choice), "--nonce", nonce.hex())
        code, said = verify(folder, published(archive), *given)
        assert (code, json.loads(said.splitlines()[1])) == (0, choice)
        mine = receipt(DELIBERATION_ID, choice, nonce)
        assert verify(folder, published(archive), "--receipt", mine) == (code, said)
        shouted = ("--choice", json.dumps(choice), "--nonce", nonce.hex().upper())
        assert verify(folder, published(archive), *shouted) == (code, said)
        assert verify(folder, published(archive), "--receipt", mine, *given)[0] == 0


def test_a_receipt_that_is_not_there_or_stands_for_something_else(folder: Path) -> None:
    archive, kept = a_vote("yes_no", seed=4)
    assert kept[0][0] == {"choice": "no"}
    choice, nonce = kept[0]
    assert verify(folder, published(archive), "--receipt", "0" * 64) == (1, "Under the receipt stands None.\n")
    code, said = verify(folder, published(archive), "--choice", '{"choice":"yes"}', "--nonce", nonce.hex())
    assert (code, said) == (1, "Under the receipt stands None.\n")
    mine = receipt(DELIBERATION_ID, choice, nonce)
    turned = copy.deepcopy(archive)
    next(one for one in turned["ballots"] if one["receipt"] == mine)["choice"] = {"choice": "yes"}
    given = ("--choice", json.dumps(choice), "--nonce", nonce.hex())
    code, said = verify(folder, published(turned), *given)
    assert code == 1
    assert 'Under the receipt stands {"choice":"yes"}.' in said


def test_a_choice_without_its_nonce_is_a_wrong_call(folder: Path) -> None:
    archive, _ = a_vote("yes_no")
    code, said = verify(folder, published(archive), "--choice", '{"choice":"yes"}')
    assert code == 2
    assert "nonce" in said


def test_a_thousand_ballots_and_every_receipt(folder: Path) -> None:
    """G8: recounted, each receipt checked, a tampered one found."""
    archive, kept = a_vote("ranked", voters=1000, on_roll=1200, number=6)
    assert verify(folder, published(archive))[0] == 0
    by_receipt = {ballot["receipt"]: ballot["choice"] for ballot in archive["ballots"]}
    assert all(by_receipt[receipt(DELIBERATION_ID, choice, nonce)] == choice for choice, nonce in kept)
    archive["ballots"][500]["choice"] = {"ranking": []}
    assert verify(folder, published(archive))[0] == 1


@pytest.mark.prove
@pytest.mark.parametrize(("name", "voters", "number"), [("yes_no", 100_000, 0), ("equal_shares", 10_000, 50)])
def test_the_largest_votes_are_recounted_in_minutes_at_most(folder: Path, name: str, voters: int, number: int) -> None:
    archive, _ = a_vote(name, voters=voters, on_roll=voters, number=number)
    started = time.process_time()
    assert verify(folder, published(archive))[0] == 0
    assert time.process_time() - started < 180


# --- the signature ------------------------------------------------------------------------------------------------


def test_the_documented_commands_check_the_head(tmp_path: Path) -> None:
    """What docs/verifying.md says, typed as it stands there."""
    commands = re.findall(r"```sh ballots\n(.*?)```", (ROOT / "docs" / "verifying.md").read_text(), re.DOTALL)
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "linli.pem").write_bytes(pem)
    archive, _ = a_vote("yes_no")
    for signed, code in ((head_text(archive), 0), (head_text(archive) + "x", 1)):
        signature = base64.b64encode(private.sign(signed.encode())).decode()
        (tmp_path / "archive.json").write_bytes(publish(archive, key_id="00000000", signature=signature))
        done = subprocess.run(
            ["sh", "-ec", "\n".join(commands)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert ("Signature Verified Successfully" in done.stdout) is (code == 0)
