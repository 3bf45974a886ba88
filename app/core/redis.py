"""Redis: caches, rate limits, the shared WeChat token. Never the only home of a fact, never waited for long."""

import logging

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

WAIT_S = 0.2

log = logging.getLogger(__name__)


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


async def was_used(redis: "aioredis.Redis", name: str) -> bool:
    """Whether `use` was called with this name a moment ago; False while Redis is away, since the database decides."""
    try:
        return bool(await redis.exists(name))
    except (RedisError, OSError) as error:
        log.warning("asked Redis in vain: %s", type(error).__name__)
        return False


async def use(redis: "aioredis.Redis", name: str, *, seconds: int) -> bool:
    """Remember for a while that something was used; whether for the first time. Where Redis is away it always is."""
    try:
        return bool(await redis.set(name, "1", nx=True, ex=seconds))
    except (RedisError, OSError) as error:
        log.warning("told Redis in vain: %s", type(error).__name__)
        return True


async def forget(redis: "aioredis.Redis", name: str) -> None:
    """It was not used after all."""
    try:
        await redis.delete(name)
    except (RedisError, OSError) as error:
        log.warning("told Redis in vain: %s", type(error).__name__)
