"""The access token that all our processes share through Redis."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.gateways.errors import WxUnavailable

log = logging.getLogger(__name__)

RENEWED_EARLY_S = 300  # the platform's old and new tokens are both valid for the last five minutes
MEMO_S = 5.0  # longer would delay our reaction when a token is invalidated
MEMO_WITHOUT_REDIS_S = 60.0
LOCK_MS = 15_000
POLL_S = 0.05
FORCE_APART_S = 31  # the platform allows one forced refresh in 30 s and 20 in a day
FORCED_ALARM = 15
RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"

Fetch = Callable[[bool], Awaitable[tuple[str, int]]]
"""Asks the platform for (token, seconds left); the flag forces a new one."""


@dataclass(frozen=True)
class Memo:
    token: str
    until: float


class TokenStore:
    """One token for all processes: refreshed by one of them at a time, and remembered here for a moment."""

    def __init__(self, redis: Redis | None, appid: str) -> None:
        self._redis = redis
        self._key = f"wx:token:{{{appid}}}"
        self._memo: Memo | None = None
        self._one_at_a_time = asyncio.Lock()
        self._forced_at = -float(FORCE_APART_S)

    async def get(self, fetch: Fetch, bad: str | None = None) -> str:
        """A token, if there is one other than `bad`, which the platform has just refused."""
        if token := self._remembered(bad):
            return token
        async with self._one_at_a_time:
            if token := self._remembered(bad):
                return token
            if self._redis is not None:
                try:
                    token = await self._shared(self._redis, fetch, bad)
                except (RedisError, OSError) as error:
                    log.warning("the shared WeChat token is out of reach: %s", type(error).__name__)
                else:
                    self._memo = Memo(token, time.monotonic() + MEMO_S)
                    return token
            token = await self._alone(fetch, bad)
            self._memo = Memo(token, time.monotonic() + MEMO_WITHOUT_REDIS_S)
            return token

    def _remembered(self, bad: str | None) -> str | None:
        memo = self._memo
        return memo.token if memo and memo.token != bad and time.monotonic() < memo.until else None

    async def _shared(self, redis: Redis, fetch: Fetch, bad: str | None) -> str:
        me, lock = secrets.token_hex(16), f"{self._key}:lock"
        for _ in range(int(LOCK_MS / 1000 / POLL_S)):
            if token := await self._kept(redis, bad):
                return token
            if await redis.set(lock, me, nx=True, px=LOCK_MS):
                try:
                    # Whoever held the lock before may have left a token between our look and our turn.
                    return await self._kept(redis, bad) or await self._refresh(redis, fetch, bad)
                finally:
                    await redis.eval(RELEASE, 1, lock, me)
            await asyncio.sleep(POLL_S)
        raise WxUnavailable("no WeChat access token: another process holds the lock")

    async def _kept(self, redis: Redis, bad: str | None) -> str | None:
        text = await redis.get(self._key)
        kept = json.loads(text) if text else None
        return str(kept["t"]) if kept and kept["t"] != bad and time.time() < kept["e"] else None

    async def _refresh(self, redis: Redis, fetch: Fetch, bad: str | None) -> str:
        token, life_s = await fetch(False)
        if token == bad and await redis.set(f"{self._key}:forced", "1", nx=True, ex=FORCE_APART_S):
            await self._count_forced(redis)
            token, life_s = await fetch(True)
        keep_s = max(30, life_s - RENEWED_EARLY_S)
        await redis.set(self._key, json.dumps({"t": token, "e": time.time() + life_s}), ex=keep_s)
        return token

    async def _count_forced(self, redis: Redis) -> None:
        counter = f"{self._key}:forced:{time.strftime('%Y%m%d', time.gmtime())}"
        today = await redis.incr(counter)
        await redis.expire(counter, 86_400)
        if today >= FORCED_ALARM:
            log.error("the WeChat token was forced %d times today; 20 is the limit", today)

    async def _alone(self, fetch: Fetch, bad: str | None) -> str:
        # Safe without a lock: the platform gives the same token to everybody while it is valid.
        token, _ = await fetch(False)
        if token == bad and time.monotonic() - self._forced_at >= FORCE_APART_S:
            self._forced_at = time.monotonic()
            token, _ = await fetch(True)
        return token
