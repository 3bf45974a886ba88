"""Rate limits over Redis; when Redis is away, a bucket in this process takes over."""

import math
import time

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from app.core.errors import TooMany

WRITES = RateLimitItemPerSecond(100, 3)  # 30 a second, with bursts of 100
LOGINS = RateLimitItemPerMinute(20)
UPLOADS = RateLimitItemPerHour(60)
INVITATIONS = RateLimitItemPerHour(10)  # a code is not to be guessed
EXPORTS = RateLimitItemPerHour(1)
LOOKUPS = RateLimitItemPerMinute(60)  # of what needs no login but a secret or a code
PHONES = RateLimitItemPerHour(10)  # WeChat charges for each

log = structlog.stdlib.get_logger("linli.rates")


class Rates:
    """Counts what somebody does; `hit` refuses with TooMany."""

    def __init__(self, redis_url: str) -> None:
        storage = RedisStorage(
            f"async+{redis_url}",
            implementation="redispy",
            socket_timeout=0.2,
            socket_connect_timeout=0.2,
        )
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())

    async def hit(self, limit: RateLimitItem, *who: str) -> None:
        """Count one deed of `who`. Raises TooMany with the seconds to wait."""
        try:
            await self._check(self._shared, limit, who)
        except TooMany:
            raise
        except Exception as exc:  # Redis is never waited for, and never decides whether we answer
            log.warning("rates_without_redis", error=type(exc).__name__)
            await self._check(self._own, limit, who)

    async def _check(self, limiter: MovingWindowRateLimiter, limit: RateLimitItem, who: tuple[str, ...]) -> None:
        if not await limiter.hit(limit, *who):
            window = await limiter.get_window_stats(limit, *who)
            raise TooMany(retry_after=max(1, math.ceil(window.reset_time - time.time())))
