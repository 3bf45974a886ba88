"""Over HTTP: consents and wishes, telephones, and the call list for those who use neither."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from string import Formatter
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core import db
from app.core.crypto import Keys, index
from app.core.settings import Settings
from app.gateways.wechat import Wechat
from models.events import Event
from models.notifications import Delivery, DeliveryState
from models.residents import Resident
from services import notifications, residents
from services.policies import Actor
from tests.people import People
from tests.sandbox_process import SandboxProcess
from tests.services.test_notifications import set_clock, tell

As = Callable[[str], Awaitable[httpx.AsyncClient]]
MoveClock = Callable[[timedelta], Awaitable[None]]
NEED = "tmpl-need_progress"


def ask(sandbox: SandboxProcess, path: str, /, **body: Any) -> Any:
    answer = httpx.post(f"{sandbox.url}/_sandbox/{path}", json=body)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def clear_faults(sandbox: SandboxProcess) -> None:
    httpx.delete(f"{sandbox.url}/_sandbox/faults").raise_for_status()


def logins_asked_for(sandbox: SandboxProcess) -> int:
    journal = httpx.get(f"{sandbox.url}/_sandbox/requests").json()
    return sum(entry["path"] == "/sns/jscode2session" for entry in journal)


@pytest.fixture
def quiet_sandbox(sandbox: SandboxProcess) -> SandboxProcess:
    """A sandbox in which nothing has happened."""
    ask(sandbox, "reset")
    return sandbox


# --- consents and wishes ----------------------------------------------------------------------------------------


async def test_what_to_ask_for_and_what_was_agreed_to(as_: As) -> None:
    lin = await as_("lin")
    asked = (await lin.get("/v1/me/subscriptions")).json()
    assert {"template": "need_progress", "template_id": NEED, "title": "需求办理进度提醒"}.items() <= asked[0].items()
    assert (asked[0]["credits"], asked[0]["enabled"]) == (0, True)
    results = {NEED: "accept", "digest": "accept", "tmpl-vote_notice": "reject"}
    key = {"Idempotency-Key": "one-tap"}
    for _ in range(2):
        answer = await lin.post("/v1/me/subscriptions", json={"results": results}, headers=key)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"credits": {"need_progress": 1, "digest": 1}}
    assert (await lin.get("/v1/me")).json()["credits"] == {"need_progress": 1, "digest": 1}
    assert (await lin.get("/v1/me/subscriptions")).json()[0]["credits"] == 1


@pytest.mark.parametrize(
    "results", [{}, {"tmpl-lottery": "accept"}, {NEED: "maybe"}, {f"t{n}": "accept" for n in range(6)}, {"": "accept"}]
)
async def test_what_no_client_can_have_heard(as_: As, results: dict[str, str]) -> None:
    refused = await (await as_("lin")).post("/v1/me/subscriptions", json={"results": results})
    assert refused.status_code == 422, refused.text


async def test_wishes_are_kept_by_name(as_: As) -> None:
    lin = await as_("lin")
    kept = (await lin.get("/v1/me/notice-preferences")).json()
    assert (kept["quiet"], kept["digest"], set(kept["templates"].values())) == (True, True, {True})
    asked = {"templates": {"vote_notice": False}, "digest": False}
    kept = (await lin.put("/v1/me/notice-preferences", json=asked)).json()
    assert (kept["quiet"], kept["digest"]) == (True, False)
    assert [name for name, wanted in kept["templates"].items() if not wanted] == ["vote_notice"]
    assert (await lin.put("/v1/me/notice-preferences", json={"quiet": False})).json() == kept | {"quiet": False}
    switched_off = [line["template"] for line in (await lin.get("/v1/me/subscriptions")).json() if not line["enabled"]]
    assert switched_off == ["vote_notice", "digest"]
    refused = await lin.put("/v1/me/notice-preferences", json={"templates": {"lottery": True}})
    assert refused.status_code == 422


async def test_nobody_asks_without_a_token(anonymous: httpx.AsyncClient) -> None:
    for path in ("/v1/me/subscriptions", "/v1/me/notice-preferences", "/v1/communities/1/call-list"):
        assert (await anonymous.get(path)).status_code == 401
    assert (await anonymous.post("/v1/auth/phone", json={"code": "x"})).status_code == 401


# --- through the sandbox ----------------------------------------------------------------------------------------


def register(sandbox: SandboxProcess) -> None:
    for name, template in notifications.TEMPLATES.items():
        ask(sandbox, "templates", template_id=f"tmpl-{name}", title=template.title, keywords=list(template.keywords))


async def consent(client: httpx.AsyncClient, sandbox: SandboxProcess, openid: str, template_id: str) -> None:
    ask(sandbox, "subscribe", openid=openid, template_id=template_id, decision="accept")
    results = {template_id: "accept"}
    assert (await client.post("/v1/me/subscriptions", json={"results": results})).status_code == 200


def got(sandbox: SandboxProcess, openid: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{sandbox.url}/_sandbox/messages", params={"openid": openid}).json()
    return found


async def send(app: FastAPI) -> None:
    wechat: Wechat = app.state.wechat
    settings: Settings = app.state.settings
    await notifications.send_due(wechat, settings.template_id)


async def states(who: Actor) -> list[DeliveryState]:
    return [delivery.state for delivery in await Delivery.filter(resident_id=who.id).order_by("id")]


async def test_every_kind_of_message_is_taken_by_wechat(
    as_: As, app: FastAPI, people: People, quiet_sandbox: SandboxProcess
) -> None:
    register(quiet_sandbox)
    await set_clock(12)
    lin = await as_("lin")
    for kind, words in notifications.MESSAGES.items():
        await consent(lin, quiet_sandbox, "lin", f"tmpl-{words.template}")
        title, reason = "七号楼门前的路灯坏了三个月一直没有人来修理😀", "不归我们管\n请找物业"
        params = {"title": title, "reason": reason, "yuan": "100.00", "score": 5, "position": 2, "minutes": 90}
        named = (
            name for _, name, _, _ in Formatter().parse(notifications.NOTICES[kind][0]) if name not in (None, "name")
        )
        params = dict.fromkeys(named, "疑似广告") | params
        await tell(people.lin, kind, name="阿梅", **params)
    for _ in range(len(notifications.MESSAGES) // 50 + 1):
        await send(app)
    assert set(await states(people.lin)) == {DeliveryState.SENT}
    sent = got(quiet_sandbox, "lin")
    assert len(sent) == len(notifications.MESSAGES)
    assert sent[0]["body"]["miniprogram_state"] == "formal"
    assert (await lin.get("/v1/me")).json()["credits"] == {}


async def test_the_digest_is_taken_by_wechat(
    as_: As, app: FastAPI, people: People, quiet_sandbox: SandboxProcess
) -> None:
    register(quiet_sandbox)
    await set_clock(12)
    lin = await as_("lin")
    await consent(lin, quiet_sandbox, "lin", "tmpl-digest")
    await tell(people.lin)
    await send(app)
    await set_clock(18, days=0)
    await notifications.write_digests(app.state.settings.template_id)
    await send(app)
    [message] = got(quiet_sandbox, "lin")
    assert message["body"]["data"]["thing2"] == {"value": "需求1条"}


async def test_a_consent_that_only_the_client_knows_of_is_refused_and_emptied(
    as_: As, app: FastAPI, people: People, quiet_sandbox: SandboxProcess
) -> None:
    register(quiet_sandbox)
    await set_clock(12)
    lin = await as_("lin")
    ask(quiet_sandbox, "login-code", openid="lin")
    for _ in range(2):
        await lin.post("/v1/me/subscriptions", json={"results": {NEED: "accept"}})
    await tell(people.lin)
    await send(app)
    assert await states(people.lin) == [DeliveryState.REFUSED]
    assert (await lin.get("/v1/me")).json()["credits"] == {}


async def test_an_answer_that_got_lost_is_not_sent_again(
    as_: As, app: FastAPI, people: People, quiet_sandbox: SandboxProcess
) -> None:
    register(quiet_sandbox)
    await set_clock(12)
    lin = await as_("lin")
    for _ in range(2):
        await consent(lin, quiet_sandbox, "lin", NEED)
    await tell(people.lin)
    await app.state.redis.flushdb()  # an access token from before the reset would be refused
    ask(quiet_sandbox, "faults", path="/cgi-bin/message/subscribe/send", effect="after", drop=True, count=1)
    for _ in range(2):
        await send(app)
    assert await states(people.lin) == [DeliveryState.UNKNOWN]
    assert len(got(quiet_sandbox, "lin")) == 1
    assert (await lin.get("/v1/me")).json()["credits"] == {"need_progress": 1}


@pytest.mark.parametrize(
    ("errcode", "state", "left"),
    [(47003, "failed", 1), (40037, "failed", 1), (41030, "failed", 1), (45011, "waiting", 1), (43101, "refused", 0)],
)
async def test_what_wechat_answers_decides(
    as_: As, app: FastAPI, people: People, quiet_sandbox: SandboxProcess, errcode: int, state: str, left: int
) -> None:
    await set_clock(12)
    lin = await as_("lin")
    await consent(lin, quiet_sandbox, "lin", NEED)
    await tell(people.lin)
    body = {"errcode": errcode, "errmsg": "no rid: 1-2-3"}
    ask(quiet_sandbox, "faults", path="/cgi-bin/message/subscribe/send", status=200, body=body, count=1)
    await send(app)
    assert await states(people.lin) == [DeliveryState(state)]
    assert (await lin.get("/v1/me")).json()["credits"].get("need_progress", 0) == left


async def test_without_an_access_token_messages_wait(
    as_: As, app: FastAPI, people: People, quiet_sandbox: SandboxProcess, move_clock: MoveClock
) -> None:
    await set_clock(12)
    lin = await as_("lin")
    await consent(lin, quiet_sandbox, "lin", NEED)
    await tell(people.lin)
    await app.state.redis.flushdb()
    ask(quiet_sandbox, "faults", path="/cgi-bin/stable_token", status=503)
    await send(app)
    assert await states(people.lin) == [DeliveryState.WAITING]
    clear_faults(quiet_sandbox)
    await move_clock(timedelta(seconds=61))
    await send(app)
    assert await states(people.lin) == [DeliveryState.SENT]


# --- telephones -------------------------------------------------------------------------------------------------


async def bind(client: httpx.AsyncClient, sandbox: SandboxProcess, openid: str, phone: str) -> httpx.Response:
    code = ask(sandbox, "phone-code", openid=openid, phone=phone)["code"]
    return await client.post("/v1/auth/phone", json={"code": code})


async def test_a_phone_is_bound_masked_and_sealed(
    as_: As, people: People, sandbox: SandboxProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    lin = await as_("lin")
    assert (await lin.get("/v1/me")).json()["phone_masked"] is None
    answer = await bind(lin, sandbox, "lin", "13812341234")
    assert answer.status_code == 200, answer.text
    assert answer.json()["phone_masked"] == "138****1234"
    assert "13812341234" not in answer.text
    row = await db.row("SELECT * FROM residents WHERE id = $1", people.lin.id)
    assert row is not None
    assert b"13812341234" not in bytes(row["phone_sealed"]) + bytes(row["phone_index"])
    assert "13812341234" not in str([event.facts for event in await Event.all()])
    assert "13812341234" not in "".join(capfd.readouterr())
    again = await bind(lin, sandbox, "lin", "13987654321")
    assert again.json()["phone_masked"] == "139****4321"
    assert (await lin.get("/v1/me")).json()["phone_masked"] == "139****4321"


async def test_a_phone_belongs_to_one_person(as_: As, sandbox: SandboxProcess) -> None:
    lin, mei = await as_("lin"), await as_("mei")
    await bind(lin, sandbox, "lin", "13812341234")
    taken = await bind(mei, sandbox, "mei", "13812341234")
    assert (taken.status_code, taken.json()["code"]) == (409, "phone_taken")
    assert (await mei.get("/v1/me")).json()["phone_masked"] is None
    assert (await bind(lin, sandbox, "lin", "13812341234")).status_code == 200, "his own again"
    await bind(lin, sandbox, "lin", "13900000000")
    assert (await bind(mei, sandbox, "mei", "13812341234")).status_code == 200, "he has given it up"


async def test_codes_that_are_not_taken(as_: As, sandbox: SandboxProcess) -> None:
    lin = await as_("lin")
    code = ask(sandbox, "phone-code", openid="lin", phone="13812341234")["code"]
    of_another = ask(sandbox, "phone-code", openid="mei", phone="13812349999")["code"]
    for_login = ask(sandbox, "login-code", openid="lin")["code"]
    assert (await lin.post("/v1/auth/phone", json={"code": code})).status_code == 200
    for bad in (code, of_another, for_login, "unknown"):
        refused = await lin.post("/v1/auth/phone", json={"code": bad})
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_code"), bad
    assert (await lin.get("/v1/me")).json()["phone_masked"] == "138****1234"
    assert (await lin.post("/v1/auth/phone", json={})).status_code == 422


async def test_without_wechat_no_phone_is_bound(as_: As, quiet_sandbox: SandboxProcess) -> None:
    lin = await as_("lin")
    ask(quiet_sandbox, "faults", path="/wxa/business/getuserphonenumber", status=503)
    down = await bind(lin, quiet_sandbox, "lin", "13812341234")
    clear_faults(quiet_sandbox)
    assert (down.status_code, down.json()["code"]) == (503, "unavailable")
    assert "retry-after" in down.headers


async def test_phones_are_not_asked_for_without_end(app: FastAPI, as_: As, people: People) -> None:
    app.state.settings = app.state.settings.model_copy(update={"app_env": "production"})
    lin = await as_("lin")
    answers = [(await lin.post("/v1/auth/phone", json={"code": f"unknown-{n}"})).status_code for n in range(11)]
    assert answers == [422] * 10 + [429]


def test_an_index_tells_nothing_without_its_key_and_differs_by_column() -> None:
    one = index("k" * 32, "138", table="residents", column="phone")
    assert one == index("k" * 32, "138", table="residents", column="phone")
    others = {
        index("j" * 32, "138", table="residents", column="phone"),
        index("k" * 32, "139", table="residents", column="phone"),
        index("k" * 32, "138", table="residents", column="name"),
    }
    assert len(others | {one}) == 4


# --- a login code is brought once --------------------------------------------------------------------------------


async def test_a_double_tap_opens_one_session(
    anonymous: httpx.AsyncClient, app: FastAPI, quiet_sandbox: SandboxProcess
) -> None:
    code = {"code": ask(quiet_sandbox, "login-code", openid="lin")["code"]}
    assert (await anonymous.post("/v1/auth/wechat", json=code)).status_code == 200
    again = await anonymous.post("/v1/auth/wechat", json=code)
    assert (again.status_code, again.json()["code"]) == (422, "bad_code")
    assert logins_asked_for(quiet_sandbox) == 1


async def test_a_code_that_wechat_did_not_look_at_may_be_brought_again(
    anonymous: httpx.AsyncClient, quiet_sandbox: SandboxProcess
) -> None:
    code = {"code": ask(quiet_sandbox, "login-code", openid="lin")["code"]}
    ask(quiet_sandbox, "faults", path="/sns/jscode2session", status=503, count=1)
    assert (await anonymous.post("/v1/auth/wechat", json=code)).status_code == 503
    assert (await anonymous.post("/v1/auth/wechat", json=code)).status_code == 200


# --- the call list ----------------------------------------------------------------------------------------------


async def elder(people: People, as_: As, phone: str | None = "028-85551234", of: Actor | None = None) -> int:
    he = await as_("he")
    home = (of or people.lin).household_id
    asked = {"household_id": home, "name": "王<b>淑芬", "birth_year": 1941} | ({"phone": phone} if phone else {})
    answer = await he.post("/v1/residents", json=asked)
    assert answer.status_code == 201, answer.text
    assert "8555" not in answer.text
    return int(answer.json()["id"])


async def told(resident_id: int, kind: str = "need.accepted", **params: str | int) -> None:
    resident = await Resident.get(id=resident_id)
    await notifications.tell([resident_id], kind, resident, **({"title": "楼道<灯>坏了"} | params))


async def test_whoever_uses_no_wechat_is_called_and_it_is_recorded(as_: As, people: People) -> None:
    elder_id = await elder(people, as_)
    for title in ("一", "二"):
        await told(elder_id, title=title)
    assert await Delivery.filter(resident_id=elder_id).count() == 0
    he = await as_("he")
    listed = await he.get(f"/v1/communities/{people.jy}/call-list")
    assert "no-store" in listed.headers["cache-control"]
    [call] = listed.json()["items"]
    assert (call["resident_id"], call["name"], call["phone"]) == (elder_id, "王<b>淑芬", "02885551234")
    assert (call["building"], call["unit"], call["room"]) == ("7号楼", "1", "101")
    assert [notice["text"] for notice in call["notices"]] == ["需求「一」已受理", "需求「二」已受理"]
    read = await Event.get(verb="call_list.read")
    assert (read.actor_id, read.community_id, read.facts) == (people.he.id, people.jy, {"resident_ids": [elder_id]})

    await told(elder_id, title="三")
    path = f"/v1/communities/{people.jy}/call-list/{elder_id}/called"
    key = {"Idempotency-Key": "called-once"}
    for _ in range(2):
        done = await he.post(path, json={"through_id": call["through_id"]}, headers=key)
        assert (done.status_code, done.json()) == (200, {"id": elder_id, "unread": 1}), done.text
    assert (await he.post(path)).json() == {"id": elder_id, "unread": 0}
    assert (await he.get(f"/v1/communities/{people.jy}/call-list")).json()["items"] == []
    assert await Event.filter(verb="call_list.called", subject_id=elder_id).count() == 2


async def test_the_page_to_print_is_escaped_and_recorded(as_: As, people: People) -> None:
    await told(await elder(people, as_, phone=None))
    page = await (await as_("ma")).get(f"/v1/communities/{people.jy}/call-list.html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "no-store" in page.headers["cache-control"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<b>王&lt;b&gt;淑芬</b>" in page.text
    assert "楼道&lt;灯&gt;坏了" in page.text
    assert "锦阳社区 电话告知单" in page.text
    assert "无电话，请上门" in page.text
    assert "A4" in page.text
    assert await Event.filter(verb="call_list.read", actor_id=people.ma.id).count() == 1


async def test_nobody_to_call_is_said(as_: As, people: People) -> None:
    page = await (await as_("ma")).get(f"/v1/communities/{people.jy}/call-list.html")
    assert "没有需要电话告知的居民" in page.text


@pytest.mark.parametrize(
    ("who", "reads", "marks"),
    [
        ("chen", 1, 200),
        ("ma", 1, 200),
        ("he", 1, 200),
        ("lin", 403, 403),
        ("guest", 403, 403),
        ("sun", 403, 403),
        ("deng", 403, 403),
        ("qian", 403, 403),
    ],
)
async def test_who_reads_names_and_phones(as_: As, people: People, who: str, reads: int, marks: int) -> None:
    elder_id = await elder(people, as_)
    await told(elder_id)
    client = await as_(who)
    listed = await client.get(f"/v1/communities/{people.jy}/call-list")
    page = await client.get(f"/v1/communities/{people.jy}/call-list.html")
    if reads == 1:
        assert len(listed.json()["items"]) == 1
        assert page.status_code == 200
    else:
        assert listed.status_code == page.status_code == reads
        assert "8555" not in listed.text + page.text
    done = await client.post(f"/v1/communities/{people.jy}/call-list/{elder_id}/called")
    assert done.status_code == marks


async def test_a_building_head_calls_only_his_own_building(as_: As, people: People) -> None:
    added = await residents.add_resident(
        people.ma, household_id=people.wang.household_id or 0, name="李大爷", birth_year=1938, secret=Keys.of("k" * 32)
    )
    await told(added.id)
    he = await as_("he")
    assert (await he.get(f"/v1/communities/{people.jy}/call-list")).json()["items"] == []
    refused = await he.post(f"/v1/communities/{people.jy}/call-list/{added.id}/called")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert (await notifications.find_call(people.ma, people.jy, added.id)).unread == 1


async def test_who_uses_wechat_is_not_called_nor_who_lives_elsewhere(as_: As, people: People) -> None:
    await tell(people.mei)
    chen = await as_("chen")
    assert (await chen.get(f"/v1/communities/{people.jy}/call-list")).json()["items"] == []
    for resident_id in (people.mei.id, people.wu.id, 10**9):
        refused = await chen.post(f"/v1/communities/{people.jy}/call-list/{resident_id}/called")
        assert refused.status_code == 404
    assert (await chen.get("/v1/communities/999999/call-list")).status_code == 404
    building = (await chen.get("/v1/places", params={"kind": "building"})).json()["items"][0]
    assert (await chen.get(f"/v1/communities/{building['id']}/call-list")).status_code == 404


async def test_the_list_goes_on_and_names_the_oldest_twenty_notices(as_: As, people: People) -> None:
    ids = [await elder(people, as_, phone=None) for _ in range(3)]
    for resident_id in ids:
        await told(resident_id)
    for _ in range(21):
        await told(ids[2])
    ma = await as_("ma")
    seen: list[int] = []
    cursor: str | None = None
    for _ in range(3):
        params: dict[str, Any] = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = (await ma.get(f"/v1/communities/{people.jy}/call-list", params=params)).json()
        seen += [call["resident_id"] for call in page["items"]]
        if seen == [ids[2]]:
            call = page["items"][0]
            assert len(call["notices"]) == 20
            done = await ma.post(
                f"/v1/communities/{people.jy}/call-list/{ids[2]}/called", json={"through_id": call["through_id"]}
            )
            assert done.json()["unread"] == 2
        cursor = page["next_cursor"]
    assert seen == ids[::-1]
    assert cursor is None


async def test_a_phone_that_is_somebody_elses_is_refused(as_: As, people: People) -> None:
    await elder(people, as_, phone="13800000000")
    he = await as_("he")
    asked = {"household_id": people.lin.household_id, "name": "王大爷", "birth_year": 1940, "phone": "138 0000 0000"}
    taken = await he.post("/v1/residents", json=asked)
    assert (taken.status_code, taken.json()["code"]) == (409, "phone_taken")
    for phone in ("12", "call me", "1" * 30, "138\n00000000"):
        assert (await he.post("/v1/residents", json={**asked, "phone": phone})).status_code == 422, phone


@pytest.mark.parametrize("asked", [{"quiet": "no"}, {"digest": 0}, {"templates": {"vote_notice": "no"}}])
async def test_a_wish_is_true_or_false(as_: As, asked: dict[str, Any]) -> None:
    assert (await (await as_("lin")).put("/v1/me/notice-preferences", json=asked)).status_code == 422
