"""Pictures: what somebody uploaded, what is kept of it, and what it is attached to."""

from datetime import datetime
from enum import StrEnum

from tortoise import fields

from app.core.errors import Conflict, Invalid, TooLarge, refuses
from models.base import NOW, RESTRICT, Moderation, Record
from models.places import OfCommunity
from models.residents import Resident

UPLOAD_MAX = 10 * 1024 * 1024
"""Bytes in one uploaded file; WeChat's own check takes no more."""
PHOTOS_MAX = 9


class Purpose(StrEnum):
    """What an upload is for. Evidence is never public, and no platform is asked about it."""

    PHOTO = "photo"
    EVIDENCE = "evidence"
    AVATAR = "avatar"


class PictureTooLarge(TooLarge):
    code, zh, en = "picture_too_large", "照片不能超过 10 MB", "A picture has at most 10 MB"


class NotAPicture(Invalid):
    code = "not_a_picture"
    zh = "无法识别这张照片，请上传 JPEG、PNG 或 WebP 图片"
    en = "This is no readable JPEG, PNG or WebP picture"


class TooManyPixels(Invalid):
    code = "picture_too_many_pixels"
    zh = "照片的像素太多，最多 2400 万像素"
    en = "A picture has at most 24 million pixels"


class PictureTooCostly(Invalid):
    code = "picture_too_costly"
    zh = "这张照片无法处理，请换一张，或截屏后再上传"
    en = "This picture cannot be processed; try another, or a screenshot of it"


class TooManyUnused(Conflict):
    code = "too_many_unused_pictures"
    zh = "您有太多未使用的照片，请先使用，或两天后再上传"
    en = "Too many of your pictures are not used yet; use them, or come back in two days"


class UnknownPhoto(Invalid):
    code, zh, en = "unknown_photo", "没有找到这张照片", "No such photo"


class ReceiptUsed(Conflict):
    code, zh, en = "receipt_used", "这张凭证已用于另一笔", "This receipt has been used for something else"


class SamePhotoTwice(Invalid):
    code, zh, en = "same_photo_twice", "同一张照片只能添加一次", "The same photo is added once only"


refuses("attachments_once", SamePhotoTwice)
refuses("attachments_receipt_once", ReceiptUsed)
refuses("attachments_media_id_fkey", UnknownPhoto)
refuses("assistances_media_id_fkey", UnknownPhoto)


class Picture(Record):
    """Bytes kept once under the hash of their content, for however many uploads; `going` while they are deleted."""

    sha256 = fields.BinaryField()
    width = fields.IntField()
    height = fields.IntField()
    touched_at = fields.DatetimeField(db_default=NOW)
    """When somebody last uploaded just this."""
    going = fields.BooleanField(default=False)

    class Meta:
        table = "pictures"

    @property
    def name(self) -> str:
        """Under which the store keeps it."""
        return _name("pictures", bytes(self.sha256))

    @property
    def thumb_name(self) -> str:
        """Under which the store keeps its thumbnail."""
        return _name("thumbs", bytes(self.sha256))


def _name(folder: str, sha256: bytes) -> str:
    return f"{folder}/{sha256.hex()[:2]}/{sha256.hex()}.jpg"


class Media(Record):
    """A picture somebody uploaded; `created_at` is when he last did.

    The check that WeChat is asked for: sent when, tried how often, to be tried (again) when, and the trace id under
    which the answer will come.
    """

    uploader: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "media", on_delete=RESTRICT
    )
    uploader_id: int
    picture: fields.ForeignKeyRelation[Picture] = fields.ForeignKeyField(
        "models.Picture", "uploads", on_delete=RESTRICT
    )
    picture_id: int
    purpose = fields.CharEnumField(Purpose, max_length=16, default=Purpose.PHOTO)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    trace_id = fields.CharField(64, null=True)
    check_sent_at: datetime | None = fields.DatetimeField(null=True)
    check_tries = fields.SmallIntField(default=0)
    next_check_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "media"


class Attachment(OfCommunity, Record):
    """A picture shown with something, in its place among the others."""

    media: fields.ForeignKeyRelation[Media] = fields.ForeignKeyField("models.Media", "attachments", on_delete=RESTRICT)
    media_id: int
    subject_kind = fields.CharField(30)
    subject_id = fields.BigIntField()
    position = fields.SmallIntField()

    class Meta:
        table = "attachments"
