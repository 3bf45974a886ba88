"""Posters to share and codes to hang up: drawn when first asked for, kept in the store until what they say changes."""

import asyncio
import hashlib
from dataclasses import replace
from weakref import WeakValueDictionary

from app.core.errors import NotFound
from app.gateways.storage import Storage
from app.gateways.wechat import EnvVersion, Wechat
from models.codes import CodeKind, PosterKind
from models.places import Place, PlaceKind
from services import codes, places
from services.drawing import Card, Poster, Sheet, in_the_studio, poster, sheet
from services.policies import Actor, require
from services.posters.facts import NoPublicPoster, facts

__all__ = ["CODES_MOST", "NoPublicPoster", "drawn", "sheet_of_codes"]

EDITION = 1
"""To be raised when posters of the same facts are drawn otherwise."""
HEAD = 4096
"""Bytes of a PNG within which its mark stands."""
CODES_MOST = 12
_brushes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def drawn(
    actor: Actor,
    wechat: Wechat,
    storage: Storage,
    kind: PosterKind,
    thing_id: int,
    *,
    version: EnvVersion,
    english: bool,
) -> bytes:
    """The poster of a thing the actor may see and everybody may read of, as a PNG.

    It is drawn anew when what it says has changed. Raises NotFound, InvalidState, NoPublicPoster, Unavailable, and
    WxUnavailable while its code was never made.
    """
    said = await facts(actor, kind, thing_id, english=english)
    if said.url is None:
        said = replace(
            said, code=await codes.picture(actor, wechat, storage, CodeKind(kind), thing_id, version=version)
        )
    name = f"posters/{kind}/{thing_id}.{'en' if english else 'zh'}.png"
    mark = _mark(said)
    async with _brushes.setdefault(name, asyncio.Lock()):
        kept = await storage.get(name)
        if kept is not None and mark.encode() in kept[:HEAD]:
            return kept
        made = await in_the_studio(poster, said, mark)
        await storage.put(name, made)
    return made


async def sheet_of_codes(
    actor: Actor, wechat: Wechat, storage: Storage, place_id: int, *, first: int, count: int, version: EnvVersion
) -> bytes:
    """A PDF of the codes of a building, or of `count` of a community's or grid's buildings from the first-th on.

    For its staff. Raises NotFound, Forbidden, Unavailable, WxUnavailable.
    """
    place = await places.find(place_id)
    if place.community_id is None:
        raise NotFound("只有社区、网格和楼栋有二维码", "Only communities, grids and buildings have codes")
    require(actor.is_staff(place.community_id), "只有社区工作人员可以打印", "Only the staff may print these")
    buildings = Place.filter(path__startswith=place.path, kind=PlaceKind.BUILDING).order_by("id")
    cards = []
    for building in await buildings.offset(first - 1).limit(min(count, CODES_MOST)):
        code = await codes.picture(actor, wechat, storage, CodeKind.PLACE, building.id, version=version)
        cards.append(Card(building.name, "微信扫一扫，进入本楼栋", code))
    if not cards:
        raise NotFound("这里没有楼栋", "There are no buildings here")
    community = (await places.find_community(place.community_id)).name
    heading = community if place.id == place.community_id else f"{community} · {place.name}"
    return await in_the_studio(sheet, Sheet(f"{heading} 二维码", f"邻里 · {community}", tuple(cards)))


def _mark(said: Poster) -> str:
    return hashlib.sha256(repr((EDITION, said)).encode()).hexdigest()
