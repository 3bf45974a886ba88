"""Posters to pass on, receipts of gifts, codes to hang up: drawn for whoever may, and for nobody else."""

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from app.core import db
from app.core.errors import Unavailable
from models.base import Moderation
from models.codes import CodeKind, PosterKind
from models.crowdfunding import LegalPath
from models.payments import Refund
from models.places import Place, PlaceKind
from services import crowdfunding, payments, places
from services.crowdfunding import Charity
from services.drawing import studio
from services.posters.facts import facts
from tests.people import People
from tests.raising import draft, money, opened, paid, refund_notice
from tests.routers.test_codes import MAKERS, a_campaign, a_need, a_wish

As = Callable[[str], Awaitable[httpx.AsyncClient]]
CHARITY = Charity("锦城慈善基金会", "53510000MJQ1234567", "53510000MJQ1234567A26001", "https://charity.example.org/p/1")
ENGLISH = {"Accept-Language": "en"}


async def a_poster(as_: As, people: People, kind: PosterKind) -> int:
    """Something of the kind that has a poster."""
    if kind is PosterKind.CAMPAIGN:
        return (await opened(people, legal_path=LegalPath.CHARITY, charity=CHARITY)).id
    return await MAKERS[CodeKind(kind)](as_, people)


def picture(answer: httpx.Response) -> Image.Image:
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png"), answer.text
    return Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize("kind", PosterKind)
async def test_each_kind_has_a_poster_in_two_languages(as_: As, people: People, kind: PosterKind) -> None:
    where = f"/v1/posters/{kind}/{await a_poster(as_, people, kind)}.png"
    for who in ("lin", "wu", "guest"):
        answer = await (await as_(who)).get(where)
        assert (picture(answer).width, answer.headers["Vary"]) == (750, "Accept-Language")
    english = await (await as_("lin")).get(where, headers=ENGLISH)
    assert picture(english).width == 750
    assert english.content != answer.content
    assert (await (await as_("lin")).get(where)).content == answer.content, "the same for all, and every time"


async def test_who_has_it_already_is_told_so(as_: As, people: People) -> None:
    lin, where = await as_("lin"), f"/v1/posters/need/{await a_need(as_, people)}.png"
    first = await lin.get(where)
    again = await lin.get(where, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_it_is_drawn_anew_when_what_it_says_changes(as_: As, people: People, app: FastAPI) -> None:
    need, lin = await a_need(as_, people), await as_("lin")
    where, name = f"/v1/posters/need/{need}.png", f"posters/need/{need}.zh.png"
    first = (await lin.get(where)).content
    await app.state.storage.put(name, first + b"kept")
    assert (await lin.get(where)).content == first + b"kept", "not drawn again"
    await (await as_("mei")).put(f"/v1/needs/{need}/endorsement")
    endorsed = (await lin.get(where)).content
    assert endorsed not in (first, first + b"kept")
    assert await app.state.storage.get(name) == endorsed
    await (await as_("mei")).delete(f"/v1/needs/{need}/endorsement")
    assert (await lin.get(where)).content == first


@pytest.mark.parametrize("kind", PosterKind)
async def test_what_did_not_pass_has_none_not_even_for_its_author(as_: As, people: People, kind: PosterKind) -> None:
    thing = await a_poster(as_, people, kind)
    table = {"wish": "wishes", "activity": "activities"}.get(kind, f"{kind}s")
    # What is published has passed, the database holds campaigns to that; it may be hidden later.
    waiting = [] if kind is PosterKind.CAMPAIGN else [Moderation.CHECKING, Moderation.QUEUED]
    for moderation in (*waiting, Moderation.HIDDEN):
        await db.execute(f"UPDATE {table} SET moderation = $2 WHERE id = $1", thing, moderation.value)
        for who in ("lin", "wang", "chen", "ma", "wu"):
            answer = await (await as_(who)).get(f"/v1/posters/{kind}/{thing}.png")
            assert answer.status_code == 404, (moderation, who)


async def test_a_wish_in_review_has_none(as_: As, people: People) -> None:
    about = {"community_id": people.jy, "kind": "service", "title": "想学挂号", "body": "教我一次。"}
    wish = int((await (await as_("wang")).post("/v1/wishes", json=about)).json()["id"])
    for who in ("wang", "chen", "lin"):
        assert (await (await as_(who)).get(f"/v1/posters/wish/{wish}.png")).status_code == 404, who


async def test_a_draft_has_none(as_: As, people: People) -> None:
    made = (await draft(people, legal_path=LegalPath.CHARITY, charity=CHARITY)).id
    for who in ("ma", "chen", "lin"):
        assert (await (await as_(who)).get(f"/v1/posters/campaign/{made}.png")).status_code == 404, who


async def test_what_is_raised_within_the_community_has_no_poster(as_: As, people: People) -> None:
    campaign = await a_campaign(as_, people)
    for who in ("lin", "chen", "sun", "qian"):
        refused = await (await as_(who)).get(f"/v1/posters/campaign/{campaign}.png")
        assert (refused.status_code, refused.json()["code"]) == (403, "no_public_poster"), who
    for who in ("wu", "deng", "guest"):
        assert (await (await as_(who)).get(f"/v1/posters/campaign/{campaign}.png")).status_code == 404, who


async def test_a_charitys_poster_leads_to_its_platform(as_: As, people: People) -> None:
    campaign = await a_poster(as_, people, PosterKind.CAMPAIGN)
    said = await facts(people.wu, PosterKind.CAMPAIGN, campaign, english=False)
    assert (said.url, said.code) == (CHARITY.platform_url, None)
    assert ("募捐方", CHARITY.name) in said.rows
    assert "邻里不收款" in said.hint
    government = (await opened(people, legal_path=LegalPath.GOVERNMENT)).id
    said = await facts(people.wu, PosterKind.CAMPAIGN, government, english=False)
    assert said.url is None
    assert (await (await as_("guest")).get(f"/v1/posters/campaign/{government}.png")).status_code == 200


async def test_what_was_withdrawn_has_none(as_: As, people: People) -> None:
    need, wish = await a_need(as_, people), await a_wish(as_, people)
    await (await as_("lin")).post(f"/v1/needs/{need}/withdraw")
    await (await as_("wang")).post(f"/v1/wishes/{wish}/withdraw")
    for where in (f"need/{need}", f"wish/{wish}"):
        refused = await (await as_("chen")).get(f"/v1/posters/{where}.png")
        assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state"), where


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ("place/1", 422),
        ("resident/1", 422),
        ("need/0", 422),
        ("need/x", 422),
        ("need/999999", 404),
        ("wish/999999", 404),
    ],
)
async def test_what_has_no_poster(as_: As, anonymous: httpx.AsyncClient, where: str, status: int) -> None:
    assert (await (await as_("lin")).get(f"/v1/posters/{where}.png")).status_code == status
    assert (await anonymous.get(f"/v1/posters/{where}.png")).status_code == 401


@pytest.mark.parametrize("kind", PosterKind)
async def test_a_poster_names_nobody(as_: As, people: People, kind: PosterKind) -> None:
    for nth, openid in enumerate(("lin", "wang", "chen", "ma", "zhao")):
        await db.execute("UPDATE residents SET nickname = $2 WHERE id = $1", people[openid].id, f"名字金丝雀{nth}")
    thing = await a_poster(as_, people, kind)
    for who in ("lin", "wang", "chen", "ma"):
        said = await facts(people[who], kind, thing, english=False)
        assert "金丝雀" not in repr(asdict(said)), who
    if kind is PosterKind.WISH:
        assert said.body == ""


async def test_a_shared_wish_shows_how_many_have_joined(as_: As, people: People) -> None:
    about = {"community_id": people.jy, "kind": "service", "title": "搬家", "body": "三人。", "claimers": 3}
    wish = int((await (await as_("wang")).post("/v1/wishes", json=about)).json()["id"])
    await (await as_("chen")).post(f"/v1/wishes/{wish}/approve")
    for who, percent in (("lin", 0), ("mei", 33), ("he", 66)):
        said = await facts(people.wu, PosterKind.WISH, wish, english=False)
        assert said.progress is not None
        assert said.progress.percent == percent
        await (await as_(who)).post(f"/v1/wishes/{wish}/claim")


async def test_few_draw_at_once_and_who_waits_too_long_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "WAIT_S", 0.05)
    drawing, most = 0, 0

    def slowly() -> None:
        nonlocal drawing, most
        drawing += 1
        most = max(most, drawing)
        time.sleep(0.2)
        drawing -= 1

    came = await asyncio.gather(*(studio.in_the_studio(slowly) for _ in range(6)), return_exceptions=True)
    assert most == studio.AT_ONCE
    assert [type(one) for one in came if one is not None] == [Unavailable] * 4
    assert await studio.in_the_studio(lambda: "free again") == "free again"


async def test_a_crowd_that_asks_for_one_poster_gets_the_same(as_: As, people: People) -> None:
    need, lin = await a_need(as_, people), await as_("lin")
    await lin.get(f"/v1/codes/need/{need}.png")
    answers = await asyncio.gather(*(lin.get(f"/v1/posters/need/{need}.png") for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


async def test_the_giver_has_a_receipt(as_: As, people: People, anonymous: httpx.AsyncClient) -> None:
    gift = await paid(people.lin, await opened(people), 12_345)
    where = f"/v1/pledges/{gift.id}/receipt.png"
    assert picture(await (await as_("lin")).get(where)).width == 750
    for who, status in (("chen", 403), ("ma", 403), ("mei", 404), ("sun", 404), ("wu", 404), ("guest", 404)):
        assert (await (await as_(who)).get(where)).status_code == status, who
    assert (await anonymous.get(where)).status_code == 401


async def test_without_a_payment_there_is_no_receipt(as_: As, people: People) -> None:
    campaign = await opened(people)
    promised = await money(people.lin, campaign)
    lin = await as_("lin")
    refused = await lin.get(f"/v1/pledges/{promised.id}/receipt.png")
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state")
    said: dict[str, Any] = {"kind": "in_kind", "amount_fen": 5_000, "item": "一袋米"}
    goods = (await lin.post(f"/v1/campaigns/{campaign.id}/pledges", json=said)).json()["id"]
    assert (await lin.get(f"/v1/pledges/{goods}/receipt.png")).status_code == 409


async def test_what_was_given_back_is_marked(as_: As, people: People) -> None:
    gift = await paid(people.lin, await opened(people), 5_000)
    lin, where = await as_("lin"), f"/v1/pledges/{gift.id}/receipt.png"
    whole = (await lin.get(where)).content
    await crowdfunding.take_back(people.lin, gift.id)
    asked = (await lin.get(where)).content
    refund = await Refund.get(order__pledge_id=gift.id)
    await payments.hear(await refund_notice(refund))
    returned = (await lin.get(where)).content
    assert len({whole, asked, returned}) == 3


async def test_the_staff_print_the_codes_of_their_buildings(as_: As, people: People) -> None:
    for number in range(1, 8):
        await places.add(None, parent_id=people.jy, kind=PlaceKind.BUILDING, name=f"新{number}号楼")
    where = f"/v1/places/{people.jy}/qr-sheet.pdf"
    for who in ("he", "ma", "chen"):
        printed = await (await as_(who)).get(where, params={"count": 7})
        assert (printed.status_code, printed.headers["Content-Type"]) == (200, "application/pdf"), who
        assert printed.content.count(b"/Type /Page\n") + printed.content.count(b"/Type /Page ") == 2
    for who in ("lin", "guest", "deng", "wu", "sun"):
        assert (await (await as_(who)).get(where)).status_code == 403, who
    assert (await (await as_("chen")).get(where, params={"first": 1_000})).status_code == 404
    assert (await (await as_("chen")).get(where, params={"count": 13})).status_code == 422


async def test_one_building_has_one_large_code_and_a_street_none(as_: As, people: People) -> None:
    building = (await places.add(None, parent_id=people.jy, kind=PlaceKind.BUILDING, name="新1号楼")).id
    chen = await as_("chen")
    assert (await chen.get(f"/v1/places/{building}/qr-sheet.pdf")).status_code == 200
    street = await Place.get(kind=PlaceKind.STREET)
    for nowhere in (street.id, 999_999):
        assert (await chen.get(f"/v1/places/{nowhere}/qr-sheet.pdf")).status_code == 404
        assert (await chen.get(f"/v1/codes/place/{nowhere}.png")).status_code == 404


async def test_a_code_on_a_wall_leads_to_its_building(as_: As, people: People) -> None:
    building = (await places.add(None, parent_id=people.jy, kind=PlaceKind.BUILDING, name="新1号楼")).id
    await (await as_("chen")).get(f"/v1/places/{building}/qr-sheet.pdf")
    scene = await db.value("SELECT scene FROM codes WHERE kind = 'place' AND subject_id = $1", building)
    found = (await (await as_("guest")).get(f"/v1/codes/{scene}")).json()
    assert found == {"kind": "place", "id": building, "page": "pages/place/index"}


async def test_a_closed_activity_says_so(as_: As, people: People, move_clock: Any) -> None:
    activity = await a_poster(as_, people, PosterKind.ACTIVITY)
    before = await facts(people.lin, PosterKind.ACTIVITY, activity, english=False)
    assert [word for word, _ in before.rows] == ["时间", "地点", "名额"]
    await move_clock(timedelta(days=3))
    after = await facts(people.lin, PosterKind.ACTIVITY, activity, english=False)
    assert after.rows == (("名额", "已结束"),)


async def test_an_activity_called_off_has_none(as_: As, people: People) -> None:
    activity = await MAKERS[CodeKind.ACTIVITY](as_, people)
    assert (await (await as_("chen")).post(f"/v1/activities/{activity}/cancel", json={"reason": "下雨"})).is_success
    answer = await (await as_("lin")).get(f"/v1/posters/activity/{activity}.png")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
