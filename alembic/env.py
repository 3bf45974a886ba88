"""Alembic follows Tortoise: for `check`, Tortoise draws its tables into a scratch schema, SQLAlchemy reflects that,
and Alembic compares. `upgrade` needs no metadata and takes a lock, so several may run at once.
"""

import asyncio
from typing import Any

from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from tortoise.context import TortoiseContext

from alembic import context
from app.core.db import connection_config

SCRATCH = "alembic_scratch"
KEPT_BY_TRIGGERS = {"need_pairs", "need_words"}  # indexes in the shape of tables, which no model reads
url: str = context.config.attributes["database_url"]
upgrading: bool = context.config.attributes.get("upgrading", False)


async def drawn_by_tortoise() -> None:
    """Let Tortoise make its tables in the scratch schema."""
    config = connection_config(url, pool_size=2)
    credentials = config["connections"]["default"]["credentials"]
    credentials["server_settings"] |= {"search_path": f"{SCRATCH},public"}
    async with TortoiseContext() as tortoise:
        await tortoise.init(config=config)
        await tortoise.generate_schemas(safe=False)


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave PgQueuer alone, what triggers keep, and what revisions wrote by hand: the catalogue test guards those."""
    if kind == "table":
        return not (name or "").startswith("pgqueuer") and name not in KEPT_BY_TRIGGERS
    if kind in {"index", "unique_constraint", "foreign_key_constraint"}:
        return not (reflected and compare_to is None)
    return True


def run(connection: Connection, metadata: MetaData | None) -> None:
    context.configure(connection=connection, target_metadata=metadata, include_object=include_object)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('linli migrations', 0))"))
        context.run_migrations()


async def drawing() -> MetaData:
    """What the models say, as SQLAlchemy tables."""
    async with engine().begin() as connection:
        await connection.execute(text(f"DROP SCHEMA IF EXISTS {SCRATCH} CASCADE"))
        await connection.execute(text(f"CREATE SCHEMA {SCRATCH}"))
    await drawn_by_tortoise()
    drawn = MetaData()
    async with engine(search_path=SCRATCH).begin() as connection:
        await connection.run_sync(drawn.reflect)
        for table in drawn.tables.values():  # Tortoise writes docstrings into the tables; ours stay in the code
            table.comment = None
            for column in table.columns:
                column.comment = None
        await connection.execute(text(f"DROP SCHEMA {SCRATCH} CASCADE"))
    return drawn


def engine(**server_settings: str) -> AsyncEngine:
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        connect_args={"server_settings": server_settings},
        poolclass=NullPool,
    )


async def main() -> None:
    metadata = None if upgrading else await drawing()
    async with engine().connect() as connection:
        await connection.run_sync(run, metadata)
        await connection.commit()


asyncio.run(main())
