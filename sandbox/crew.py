"""Work in the background: a bounded number of errands at once, each started once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable

AT_ONCE = 20


class Crew:
    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[None]] = {}

    def start(self, errand: Hashable, run: Callable[[], Awaitable[None]]) -> None:
        """Begin an errand, unless it is under way or too many are."""
        if errand in self._under_way or len(self._under_way) >= AT_ONCE:
            return

        async def work() -> None:
            try:
                await run()
            finally:
                del self._under_way[errand]

        self._under_way[errand] = asyncio.create_task(work())

    @property
    def limit(self) -> int:
        """How many due errands to look at, so as to see past those under way."""
        return AT_ONCE + len(self._under_way)

    async def all_home(self) -> None:
        """Wait for those under way."""
        await asyncio.gather(*self._under_way.values())

    async def dismiss(self) -> None:
        """Stop those under way; what they did not finish stays due."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
