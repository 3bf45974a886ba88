"""What the README and docs/journeys.md tell a reader to type is typed here, and answers as they say."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.running import ROOT, Running, running

pytestmark = pytest.mark.no_database

BLOCK = re.compile(r"```sh\n(.*?)```", re.S)


def paste(linli: Running, *blocks: str) -> list[tuple[str, str, str]]:
    """Run the lines in one shell: (line, what it promises, what it printed) of each line that promises something."""
    script, promises = ["set -u"], []
    for line in "".join(blocks).splitlines():
        command, _, promise = line.partition("  # → ")
        script.append(command)
        if promise:
            script.append(f"echo; echo '@@{len(promises)}'")
            promises.append((command, promise))
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=ROOT,
        env=linli.environment | {"API": linli.api, "SANDBOX": linli.sandbox},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert not re.search("command not found|syntax error|Traceback", done.stderr), done.stderr
    said = re.split(r"\n@@\d+\n", done.stdout)
    assert len(said) == len(promises) + 1, done.stdout[-2000:] + done.stderr[-2000:]
    return [(command, promise, text) for (command, promise), text in zip(promises, said, strict=False)]


@pytest.fixture(scope="module")
def linli() -> Iterator[Running]:
    with running() as started:
        yield started


def test_the_six_journeys_go_as_the_page_says(linli: Running) -> None:
    told = paste(linli, *BLOCK.findall((ROOT / "docs" / "journeys.md").read_text()))
    assert len(told) > 60
    for command, promise, text in told:
        for word in promise.split():
            assert word in text, f"{command}\npromised {promise}, said {text}"


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_first_five_minutes_go_as_the_readme_says(linli: Running, readme: str) -> None:
    by_hand = next(block for block in BLOCK.findall(Path(ROOT / readme).read_text()) if "login()" in block)
    by_hand = by_hand.replace("http://127.0.0.1:8000", linli.api).replace("http://127.0.0.1:8001", linli.sandbox)
    ((_, _, said),) = paste(linli, by_hand, "echo  # → done\n")
    for word in ("小林", '"endorsements":1', '"state":"accepted"', '"forbidden"', "This is not possible while it is"):
        assert word in said, said
