"""Uploading: a hostile file becomes two JPEGs of ours, kept once under the hash of their content."""

import hashlib
from dataclasses import dataclass

from app.core import db
from app.core.db import atomic
from app.core.errors import NotFound, Unavailable
from app.gateways.darkroom import Darkroom
from app.gateways.errors import PictureRefused
from app.gateways.storage import Storage
from models.base import Moderation
from models.media import (
    UPLOAD_MAX,
    Media,
    NotAPicture,
    Picture,
    PictureTooCostly,
    PictureTooLarge,
    Purpose,
    TooManyPixels,
    TooManyUnused,
)
from services import events
from services.media import links
from services.media.links import Audience, Size
from services.policies import Actor
from services.policies.actor import STAFF

UNUSED_MAX = 100
REDIRECT_S = 300

REFUSALS = {"not_a_picture": NotAPicture, "too_many_pixels": TooManyPixels, "too_costly": PictureTooCostly}

# What nothing was made of. `m` is the row of media.
UNUSED = """
NOT EXISTS (SELECT 1 FROM attachments a WHERE a.media_id = m.id)
AND NOT EXISTS (SELECT 1 FROM assistances s WHERE s.media_id = m.id)
AND NOT EXISTS (SELECT 1 FROM residents r WHERE r.avatar_id = m.id)
AND NOT EXISTS (SELECT 1 FROM residents r WHERE r.wanted_avatar_id = m.id)
"""
TOUCH = """
INSERT INTO pictures (sha256, width, height) VALUES ($1, $2, $3)
ON CONFLICT ON CONSTRAINT pictures_sha256_key DO UPDATE SET touched_at = clock_now() WHERE NOT pictures.going
RETURNING id
"""
KEEP = """
INSERT INTO media (uploader_id, picture_id, purpose, moderation, next_check_at)
VALUES ($1, $2, $3::text, $4::text, CASE WHEN $4::text = 'checking' THEN clock_now() END)
ON CONFLICT ON CONSTRAINT media_once_each DO UPDATE SET created_at = clock_now()
RETURNING id
"""
SEEN = """
SELECT m.id, m.moderation, p.width, p.height, m.uploader_id = $1 AS own
FROM media m JOIN pictures p ON p.id = m.picture_id
WHERE m.id = $2 AND (m.uploader_id = $1 OR m.purpose = 'evidence' AND (
    EXISTS (SELECT 1 FROM assistances s WHERE s.media_id = m.id AND s.community_id = ANY($3::bigint[]))
    OR EXISTS (SELECT 1 FROM attachments a WHERE a.media_id = m.id AND a.community_id = ANY($3::bigint[]))))
"""


@dataclass(frozen=True)
class Photo:
    """A picture as somebody may see it; `own` or entrusted ones also before they pass."""

    id: int
    width: int
    height: int
    moderation: Moderation
    own: bool

    @property
    def url(self) -> str:
        """Where it is served, for an hour or two."""
        return self._address(Size.FILE)

    @property
    def thumb_url(self) -> str:
        """Where its thumbnail is served, for an hour or two."""
        return self._address(Size.THUMB)

    def _address(self, size: Size) -> str:
        audience = Audience.OWNER if self.own else Audience.READER
        return links.current().address(self.id, size, audience, hours=links.READING_HOURS)


async def develop(storage: Storage, darkroom: Darkroom, raw: bytes) -> int:
    """Make a picture of an uploaded file and keep its bytes; the id under which `keep` finds them.

    Outside any transaction. Raises PictureTooLarge, NotAPicture, TooManyPixels, PictureTooCostly, Unavailable.
    """
    if len(raw) > UPLOAD_MAX:
        raise PictureTooLarge
    try:
        made = await darkroom.develop(raw)
    except PictureRefused as exc:
        raise REFUSALS[exc.reason] from exc
    picture = Picture(sha256=hashlib.sha256(made.full).digest())
    picture_id = await db.value(TOUCH, picture.sha256, made.width, made.height)
    if picture_id is None:  # the same bytes are being deleted just now; the next try finds them gone
        raise Unavailable
    for name, data in ((picture.name, made.full), (picture.thumb_name, made.thumb)):
        if not await storage.exists(name):
            await storage.put(name, data)
    return int(picture_id)


@atomic()
async def keep(actor: Actor, picture_id: int, *, purpose: Purpose) -> Photo:
    """Note that the actor uploaded a picture; the same again is the same row. Raises TooManyUnused.

    Evidence is shown to nobody but him and the staff, so nobody else is asked about it.
    """
    unused = await db.value(
        f"SELECT count(*) FROM media m WHERE m.uploader_id = $1 AND m.picture_id <> $2 AND {UNUSED}",
        actor.id,
        picture_id,
    )
    if unused >= UNUSED_MAX:
        raise TooManyUnused
    moderation = Moderation.PASSED if purpose is Purpose.EVIDENCE else Moderation.CHECKING
    media_id = await db.value(KEEP, actor.id, picture_id, purpose, moderation)
    await events.owe_for("media", media_id)
    return await find(actor, media_id)


async def find(actor: Actor, media_id: int) -> Photo:
    """One's own picture, or evidence for the staff of the community it was given to. Raises NotFound.

    Others meet a picture only in what it is attached to.
    """
    found = await db.row(SEEN, actor.id, media_id, actor.serves(*STAFF))
    if found is None:
        raise NotFound("没有找到这张照片", "No such picture")
    return Photo(**found | {"moderation": Moderation(found["moderation"]), "own": True})


@dataclass(frozen=True)
class Opened:
    """What an address leads to: the bytes, or the store's own address for them."""

    data: bytes | None
    url: str | None


async def opened(storage: Storage, media_id: int, size: Size, *, token: str) -> Opened:
    """What a signed address leads to. Raises NotFound when it is forged or over, or the picture hidden or gone."""
    audience = links.current().audience(media_id, size, token)
    media = await Media.get_or_none(id=media_id).select_related("picture") if audience else None
    if media is None or (audience is Audience.READER and media.moderation is not Moderation.PASSED):
        raise NotFound("没有找到这张照片", "No such picture")
    name = media.picture.name if size is Size.FILE else media.picture.thumb_name
    if audience is not Audience.CHECKER and (url := await storage.signed_url(name, seconds=REDIRECT_S)):
        return Opened(None, url)
    data = await storage.get(name)
    if data is None:
        raise NotFound("没有找到这张照片", "No such picture")
    return Opened(data, None)
