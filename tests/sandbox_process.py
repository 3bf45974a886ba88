"""The sandbox as a test uses it: a process of its own on a free port."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from app.core.embedded import free_port

ROOT = Path(__file__).parent.parent
STARTS_WITHIN_S = 10
STOPS_WITHIN_S = 5


class SandboxProcess:
    """A running sandbox: its address, and the environment that points the application at it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, data_dir: Path) -> None:
        self._process = process
        self.url = url
        self.data_dir = data_dir
        self.config: dict[str, str] = json.loads((data_dir / "config.json").read_text())

    @classmethod
    def start(cls, data_dir: Path, port: int | None = None, app_url: str = "http://127.0.0.1:8000") -> "SandboxProcess":
        """Start on this folder and wait until it answers."""
        data_dir, port = data_dir.resolve(), port or free_port()
        asked = ["--data", str(data_dir), "--port", str(port), "--app-url", app_url]
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", *asked], cwd=ROOT, env={**os.environ, "APP_ENV": "development"}
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_it_answers(process, url)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return cls(process, url, data_dir)

    async def tell(self, path: str, /, **body: Any) -> Any:
        """Do something in its control room."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            reply = await client.post(f"/_sandbox/{path}", json=body)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    async def forget(self, path: str, /) -> None:
        """Take something away again."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            (await client.delete(f"/_sandbox/{path}")).raise_for_status()

    def kill(self) -> None:
        """kill -9: nothing is said goodbye to."""
        self._process.kill()
        self._process.wait(STOPS_WITHIN_S)

    def stop(self) -> None:
        """Ask it to stop, and insist that it does."""
        self._process.terminate()
        self._process.wait(STOPS_WITHIN_S)


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str) -> None:
    with httpx.Client(trust_env=False, timeout=1) as client:
        for _ in range(STARTS_WITHIN_S * 50):
            if process.poll() is not None:
                raise RuntimeError(f"the sandbox ended with {process.returncode}")
            try:
                client.get(f"{url}/_sandbox/health").raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.02)
            else:
                return
    raise RuntimeError(f"the sandbox did not answer within {STARTS_WITHIN_S} s")
