"""Many ask for the code of one thing at once: WeChat is asked by one of them."""

import asyncio
import io
from typing import Any

import pytest
from PIL import Image

from app.core import db
from app.core.errors import Unavailable
from app.gateways.errors import WxUnavailable
from models.codes import Code, CodeKind
from models.needs import NeedField, ServiceClass
from services import codes, needs
from tests.people import People

READERS = 8


class SlowWechat:
    """Draws, taking its time, or fails while `away`."""

    def __init__(self) -> None:
        self.asked, self.away = 0, False

    async def code_picture(self, scene_id: str, page: str) -> bytes:
        self.asked += 1
        await asyncio.sleep(0.5)
        if self.away:
            raise WxUnavailable("no answer")
        drawn = io.BytesIO()
        Image.new("RGB", (430, 430), "white").save(drawn, "JPEG")
        return drawn.getvalue()

    async def link(self, page: str, query: str, *, days: int) -> str:
        self.asked += 1
        await asyncio.sleep(0.5)
        return f"https://wxaurl.cn/{self.asked}"


class Shelf:
    """A store in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def get(self, name: str) -> bytes | None:
        return self.kept.get(name)

    async def put(self, name: str, data: bytes) -> None:
        self.kept[name] = data


class Readers:
    """小林, many times over, before one need."""

    def __init__(self, people: People, need_id: int) -> None:
        self.lin, self.need_id = people.lin, need_id
        self.wechat, self.shelf = SlowWechat(), Shelf()

    async def pictures(self, count: int = READERS) -> list[Any]:
        asked: Any = (self.lin, self.wechat, self.shelf, CodeKind.NEED, self.need_id)
        reading = (codes.picture(*asked, version="release") for _ in range(count))
        return await asyncio.gather(*reading, return_exceptions=True)

    async def links(self) -> list[Any]:
        asked: Any = (self.lin, self.wechat, CodeKind.NEED, self.need_id)
        return await asyncio.gather(*(codes.link(*asked, version="release") for _ in range(READERS)))


@pytest.fixture
async def readers(committed: str) -> Readers:
    people = await People.load()
    about: dict[str, Any] = {"service_class": ServiceClass.MUTUAL_AID, "field": NeedField.SAFETY}
    need = await needs.submit(people.lin, community_id=people.jy, title="楼道灯坏了", body="都不亮。", **about)
    return Readers(people, need.id)


async def test_one_asks_and_all_get_the_picture(readers: Readers) -> None:
    pictures = await readers.pictures()
    assert len({bytes(picture) for picture in pictures}) == 1
    assert readers.wechat.asked == 1
    assert await Code.all().count() == 1


async def test_one_asks_and_all_get_the_link(readers: Readers) -> None:
    assert {link.url for link in await readers.links()} == {"https://wxaurl.cn/1"}


async def test_without_the_claim_wechat_is_asked_again_and_again(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "ASK", "SELECT $1::bigint")
    await readers.pictures()
    assert readers.wechat.asked > 1


async def test_when_the_one_fails_the_others_hear_it_at_once(readers: Readers) -> None:
    readers.wechat.away = True
    told = await asyncio.wait_for(readers.pictures(), 5)
    assert sorted({type(one) for one in told}, key=str) == [Unavailable, WxUnavailable]
    assert readers.wechat.asked == 1
    assert not readers.shelf.kept
    readers.wechat.away = False
    assert isinstance((await readers.pictures(1))[0], bytes)


async def test_who_died_asking_holds_up_nobody_for_long(readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    await readers.pictures(1)
    readers.shelf.kept.clear()
    await db.execute("UPDATE codes SET asking_until = clock_now() + interval '15 seconds'")
    monkeypatch.setattr(codes, "WAITING_S", 0.3)
    assert [type(one) for one in await readers.pictures(1)] == [Unavailable]
    await db.execute("UPDATE codes SET asking_until = clock_now()")
    assert isinstance((await readers.pictures(1))[0], bytes)
