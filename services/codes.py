"""Mini-program codes and links: made once for each thing, kept, and shown to whoever may see the thing."""

import asyncio
import io
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog
from PIL import Image, UnidentifiedImageError

from app.core import db
from app.core.errors import NotFound, Unavailable
from app.core.tokens import CODE_LETTERS, new_code
from app.gateways.errors import WxBadResponse, WxError, WxUnavailable
from app.gateways.storage import Storage
from app.gateways.wechat import EnvVersion, Wechat
from models.codes import SCENE_LENGTH, Code, CodeKind
from models.places import Place
from models.volunteering import Activity
from services import crowdfunding, deliberations, needs, places, volunteering, wishes
from services.policies import Actor

T = TypeVar("T")

ASKING_S, WAITING_S, LOOKING_S = 15, 10.0, 0.1  # who asks WeChat has 10 s, and then the store
LINK_DAYS = 30
SCENE_TRIES = 5
SIDE_MAX = 1280  # pixels; WeChat draws nothing larger
SCENE = re.compile(f"[{CODE_LETTERS}]{{{SCENE_LENGTH}}}")
LOOK_ALIKES = str.maketrans("OIL", "011")

log = structlog.stdlib.get_logger("linli.codes")


async def picture(
    actor: Actor, wechat: Wechat, storage: Storage, kind: CodeKind, thing_id: int, *, version: EnvVersion
) -> bytes:
    """The mini-program code of a thing the actor may see, as a PNG. WeChat is asked once, outside any transaction.

    Raises NotFound, Unavailable, and WxUnavailable; then nothing is kept, and the next reader asks again.
    """
    code = await _code(actor, kind, thing_id)
    name = f"codes/{version}/{code.page}/{code.scene}.png"

    async def draw() -> bytes:
        drawn = await asyncio.to_thread(as_png, await _asked(wechat.code_picture(code.scene, code.page)))
        await storage.put(name, drawn)
        return drawn

    return await _by_one(code, partial(storage.get, name), draw)


@dataclass(frozen=True)
class Link:
    """An https address that opens a thing in WeChat; handed out until a day before WeChat ends it."""

    url: str
    expires_at: datetime


async def link(actor: Actor, wechat: Wechat, kind: CodeKind, thing_id: int, *, version: EnvVersion) -> Link:
    """The link of a thing the actor may see. WeChat is asked once in 29 days, outside any transaction.

    Raises NotFound, Unavailable, and WxUnavailable.
    """
    code = await _code(actor, kind, thing_id)

    async def make() -> Link:
        url = await _asked(wechat.link(code.page, f"scene={code.scene}", days=LINK_DAYS))
        await db.execute(KEEP_LINK, code.id, url, version, LINK_DAYS - 1)
        kept = await _kept_link(code, version)
        assert kept is not None  # noqa: S101 - just kept
        return kept

    return await _by_one(code, partial(_kept_link, code, version), make)


async def resolve(actor: Actor, scene: str) -> Code:
    """What a scanned scene id stands for, if the actor may see it. Raises NotFound, the same for both."""
    typed = scene.upper().translate(LOOK_ALIKES)
    code = await Code.get_or_none(scene=typed) if SCENE.fullmatch(typed) else None
    if code is None:
        raise _NoSuchCode
    try:
        await DOORS[code.kind](actor, code.subject_id)
    except NotFound:
        raise _NoSuchCode from None
    return code


def as_png(drawn: bytes) -> bytes:
    """The picture WeChat drew, JPEG or PNG, as a PNG. Raises WxBadResponse."""
    try:
        with Image.open(io.BytesIO(drawn), formats=("JPEG", "PNG")) as image:
            if max(image.size) > SIDE_MAX:
                raise WxBadResponse(f"a code of {image.size} pixels")
            saved = io.BytesIO()
            image.convert("RGB").save(saved, "PNG", optimize=True)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise WxBadResponse(f"a code that is no picture: {error}") from error
    return saved.getvalue()


class _NoSuchCode(NotFound):
    zh, en = "这个码已经失效，或者您看不到它的内容", "This code leads nowhere that you may go"


async def _activity(actor: Actor, activity_id: int) -> Activity:
    return (await volunteering.find(actor, activity_id)).activity


async def _place(_: Actor, place_id: int) -> Place:
    place = await places.find(place_id)
    if place.community_id is None:
        raise NotFound("没有找到这个地方", "No such place")
    return place


DOORS: dict[CodeKind, Callable[[Actor, int], Awaitable[Any]]] = {
    CodeKind.NEED: needs.find,
    CodeKind.WISH: wishes.find,
    CodeKind.DELIBERATION: deliberations.find,
    CodeKind.ACTIVITY: _activity,
    CodeKind.CAMPAIGN: crowdfunding.find,
    CodeKind.PLACE: _place,
}
"""Each kind's own door: what one may not see has no code."""


async def _code(actor: Actor, kind: CodeKind, thing_id: int) -> Code:
    thing = await DOORS[kind](actor, thing_id)
    for _ in range(SCENE_TRIES):
        code = await Code.get_or_none(kind=kind, subject_id=thing_id)
        if code is not None:
            return code
        scene = new_code(SCENE_LENGTH)
        await db.execute(MAKE, thing.community_id, scene, kind, thing_id)
    raise Unavailable


# Another may have made it meanwhile, or the scene may be taken: then nothing happens, and one looks again.
MAKE = "INSERT INTO codes (community_id, scene, kind, subject_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
KEEP_LINK = """
UPDATE codes SET link = $2, link_version = $3, link_until = clock_now() + $4 * interval '1 day' WHERE id = $1
"""
LINK = """
SELECT link AS url, link_until AS expires_at FROM codes
WHERE id = $1 AND link_version = $2 AND link_until > clock_now()
"""
ASK = f"""
UPDATE codes SET asking_until = clock_now() + interval '{ASKING_S} seconds'
WHERE id = $1 AND (asking_until IS NULL OR asking_until <= clock_now()) RETURNING id
"""
ASKED = "UPDATE codes SET asking_until = NULL WHERE id = $1"
ASKING = "SELECT asking_until > clock_now() FROM codes WHERE id = $1"


async def _kept_link(code: Code, version: EnvVersion) -> Link | None:
    found = await db.row(LINK, code.id, version)
    return Link(**found) if found else None


async def _by_one(code: Code, look: Callable[[], Awaitable[T | None]], make: Callable[[], Awaitable[T]]) -> T:
    """What is kept, or what is made now: of all who come at once one makes it, and the others wait for him."""
    kept = await look()
    if kept is not None:
        return kept
    if await db.value(ASK, code.id):
        try:
            return await look() or await make()
        finally:
            await db.execute(ASKED, code.id)
    for _ in range(int(WAITING_S / LOOKING_S)):
        await asyncio.sleep(LOOKING_S)
        asking = await db.value(ASKING, code.id)
        kept = await look()
        if kept is not None:
            return kept
        if not asking:
            break
    raise Unavailable("微信服务暂时不可用，请稍后再试", "WeChat is not available; try again shortly")


async def _asked(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except WxUnavailable:
        raise
    except WxError as error:
        log.error("WeChat makes no code", errcode=error.errcode, said=str(error))
        raise
