"""One clock for every deadline: the database's `clock_now()`, which development may move and production may not."""

from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from app.core import db

SHANGHAI = ZoneInfo("Asia/Shanghai")
WIDEST = timedelta(days=36_500)


async def now() -> datetime:
    """The time by which deadlines are decided, in UTC. Read it after the lock is held."""
    return cast(datetime, await db.value("SELECT clock_now()"))


async def move(by: timedelta) -> None:
    """Move `clock_now()` for everybody by `by`, on top of earlier moves. Needs the owner of the database."""
    offset = await db.value("SELECT extract(epoch FROM clock_now() - clock_timestamp())::bigint")
    seconds = int(offset) + int(by.total_seconds())
    if abs(seconds) > WIDEST.total_seconds():
        raise ValueError("the clock moves at most 100 years")
    await db.execute(definition(seconds))


def definition(offset_s: int = 0) -> str:
    """The SQL that defines `clock_now()`, `offset_s` seconds ahead of the real time."""
    body = "clock_timestamp()" + (f" + interval '{int(offset_s)} seconds'" if offset_s else "")
    return (
        "CREATE OR REPLACE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE "
        f"AS $$ SELECT {body} $$"
    )
