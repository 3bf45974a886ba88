"""What is sealed in the tables: whether our keys open it, and how it comes under a new one.

A column `x_sealed` of a table holds what `crypto.seal` made for its column `x`; whatever is called so is looked after.
"""

from dataclasses import dataclass, field

from app.core import crypto, db
from app.core.crypto import Keys
from app.core.db import atomic
from app.core.errors import Unavailable
from models.residents import PhoneTaken

SEALED = """
SELECT table_name AS table, left(column_name, -length('_sealed')) AS column FROM information_schema.columns
WHERE table_schema = 'public' AND column_name LIKE '%\\_sealed' ORDER BY 1, 2
"""


class KeyMissing(Unavailable):
    code = "key_missing"
    zh = "加密密钥与数据库中的数据不符，请联系管理员"
    en = "The keys do not open what is sealed in the database: see FIELD_KEYS"


@dataclass
class Resealed:
    """What a rotation did; `twice` are residents whose number somebody else has bound meanwhile."""

    sealed: int = 0
    indexed: int = 0
    twice: list[int] = field(default_factory=list)


async def sealed_columns() -> dict[str, list[str]]:
    """The names of what is sealed, by table."""
    found: dict[str, list[str]] = {}
    for line in await db.rows(SEALED):
        found.setdefault(line["table"], []).append(line["column"])
    return found


async def require_keys(keys: Keys) -> None:
    """Try each version of key found in the tables on one value. Raises KeyMissing."""
    for column in await db.rows(SEALED):
        for line in await db.rows(_sample(**column)):
            try:
                crypto.unseal(keys, line["sealed"], row=line["id"], **column)
            except ValueError as exc:
                raise KeyMissing(versions=[line["version"]]) from exc


async def reseal(keys: Keys, *, batch: int) -> Resealed:
    """Bring all that is sealed under the newest key, and telephones under the newest index, `batch` rows at a time.

    Each batch is a transaction of its own, so that it may be stopped anywhere and run again, and readers go on: all
    processes have both keys by then. Raises ValueError where none of the keys opens a value.
    """
    done = Resealed()
    for column in await db.rows(SEALED):
        after: int | None = 0
        while after is not None:
            after = await _reseal_batch(keys, done, after, batch, **column)
    if keys.index_before is not None:
        after = 0
        while after is not None:
            after = await _reindex_batch(keys, done, after, batch)
    return done


@atomic(limit_s=60)
async def _reseal_batch(keys: Keys, done: Resealed, after: int, batch: int, *, table: str, column: str) -> int | None:
    """Seal the next values anew; the last id, or None when there are no more."""
    old = await db.rows(
        f"SELECT id, {column}_sealed AS sealed FROM {table} WHERE id > $1 AND get_byte({column}_sealed, 0) <> $2 "
        "ORDER BY id LIMIT $3 FOR NO KEY UPDATE",
        after,
        keys.newest,
        batch,
    )
    plain = {
        line["id"]: crypto.unseal(keys, line["sealed"], table=table, column=column, row=line["id"]) for line in old
    }
    sealed = [crypto.seal(keys, text, table=table, column=column, row=row) for row, text in plain.items()]
    await db.execute(
        f"UPDATE {table} t SET {column}_sealed = n.sealed FROM unnest($1::bigint[], $2::bytea[]) AS n (id, sealed) "
        "WHERE t.id = n.id",
        list(plain),
        sealed,
    )
    done.sealed += len(old)
    return max(plain) if len(plain) == batch else None


@atomic(limit_s=60)
async def _reindex_batch(keys: Keys, done: Resealed, after: int, batch: int) -> int | None:
    """Index the next numbers anew; one that is bound to somebody else too stays as it is, and is named."""
    found = await db.rows(
        "SELECT id, phone_sealed, phone_index FROM residents WHERE id > $1 AND phone_sealed IS NOT NULL "
        "ORDER BY id LIMIT $2 FOR NO KEY UPDATE",
        after,
        batch,
    )
    for line in found:
        number = crypto.unseal(keys, line["phone_sealed"], table="residents", column="phone", row=line["id"])
        index = crypto.index(keys.index, number, table="residents", column="phone")
        if index == line["phone_index"]:
            continue
        try:
            async with db.tx():
                await db.execute("UPDATE residents SET phone_index = $2 WHERE id = $1", line["id"], index)
            done.indexed += 1
        except PhoneTaken:
            done.twice.append(line["id"])
    return found[-1]["id"] if len(found) == batch else None


def _sample(table: str, column: str) -> str:
    return (
        f"SELECT t.id, t.{column}_sealed AS sealed, v.version FROM (SELECT get_byte({column}_sealed, 0) AS version, "
        f"min(id) AS id FROM {table} WHERE {column}_sealed IS NOT NULL GROUP BY 1) v JOIN {table} t ON t.id = v.id"
    )
