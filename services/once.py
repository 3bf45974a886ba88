"""Idempotency keys: the same request sent again has one effect, also after a crash between."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from app.core import db
from app.core.errors import IdempotencyConflict
from models.events import IdempotencyKey
from services.policies import Actor

KEPT_HOURS = 48


class _HasId(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=_HasId)


async def once(
    actor: Actor,
    key: str | None,
    request: bytes,
    effect: Callable[[], Awaitable[T]],
    again: Callable[[int], Awaitable[T]],
) -> T:
    """Run `effect` in one transaction with the spending of `key`; on a repetition rebuild the answer with `again`.

    `request` is what was asked (path and body). Raises IdempotencyConflict when the key was spent on something else.
    """
    if key is None:
        return await effect()
    request_hash = hashlib.sha256(request).digest()

    async def first() -> T | None:
        claimed = await db.value(
            "INSERT INTO idempotency_keys (resident_id, key, request_hash) VALUES ($1, $2, $3) "
            "ON CONFLICT ON CONSTRAINT idempotency_keys_once DO NOTHING RETURNING id",
            actor.id,
            key,
            request_hash,
        )
        if claimed is None:
            return None
        made = await effect()
        await IdempotencyKey.filter(id=claimed).update(subject_id=made.id)
        return made

    made = await db.run_atomic(first)
    if made is not None:
        return made
    spent = await IdempotencyKey.get(resident_id=actor.id, key=key)
    if bytes(spent.request_hash) != request_hash or spent.subject_id is None:
        raise IdempotencyConflict
    return await again(spent.subject_id)


async def forget_old_keys() -> None:
    """Delete keys older than 48 hours, 10,000 at a time, at most a million."""
    for _ in range(100):
        gone = await db.execute(
            "DELETE FROM idempotency_keys WHERE id IN (SELECT id FROM idempotency_keys "
            f"WHERE created_at < clock_now() - interval '{KEPT_HOURS} hours' LIMIT 10000)"
        )
        if gone < 10_000:
            return
