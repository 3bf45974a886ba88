"""Every constraint exists, is tried, and refuses; models equal migrations; the application's role is kept small."""

import asyncio
import importlib
import pkgutil
import sys

import asyncpg
import pytest

import tests.house
from app.core import db, migrations
from app.core.embedded import APP, OWNER, Servers

VIOLATIONS = [
    violation
    for module in pkgutil.iter_modules(tests.house.__path__)
    if module.name.startswith("violations_")
    for violation in importlib.import_module(f"tests.house.{module.name}").VIOLATIONS
]
TRIED = {name for name, _, _ in VIOLATIONS}

# Keys that only let others point at (id, community) or the like together: the primary key refuses before they can.
POINTED_AT = ("_in_community", "_in_campaign", "_in_fund", "_in_team")

CONSTRAINTS = """
SELECT c.conname AS name, c.conrelid::regclass::text AS of_table FROM pg_constraint c
WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('c', 'u', 'x', 'f')
    AND (c.contype <> 'f' OR array_length(c.conkey, 1) > 1)
UNION
SELECT i.relname, x.indrelid::regclass::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
WHERE x.indisunique AND NOT x.indisprimary AND i.relnamespace = 'public'::regnamespace
"""


@pytest.mark.parametrize(
    ("name", "sentence", "statements"), VIOLATIONS, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_raw_sql_is_refused(name: str, sentence: str, statements: list[str]) -> None:
    await db.execute(f"SET LOCAL ROLE {OWNER}")
    connection = db.driver_connection()
    for statement in statements[:-1]:
        await connection.execute(statement)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        async with connection.transaction():
            await connection.execute(statements[-1])
            await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert refused.value.constraint_name == name
    await db.execute("RESET ROLE")


async def test_every_constraint_is_tried() -> None:
    found = {
        line["name"]
        for line in await db.rows(CONSTRAINTS)
        if not line["of_table"].startswith("pgqueuer") and line["of_table"] != "alembic_version"
    }
    untried = {name for name in found - TRIED if not name.endswith(POINTED_AT) and name != "comments_about_one_thing"}
    assert not untried, f"add a violation for {sorted(untried)}"
    gone = {name for name in TRIED if name not in found} - set(await triggers())
    assert not gone, f"nothing enforces {sorted(gone)}"


async def test_every_refusing_trigger_is_tried() -> None:
    assert not set(await triggers()) - TRIED


async def triggers() -> list[str]:
    """The constraint names that triggers raise: `CONSTRAINT = '…'`, or the table's name with an ending."""
    lines = await db.rows(
        """
        SELECT DISTINCT said[1] AS name
        FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid,
            regexp_matches(f.prosrc, 'CONSTRAINT = ''([a-z0-9_]+)''', 'g') AS said
        WHERE NOT t.tgisinternal
        UNION
        SELECT DISTINCT t.tgrelid::regclass::text || said[1]
        FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid,
            regexp_matches(f.prosrc, 'CONSTRAINT = TG_TABLE_NAME [|][|] ''([a-z_]+)''', 'g') AS said
        WHERE NOT t.tgisinternal
        """
    )
    return [line["name"] for line in lines]


async def test_the_application_may_not_change_what_is_immutable() -> None:
    immutable = await db.rows(
        "SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgfoid = 'refuse_change'::regproc"
    )
    assert len(immutable) >= 2
    for table in immutable:
        for right in ("UPDATE", "DELETE", "TRUNCATE"):
            may = await db.value("SELECT has_table_privilege($1, $2, $3)", APP, table["name"], right)
            assert not may, (table, right)
    assert not await db.value(
        "SELECT bool_or(has_table_privilege($1, oid, 'TRUNCATE')) FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
        APP,
    )


@pytest.mark.no_database
async def test_models_equal_migrations(servers: Servers, template: str) -> None:
    await asyncio.to_thread(migrations.check, servers.url(OWNER, template))


@pytest.mark.no_database
async def test_four_processes_may_migrate_at_once(servers: Servers, template: str) -> None:
    connection = await asyncpg.connect(servers.url("postgres", "postgres"))
    await connection.execute(f"CREATE DATABASE linli_at_once OWNER {OWNER}")
    try:
        url = servers.url(OWNER, "linli_at_once")
        script = "import sys; from app.core import migrations; migrations.migrate(sys.argv[1])"
        processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", script, url) for _ in range(4)]
        assert [await process.wait() for process in processes] == [0, 0, 0, 0]
    finally:
        await connection.execute("DROP DATABASE linli_at_once WITH (FORCE)")
        await connection.close()
