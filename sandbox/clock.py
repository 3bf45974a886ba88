"""Business time: the real clock plus an offset that tests may push forward.

Transport signatures never use it: they are judged by the real clock on both sides.
"""

import time
from datetime import UTC, datetime, timedelta, timezone

from sandbox.store import Store

CHINA = timezone(timedelta(hours=8))


class Clock:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.offset_s = float(store.note("clock_offset_s") or 0)

    def now(self) -> float:
        """Seconds since the epoch, in business time."""
        return time.time() + self.offset_s

    def advance(self, seconds: float) -> None:
        """Move business time forward and remember it across restarts."""
        self.offset_s += seconds
        self._store.keep_note("clock_offset_s", str(self.offset_s))

    def reset(self) -> None:
        """Return to the real time; the store forgets its own copy when it is wiped."""
        self.offset_s = 0.0


def iso(at: float) -> str:
    """Write a moment the way WeChat Pay writes it."""
    return datetime.fromtimestamp(at, UTC).astimezone(CHINA).isoformat(timespec="seconds")
