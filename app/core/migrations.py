"""Bring a database to the newest schema and give the application's role its rights."""

import asyncio
from pathlib import Path

import asyncpg
from alembic.config import Config

from alembic import command, op
from app.core.embedded import APP

ROOT = Path(__file__).resolve().parents[2]

# What the application may do: never TRUNCATE, delete only what is meant to go, change nothing that is immutable.
DELETABLE = (
    "sessions, idempotency_keys, endorsements, comment_supports, petition_signatures, team_members, ballots, "
    "secret_ballots, media, attachments, notices, notice_preferences, pictures, pushes, log_pending, "
    "wechat_inbox, pgqueuer, pgqueuer_log, pgqueuer_schedules, pgqueuer_statistics"
)
GRANTS = f"""
GRANT USAGE ON SCHEMA public TO {APP};
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {APP};
GRANT DELETE ON {DELETABLE} TO {APP};
REVOKE INSERT, UPDATE ON alembic_version, need_pairs, need_words FROM {APP};
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {APP};
DO $$
DECLARE immutable regclass;
BEGIN
    FOR immutable IN
        SELECT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'refuse_change'::regproc GROUP BY tgrelid
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM {APP}', immutable);
    END LOOP;
END $$;
REVOKE UPDATE ON electors, secret_ballots FROM {APP};
GRANT UPDATE (has_voted) ON electors TO {APP};
GRANT UPDATE (text) ON reasons TO {APP};
GRANT UPDATE (reason) ON reports TO {APP};
GRANT UPDATE (moderation) ON need_answers, reasons, deliberation_reviews TO {APP};
"""


def config(url: str, *, upgrading: bool = False) -> Config:
    """Alembic's configuration for the database of `url` (its owner's login)."""
    made = Config(toml_file=str(ROOT / "pyproject.toml"))
    made.attributes["database_url"] = url
    made.attributes["upgrading"] = upgrading
    return made


def migrate(url: str) -> None:
    """Upgrade to head and grant. Several processes may call it at once. Blocks; needs the owner's login."""
    command.upgrade(config(url, upgrading=True), "head")
    asyncio.run(_grant(url))


def run_script(sql: str) -> None:
    """Run a script of many statements inside a revision, over the driver: asyncpg takes one at a time otherwise."""
    driver = op.get_bind().connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(sql))  # type: ignore[union-attr]


def check(url: str) -> None:
    """Raise when the models and the migrations disagree."""
    command.check(config(url))


async def _grant(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('linli migrations', 0))")
            await connection.execute(GRANTS)
    finally:
        await connection.close()
