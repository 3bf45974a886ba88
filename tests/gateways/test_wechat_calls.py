"""Our own client's messages, checks, codes and links against the sandbox, on good days and on bad ones."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from app.gateways.errors import (
    WxBadArgument,
    WxBadResponse,
    WxError,
    WxInactive,
    WxMisconfigured,
    WxNoCredit,
    WxQuota,
    WxUnavailable,
)
from app.gateways.wechat import CHECKED_AT_ONCE, Scene, Suggest, TokenStore, Verdict, WechatClient, WechatIdentity
from tests.gateways.conftest import Control
from tests.sandbox_process import SandboxProcess

URL = "http://127.0.0.1:9/lamp.jpg"
SEND, TEXT, MEDIA = "/cgi-bin/message/subscribe/send", "/wxa/msg_sec_check", "/wxa/media_check_async"
CODE, LINK = "/wxa/getwxacodeunlimit", "/wxa/generate_urllink"

SESSION_OF = "/sns/jscode2session"

Call = Callable[[WechatClient], Awaitable[Any]]
CALLS: dict[str, Call] = {
    SEND: lambda wechat: wechat.send_message("lin", "T1", {"thing1": "楼道灯坏了"}, page="pages/a"),
    TEXT: lambda wechat: wechat.check_text("lin", Scene.FORUM, "楼道灯坏了"),
    MEDIA: lambda wechat: wechat.check_picture("lin", Scene.FORUM, URL),
    CODE: lambda wechat: wechat.code_picture("n=12", "pages/needs/show"),
    LINK: lambda wechat: wechat.link("pages/needs/show", "id=12", days=30),
}


@pytest.fixture(autouse=True)
async def lin(control: Control) -> None:
    """Lin has the mini-program open and wants one message."""
    await control.post("active", openid="lin")
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")


async def asked(control: Control, path: str) -> int:
    return sum(request["path"] == path for request in await control.get("requests"))


# --- good days --------------------------------------------------------------------------------------------------


async def test_a_message_arrives_as_it_was_written(control: Control, wechat: WechatClient) -> None:
    msgid = await CALLS[SEND](wechat)
    [message] = await control.get("messages", openid="lin")
    assert msgid == str(message["id"])
    assert message["body"] == {
        "touser": "lin",
        "template_id": "T1",
        "page": "pages/a",
        "miniprogram_state": "formal",
        "lang": "zh_CN",
        "data": {"thing1": {"value": "楼道灯坏了"}},
    }


async def test_a_text_is_judged(wechat: WechatClient) -> None:
    verdict = await wechat.check_text("lin", Scene.COMMENT, "好" * CHECKED_AT_ONCE)
    assert isinstance(verdict, Verdict)
    assert (verdict.suggest, verdict.label) == (Suggest.PASS, 100)
    verdict = await wechat.check_text("lin", Scene.FORUM, "LINLI-RISKY-20002")
    assert (verdict.suggest, verdict.label) == (Suggest.RISKY, 20002)
    verdict = await wechat.check_text("lin", Scene.FORUM, "稳赚不赔")
    assert verdict.suggest is Suggest.REVIEW


async def test_a_picture_is_taken_for_checking(wechat: WechatClient) -> None:
    first, second = await CALLS[MEDIA](wechat), await CALLS[MEDIA](wechat)
    assert first
    assert first != second


async def test_a_code_is_a_picture(wechat: WechatClient) -> None:
    assert Image.open(io.BytesIO(await CALLS[CODE](wechat))).size == (430, 430)


async def test_a_link_lives_thirty_days_at_most(control: Control, wechat: WechatClient) -> None:
    assert (await wechat.link("pages/a", "id=1", days=400)).startswith("https://")
    [made] = await control.get("links")
    assert (made["kind"], made["page"], made["query"]) == ("url_link", "pages/a", "id=1")


async def test_a_login_without_a_union_id_is_one(control: Control, wechat: WechatClient) -> None:
    await control.post("faults", path="/sns/*", change={"unionid": None, "session_key": "another", "news": 1})
    code = (await control.post("login-code", openid="lin"))["code"]
    assert await wechat.code_to_session(code) == WechatIdentity("lin", None)


# --- what WeChat refuses by itself ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "errcode"),
    [
        (lambda wechat: wechat.send_message("mei", "T1", {"thing1": "x"}, page=""), WxBadArgument, 40003),
        (lambda wechat: wechat.send_message("lin", "T9", {"thing1": "x"}, page=""), WxBadArgument, 40037),
        (lambda wechat: wechat.send_message("lin", "T1", {"thing1": "长" * 21}, page=""), WxBadArgument, 47003),
        (lambda wechat: wechat.send_message("lin", "T1", {}, page=""), WxBadArgument, 47003),
        (lambda wechat: wechat.send_message("lin", "T1", {"thing1": "x"}, page="有空 格"), WxBadArgument, 41030),
        (lambda wechat: wechat.check_text("mei", Scene.FORUM, "x"), WxBadArgument, 40003),
        (lambda wechat: wechat.check_text("lin", Scene.FORUM, ""), WxBadArgument, 44002),
        (lambda wechat: wechat.check_picture("lin", Scene.FORUM, "no address"), WxBadArgument, 40097),
        (lambda wechat: wechat.code_picture("长", "pages/a"), WxBadArgument, 40129),
        (lambda wechat: wechat.code_picture("x" * 33, "pages/a"), WxBadArgument, 40169),
        (lambda wechat: wechat.code_picture("n=1", "/pages/a"), WxBadArgument, 41030),
        (lambda wechat: wechat.link("/pages/a", "", days=1), WxBadArgument, 40165),
        (lambda wechat: wechat.link("pages/a", "名=1", days=1), WxBadArgument, 40212),
    ],
)
async def test_each_refusal_has_its_class(wechat: WechatClient, call: Call, kind: type[WxError], errcode: int) -> None:
    with pytest.raises(kind) as refusal:
        await call(wechat)
    assert refusal.value.errcode == errcode


async def test_one_accept_is_one_message(wechat: WechatClient) -> None:
    await CALLS[SEND](wechat)
    with pytest.raises(WxNoCredit):
        await CALLS[SEND](wechat)


async def test_who_went_away_two_hours_ago_is_inactive(control: Control, wechat: WechatClient) -> None:
    await control.post("inactive", openid="lin")
    for path in (TEXT, MEDIA):
        with pytest.raises(WxInactive):
            await CALLS[path](wechat)


async def test_a_token_ended_by_another_system_is_replaced(control: Control, wechat: WechatClient) -> None:
    await CALLS[TEXT](wechat)
    await control.delete("tokens")
    await CALLS[TEXT](wechat)
    assert await asked(control, TEXT) == 3


# --- bad days ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("errcode", "kind"),
    [
        (45009, WxQuota),
        (45011, WxQuota),
        (48001, WxMisconfigured),
        (40164, WxMisconfigured),
        (43101, WxNoCredit),
        (61010, WxInactive),
        (43104, WxBadArgument),
        (47001, WxBadArgument),
        (-1, WxUnavailable),
        (40001, WxUnavailable),
        (42001, WxUnavailable),
        (99999, WxError),
    ],
)
async def test_each_errcode_has_its_class(
    control: Control, wechat: WechatClient, path: str, errcode: int, kind: type[WxError]
) -> None:
    await control.post("faults", path=path, errcode=errcode)
    with pytest.raises(kind) as refusal:
        await CALLS[path](wechat)
    assert refusal.value.errcode == errcode


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ({"status": 503}, WxUnavailable),
        ({"html": True, "status": 502}, WxUnavailable),
        ({"html": True}, WxBadResponse),
        ({"status": 200, "body": ""}, WxBadResponse),
        ({"status": 200, "body": "[]"}, WxBadResponse),
        ({"drop": True}, WxUnavailable),
        ({"drop": True, "effect": "after"}, WxUnavailable),
    ],
)
async def test_a_broken_answer_is_never_taken_for_one(
    control: Control, wechat: WechatClient, path: str, trouble: dict[str, Any], kind: type[WxError]
) -> None:
    await control.post("faults", path=path, **trouble)
    with pytest.raises(kind):
        await CALLS[path](wechat)
    assert await asked(control, path) == (1 if path == SEND else 3)  # a message may have been delivered: never twice


@pytest.mark.parametrize("path", [path for path in CALLS if path != CODE])
@pytest.mark.parametrize("trouble", [{"truncated": True}, {"charset": "gbk", "change": {"errmsg": "好"}}])
async def test_half_an_answer_or_one_in_another_script_is_none(
    control: Control, wechat: WechatClient, path: str, trouble: dict[str, Any]
) -> None:
    await control.post("faults", path=path, **trouble)
    with pytest.raises(WxBadResponse):
        await CALLS[path](wechat)


async def test_half_a_picture_is_for_whoever_opens_it(control: Control, wechat: WechatClient) -> None:
    await control.post("faults", path=CODE, truncated=True)
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(await CALLS[CODE](wechat))).load()


@pytest.mark.parametrize("path", [path for path in CALLS if path != SEND])
async def test_what_may_be_asked_again_is(control: Control, wechat: WechatClient, path: str) -> None:
    await control.post("faults", path=path, drop=True, count=1)
    await control.post("faults", path=path, errcode=-1, count=1)
    await CALLS[path](wechat)
    assert await asked(control, path) == 3


async def test_a_lost_answer_leaves_the_message_sent(control: Control, wechat: WechatClient) -> None:
    await control.post("faults", path=SEND, drop=True, effect="after")
    with pytest.raises(WxUnavailable):
        await CALLS[SEND](wechat)
    assert len(await control.get("messages", openid="lin")) == 1
    await control.post("reset")


async def test_a_cut_line_before_the_effect_sends_nothing(control: Control, wechat: WechatClient) -> None:
    await control.post("faults", path=SEND, drop=True, count=1)
    with pytest.raises(WxUnavailable):
        await CALLS[SEND](wechat)
    assert await control.get("messages", openid="lin") == []
    await CALLS[SEND](wechat)


@pytest.mark.parametrize("path", CALLS)
async def test_a_slow_answer_is_waited_for_and_an_endless_one_is_not(
    control: Control, wechat: WechatClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await control.post("faults", path=path, delay_s=0.3, count=1)
    await CALLS[path](wechat)
    monkeypatch.setattr("app.gateways.wechat.PATIENCE_S", 0.2)
    await control.post("faults", path=path, delay_s=3)
    with pytest.raises(WxUnavailable):
        await CALLS[path](wechat)


async def test_a_dripping_answer_is_read_to_its_end(
    control: Control, wechat: WechatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await control.post("faults", path=CODE, drip_s=0.01)
    assert Image.open(io.BytesIO(await CALLS[CODE](wechat))).size == (430, 430)
    await control.post("faults", path=TEXT, drip_s=0.01, count=1)
    await CALLS[TEXT](wechat)
    monkeypatch.setattr("app.gateways.wechat.PATIENCE_S", 0.3)
    await control.post("faults", path=TEXT, drip_s=1)  # each piece in time, the whole never
    with pytest.raises(WxUnavailable):
        await CALLS[TEXT](wechat)


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (TEXT, {"result": None}),
        (TEXT, {"result": {"suggest": "perhaps", "label": 100}}),
        (TEXT, {"result": {"suggest": "pass", "label": "much"}}),
        (TEXT, {"trace_id": None}),
        (MEDIA, {"trace_id": None}),
        (MEDIA, {"trace_id": ""}),
        (LINK, {"url_link": None}),
    ],
)
async def test_an_answer_without_what_was_asked_is_none(
    control: Control, wechat: WechatClient, path: str, change: dict[str, Any]
) -> None:
    await control.post("faults", path=path, change=change)
    with pytest.raises(WxBadResponse):
        await CALLS[path](wechat)


async def test_a_label_may_be_text_and_more_may_be_said_than_is_known(control: Control, wechat: WechatClient) -> None:
    change = {"result": {"suggest": "review", "label": "20012", "new": 1}, "news": [1]}
    await control.post("faults", path=TEXT, change=change)
    verdict = await wechat.check_text("lin", Scene.FORUM, "x")
    assert (verdict.suggest, verdict.label) == (Suggest.REVIEW, 20012)


async def test_a_picture_that_is_json_is_no_picture(control: Control, wechat: WechatClient) -> None:
    await control.post("faults", path=CODE, status=200, body={"errcode": 0, "errmsg": "ok"})
    with pytest.raises(WxBadResponse):
        await CALLS[CODE](wechat)


async def test_half_a_fault_strikes_about_half_the_time(control: Control, sandbox_process: SandboxProcess) -> None:
    await control.post("faults", path=LINK, errcode=45009, probability=0.5)
    config = sandbox_process.config
    client = WechatClient(config["WX_API_BASE"], config["WX_APPID"], config["WX_SECRET"], TokenStore(None, "x"))
    answers = await asyncio.gather(*(CALLS[LINK](client) for _ in range(60)), return_exceptions=True)
    struck = sum(isinstance(answer, WxQuota) for answer in answers)
    assert 5 < struck < 55  # missed once in ten thousand million runs
    await client.aclose()


# --- replies that nobody documented -----------------------------------------------------------------------------


PHONE = "/wxa/business/getuserphonenumber"


def judged(label: object, trace_id: str = "t1") -> dict[str, Any]:
    return {"result": {"suggest": "pass", "label": label}, "trace_id": trace_id}


@pytest.mark.parametrize(
    ("path", "change"),
    [(TEXT, judged(label)) for label in (None, 10**12, -1, "much", [], "9" * 5000)]
    + [(TEXT, judged(100, trace_id)) for trace_id in ("", "t\0", "t" * 65)]
    + [(MEDIA, {"trace_id": trace_id}) for trace_id in ("", "t" * 600, "t\0", 5)]
    + [(SESSION_OF, {"openid": openid}) for openid in ("", "o" * 500, "o\0", 5)]
    + [(SESSION_OF, {"unionid": unionid}) for unionid in ("u" * 500, "u\0", 5)]
    + [(LINK, {"url_link": link}) for link in ("", "https://" + "x" * 600, "https://wxaurl.cn/\0", "javascript:1")]
    + [(SEND, {"msgid": msgid}) for msgid in ("m" * 65, "m\0", {"id": 1})],
)
async def test_a_reply_of_no_known_shape_is_not_taken(
    control: Control, wechat: WechatClient, path: str, change: dict[str, Any]
) -> None:
    code = (await control.post("login-code", openid="lin"))["code"]
    await control.post("faults", path=path, change=change)
    with pytest.raises(WxBadResponse):
        await (wechat.code_to_session(code) if path == SESSION_OF else CALLS[path](wechat))


@pytest.mark.parametrize("number", ["xxx", "", "1234", "1" * 40, "138\x000000000", 13800000000])
async def test_a_number_that_is_none_is_not_taken(
    control: Control, wechat: WechatClient, sandbox_process: SandboxProcess, number: object
) -> None:
    code = (await control.post("phone-code", openid="lin", phone="13800000000"))["code"]
    stamped = {"phoneNumber": number, "watermark": {"appid": sandbox_process.config["WX_APPID"]}}
    await control.post("faults", path=PHONE, change={"phone_info": stamped})
    with pytest.raises(WxBadResponse):
        await wechat.phone_number(code, "lin")
