"""Over HTTP: login with WeChat's code, one's own page, idempotent claims, and refusals as problems."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.core import clock
from models.residents import Household, Resident
from tests.people import People
from tests.sandbox_process import SandboxProcess

As = Callable[[str], Awaitable[httpx.AsyncClient]]


def code(sandbox: SandboxProcess, openid: str) -> str:
    answer = httpx.post(f"{sandbox.url}/_sandbox/login-code", json={"openid": openid})
    return str(answer.json()["code"])


async def test_a_code_opens_a_session_once(anonymous: httpx.AsyncClient, sandbox: SandboxProcess) -> None:
    asked = {"code": code(sandbox, "lin")}
    answer = await anonymous.post("/v1/auth/wechat", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["resident"]["verified"] is True
    token = answer.json()["token"]
    me = await anonymous.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["nickname"] == "小林"
    again = await anonymous.post("/v1/auth/wechat", json=asked)
    assert (again.status_code, again.json()["code"]) == (422, "bad_code")


@pytest.mark.parametrize(("said", "of_age"), [(None, False), ({}, False), ({"birthday_passed": True}, True)])
async def test_whoever_confirms_may_say_that_the_birthday_is_over(
    as_: As, people: People, said: dict[str, bool] | None, of_age: bool
) -> None:
    home = await Household.get(id=people.lin.household_id)
    asked = {"building_id": home.building_id, "unit": "1单元", "room": "９０９室", "capacity": "tenant"}
    year = (await clock.now()).astimezone(clock.SHANGHAI).year - 18
    claim = (await (await as_("guest")).post("/v1/household-claims", json=asked | {"birth_year": year})).json()
    assert (claim["unit"], claim["room"]) == ("1", "909")
    path = f"/v1/household-claims/{claim['id']}/confirm"
    he = await as_("he")
    confirmed = await (he.post(path) if said is None else he.post(path, json=said))
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "confirmed")
    assert (await Resident.get(id=people.guest.id)).of_age is of_age


async def test_a_session_that_was_ended_is_worth_nothing(as_: As) -> None:
    lin = await as_("lin")
    assert (await lin.delete("/v1/auth/session")).status_code == 204
    refused = await lin.get("/v1/me")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


async def test_the_same_key_has_one_effect(as_: As, people: People) -> None:
    guest = await as_("guest")
    home = await Household.get(id=people.lin.household_id)
    asked = {
        "building_id": home.building_id,
        "unit": "1",
        "room": "9",
        "capacity": "tenant",
        "birth_year": 1995,
    }
    key = {"Idempotency-Key": "one-claim"}
    first = await guest.post("/v1/household-claims", json=asked, headers=key)
    assert first.status_code == 201, first.text
    second = await guest.post("/v1/household-claims", json=asked, headers=key)
    assert second.json() == first.json()
    other = await guest.post("/v1/household-claims", json={**asked, "room": "8"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    without = await guest.post("/v1/household-claims", json=asked)
    assert (without.status_code, without.json()["code"]) == (409, "already_exists")


async def test_bad_input_is_explained_in_the_readers_language(as_: As) -> None:
    guest = await as_("guest")
    asked = {
        "building_id": "x",
        "unit": "",
        "room": "9\0",
        "capacity": "king",
        "birth_year": 10**30,
        "more": 1,
    }
    zh = await guest.post("/v1/household-claims", json=asked)
    assert zh.status_code == 422
    assert {".".join(error["loc"]) for error in zh.json()["errors"]} == {
        "body.building_id",
        "body.unit",
        "body.room",
        "body.capacity",
        "body.birth_year",
        "body.more",
    }
    assert "应为整数" in zh.text
    en = await guest.post("/v1/household-claims", json=asked, headers={"Accept-Language": "en"})
    assert "valid integer" in en.text
    garbage = await guest.post("/v1/household-claims", content=b"\xff{", headers={"content-type": "application/json"})
    assert garbage.status_code == 400, garbage.text
    surrogate = await guest.put(
        "/v1/me", content=b'{"nickname":"\\ud800"}', headers={"content-type": "application/json"}
    )
    assert surrogate.status_code == 422, surrogate.text


async def test_lists_go_on_with_a_cursor_that_nobody_can_make(anonymous: httpx.AsyncClient) -> None:
    seen: list[int] = []
    cursor: str | None = None
    for _ in range(20):
        params: dict[str, str | int] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await anonymous.get("/v1/places", params=params)).json()
        seen += [place["id"] for place in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) >= 8
    forged = await anonymous.get("/v1/places", params={"cursor": "AAAA"})
    assert forged.status_code == 422


async def test_an_unchanged_read_is_304(anonymous: httpx.AsyncClient) -> None:
    first = await anonymous.get("/v1/places")
    same = await anonymous.get("/v1/places", headers={"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    assert same.content == b""


async def test_a_body_too_large_is_413(as_: As) -> None:
    lin = await as_("lin")
    refused = await lin.put("/v1/me", content=b"{" + b" " * 2_000_000 + b"}")
    assert (refused.status_code, refused.json()["code"]) == (413, "content_too_large")


async def test_unknown_paths_and_verbs_are_problems(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/v1/nothing")).json()["code"] == "not_found"
    assert (await anonymous.patch("/v1/me")).json()["code"] == "method_not_allowed"
    assert (await anonymous.get("/v1/places/99999999999999999999")).status_code == 422


async def test_ready_and_alive(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/healthz")).status_code == 200
    assert (await anonymous.get("/readyz")).json()["redis"] == "ok"


async def test_moments_are_rfc_3339_with_an_offset_and_of_our_time(as_: As, people: People) -> None:
    qian = await as_("qian")
    numbers, half_said = (5, "1900000000"), ("2030-01-01 00:00Z", "2030-01-01T00:00:00")
    out_of_time = ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59")
    for until in (*numbers, *half_said, *out_of_time):
        refused = await qian.post(
            f"/v1/places/{people.jy}/roles", json={"resident_id": people.mei.id, "role": "committee", "until": until}
        )
        assert refused.status_code == 422, until


async def test_a_cursor_fits_only_its_own_list(as_: As) -> None:
    lin = await as_("lin")
    first = (await lin.get("/v1/places", params={"limit": 1})).json()
    cursor = first["next_cursor"]
    assert (await lin.get("/v1/places", params={"limit": 5, "cursor": cursor})).status_code == 200
    assert (await lin.get("/v1/needs", params={"sort": "support", "cursor": cursor})).status_code == 422
    assert (await lin.get("/v1/me/inbox", params={"cursor": cursor})).status_code == 422


async def test_the_readers_language_is_weighed(anonymous: httpx.AsyncClient) -> None:
    for header, word in (
        ("en;q=0.1, zh;q=0.9", "没有"),
        ("zh;q=0.5, en;q=0.8", "No such"),
        ("fr", "没有"),
        ("en-GB", "No such"),
    ):
        answer = await anonymous.get("/v1/places/999999", headers={"Accept-Language": header})
        assert word in answer.json()["detail"], header


async def test_a_picture_can_be_taken_away_and_is_one_of_ours(as_: As) -> None:
    lin = await as_("lin")
    assert (await lin.put("/v1/me", json={"avatar_url": None})).json()["avatar_url"] is None
    for address in ("https://x.example/a.png", "javascript:alert(1)", "/v1/media/1/file"):
        assert (await lin.put("/v1/me", json={"avatar_url": address})).status_code == 422
    assert (await lin.put("/v1/me", json={"nickname": None})).status_code == 422
    assert (await lin.get("/v1/me")).json()["nickname"] == "小林"


@pytest.mark.parametrize(
    "unseen",
    ["\u200b", "\ufeff", "\u3164", "林\u202e", "\u2066林", "林\n林", "林\u200d林", "\ue000", "\ufe0f", "\u0301"],
)
async def test_what_nobody_can_see_is_no_nickname_and_no_title(as_: As, people: People, unseen: str) -> None:
    lin = await as_("lin")
    refused = await lin.put("/v1/me", json={"nickname": unseen})
    assert refused.status_code == 422, refused.text
    assert "看" in refused.json()["errors"][0]["message"]
    need = {"community_id": people.jy, "service_class": "care", "field": "safety", "title": unseen, "body": "三层"}
    assert (await lin.post("/v1/needs", json=need)).status_code == 422


@pytest.mark.parametrize("seen", ["林👨‍👩‍👧", "👩🏽‍⚕️", "❤️‍🔥", "🏳️‍⚧️", "🙂‍↔️", "1️⃣", "é", "阿依努尔·买买提"])
async def test_a_nickname_may_hold_what_can_be_seen(as_: As, seen: str) -> None:
    assert (await (await as_("lin")).put("/v1/me", json={"nickname": seen})).status_code == 200


async def test_only_a_body_has_lines(as_: As, people: People) -> None:
    need = {
        "community_id": people.jy,
        "service_class": "care",
        "field": "safety",
        "title": "灯",
        "body": "三层\r\n\t四层",
    }
    lin = await as_("lin")
    assert (await lin.post("/v1/needs", json=need)).status_code == 201
    assert (await lin.post("/v1/needs", json=need | {"body": "三层\u202e四层"})).status_code == 422


async def test_who_is_suspended_may_still_log_out(as_: As, people: People) -> None:
    lin = await as_("lin")
    await Resident.filter(id=people.lin.id).update(suspended=True)
    assert (await lin.put("/v1/me", json={"nickname": "林林"})).status_code == 403
    assert (await lin.delete("/v1/auth/session")).status_code == 204
    assert (await lin.get("/v1/me")).status_code == 401
