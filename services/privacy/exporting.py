"""All that is kept about somebody, for himself, as one archive (个保法 45)."""

import json
import tempfile
import zipfile
from collections.abc import AsyncIterator, Sequence
from typing import IO, Any

from app.core import clock, crypto, db
from app.core.crypto import Keys
from app.gateways.storage import Storage
from models.media import Picture
from models.residents import Resident
from services import events, media, notifications, residents
from services.notifications import Told
from services.policies import Actor
from services.privacy.holdings import HELD, Held
from services.privacy.wording import FIELDS

ROWS_AT_ONCE = 500
PICTURES_MAX, PICTURES_BYTES_MAX = 60, 50 * 1024 * 1024
MEMORY_BYTES_MAX = 8 * 1024 * 1024
ABOUT = (
    "这是邻里保存的关于您的全部资料：sections 是属于您的记录，acts 是您为他人办理或决定的事项（只列编号和时间，"
    "内容属于他人）。fields 说明各字段的中文名称。他人只以编号出现。"
)


async def export(actor: Actor, *, keys: Keys, storage: Storage) -> IO[bytes]:
    """A zip archive with `data.json` and the actor's own pictures; the caller closes it.

    Rows are read 500 at a time and what is larger than 8 MiB lies on disk. Pictures beyond 60, or 50 MiB, are named
    by addresses that are good for a day. Raises Unavailable.
    """
    archive = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES_MAX)  # noqa: SIM115 - the caller closes it
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            files = await _add_pictures(actor, storage, made)
            with made.open("data.json", "w") as data:
                async for part in _data(actor, keys, files):
                    data.write(part.encode())
        async with db.tx():
            await events.record(actor, "resident.exported", await Resident.get(id=actor.id))
    except BaseException:
        archive.close()
        raise
    archive.seek(0)
    return archive


async def _add_pictures(actor: Actor, storage: Storage, made: zipfile.ZipFile) -> dict[int, dict[str, str]]:
    """Put the actor's pictures into the archive; for each the file there, or the address where it can be had."""
    uploaded = await db.rows(
        "SELECT m.id, p.sha256 FROM media m JOIN pictures p ON p.id = m.picture_id WHERE m.uploader_id = $1 "
        "ORDER BY m.id DESC",
        actor.id,
    )
    files, size = {}, 0
    for number, line in enumerate(uploaded):
        data = None
        if number < PICTURES_MAX and size < PICTURES_BYTES_MAX:
            data = await storage.get(Picture(sha256=line["sha256"]).name)
        if data is None:
            files[line["id"]] = {"url": media.own_url(line["id"])}
        else:
            size += len(data)
            name = f"pictures/{line['id']}.jpg"
            made.writestr(name, data, zipfile.ZIP_STORED)
            files[line["id"]] = {"file": name}
    return files


async def _data(actor: Actor, keys: Keys, files: dict[int, dict[str, str]]) -> AsyncIterator[str]:
    head = {"resident_id": actor.id, "exported_at": (await clock.now()).isoformat(), "about": ABOUT, "fields": FIELDS}
    yield f'{_json(head)[:-1]}, "sections": ['
    sealed = await residents.sealed_columns()
    for number, held in enumerate(held for held in HELD if held.whose or held.where):
        yield f'{"," if number else ""}\n{{"table": {_json(held.table)}, "title": {_json(held.title)}, "rows": ['
        first = True
        async for row in _rows(actor, held, sealed.get(held.table, []), keys):
            if held.table == "media":
                row |= files.get(row["id"], {})
            yield f"{'' if first else ','}\n{_json(row)}"
            first = False
        yield "]}"
    yield '],\n"acts": ['
    first = True
    for held in HELD:
        for column in held.acts:
            async for act in _acts(actor, held, column):
                yield f"{'' if first else ','}\n{_json(act)}"
                first = False
    yield "]}"


async def _rows(actor: Actor, held: Held, sealed: list[str], keys: Keys) -> AsyncIterator[dict[str, Any]]:
    """The rows of a table that are the actor's own, what is sealed in them opened."""
    without = [*held.without, *held.acts, *(f"{column}_sealed" for column in sealed)]
    opened = "".join(f", t.{column}_sealed" for column in sealed)
    after: int | None = 0
    while after is not None:
        found = await db.rows(
            f"SELECT t.id, (to_jsonb(t) - $2::text[])::text AS line{opened} FROM {held.table} t "
            f"WHERE ({held.is_mine}) AND t.id > $3 ORDER BY t.id LIMIT $4",
            actor.id,
            without,
            after,
            ROWS_AT_ONCE,
        )
        for line, row in zip(found, await _readable(actor, held, found), strict=True):
            for column in sealed:
                value = line[f"{column}_sealed"]
                place = {"table": held.table, "column": column}
                row[column] = None if value is None else crypto.unseal(keys, value, row=line["id"], **place)
            yield row
        after = found[-1]["id"] if len(found) == ROWS_AT_ONCE else None


async def _readable(actor: Actor, held: Held, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows themselves; notices without what others wrote and nobody may read now."""
    rows: list[dict[str, Any]] = [json.loads(line["line"]) for line in found]
    if held.table == "notices":
        told = [Told(actor.id, row["subject_kind"], row["subject_id"], row["params"]) for row in rows]
        rows = [row | {"params": params} for row, params in zip(rows, await notifications.as_shown(told), strict=True)]
    return rows


async def _acts(actor: Actor, held: Held, column: str) -> AsyncIterator[dict[str, Any]]:
    """What the actor did about others' rows of a table: which and when, not what it says."""
    after: int | None = 0
    while after is not None:
        found = await db.rows(
            f"SELECT id, created_at FROM {held.table} WHERE {column} = $1 AND id > $2 ORDER BY id LIMIT $3",
            actor.id,
            after,
            ROWS_AT_ONCE,
        )
        for line in found:
            yield {
                "table": held.table,
                "title": held.title,
                "as": column.removesuffix("_id"),
                "id": line["id"],
                "created_at": line["created_at"].isoformat(),
            }
        after = found[-1]["id"] if len(found) == ROWS_AT_ONCE else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
