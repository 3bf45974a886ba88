"""`linli run`: everything for development in one go. It alone owns the servers out of the wheels.

Servers, migrations, the cast, then sandbox, worker and API as child processes: when `/readyz` answers, all is there.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import httpx
from rich.console import Console

from app.core import embedded, migrations
from app.core.embedded import OWNER, Servers
from app.core.settings import Settings
from services.notifications import TEMPLATES

RUN_FILE, RUN_PID = "run.json", "LINLI_RUN_PID"
CHILDREN_FILE = "children.json"
READY_S = 60.0
STOP_S = 15.0

console = Console(stderr=True, highlight=False)


def run(settings: Settings) -> int:
    """Bring everything up and stay until SIGINT, SIGTERM, or a child's death. The exit code."""
    if settings.production:
        console.print("linli run is for development; production runs serve, worker and migrate by themselves")
        return 2
    data = settings.linli_data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    stop = _Stop()
    _end_orphans(data)
    for port in (settings.port, settings.sandbox_port):
        if _taken(port):
            console.print(f"[red]port {port} is taken; choose others with PORT and SANDBOX_PORT[/red]")
            return 1
    try:
        with _servers(settings, data) as (environment, servers):
            children: dict[str, subprocess.Popen[bytes]] = {}
            try:
                _step("migrating the database")
                migrations.migrate(environment["MIGRATION_DATABASE_URL"])
                _step("seeding the demonstration community")
                if _python(["app.cli", "seed"], environment).wait() != 0:
                    raise RuntimeError("the demonstration community could not be seeded")
                _step(f"starting the WeChat sandbox on port {settings.sandbox_port}")
                sandbox_folder = data / "sandbox"
                children["sandbox"] = _python(
                    [
                        "sandbox",
                        "--data",
                        str(sandbox_folder),
                        "--port",
                        str(settings.sandbox_port),
                        "--app-url",
                        settings.base_url,
                    ],
                    environment,
                )
                sandbox_url = f"http://127.0.0.1:{settings.sandbox_port}"
                _wait(f"{sandbox_url}/_sandbox/health", children, stop)
                _register_templates(settings, sandbox_url)
                environment |= json.loads((sandbox_folder / "config.json").read_text())
                _write_private(data / RUN_FILE, json.dumps(environment | {RUN_PID: str(os.getpid())}))
                _step("starting the worker and the API")
                children["worker"] = _python(["app.cli", "worker"], environment)
                children["api"] = _python(["app.cli", "serve"], environment)
                (data / CHILDREN_FILE).write_text(json.dumps([child.pid for child in children.values()]))
                _wait(f"{settings.base_url}/readyz", children, stop)
                _tell(settings.base_url, sandbox_url)
                _watch(children, servers, stop)
            finally:
                _end(children)
    except _Stopped:
        return 0
    except RuntimeError as exc:
        console.print(f"[red]{exc}[/red]")
        return 1


class _Stopped(Exception):
    """SIGINT or SIGTERM came."""


class _Stop:
    """Remembers that we were asked to stop."""

    def __init__(self) -> None:
        self.asked = False
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True

    def check(self) -> None:
        if self.asked:
            raise _Stopped


@contextlib.contextmanager
def _servers(settings: Settings, data: Path) -> Iterator[tuple[dict[str, str], Servers | None]]:
    """The URLs of the servers: given ones, or our own for the time of the block."""
    if settings.database_url and settings.redis_url:
        given = {
            "DATABASE_URL": settings.database_url,
            "MIGRATION_DATABASE_URL": settings.migration_database_url or settings.database_url,
            "REDIS_URL": settings.redis_url,
        }
        yield given, None
        return
    _step(f"starting PostgreSQL and Valkey under {data}")
    servers = embedded.start(data)
    try:
        ours = {
            "DATABASE_URL": servers.url(),
            "MIGRATION_DATABASE_URL": servers.url(OWNER),
            "REDIS_URL": servers.redis_url,
        }
        yield ours, servers
    finally:
        (data / RUN_FILE).unlink(missing_ok=True)
        servers.stop()


def running(data: Path) -> dict[str, str] | None:
    """The environment of the `linli run` that is at work under `data`, or None."""
    file = data / RUN_FILE
    if not file.exists():
        return None
    environment: dict[str, str] = json.loads(file.read_text())
    try:
        os.kill(int(environment[RUN_PID]), 0)
    except ProcessLookupError:
        return None  # it was killed; its file stayed behind
    return environment


def _end_orphans(data: Path) -> None:
    """End the children that a killed `linli run` on this folder left behind; a run at work is left alone."""
    file = data / CHILDREN_FILE
    if running(data) is not None or not file.exists():
        return
    for pid in json.loads(file.read_text()):
        embedded.end_leftover(pid, b"app.cli", b"sandbox")
    file.unlink()
    time.sleep(0.5)  # the system takes a moment to free their ports


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _python(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A child in a process group of its own, so that Ctrl-C reaches only us and we end it in order."""
    return subprocess.Popen(  # noqa: S603 - our own modules
        [sys.executable, "-m", *arguments], env=os.environ | environment, start_new_session=True
    )


def _wait(url: str, children: dict[str, subprocess.Popen[bytes]], stop: _Stop) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        stop.check()
        _check_alive(children)
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass  # not listening yet
        if time.monotonic() > deadline:
            raise RuntimeError(f"{url} does not answer")
        time.sleep(0.1)


def _register_templates(settings: Settings, sandbox_url: str) -> None:
    """What an operator does in WeChat's console; from now on the sandbox knows which keywords each message needs."""
    for name, template in TEMPLATES.items():
        asked = {
            "template_id": settings.template_id(name),
            "title": template.title,
            "keywords": list(template.keywords),
        }
        httpx.post(f"{sandbox_url}/_sandbox/templates", json=asked, timeout=5).raise_for_status()


def _watch(children: dict[str, subprocess.Popen[bytes]], servers: Servers | None, stop: _Stop) -> NoReturn:
    while True:
        stop.check()
        _check_alive(children)
        if servers is not None:
            servers.check()
        time.sleep(0.3)


def _check_alive(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise RuntimeError(f"the {name} ended with code {child.returncode}; start again with: make run")


def _end(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in reversed(children.values()):
        child.terminate()
    deadline = time.monotonic() + STOP_S
    for child in children.values():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()


def _write_private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _step(what: str) -> None:
    console.print(f"[dim]linli ·[/dim] {what} …")


def _tell(api: str, sandbox: str) -> None:
    console.print(
        f"""
[bold]邻里 Linli is ready.[/bold]

  API             {api}
  documentation   {api}/docs
  WeChat sandbox  {sandbox}  (open it in a browser: a telephone for whoever has none at hand)

Next, in another terminal: [bold]make demo[/bold] plays a whole story, or log in as 小林 yourself:

  CODE=$(curl -s {sandbox}/_sandbox/login-code -H 'content-type: application/json' \\
      -d '{{"openid":"lin"}}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["code"])')
  curl -s {api}/v1/auth/wechat -H 'content-type: application/json' -d "{{\\"code\\":\\"$CODE\\"}}"

Ctrl-C stops everything; the data stay.
""",
        soft_wrap=True,
    )
