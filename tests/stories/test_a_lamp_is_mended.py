"""The demonstration story, whole; and again with a process killed in its middle."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import demo
from tests.stories.running import ROOT, Running, running

pytestmark = pytest.mark.no_database

STEPS = 12
THINGS = ("/v1/needs", "/v1/deliberations", "/v1/campaigns", "/pledges", "/v1/activities")


class Witness(demo.Story):
    """Plays the story and remembers every fact that was acknowledged; kills a part of Linli at the second payment."""

    def __init__(self, linli: Running, kill: str | None = None) -> None:
        super().__init__(linli.api, linli.sandbox, self._clock)
        self.linli, self.kill = linli, kill
        self.acknowledged: list[tuple[str, str, dict[str, Any]]] = []
        self.payments = 0

    def _clock(self, by: timedelta) -> None:
        done = self.linli.linli("clock", f"+{int(by.total_seconds())}s")
        assert done.returncode == 0, done.stderr

    def ask(self, who: str | None, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        answer = super().ask(who, method, path, body, expect=expect)
        if method == "POST" and path.endswith(THINGS) and expect is None:
            assert who
            where = f"/v1/pledges/{answer['id']}" if path.endswith("/pledges") else f"{path}/{answer['id']}"
            self.acknowledged.append((who, where, answer))
            if self.kill and path.endswith("/pledges") and answer.get("payment"):
                self.payments += 1
                if self.payments == 2:
                    self.linli.kill(self.kill)
        return answer

    def still_true(self) -> None:
        """Everything that was acknowledged is there after the restart, and money WeChat took is in the books."""
        for who, where, then in self.acknowledged:
            now = self.ask(who, "GET", where)
            assert now["id"] == then["id"]
        paid_fen = sum(
            order["total"] for order in self.sandbox.get("/orders").json() if order["state"] in ("SUCCESS", "REFUND")
        )
        community = self.people["lin"]["household"]["community_id"]
        self.until(None, f"/v1/communities/{community}/fund", "received_fen", paid_fen)


def head(linli: Running) -> dict[str, Any]:
    """The newest head of the log."""
    newest: dict[str, Any] = httpx.get(f"{linli.api}/v1/log/head").json()
    return newest


def off_line(linli: Running, folder: Path, old: dict[str, Any]) -> str:
    """What the stand-alone script says of the log, with a head that somebody kept from before."""
    newest = head(linli)
    assert newest["size"] > old["size"]
    (folder / "old.txt").write_text(old["note"])
    (folder / "head.txt").write_text(newest["note"])
    (folder / "log.jsonl").write_bytes(httpx.get(f"{linli.api}/v1/log/export").content)
    script = [sys.executable, str(ROOT / "tools" / "verify_log.py"), "log.jsonl", "head.txt", "old.txt"]
    done = subprocess.run([*script, "--key", old["key"]], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.prove)])
async def test_the_story_is_told_to_its_end_and_the_books_balance(times: int) -> None:
    with running() as linli:
        for _ in range(times):
            told = linli.linli("demo")
            assert told.returncode == 0, told.stdout[-3000:]
            assert "the books balance" in told.stdout
            assert told.stdout.count("全部一致") == STEPS
        verified = linli.linli("verify")
        assert verified.returncode == 0, verified.stdout
    assert linli.process.returncode == 0


@pytest.mark.parametrize(
    "victim",
    [
        "api",
        "postgres",
        *(pytest.param(part, marks=pytest.mark.prove) for part in ("worker", "sandbox", "everything")),
    ],
)
async def test_a_killed_part_loses_no_acknowledged_fact(tmp_path: Path, victim: str) -> None:
    with running() as linli:
        story = Witness(linli, victim)
        with pytest.raises((demo.StoryBroken, httpx.HTTPError)):
            demo.play(story)
        assert story.acknowledged
        linli.stop()
        linli.start()
        story.kill = None
        story.log_in("lin", "mei", "wang", "he", "chen", "zhao", "sun", "wu")
        story.still_true()
        verified = linli.linli("verify")
        assert verified.returncode == 0, verified.stdout
        old = head(linli)
        demo.play(story)  # and life goes on
        assert "All holds." in off_line(linli, tmp_path, old)


async def test_a_killed_run_leaves_nothing_that_keeps_the_next_from_starting() -> None:
    with running() as linli:
        linli.kill("run")
        linli.process.wait(10)
        linli.start()
        assert linli.linli("verify").returncode == 0
