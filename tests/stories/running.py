"""A whole Linli as `make run` starts it, on ports and data of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from app.core.embedded import free_port
from tests import memory

ROOT = Path(__file__).resolve().parents[2]
READY_S = 90


class Running:
    """`linli run` under a folder; may be killed in part and started again on the same data."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.environment = os.environ | {
            "LINLI_DATA": str(data),
            "PORT": str(free_port()),
            "SANDBOX_PORT": str(free_port()),
        }
        self.api = f"http://127.0.0.1:{self.environment['PORT']}"
        self.sandbox = f"http://127.0.0.1:{self.environment['SANDBOX_PORT']}"

    def start(self) -> None:
        """Start and wait until `/readyz` answers."""
        self.log = open(self.data / "run.log", "ab")  # noqa: SIM115 - closed in stop()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "run"],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
        )
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.data / "run.log").read_text()[-3000:]
            try:
                if httpx.get(f"{self.api}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise AssertionError((self.data / "run.log").read_text()[-3000:])

    def stop(self) -> int:
        """Stop as Ctrl-C does; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)
        self.log.close()
        return code

    def kill(self, what: str) -> None:
        """kill -9 a part: `api`, `worker`, `sandbox`, `postgres`, `run` alone, or it with its children."""
        if what == "run":
            family = [psutil.Process(self.process.pid)]
        elif what == "everything":
            family = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        else:
            family = [process for process in psutil.process_iter(["cmdline"]) if self._is(what, process)]
            assert family, f"no {what} to kill"
        for process in family:
            process.kill()

    def _is(self, what: str, process: psutil.Process) -> bool:
        command = " ".join(process.info["cmdline"] or [])
        if what == "postgres":
            return "bin/postgres" in command and str(self.data) in command
        wanted = {"api": "app.cli serve", "worker": "app.cli worker", "sandbox": "-m sandbox"}[what]
        if wanted not in command:
            return False
        return self.process.pid in {parent.pid for parent in process.parents()}

    def linli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against it."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def urls(self) -> dict[str, str]:
        """What `linli run` wrote for the command line."""
        said: dict[str, str] = json.loads((self.data / "run.json").read_text())
        return said


@contextmanager
def running() -> Iterator[Running]:
    """A Linli of one's own for the time of the block."""
    with memory.folder("linli-story-") as data:
        made = Running(data)
        made.start()
        try:
            yield made
        finally:
            made.stop()
