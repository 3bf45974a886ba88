"""Redis: caches, rate limits, the shared WeChat token. Never the only home of a fact, never waited for long."""

import redis.asyncio as aioredis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

WAIT_S = 0.2

log = structlog.stdlib.get_logger("linli.redis")


async def first_time(redis: "aioredis.Redis", key: str, seconds: int) -> bool:
    """Whether `key` is new for so many seconds. Without Redis everything is: it never decides whether we answer."""
    try:
        return bool(await redis.set(key, 1, nx=True, ex=seconds))
    except (RedisError, OSError) as exc:
        log.warning("redis_away", error=type(exc).__name__)
        return True


async def forget(redis: "aioredis.Redis", key: str) -> None:
    """Take a key back, if Redis is there."""
    try:
        await redis.delete(key)
    except (RedisError, OSError) as exc:
        log.warning("redis_away", error=type(exc).__name__)


def open_redis(url: str) -> "aioredis.Redis":
    """A client that gives up after 0.2 s, so that a hung Redis slows nobody down."""
    return aioredis.from_url(
        url,
        socket_timeout=WAIT_S,
        socket_connect_timeout=WAIT_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        max_connections=50,
    )
