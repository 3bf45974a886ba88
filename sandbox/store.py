"""What the sandbox remembers: one SQLite file; kill -9 loses no payment that was acknowledged."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.pay_store import PAY_SCHEMA, PAY_TABLES

SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS users (openid TEXT PRIMARY KEY, unionid TEXT NOT NULL, session_key TEXT);
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, kind TEXT NOT NULL, openid TEXT NOT NULL, phone TEXT,
    made_at REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS forced_tokens (appid TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS subscriptions (
    id INTEGER PRIMARY KEY, openid TEXT NOT NULL, template_id TEXT NOT NULL, decision TEXT NOT NULL,
    at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, openid TEXT NOT NULL, template_id TEXT NOT NULL, body TEXT NOT NULL,
    at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    out_trade_no TEXT PRIMARY KEY, request TEXT NOT NULL, openid TEXT NOT NULL, total INTEGER NOT NULL,
    attach TEXT, notify_url TEXT NOT NULL, state TEXT NOT NULL, made_at REAL NOT NULL,
    expires_at REAL NOT NULL, transaction_id TEXT UNIQUE, paid_at REAL);
CREATE TABLE IF NOT EXISTS prepays (
    prepay_id TEXT PRIMARY KEY, out_trade_no TEXT NOT NULL REFERENCES orders, made_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refunds (
    out_refund_no TEXT PRIMARY KEY, refund_id TEXT NOT NULL UNIQUE,
    out_trade_no TEXT NOT NULL REFERENCES orders, request TEXT NOT NULL, amount INTEGER NOT NULL,
    notify_url TEXT, state TEXT NOT NULL, made_at REAL NOT NULL, due_at REAL, outcome TEXT NOT NULL,
    done_at REAL);
CREATE INDEX IF NOT EXISTS refunds_of ON refunds (out_trade_no);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS notifications (
    id TEXT PRIMARY KEY, event_type TEXT NOT NULL, subject TEXT NOT NULL, url TEXT NOT NULL,
    body BLOB NOT NULL, made_at REAL NOT NULL, next_at REAL, retries INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS notifications_due ON notifications (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY, notification_id TEXT NOT NULL REFERENCES notifications, at REAL NOT NULL,
    status INTEGER, answer TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_of ON attempts (notification_id);
CREATE TABLE IF NOT EXISTS apps (appid TEXT PRIMARY KEY, secret TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS access_tokens (
    token TEXT PRIMARY KEY, appid TEXT NOT NULL, kind TEXT NOT NULL, expires_at REAL NOT NULL, dies_at REAL);
CREATE TABLE IF NOT EXISTS activity (openid TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS templates (
    template_id TEXT PRIMARY KEY, title TEXT NOT NULL, keywords TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS credits (
    openid TEXT NOT NULL, template_id TEXT NOT NULL, left INTEGER NOT NULL, PRIMARY KEY (openid, template_id));
CREATE TABLE IF NOT EXISTS verdicts (
    id INTEGER PRIMARY KEY, suggest TEXT NOT NULL, label INTEGER NOT NULL, errcode INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS picture_checks (
    trace_id TEXT PRIMARY KEY, openid TEXT NOT NULL, media_url TEXT NOT NULL, version INTEGER NOT NULL,
    made_at REAL NOT NULL, due_at REAL, said TEXT);
CREATE INDEX IF NOT EXISTS picture_checks_due ON picture_checks (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS links (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, page TEXT NOT NULL, query TEXT NOT NULL, env_version TEXT NOT NULL,
    link TEXT, made_at REAL NOT NULL, expires_at REAL);
CREATE TABLE IF NOT EXISTS shipped (out_trade_no TEXT PRIMARY KEY REFERENCES orders, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS telephones (openid TEXT PRIMARY KEY, phone TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pushes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, openid TEXT NOT NULL, message TEXT NOT NULL,
    made_at REAL NOT NULL, next_at REAL, tries INTEGER NOT NULL DEFAULT 0, delivered INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS pushes_due ON pushes (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS push_attempts (
    id INTEGER PRIMARY KEY, push_id INTEGER NOT NULL REFERENCES pushes, at REAL NOT NULL, trouble TEXT,
    status INTEGER, answer TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS push_attempts_of ON push_attempts (push_id);
"""
TABLES = (  # children first, so that they can be emptied in this order
    "shipped",
    "telephones",
    *PAY_TABLES,
    *("attempts", "notifications", "refunds", "prepays", "orders", "messages", "subscriptions"),
    *("forced_tokens", "codes", "users", "notes", "push_attempts", "pushes", "links", "picture_checks"),
    *("verdicts", "credits", "templates", "activity", "access_tokens", "apps"),
)


class Store:
    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=1)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")  # a second sandbox on this folder is refused
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # each commit is on the disk before it is acknowledged
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(SCHEMA + PAY_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. The sandbox is one thread, and no transaction waits for anything."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row of a query."""
        return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query, if there is one."""
        row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        return row

    def row(self, sql: str, *values: Any) -> sqlite3.Row:
        """The first row of a query that must have one."""
        row = self.one(sql, *values)
        if row is None:
            raise LookupError(sql)
        return row

    def run(self, sql: str, *values: Any) -> int:
        """Change something; answers how many rows changed."""
        return self._db.execute(sql, values).rowcount

    def add(self, table: str, **columns: Any) -> None:
        """Insert one row."""
        marks = ", ".join("?" * len(columns))
        self.run(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", *columns.values())

    def note(self, name: str) -> str | None:
        """A small fact kept by name."""
        row = self.one("SELECT value FROM notes WHERE name = ?", name)
        return None if row is None else str(row["value"])

    def keep_note(self, name: str, value: str) -> None:
        """Keep a small fact by name."""
        self.run("INSERT OR REPLACE INTO notes VALUES (?, ?)", name, value)

    def wipe(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in TABLES:
                self.run(f"DELETE FROM {table}")

    def close(self) -> None:
        self._db.close()
