"""Pictures: uploaded, looked at again by those they belong to, and served under signed addresses."""

import hashlib
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, File, Form, Query, Request, Response, UploadFile

from app.core import rates
from models.media import UPLOAD_MAX, PictureTooLarge, Purpose
from routers.deps import CurrentActor, IdempotencyKey, Once, TheDarkroom, TheStorage, TheWechat, limit
from routers.house import PUBLIC, make_router
from routers.schemas.base import PathId
from routers.schemas.media import PhotoOut
from services import media
from services.media import Photo, Size

router = make_router("/media", "media")

SERVED = {
    "Cache-Control": "private, max-age=3600",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The picture"},
    307: {"description": "The store's own address for it"},
}


async def seldom(request: Request, actor: CurrentActor) -> None:
    """At most 60 uploads an hour."""
    await limit(request, rates.UPLOADS, "uploads", str(actor.id))


@router.post("", response_model=PhotoOut, status_code=201, dependencies=[Depends(seldom)])
async def upload_picture(
    actor: CurrentActor,
    wechat: TheWechat,
    storage: TheStorage,
    darkroom: TheDarkroom,
    file: Annotated[UploadFile, File(description="JPEG, PNG or WebP; at most 10 MB and 24 million pixels")],
    purpose: Annotated[Purpose, Form(description="`evidence` is never public; `avatar` is for PUT /v1/me")] = (
        Purpose.PHOTO
    ),
    idempotency_key: IdempotencyKey = None,
) -> Photo:
    """Upload one picture (`wx.uploadFile`, name `file`); attach its id to what you write within two days."""
    raw = await file.read(UPLOAD_MAX + 1)
    if len(raw) > UPLOAD_MAX:
        raise PictureTooLarge
    asked = f"POST /v1/media {purpose}\n".encode() + hashlib.sha256(raw).digest()
    only_once = Once(actor, wechat, idempotency_key, asked)
    picture_id = await media.develop(storage, darkroom, raw)
    return await only_once(partial(media.keep, actor, picture_id, purpose=purpose), partial(media.find, actor))


@router.get("/{media_id}", response_model=PhotoOut)
async def get_picture(actor: CurrentActor, media_id: PathId) -> Photo:
    """One's own picture with fresh addresses; evidence also for the staff of the community it was given to."""
    return await media.find(actor, media_id)


@router.get("/{media_id}/{size}", response_class=Response, responses=JPEG, openapi_extra=PUBLIC)
async def open_picture(
    storage: TheStorage, media_id: PathId, size: Size, token: Annotated[str, Query(max_length=200)]
) -> Response:
    """The picture or its thumbnail; the token in the address is the permission."""
    found = await media.opened(storage, media_id, size, token=token)
    if found.url is not None:
        return Response(status_code=307, headers={"Location": found.url, "Cache-Control": "private, max-age=240"})
    return Response(found.data, media_type="image/jpeg", headers=SERVED)
