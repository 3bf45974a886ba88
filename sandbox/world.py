"""Everything one running sandbox holds."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.keys import Keys, Signer
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
    nonces: deque[str] = field(default_factory=lambda: deque(maxlen=10_000))  # of the Pay side's callers
    certificate_percent: int = 0  # so many notifications are signed by the certificate, the others by the key
    new_key: Signer | None = None  # after a change of keys: what signs instead of the public key
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
        self.nonces.clear()
        self.certificate_percent, self.new_key = 0, None
