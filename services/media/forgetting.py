"""What nothing was made of goes after two days; bytes go with the last upload that had them."""

from app.core import db
from app.core.db import atomic
from app.gateways.storage import Storage
from models.media import Picture
from services.due import one_by_one
from services.media.uploading import UNUSED

DUE_MAX = 200
UNUSED_DAYS, UNTOUCHED_HOURS = 2, 1


async def forget_unused() -> None:
    """Delete uploads of two days ago that nothing was made of, at most 200, each in a transaction of its own."""
    due = await db.rows(
        f"SELECT m.id FROM media m WHERE m.created_at <= clock_now() - interval '{UNUSED_DAYS} days' AND {UNUSED} "
        f"ORDER BY m.created_at LIMIT {DUE_MAX}"
    )
    await one_by_one((line["id"] for line in due), _forget)


@atomic()
async def _forget(media_id: int) -> None:
    # Under the lock nobody can attach it (his foreign key waits), and what was attached before is seen below.
    if await db.value("SELECT id FROM media WHERE id = $1 FOR UPDATE SKIP LOCKED", media_id) is None:
        return
    await db.execute(
        f"DELETE FROM media m WHERE m.id = $1 AND m.created_at <= clock_now() - interval '{UNUSED_DAYS} days' "
        f"AND {UNUSED}",
        media_id,
    )


async def sweep(storage: Storage) -> None:
    """Delete the bytes that no upload has had for an hour, at most 200 pictures.

    A picture is `going` first, in a transaction of its own: from then on nobody takes it up (`develop` waits for it to
    be gone), so nothing that somebody still wants is deleted, and what a crash leaves `going` is finished here.
    """
    due = await db.rows(
        "SELECT p.id FROM pictures p WHERE (p.going OR p.touched_at <= clock_now() - "
        f"interval '{UNTOUCHED_HOURS} hours') AND NOT EXISTS (SELECT 1 FROM media m WHERE m.picture_id = p.id) "
        f"ORDER BY p.touched_at LIMIT {DUE_MAX}"
    )

    async def delete(picture_id: int) -> None:
        picture = await _take(picture_id)
        if picture is not None:
            await storage.delete(picture.name)
            await storage.delete(picture.thumb_name)
            await db.execute("DELETE FROM pictures WHERE id = $1 AND going", picture.id)

    await one_by_one((line["id"] for line in due), delete)


@atomic()
async def _take(picture_id: int) -> Picture | None:
    picture = await Picture.filter(id=picture_id).select_for_update().get_or_none()
    if picture is None or await db.value(
        "SELECT EXISTS (SELECT 1 FROM media WHERE picture_id = $1) OR NOT going "
        f"AND touched_at > clock_now() - interval '{UNTOUCHED_HOURS} hours' FROM pictures WHERE id = $1",
        picture_id,
    ):
        return None
    await Picture.filter(id=picture_id).update(going=True)
    return picture
