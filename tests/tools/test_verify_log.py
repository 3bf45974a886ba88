"""The stand-alone script checks an export of the log, proofs of the server, and signatures where it can."""

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
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.rules import merkle
from services.rules.merkle import Frontier, Node, leaf_hash
from services.rules.notes import Key, sign
from services.rules.transparency import Checkpoint, entry

pytestmark = pytest.mark.no_database

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "verify_log.py"
ORIGIN = "linli.example/log"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = Key(ORIGIN, PRIVATE.public_key().public_bytes_raw())
OTHER = Key(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw())
ENTRIES = [entry("transfer", number, 3, {"amount_fen": 100 * number, "credit": "捐款"}) for number in range(1, 14)]
HEADS = (0, 1, 4, 7, 13)


def signed(size: int, root: bytes, private: Ed25519PrivateKey = PRIVATE, origin: str = ORIGIN) -> str:
    text = Checkpoint(origin, size, root).text
    return str(sign(text, [(Key(ORIGIN, private.public_key().public_bytes_raw()), private.sign(text.encode()))]))


def kept_of(entries: list[bytes]) -> dict[Node, bytes]:
    frontier, kept = Frontier(), dict[Node, bytes]()
    for one in entries:
        kept.update(frontier.append(leaf_hash(one)))
    return kept


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """`log.jsonl` and a head of each size, as the server publishes them."""
    (tmp_path / "log.jsonl").write_bytes(b"".join(one + b"\n" for one in ENTRIES))
    kept = kept_of(ENTRIES)
    for size in HEADS:
        (tmp_path / f"{size}.txt").write_text(signed(size, merkle.root(size, kept)))
    return tmp_path


def verify(folder: Path, *args: str) -> tuple[int, str]:
    out, argv = io.StringIO(), sys.argv
    sys.argv = [
        "verify_log.py",
        *(str(folder / arg) if arg.endswith((".txt", ".jsonl", ".json")) else arg for arg in args),
    ]
    try:
        with redirect_stdout(out), redirect_stderr(out), pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
    finally:
        sys.argv = argv
    return int(ended.value.code or 0), out.getvalue()


ALL = ("log.jsonl", *(f"{size}.txt" for size in HEADS))

# --- the whole log --------------------------------------------------------------------------------------------------


def test_an_export_with_old_heads_and_signatures_holds(export: Path) -> None:
    code, said = verify(export, *ALL, "--key", str(KEY))
    assert code == 0
    assert said.count("give its root.") == len(HEADS)
    assert "Every head is signed by a key given.\nAll holds." in said


def test_without_a_key_it_says_that_signatures_were_not_checked(export: Path) -> None:
    code, said = verify(export, *ALL)
    assert code == 0
    assert "Signatures were NOT checked: give the log's published key with --key." in said
    assert "All else holds." in said


def test_it_runs_alone_and_says_what_it_could_not_check(export: Path) -> None:
    """-I -S: nothing is importable but the standard library, so `cryptography` is not."""
    alone = [sys.executable, "-I", "-S", str(SCRIPT)]
    files = [str(export / name) for name in ALL]
    done = subprocess.run(
        [*alone, *files, "--key", str(KEY)], capture_output=True, text=True, env={}, cwd="/", check=False
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert (
        "Signatures were NOT checked: the package cryptography is not installed. See docs/verifying.md" in done.stdout
    )
    assert subprocess.run([*alone, *files], capture_output=True, env={}, cwd="/", check=False).returncode == 0
    assert subprocess.run(alone, capture_output=True, check=False).returncode == 2
    assert subprocess.run([*alone, files[0]], capture_output=True, check=False).returncode == 2


def test_it_needs_the_standard_library_and_one_optional_package() -> None:
    modules = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert modules - sys.stdlib_module_names == {"cryptography"}


def test_entries_after_the_newest_head_are_named(export: Path) -> None:
    code, said = verify(export, "log.jsonl", "7.txt")
    assert code == 0
    assert "6 entries came after the newest head; nothing is said of them." in said


def test_an_entry_is_found_by_number_and_by_what_it_says(export: Path) -> None:
    code, said = verify(export, "log.jsonl", "7.txt", "--entry", "6")
    assert code == 0
    assert f"Entry 6 is under the newest head: {ENTRIES[6].decode()}" in said
    spelt = json.dumps(json.loads(ENTRIES[3]), indent=1)
    code, said = verify(export, "log.jsonl", "7.txt", "--entry", spelt)
    assert code == 0
    assert "Entry 3 is under the newest head" in said
    for missing in ("7", "13", ENTRIES[7].decode(), '{"kind":"other"}'):
        code, said = verify(export, "log.jsonl", "7.txt", "--entry", missing)
        assert (code, "The entry is not under the newest head." in said) == (1, True)
    assert verify(export, "log.jsonl", "7.txt", "--entry", "{nonsense")[0] == 2


Tampering = Callable[[list[bytes]], object]
TAMPERED: dict[str, Tampering] = {
    "a changed entry": lambda lines: lines.__setitem__(2, lines[2].replace(b"300", b"301")),
    "a dropped entry": lambda lines: lines.pop(2),
    "an added entry": lambda lines: lines.insert(2, lines[2]),
    "reordered entries": lambda lines: lines.insert(0, lines.pop(3)),
    "an entry spelt otherwise": lambda lines: lines.__setitem__(2, lines[2].replace(b":", b": ")),
    "other line ends": lambda lines: lines.__setitem__(2, lines[2] + b"\r"),
}


@pytest.mark.parametrize("what", TAMPERED)
@pytest.mark.parametrize("size", [4, 7, 13])
def test_a_rewritten_past_is_found_by_every_head_over_it(export: Path, what: str, size: int) -> None:
    lines = list(ENTRIES)
    TAMPERED[what](lines)
    (export / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    code, said = verify(export, "log.jsonl", f"{size}.txt")
    assert code == 1
    assert re.search("do not give the root|holds only 12", said)


def test_who_rewrites_the_log_and_its_newest_head_is_found_by_an_old_head(export: Path) -> None:
    lines = [*ENTRIES[:2], entry("transfer", 3, 3, {}), *ENTRIES[3:]]
    (export / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    (export / "13.txt").write_text(signed(13, merkle.root(13, kept_of(lines))))
    assert verify(export, "log.jsonl", "13.txt", "--key", str(KEY))[0] == 0
    code, said = verify(export, "log.jsonl", "13.txt", "4.txt", "--key", str(KEY))
    assert code == 1
    assert "The first 4 entries do not give the root of" in said


def test_a_cut_export_is_found(export: Path) -> None:
    (export / "log.jsonl").write_bytes((export / "log.jsonl").read_bytes()[:-5])
    code, said = verify(export, "log.jsonl", "4.txt")
    assert (code, "is cut off" in said) == (1, True)
    (export / "log.jsonl").write_bytes(b"".join(one + b"\n" for one in ENTRIES[:9]))
    code, said = verify(export, "log.jsonl", "13.txt")
    assert (code, "is over 13 entries; the export holds only 9." in said) == (1, True)


# --- signatures -----------------------------------------------------------------------------------------------------


def test_a_head_that_another_key_signed_or_nobody_is_refused(export: Path) -> None:
    root = merkle.root(13, kept_of(ENTRIES))
    code, said = verify(export, *ALL, "--key", str(OTHER))
    assert (code, "is not signed by any key given." in said) == (1, True)
    good = (export / "13.txt").read_text()
    forged = good.replace("13\n", "7\n", 1).replace(
        base64.b64encode(root).decode(), base64.b64encode(merkle.root(7, kept_of(ENTRIES))).decode()
    )
    (export / "7.txt").write_text(forged)
    code, said = verify(export, "log.jsonl", "7.txt", "--key", str(KEY))
    assert (code, "bears a wrong signature." in said) == (1, True)
    assert verify(export, "log.jsonl", "7.txt")[0] == 0


def test_one_known_key_of_several_is_enough(export: Path) -> None:
    assert verify(export, *ALL, "--key", str(OTHER), "--key", str(KEY))[0] == 0


def test_heads_of_two_logs_are_not_mixed(export: Path) -> None:
    (export / "other.txt").write_text(signed(4, merkle.root(4, kept_of(ENTRIES)), origin="elsewhere.example/log"))
    code, said = verify(export, "log.jsonl", "13.txt", "other.txt")
    assert (code, "different logs" in said) == (1, True)


@pytest.mark.parametrize(
    "head", ["", "nonsense", "a\n1\nAAAA", "a\n1\n!!!\n\n— k AAAAAAA=\n", "a\nx\nAAAA\n\n— k AAAAAAA=\n"]
)
def test_what_is_no_head_is_named(export: Path, head: str) -> None:
    (export / "bad.txt").write_text(head)
    code, said = verify(export, "log.jsonl", "bad.txt")
    assert (code, "bad.txt is no signed checkpoint." in said) == (1, True)


@pytest.mark.parametrize("published", ["", "name", "a+b+c", str(KEY).replace("+", "+0", 1), str(KEY)[:-4]])
def test_what_is_no_key_is_a_wrong_call(export: Path, published: str) -> None:
    assert verify(export, *ALL, "--key", published)[0] == 2


def test_files_that_are_not_there(export: Path) -> None:
    assert verify(export, "none.jsonl", "4.txt")[0] == 2
    assert verify(export, "log.jsonl", "none.txt")[0] == 2


# --- proofs ---------------------------------------------------------------------------------------------------------


def included(index: int, size: int) -> dict[str, Any]:
    hashes = merkle.proof(merkle.inclusion(index, size), kept_of(ENTRIES))
    return {"index": index, "size": size, "entry": json.loads(ENTRIES[index]), "hashes": [one.hex() for one in hashes]}


def continued(old: int, size: int) -> dict[str, Any]:
    hashes = merkle.proof(merkle.consistency(old, size), kept_of(ENTRIES)) if old else []
    return {"old": old, "size": size, "hashes": [one.hex() for one in hashes]}


def prove(folder: Path, proof: dict[str, Any], *heads: str) -> tuple[int, str]:
    (folder / "proof.json").write_text(json.dumps(proof, ensure_ascii=False))
    return verify(folder, "--proof", "proof.json", *heads)


@pytest.mark.parametrize("size", [size for size in HEADS if size])
def test_an_entry_s_proof_needs_only_the_head(export: Path, size: int) -> None:
    for index in range(size):
        code, said = prove(export, included(index, size), f"{size}.txt")
        assert (code, f"Entry {index} is under" in said) == (0, True)


@pytest.mark.parametrize("old", HEADS)
@pytest.mark.parametrize("size", HEADS)
def test_a_proof_that_one_head_continues_another(export: Path, old: int, size: int) -> None:
    if old <= size:
        code, said = prove(export, continued(old, size), f"{old}.txt", f"{size}.txt", "--key", str(KEY))
        assert (code, f"continues {export}/{old}.txt" in said) == (0, True)


@pytest.mark.parametrize(
    "good", [included(2, 7), included(12, 13), continued(4, 13), continued(7, 13), continued(1, 4)]
)
def test_a_tampered_proof_is_found(export: Path, good: dict[str, Any]) -> None:
    heads = [f"{good[key]}.txt" for key in ("old", "size") if key in good]
    assert prove(export, good, *heads)[0] == 0
    bad = [
        {**good, "hashes": good["hashes"][:-1]},
        {**good, "hashes": [*good["hashes"], "00" * 32]},
        {**good, "hashes": []},
    ]
    for number in range(len(good["hashes"])):
        changed = copy.deepcopy(good)
        changed["hashes"][number] = "00" * 32
        bad.append(changed)
    if "entry" in good:
        bad += [
            {**good, "entry": {}},
            {**good, "index": good["index"] - 1},
            {**good, "index": 99},
            {**good, "index": -1},
        ]
    bad.append({**good, "size": good["size"] + 1})
    for one in bad:
        code, said = prove(export, one, *heads)
        assert (code, "WRONG: " in said) == (1, True)


def test_a_proof_from_a_head_that_was_not_given(export: Path) -> None:
    code, said = prove(export, continued(4, 13), "13.txt")
    assert (code, "The proof is from 4 entries; no such head was given." in said) == (1, True)


@pytest.mark.parametrize(
    "malformed",
    [
        {"size": 13},
        {"size": 13, "entry": {}, "index": "3", "hashes": []},
        {"size": 13, "old": 4, "hashes": None},
        {"size": 13, "old": 4, "hashes": [1]},
        {"size": 13, "old": "4", "hashes": ["zz"]},
        [],
    ],
)
def test_a_proof_that_cannot_be_read(export: Path, malformed: Any) -> None:
    code, said = prove(export, malformed, "13.txt", "4.txt")
    assert (code, said.startswith("This cannot be read")) == (2, True)


# --- OpenSSL --------------------------------------------------------------------------------------------------------


def test_the_documented_commands_check_a_head(export: Path) -> None:
    """What docs/verifying.md says, typed as it stands there."""
    commands = re.findall(r"```sh log\n(.*?)```", (ROOT / "docs" / "verifying.md").read_text(), re.DOTALL)
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    pem = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (export / "linli.pem").write_bytes(pem)
    good = (export / "13.txt").read_text()
    for head, code in ((good, 0), (good.replace("13\n", "14\n", 1), 1)):
        (export / "head.txt").write_text(head)
        done = subprocess.run(
            ["sh", "-ec", "\n".join(commands)], cwd=export, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert ("Signature Verified Successfully" in done.stdout) is (code == 0)
