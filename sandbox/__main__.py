"""python -m sandbox --data DIR --port 8001 --app-url http://127.0.0.1:8000"""

import argparse
import asyncio
import os
import socket
import sqlite3
import sys
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.app import create_app
from sandbox.clock import Clock
from sandbox.keys import open_keys
from sandbox.store import Store
from sandbox.world import World

HOST = "127.0.0.1"  # never anywhere else: whoever reaches the control room owns this world


class Line(HttpToolsProtocol):
    """A connection that a fault can cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def main() -> None:
    """Run the sandbox until it is told to stop."""
    parser = argparse.ArgumentParser(prog="sandbox", description="A local WeChat for development and tests.")
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps keys and state")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--app-url", default="http://127.0.0.1:8000", help="the application this sandbox serves")
    asked = parser.parse_args()
    if os.environ.get("APP_ENV") == "production":
        sys.exit("sandbox: refuses to start with APP_ENV=production")
    if not 1 <= asked.port <= 65535:
        sys.exit(f"sandbox: --port must be from 1 to 65535, not {asked.port}")
    with listen(asked.port) as listening:
        url = f"http://{HOST}:{asked.port}"
        keys = open_keys(asked.data)
        try:
            store = Store(keys.folder / "state.sqlite3")
        except sqlite3.OperationalError as error:
            sys.exit(f"sandbox: cannot open {keys.folder}: {error} (is another sandbox using it?)")
        keys.write_config(url)
        world = World(keys, store, Clock(store), url, asked.app_url.rstrip("/"))
        config = uvicorn.Config(
            create_app(world), http=Line, log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
        uvicorn.Server(config).run(sockets=[listening])


def listen(port: int) -> socket.socket:
    """Take the port, or say plainly that somebody else has it."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        sys.exit(f"sandbox: cannot use port {port}: {error.strerror}")
    return listening


if __name__ == "__main__":
    main()
