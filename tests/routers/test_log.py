"""The log over HTTP, without a token, and what anyone can check with what it answers and nothing else."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from services import transparency
from tests.people import People
from tests.raising import opened, paid, resolution

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def logged(people: People) -> int:
    """Seven entries under three heads; the id of a transfer."""
    campaign = await opened(people)
    for count in (3, 2, 1):
        for _ in range(count):
            await paid(people.lin, campaign)
        await transparency.sequence_pending()
    listed = await transparency.export(0)
    first = json.loads("".join([part async for part in listed]).splitlines()[0])
    assert first["kind"] == "transfer"
    return int(first["id"])


def verify(folder: Path, *args: str) -> tuple[int, str]:
    """Run the stand-alone script as a resident would, in the folder of what he fetched."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "verify_log.py"), *args],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def fetched(client: httpx.AsyncClient, folder: Path) -> str:
    """Everything that the log publishes, as files; its key."""
    (folder / "log.jsonl").write_bytes((await client.get("/v1/log/export")).content)
    heads = (await client.get("/v1/log/heads")).json()["items"]
    for head in heads:
        as_text = await client.get(f"/v1/log/heads/{head['size']}", headers={"Accept": "text/plain"})
        assert as_text.text == head["note"]
        (folder / f"{head['size']}.txt").write_bytes(as_text.content)
    return str(heads[0]["key"])


async def test_a_head_is_json_or_a_note_to_keep(anonymous: httpx.AsyncClient, logged: int) -> None:
    head = (await anonymous.get("/v1/log/head")).json()
    note = await anonymous.get("/v1/log/head", headers={"Accept": "text/plain"})
    assert note.headers["content-type"].startswith("text/plain")
    assert note.text == head["note"]
    assert note.text.splitlines()[:2] == ["localhost/log", "7"]
    assert head["size"] == 7
    assert head["key"].startswith("localhost/log+")
    unchanged = await anonymous.get("/v1/log/head", headers={"If-None-Match": '"x", ' + note.headers["etag"]})
    assert unchanged.status_code == 200, "JSON is not the text"
    again = await anonymous.get("/v1/log/head", headers={"Accept": "text/plain", "If-None-Match": note.headers["etag"]})
    assert again.status_code == 304


async def test_what_is_published_can_be_checked_off_line(
    anonymous: httpx.AsyncClient, logged: int, tmp_path: Path
) -> None:
    key = await fetched(anonymous, tmp_path)
    code, said = verify(tmp_path, "log.jsonl", "4.txt", "6.txt", "7.txt", "--key", key)
    assert (code, said.count("give its root")) == (0, 3)
    assert "All holds." in said
    entry = (await anonymous.get("/v1/log/proof", params={"entry": f"transfer:{logged}"})).json()
    (tmp_path / "proof.json").write_text(json.dumps(entry))
    (tmp_path / "head.txt").write_text(entry["head"])
    assert verify(tmp_path, "--proof", "proof.json", "head.txt", "--key", key)[0] == 0
    grown = await anonymous.get("/v1/log/consistency", params={"from": 4, "to": 7})
    (tmp_path / "grown.json").write_bytes(grown.content)
    code, said = verify(tmp_path, "--proof", "grown.json", "4.txt", "7.txt", "--key", key)
    assert (code, "7.txt continues 4.txt." in said) == (0, True)


TAMPERED: dict[str, Callable[[list[str]], object]] = {
    "changed": lambda lines: lines.__setitem__(1, lines[1].replace('"amount_fen":5000', '"amount_fen":4000')),
    "dropped": lambda lines: lines.pop(1),
    "reordered": lambda lines: lines.insert(0, lines.pop(2)),
    "added": lambda lines: lines.insert(2, lines[1]),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_an_export_that_was_tampered_with_is_found(
    anonymous: httpx.AsyncClient, logged: int, tmp_path: Path, what: str
) -> None:
    await fetched(anonymous, tmp_path)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    TAMPERED[what](lines)
    (tmp_path / "log.jsonl").write_text("".join(f"{line}\n" for line in lines))
    code, said = verify(tmp_path, "log.jsonl", "7.txt", "4.txt")
    assert (code, "WRONG" in said) == (1, True)


async def test_a_forged_head_and_another_past_are_found(
    anonymous: httpx.AsyncClient, logged: int, tmp_path: Path
) -> None:
    key = await fetched(anonymous, tmp_path)
    forged = (tmp_path / "7.txt").read_text().replace("\n7\n", "\n6\n", 1)
    (tmp_path / "forged.txt").write_text(forged)
    assert verify(tmp_path, "log.jsonl", "forged.txt", "--key", key)[0] == 1
    fork = (tmp_path / "log.jsonl").read_text().replace('"amount_fen":5000', '"amount_fen":4000', 1)
    (tmp_path / "fork.jsonl").write_text(fork)
    for head in ("4.txt", "6.txt", "7.txt"):
        assert verify(tmp_path, "fork.jsonl", head, "--key", key)[0] == 1


async def test_an_export_comes_in_pieces_that_fit_together(anonymous: httpx.AsyncClient, logged: int) -> None:
    whole = (await anonymous.get("/v1/log/export")).text
    assert whole.count("\n") == 7
    pieces = [
        (await anonymous.get("/v1/log/export", params={"from": start, "to": start + 3})).text for start in (0, 3, 6)
    ]
    assert "".join(pieces) == whole
    assert (await anonymous.get("/v1/log/export", params={"from": 7})).text == ""
    assert (await anonymous.get("/v1/log/export", params={"from": 5, "to": 2})).text == ""


async def test_more_than_is_there_is_refused_by_name(anonymous: httpx.AsyncClient, logged: int, people: People) -> None:
    later = await resolution(people.jy, people.chen)
    for path, status, code in (
        (f"proof?entry=resolution:{later}", 404, "not_in_log"),
        ("proof?entry=transfer:999999999", 404, "not_in_log"),
        ("proof?entry=resident:1", 422, "invalid"),
        ("proof?entry=transfer:0", 422, "invalid"),
        ("proof", 422, "invalid"),
        ("heads/5", 404, "not_found"),
        ("heads/99999999999999999999", 422, "invalid"),
        ("consistency?from=4&to=8", 422, "invalid"),
        ("consistency?from=7&to=4", 422, "invalid"),
        ("consistency?from=-1", 422, "invalid"),
        ("consistency", 422, "invalid"),
        ("export?from=-1", 422, "invalid"),
    ):
        reply = await anonymous.get(f"/v1/log/{path}")
        assert (path, reply.status_code, reply.json()["code"]) == (path, status, code)


async def test_before_the_first_head_there_is_nothing(anonymous: httpx.AsyncClient) -> None:
    for path in ("head", "export", "consistency?from=0"):
        assert (await anonymous.get(f"/v1/log/{path}")).status_code == 404
    assert (await anonymous.get("/v1/log/heads")).json() == {"items": [], "next_cursor": None}


async def test_the_figures_tell_how_the_log_does(anonymous: httpx.AsyncClient, logged: int, people: People) -> None:
    await resolution(people.jy, people.chen)
    said = (await anonymous.get("/metrics")).text
    figures = dict(line.split(" ") for line in said.splitlines() if line.startswith(("linli_log", "linli_v")))
    assert float(figures["linli_log_entries"]) == 7
    assert 0 <= float(figures["linli_log_head_age_seconds"]) < 60
    assert 0 < float(figures["linli_log_waiting_seconds"]) < 60
