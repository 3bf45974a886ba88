"""Everything one running sandbox holds."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.keys import Keys
from sandbox.store import Store

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass
class World:
    keys: Keys
    store: Store
    clock: Clock
    url: str
    app_url: str
    faults: Faults = field(default_factory=Faults)
    journal: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=1000))
    news: asyncio.Event = field(default_factory=asyncio.Event)  # set when something may be due
    hurried: bool = False  # a fault wants the pushes of this call delivered before its reply

    def reaches(self, url: str) -> bool:
        """Whether this sandbox may speak to an address: only to this machine and to its application."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.hostname in (*LOOPBACK, urlsplit(self.app_url).hostname)

    def reset(self) -> None:
        """Forget all that happened; keys and addresses stay."""
        self.store.wipe()
        self.clock.reset()
        self.faults.clear()
        self.journal.clear()
