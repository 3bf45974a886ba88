"""Pictures shown with something: attached by whoever uploaded them, read with the thing in one query."""

import json
from collections.abc import Sequence
from typing import Any

from app.core import db
from models.base import Moderation, Record
from models.media import Purpose, UnknownPhoto
from services.media.uploading import Photo
from services.policies import Actor

ATTACH = """
INSERT INTO attachments (community_id, media_id, subject_kind, subject_id, position)
SELECT $1, m.id, $2, $3, wanted.position
FROM unnest($4::bigint[]) WITH ORDINALITY AS wanted (id, position)
JOIN media m ON m.id = wanted.id AND m.uploader_id = $5 AND m.purpose = ANY ($6::text[])
RETURNING id
"""


async def attach(
    actor: Actor,
    subject: Record,
    community_id: int,
    photo_ids: Sequence[int],
    *,
    kind: str | None = None,
    purposes: Sequence[Purpose] = (Purpose.PHOTO,),
) -> None:
    """Show photos of the actor's own with something he has just made, in this order; or keep evidence with it.

    `kind` is a part of it that has pictures of its own, named as in `services.moderation.texts`. They are uploaded by
    whose hand it is. Raises UnknownPhoto for one that is not there, not his, or uploaded for something else;
    SamePhotoTwice.
    """
    if not photo_ids:
        return
    attached = await db.rows(
        ATTACH,
        community_id,
        kind or subject.noun(),
        subject.id,
        list(photo_ids),
        actor.hand_id,
        [one.value for one in purposes],
    )
    if len(attached) != len(photo_ids):
        raise UnknownPhoto


async def detach(subject: Record) -> None:
    """Show no pictures with it any more; what nothing else shows is forgotten like any picture not used."""
    await db.execute("DELETE FROM attachments WHERE subject_kind = $1 AND subject_id = $2", subject.noun(), subject.id)


def photos_sql(kind: str, subject: str, reader: str) -> str:
    """SQL for the photos of one thing as JSON: those that passed, and the reader's own. `read_photos` reads it."""
    return f"""(SELECT json_agg(json_build_object('id', m.id, 'width', p.width, 'height', p.height,
        'moderation', m.moderation, 'own', m.uploader_id = {reader}) ORDER BY a.position)
    FROM attachments a JOIN media m ON m.id = a.media_id JOIN pictures p ON p.id = m.picture_id
    WHERE a.subject_kind = '{kind}' AND a.subject_id = {subject} AND m.purpose = 'photo'
        AND (m.moderation = 'passed' OR m.uploader_id = {reader}))"""


def read_photos(found: Any) -> list[Photo]:
    """What `photos_sql` found."""
    return [Photo(**line | {"moderation": Moderation(line["moderation"])}) for line in json.loads(found or "[]")]


async def entrusted(kind: str, subject_ids: Sequence[int]) -> dict[int, list[Photo]]:
    """All pictures of each thing of a kind, evidence and unchecked ones too, for those who have to judge the thing."""
    found = await db.rows(
        "SELECT a.subject_id, m.id, p.width, p.height, m.moderation, true AS own "
        "FROM attachments a JOIN media m ON m.id = a.media_id JOIN pictures p ON p.id = m.picture_id "
        "WHERE a.subject_kind = $1 AND a.subject_id = ANY ($2::bigint[]) ORDER BY a.position",
        kind,
        list(subject_ids),
    )
    photos: dict[int, list[Photo]] = {subject_id: [] for subject_id in subject_ids}
    for line in found:
        photos[line.pop("subject_id")].append(Photo(**line | {"moderation": Moderation(line["moderation"])}))
    return photos


async def photos_of(actor: Actor, kind: str, subject_ids: Sequence[int]) -> dict[int, list[Photo]]:
    """The photos that the actor may see of each thing of a kind; one query for a whole page."""
    found = await db.rows(
        f"SELECT s.id, {photos_sql(kind, 's.id', '$2')} AS photos FROM unnest($1::bigint[]) AS s (id)",
        list(subject_ids),
        actor.id,
    )
    return {line["id"]: read_photos(line["photos"]) for line in found}
