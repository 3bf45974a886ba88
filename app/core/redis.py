"""Redis: caches, rate limits, the shared WeChat token. Never the only home of a fact, never waited for long."""

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

WAIT_S = 0.2


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
