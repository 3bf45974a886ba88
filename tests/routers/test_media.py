"""Pictures over HTTP: uploaded, shown with what they belong to, refused by name."""

import io
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from models.base import Moderation
from models.media import UPLOAD_MAX
from services import media, residents
from tests import pictures
from tests.people import People
from tests.pictures import plain

As = Callable[[str], Awaitable[httpx.AsyncClient]]


async def upload(
    client: httpx.AsyncClient, raw: bytes, *, purpose: str | None = None, key: str | None = None
) -> httpx.Response:
    """Send a file as `wx.uploadFile` does."""
    return await client.post(
        "/v1/media",
        files={"file": ("a.jpg", raw, "image/jpeg")},
        data={"purpose": purpose} if purpose else {},
        headers={"Idempotency-Key": key} if key else {},
    )


def need(people: People, **more: Any) -> dict[str, Any]:
    return {
        "community_id": people.jy,
        "service_class": "technology",
        "field": "property",
        "title": "楼道灯坏了",
        "body": "三层的灯坏了一周",
    } | more


async def test_a_photo_goes_from_the_phone_to_the_neighbours(
    as_: As, anonymous: httpx.AsyncClient, people: People
) -> None:
    lin, mei = await as_("lin"), await as_("mei")
    reply = await upload(lin, plain(size=(3000, 1500), exif=pictures.exif()))
    assert reply.status_code == 201, reply.text
    told = reply.json()
    assert set(told) == {"id", "url", "thumb_url", "width", "height", "moderation"}
    assert (told["width"], told["height"], told["moderation"]) == (2048, 1024, "checking")
    for address, size in ((told["url"], (2048, 1024)), (told["thumb_url"], (400, 200))):
        served = await anonymous.get(address)
        assert served.status_code == 200
        assert served.headers["content-type"] == "image/jpeg"
        assert served.headers["x-content-type-options"] == "nosniff"
        assert served.headers["content-disposition"] == "inline"
        assert served.headers.get_list("cache-control") == ["private, max-age=3600"]
        assert not list(pictures.leftovers(served.content))
        assert Image.open(io.BytesIO(served.content)).size == size
        again = await anonymous.get(address, headers={"If-None-Match": served.headers["etag"]})
        assert again.status_code == 304

    made = (await lin.post("/v1/needs", json=need(people, photo_ids=[told["id"]]))).json()
    assert [photo["id"] for photo in made["photos"]] == [told["id"]]
    path = f"/v1/needs/{made['id']}"
    assert (await mei.get(path)).json()["photos"] == []
    await media.settle(told["id"], Moderation.PASSED)
    (shown,) = (await mei.get(path)).json()["photos"]
    assert shown["moderation"] == "passed"
    listed = (await mei.get("/v1/needs", params={"community_id": people.jy})).json()["items"]
    assert listed[0]["photos"][0]["url"] == shown["url"]
    assert (await anonymous.get(shown["thumb_url"])).status_code == 200
    await media.settle(told["id"], Moderation.HIDDEN, by=people.chen)
    assert (await anonymous.get(shown["thumb_url"])).status_code == 404


async def test_photos_are_shown_with_claims_activities_and_campaigns(as_: As, people: People) -> None:
    chen, lin, mei = await as_("chen"), await as_("lin"), await as_("mei")
    chens, meis = (await upload(chen, plain())).json()["id"], (await upload(mei, plain(colour="red"))).json()["id"]
    await media.settle(chens, Moderation.PASSED)
    activity = {
        "community_id": people.jy,
        "kind": "task",
        "title": "送药",
        "body": "送药给奶奶",
        "photo_ids": [chens],
        "shifts": [{"capacity": 1, "place_text": "7号楼"}],
    }
    made = await chen.post("/v1/activities", json=activity)
    assert made.status_code == 201, made.text
    assert (await lin.get(f"/v1/activities/{made.json()['id']}")).json()["photos"][0]["id"] == chens

    wish = {"community_id": people.jy, "kind": "goods", "title": "收音机", "body": "想听戏"}
    path = f"/v1/wishes/{(await lin.post('/v1/wishes', json=wish)).json()['id']}"
    await chen.post(f"{path}/approve")
    await mei.post(f"{path}/claim")
    assert (await mei.post(f"{path}/fulfil", json={"note": "已送到", "photo_ids": [meis]})).status_code == 200
    assert (await mei.get(path)).json()["claims"][0]["photos"][0]["id"] == meis
    assert (await lin.get(path)).json()["claims"][0]["photos"] == []
    await media.settle(meis, Moderation.PASSED)
    assert (await lin.get(path)).json()["claims"][0]["photos"][0]["id"] == meis


async def test_a_key_has_one_effect_whatever_the_form_looked_like(as_: As) -> None:
    lin = await as_("lin")
    raw = plain()
    first, second = await upload(lin, raw, key="k1"), await upload(lin, raw, key="k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    for other in ({"raw": plain(colour="red")}, {"raw": raw, "purpose": "evidence"}):
        refused = await upload(lin, **other, key="k1")
        assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (pictures.REFUSED["svg"](), (422, "not_a_picture")),
        (b"", (422, "not_a_picture")),
        (pictures.REFUSED["png bomb by size"](), (422, "picture_too_many_pixels")),
        (b"x" * (UPLOAD_MAX + 1), (413, "picture_too_large")),
        (b"x" * (UPLOAD_MAX + 100_000), (413, "picture_too_large")),
    ],
    ids=["svg", "nothing", "bomb", "a byte too many", "more than we read"],
)
async def test_each_refusal_has_a_name(as_: As, raw: bytes, expected: tuple[int, str]) -> None:
    refused = await upload(await as_("lin"), raw)
    assert (refused.status_code, refused.json()["code"]) == expected
    assert re.search(r"[\u4e00-\u9fff]", refused.json()["detail"])


async def test_what_else_is_refused(as_: As, anonymous: httpx.AsyncClient, people: People) -> None:
    lin = await as_("lin")
    assert (await upload(anonymous, plain())).status_code == 401
    assert (await lin.post("/v1/media", data={"purpose": "photo"})).status_code == 422
    assert (await lin.post("/v1/media", json={"file": "x"})).status_code == 422
    assert (await upload(lin, plain(), purpose="poster")).status_code == 422
    boundless = await lin.post("/v1/media", content=b"--x\r\n", headers={"Content-Type": "multipart/form-data"})
    assert boundless.status_code == 400
    tenth = await lin.post("/v1/needs", json=need(people, photo_ids=list(range(1, 11))))
    assert (tenth.status_code, tenth.json()["code"]) == (422, "invalid")
    unknown = await lin.post("/v1/needs", json=need(people, photo_ids=[10**9]))
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_photo")
    large = await lin.post("/v1/needs", content=b" " * (1024 * 1024 + 1), headers={"Content-Type": "application/json"})
    assert (large.status_code, large.json()["code"]) == (413, "content_too_large")


async def test_a_file_that_keeps_coming_is_cut_off(as_: As) -> None:
    lin = await as_("lin")
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(1000):
            sent += 256 * 1024
            yield b"x" * 256 * 1024

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused = await lin.post("/v1/media", content=endless(), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "picture_too_large")
    assert sent < UPLOAD_MAX + 1024 * 1024


async def test_sixty_uploads_an_hour(app: FastAPI, people: People) -> None:
    token = (await residents.open_session("wang")).token
    far = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=far, base_url="http://linli.test", headers=headers) as wang:
        codes = [(await upload(wang, b"no picture")).status_code for _ in range(61)]
    assert codes == [422] * 60 + [429]


async def test_ones_own_picture_and_nobody_elses(as_: As) -> None:
    lin, mei = await as_("lin"), await as_("mei")
    path = f"/v1/media/{(await upload(lin, plain())).json()['id']}"
    assert (await lin.get(path)).status_code == 200
    foreign, missing = (await mei.get(path)).json(), (await mei.get("/v1/media/999999999")).json()
    assert foreign | {"request_id": ""} == missing | {"request_id": ""}


async def test_evidence_is_never_public(as_: As, people: People) -> None:
    he, chen, deng = await as_("he"), await as_("chen"), await as_("deng")
    told = (await upload(he, plain(), purpose="evidence")).json()
    assert told["moderation"] == "passed"
    assert (await chen.get(f"/v1/media/{told['id']}")).status_code == 404
    consent = {"kind": "signature", "media_id": told["id"]}
    asked = need(people, on_behalf_of={"resident_id": people.lin.id, "consent": consent})
    made = await he.post("/v1/needs", json=asked)
    assert made.status_code == 201, made.text
    assert made.json()["photos"] == []
    assert (await chen.get(f"/v1/media/{told['id']}")).status_code == 200
    assert (await deng.get(f"/v1/media/{told['id']}")).status_code == 404
    as_photo = await he.post("/v1/needs", json=need(people, photo_ids=[told["id"]]))
    assert (as_photo.status_code, as_photo.json()["code"]) == (422, "unknown_photo")


async def test_an_avatar_is_named_by_its_address(as_: As) -> None:
    lin, mei = await as_("lin"), await as_("mei")
    avatar = (await upload(lin, plain(), purpose="avatar")).json()
    photo = (await upload(lin, plain())).json()
    changed = await lin.put("/v1/me", json={"avatar_url": avatar["thumb_url"]})
    assert changed.status_code == 200, changed.text
    assert f"/v1/media/{avatar['id']}/thumb" in changed.json()["avatar_url"]
    for client, address in ((mei, avatar["url"]), (lin, photo["url"]), (lin, "https://x.example/v1/media/1/file")):
        refused = await client.put("/v1/me", json={"avatar_url": address})
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_photo")


async def test_a_picture_that_is_not_used_is_gone_after_two_days(
    as_: As, app: FastAPI, anonymous: httpx.AsyncClient, move_clock: Callable[[timedelta], Awaitable[None]]
) -> None:
    lin = await as_("lin")
    told = (await upload(lin, plain(colour="olive"))).json()
    await move_clock(timedelta(days=2, seconds=1))
    await media.forget_unused()
    await media.sweep(app.state.storage)
    assert (await lin.get(f"/v1/media/{told['id']}")).status_code == 404
    assert (await anonymous.get(told["url"])).status_code == 404
