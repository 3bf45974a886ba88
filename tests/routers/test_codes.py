"""Codes to hang on walls and links to send: made once at WeChat, shown to whoever may see the thing."""

import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from PIL import Image

from app.core import clock, tokens
from app.gateways.errors import WxBadResponse
from models.codes import PAGES, Code, CodeKind
from services import codes
from tests.people import People
from tests.raising import draft, opened
from tests.sandbox_process import SandboxProcess

As = Callable[[str], Awaitable[httpx.AsyncClient]]
Control = httpx.AsyncClient


@pytest.fixture
async def control(sandbox: SandboxProcess) -> AsyncIterator[Control]:
    """The sandbox's control room; what was broken is mended afterwards."""
    async with httpx.AsyncClient(base_url=f"{sandbox.url}/_sandbox", trust_env=False) as client:
        yield client
        await client.delete("/faults")


async def a_need(as_: As, people: People) -> int:
    about = {"service_class": "mutual_aid", "field": "safety", "title": "楼道灯坏了", "body": "都不亮。"}
    made = await (await as_("lin")).post("/v1/needs", json=about | {"community_id": people.jy})
    return int(made.json()["id"])


async def a_wish(as_: As, people: People) -> int:
    about = {"community_id": people.jy, "kind": "service", "title": "想学挂号", "body": "教我一次。"}
    wish = int((await (await as_("wang")).post("/v1/wishes", json=about)).json()["id"])
    await (await as_("chen")).post(f"/v1/wishes/{wish}/approve")
    return wish


async def a_deliberation(as_: As, people: People) -> int:
    about: dict[str, Any] = {"community_id": people.jy, "form": "open", "title": "空地做什么", "body": "二选一。"}
    about |= {"ballot": {"kind": "single", "secret": False}, "options": [{"title": "花园"}, {"title": "车棚"}]}
    about |= {"roll": "residents", "rule": "consultation", "discussion_until": await later(3)}
    made = await (await as_("chen")).post("/v1/deliberations", json=about | {"voting_until": await later(9)})
    return int(made.json()["id"])


async def an_activity(as_: As, people: People) -> int:
    about: dict[str, Any] = {"community_id": people.jy, "kind": "service", "title": "翻土", "body": "带手套。"}
    shift = {"starts_at": await later(1), "ends_at": await later(1.1), "capacity": 3, "place_text": "空地"}
    made = await (await as_("chen")).post("/v1/activities", json=about | {"shifts": [shift]})
    return int(made.json()["id"])


async def a_campaign(_: As, people: People) -> int:
    return (await opened(people)).id


async def a_place(_: As, people: People) -> int:
    return people.jy


def picture(kind: str, side: int = 430) -> bytes:
    saved = io.BytesIO()
    Image.new("RGB", (side, side), "white").save(saved, kind)
    return saved.getvalue()


async def later(days: float) -> str:
    return (await clock.now() + timedelta(days=days)).isoformat()


MAKERS = {
    CodeKind.NEED: a_need,
    CodeKind.WISH: a_wish,
    CodeKind.DELIBERATION: a_deliberation,
    CodeKind.ACTIVITY: an_activity,
    CodeKind.CAMPAIGN: a_campaign,
    CodeKind.PLACE: a_place,
}


async def asked_of_wechat(control: Control, scene: str, kind: str = "code") -> list[dict[str, Any]]:
    """The codes or links of a scene that WeChat was asked to make."""
    return [
        row for row in (await control.get("/links")).json() if (row["kind"], row["query"]) == (kind, f"scene={scene}")
    ]


async def scene_of(kind: CodeKind, thing_id: int) -> str:
    return (await Code.get(kind=kind, subject_id=thing_id)).scene


@pytest.mark.parametrize("kind", CodeKind)
async def test_a_code_leads_back_to_what_it_was_made_for(
    as_: As, people: People, control: Control, kind: CodeKind
) -> None:
    thing_id = await MAKERS[kind](as_, people)
    mei = await as_("mei")
    drawn = await mei.get(f"/v1/codes/{kind}/{thing_id}.png")
    assert (drawn.status_code, drawn.headers["Content-Type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(drawn.content)).format == "PNG"
    scene = await scene_of(kind, thing_id)
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{8}", scene)
    (made,) = await asked_of_wechat(control, scene)
    assert made["page"] == PAGES[kind]
    resolved = await mei.get(f"/v1/codes/{scene}")
    assert resolved.json() == {"kind": kind, "id": thing_id, "page": PAGES[kind]}
    typed = await mei.get(f"/v1/codes/{scene.lower().replace('0', 'o').replace('1', 'l')}")
    assert typed.json() == resolved.json()


async def test_many_read_a_code_and_wechat_draws_it_once(as_: As, people: People, control: Control) -> None:
    need = await a_need(as_, people)
    pictures = {
        (await (await as_(who)).get(f"/v1/codes/need/{need}.png")).content
        for who in ("lin", "mei", "wu", "guest", "lin")
    }
    assert len(pictures) == 1
    assert len(await asked_of_wechat(control, await scene_of(CodeKind.NEED, need))) == 1


async def test_a_reader_who_has_it_already_is_told_so(as_: As, people: People) -> None:
    need, lin = await a_need(as_, people), await as_("lin")
    first = await lin.get(f"/v1/codes/need/{need}.png")
    again = await lin.get(f"/v1/codes/need/{need}.png", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_what_one_may_not_see_has_no_code(as_: As, people: People, anonymous: httpx.AsyncClient) -> None:
    campaign, unseen = await a_campaign(as_, people), (await draft(people)).id
    lin, wu = await as_("lin"), await as_("wu")
    assert (await lin.get(f"/v1/codes/campaign/{campaign}.png")).status_code == 200
    scene = await scene_of(CodeKind.CAMPAIGN, campaign)
    for where in (f"/v1/codes/campaign/{campaign}.png", f"/v1/links/campaign/{campaign}", f"/v1/codes/{scene}"):
        assert (await wu.get(where)).status_code == 404, where
        assert (await anonymous.get(where)).status_code == 401, where
    assert (await lin.get(f"/v1/codes/campaign/{unseen}.png")).status_code == 404
    assert not await Code.exists(kind=CodeKind.CAMPAIGN, subject_id=unseen)
    hidden, unknown = (await wu.get(f"/v1/codes/{scene}")).json(), (await wu.get("/v1/codes/00000000")).json()
    assert hidden | {"request_id": ""} == unknown | {"request_id": ""}


@pytest.mark.parametrize("where", ["/v1/codes/resident/1.png", "/v1/codes/need/0.png", "/v1/codes/need/x.png"])
async def test_what_has_no_codes(as_: As, where: str) -> None:
    assert (await (await as_("lin")).get(where)).status_code == 422


@pytest.mark.parametrize("scene", ["00000000", "ZZZZ", "Ω", "x" * 32, "%00"])
async def test_an_unknown_scene_leads_nowhere(as_: As, scene: str) -> None:
    answer = await (await as_("lin")).get(f"/v1/codes/{scene}", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["detail"]) == (404, "This code leads nowhere that you may go")


@pytest.mark.parametrize("what", ["codes/need/{}.png", "links/need/{}"])
async def test_without_wechat_there_is_none_and_nothing_is_kept(
    as_: As, people: People, control: Control, what: str
) -> None:
    need, lin = await a_need(as_, people), await as_("lin")
    where = f"/v1/{what.format(need)}"
    for path in ("/wxa/getwxacodeunlimit", "/wxa/generate_urllink"):
        await control.post("/faults", json={"path": path, "status": 502, "body": "<html>bad gateway</html>"})
    refused = await lin.get(where)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert "微信" in refused.json()["detail"]
    assert "WeChat" in (await lin.get(where, headers={"Accept-Language": "en"})).json()["detail"]
    await control.delete("/faults")
    assert (await lin.get(where)).status_code == 200


async def test_an_unreleased_page_is_no_fault_of_the_reader(as_: As, people: People, control: Control) -> None:
    need, lin = await a_need(as_, people), await as_("lin")
    fault = {"path": "/wxa/getwxacodeunlimit", "status": 200, "body": {"errcode": 41030, "errmsg": "invalid page"}}
    await control.post("/faults", json=fault)
    assert (await lin.get(f"/v1/codes/need/{need}.png")).status_code == 503


async def test_a_link_is_handed_out_until_a_day_before_its_end(
    as_: As, people: People, control: Control, move_clock: Callable[[timedelta], Awaitable[None]]
) -> None:
    need, lin = await a_need(as_, people), await as_("lin")
    first = (await lin.get(f"/v1/links/need/{need}")).json()
    assert first["url"].startswith("https://")
    left = datetime.fromisoformat(first["expires_at"]) - await clock.now()
    assert timedelta(days=28, hours=23) < left <= timedelta(days=29)
    await move_clock(timedelta(days=28))
    assert (await lin.get(f"/v1/links/need/{need}")).json() == first
    await move_clock(timedelta(days=1))
    assert (await lin.get(f"/v1/links/need/{need}")).json()["url"] != first["url"]
    assert len(await asked_of_wechat(control, await scene_of(CodeKind.NEED, need), "url_link")) == 2


async def test_each_version_of_the_mini_program_has_codes_of_its_own(
    as_: As, app: Any, people: People, control: Control
) -> None:
    need = await a_need(as_, people)
    for version in ("release", "trial", "trial"):
        await codes.picture(people.lin, app.state.wechat, app.state.storage, CodeKind.NEED, need, version=version)
        await codes.link(people.lin, app.state.wechat, CodeKind.NEED, need, version=version)
    scene = await scene_of(CodeKind.NEED, need)
    assert [len(await asked_of_wechat(control, scene, kind)) for kind in ("code", "url_link")] == [2, 2]


async def test_a_scene_already_taken_is_drawn_again(
    as_: As, app: Any, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Code.create(community_id=people.jy, scene="AAAAAAAA", kind=CodeKind.NEED, subject_id=10**15)
    need, letters = await a_need(as_, people), iter("A" * 8 + "B" * 8)
    monkeypatch.setattr(tokens.secrets, "choice", lambda _: next(letters))
    await codes.picture(people.lin, app.state.wechat, app.state.storage, CodeKind.NEED, need, version="release")
    assert await scene_of(CodeKind.NEED, need) == "BBBBBBBB"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_whatever_wechat_draws_becomes_a_png(kind: str) -> None:
    assert Image.open(io.BytesIO(codes.as_png(picture(kind)))).format == "PNG"


@pytest.mark.parametrize("drawn", [b"", b"<html>", b"\xff\xd8\xff", b"GIF89a"])
def test_what_is_no_picture_is_not_kept(drawn: bytes) -> None:
    with pytest.raises(WxBadResponse):
        codes.as_png(drawn)


def test_a_picture_larger_than_wechat_draws_is_not_opened() -> None:
    with pytest.raises(WxBadResponse):
        codes.as_png(picture("PNG", 1281))


@pytest.mark.parametrize("errcode", [41030, 48001])
async def test_what_trying_again_does_not_mend_is_not_called_passing(
    as_: As, people: People, control: Control, errcode: int
) -> None:
    need_id = await a_need(as_, people)
    await control.post("/faults", json={"path": "/wxa/*", "errcode": errcode})
    for path in (f"/v1/codes/need/{need_id}.png", f"/v1/links/need/{need_id}"):
        answer = await (await as_("lin")).get(path)
        assert (answer.status_code, "retry-after" in answer.headers) == (503, False), answer.text
        assert "联系管理员" in answer.json()["detail"]
