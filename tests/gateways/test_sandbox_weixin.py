"""What the sandbox's mini-program side refuses, and the oddities of its answers; called by hand."""

import hashlib
import hmac
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from PIL import Image
from wechatpy.crypto import WeChatWxaCrypto
from wechatpy.utils import check_wxa_signature

from app.gateways.wechat_pay import WechatPayClient
from tests.gateways.conftest import Control
from tests.sandbox_process import SandboxProcess

SEND = "/cgi-bin/message/subscribe/send"
TEXT, MEDIA = "/wxa/msg_sec_check", "/wxa/media_check_async"
CODE = "/wxa/getwxacodeunlimit"


class Caller:
    """Somebody with our appid and secret who writes requests by hand."""

    def __init__(self, client: httpx.AsyncClient, control: Control, config: dict[str, str]) -> None:
        self.client, self.control = client, control
        self.app = {"appid": config["WX_APPID"], "secret": config["WX_SECRET"]}
        self.token = ""

    async def stable(self, **more: Any) -> Any:
        asked = {"grant_type": "client_credential", **self.app, **more}
        return (await self.client.post("/cgi-bin/stable_token", json=asked)).json()

    async def classic(self) -> str:
        asked = {"grant_type": "client_credential", **self.app}
        return str((await self.client.get("/cgi-bin/token", params=asked)).json()["access_token"])

    async def login(self, openid: str) -> Any:
        code = (await self.control.post("login-code", openid=openid))["code"]
        asked = {**self.app, "js_code": code, "grant_type": "authorization_code"}
        return (await self.client.get("/sns/jscode2session", params=asked)).json()

    async def get(self, path: str, /, **query: Any) -> Any:
        return (await self.client.get(path, params={"access_token": self.token, **query})).json()

    async def post(self, path: str, /, **body: Any) -> Any:
        reply = await self.client.post(path, params={"access_token": self.token}, json=body)
        return reply.json() if reply.headers["content-type"].startswith("application/json") else reply.content

    async def refused(self, path: str, /, **body: Any) -> int:
        """The errcode of a refusal, which carries a rid."""
        said = await self.post(path, **body)
        assert re.search(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$", said["errmsg"]), said
        return int(said["errcode"])


@pytest.fixture
async def caller(control: Control, sandbox_process: SandboxProcess) -> AsyncIterator[Caller]:
    """A caller with a token, and lin who has the mini-program open."""
    await control.post("active", openid="lin")
    async with httpx.AsyncClient(base_url=sandbox_process.url, trust_env=False) as client:
        caller = Caller(client, control, sandbox_process.config)
        caller.token = (await caller.stable())["access_token"]
        yield caller


async def an_order(pay: WechatPayClient) -> dict[str, str]:
    """What lin's client pays with."""
    soon = datetime.now(UTC) + timedelta(minutes=15)
    prepay_id = await pay.prepay(
        out_trade_no="LL000001", description="楼道灯", amount_fen=1, openid="lin", expires_at=soon
    )
    return pay.sign_for_client(prepay_id)


# --- tokens -----------------------------------------------------------------------------------------------------


async def test_a_stable_token_is_the_same_for_all_and_long(caller: Caller) -> None:
    again = await caller.stable()
    assert again["access_token"] == caller.token
    assert len(caller.token) >= 130
    assert again["expires_in"] <= 7200
    assert "errcode" not in again


async def test_a_classic_token_ends_the_one_before_within_five_minutes(caller: Caller, control: Control) -> None:
    first = await caller.classic()
    second = await caller.classic()
    assert first != second

    async def works(token: str) -> int:
        caller.token = token
        return int((await caller.get("/wxa/checksession"))["errcode"])

    stable, good = caller.token, 40003  # the token is good, the openid is missing
    assert [await works(first), await works(second), await works(stable)] == [good, good, good]
    await control.post("clock", advance_s=299)
    assert await works(first) == good
    await control.post("clock", advance_s=1)
    assert [await works(first), await works(second), await works(stable)] == [40001, good, good]
    await control.post("clock", advance_s=6900)
    assert await works(second) == 42001


async def test_each_wrong_credential_has_its_errcode(caller: Caller) -> None:
    assert (await caller.stable(grant_type="x"))["errcode"] == 40002
    assert (await caller.stable(appid=""))["errcode"] == 41002
    assert (await caller.stable(appid="wx0"))["errcode"] == 40013
    assert (await caller.stable(secret=""))["errcode"] == 41004
    assert (await caller.stable(secret="x"))["errcode"] == 40125
    caller.token = ""
    assert await caller.refused(TEXT, content="x") == 41001
    caller.token = "99_unknown"
    assert await caller.refused(TEXT, content="x") == 40001


async def test_another_system_can_end_our_tokens(caller: Caller, control: Control) -> None:
    await control.delete("tokens")
    assert await caller.refused(TEXT, content="x") == 40001
    caller.token = (await caller.stable())["access_token"]
    assert (await caller.post(TEXT, content="x"))["errcode"] == 0


async def test_a_token_of_another_app_is_none_for_our_users(caller: Caller, control: Control) -> None:
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    await caller.stable(force_refresh=True)
    ours, caller.app = caller.token, await control.post("apps")
    caller.token = (await caller.stable(force_refresh=True))["access_token"]  # each app has its own limit
    assert caller.token != ours
    assert await caller.refused(TEXT, version=2, openid="lin", scene=1, content="x") == 43104
    assert await caller.refused(SEND, touser="lin", template_id="T1", data={"thing1": {"value": "x"}}) == 40003
    assert (await caller.login("lin"))["errcode"] == 40029


# --- the door ---------------------------------------------------------------------------------------------------


async def test_wrong_methods_empty_and_broken_bodies_and_unknown_addresses(caller: Caller) -> None:
    token = {"access_token": caller.token}
    assert (await caller.get(TEXT))["errcode"] == 43002
    assert (await caller.post("/wxa/checksession"))["errcode"] == 43001
    assert (await caller.client.post(TEXT, params=token)).json()["errcode"] == 44002
    for body in (b"{", b"[]", b"\xff", b"content=x"):
        assert (await caller.client.post(TEXT, params=token, content=body)).json()["errcode"] == 47001
    assert await caller.refused("/wxa/unknown") == 40066
    reply = await caller.client.post(TEXT, params=token, json={"content": "好"})
    assert reply.headers["content-type"] == "application/json; encoding=utf-8"


# --- people -----------------------------------------------------------------------------------------------------


async def test_each_login_replaces_the_session_key(caller: Caller) -> None:
    first, second = await caller.login("lin"), await caller.login("lin")
    assert first["session_key"] != second["session_key"]

    async def check(key: str, path: str = "/wxa/checksession", method: str = "hmac_sha256") -> Any:
        signature = hmac.new(key.encode(), b"", hashlib.sha256).hexdigest()
        return await caller.get(path, openid="lin", signature=signature, sig_method=method)

    assert (await check(second["session_key"]))["errcode"] == 0
    assert (await check(first["session_key"]))["errcode"] == 87009
    assert (await check(second["session_key"], method="md5"))["errcode"] == 87008
    fresh = await check(second["session_key"], "/wxa/resetusersessionkey")
    assert fresh["openid"] == "lin"
    assert (await check(second["session_key"]))["errcode"] == 87009
    assert (await check(fresh["session_key"]))["errcode"] == 0


async def test_encrypted_data_is_made_with_the_real_key(caller: Caller, control: Control) -> None:
    assert "logged in" in await control.refuses("encrypted-data", openid="lin")
    key = (await caller.login("lin"))["session_key"]
    given = await control.post("encrypted-data", openid="lin", data={"nickName": "小林💡"})
    read = WeChatWxaCrypto(key, given["iv"], caller.app["appid"]).decrypt_message(given["encryptedData"])
    assert (read["openId"], read["nickName"], read["unionId"]) == ("lin", "小林💡", "union-lin")
    check_wxa_signature(key, given["rawData"], given["signature"])


async def test_a_user_may_have_no_union_id_and_a_telephone(caller: Caller, control: Control) -> None:
    assert "telephone" in await control.refuses("phone-code", openid="lin")
    await control.post("users", openid="lin", phone="13800000001")
    assert "unionid" not in await caller.login("lin")
    code = (await control.post("phone-code", openid="lin"))["code"]
    said = await caller.post("/wxa/business/getuserphonenumber", code=code, openid="lin")
    assert said["phone_info"]["purePhoneNumber"] == "13800000001"
    assert said["phone_info"]["countryCode"] == 86  # a number, whatever the documentation says
    await control.post("users", openid="lin", unionid="U1")
    assert (await caller.login("lin"))["unionid"] == "U1"


async def test_who_has_just_paid_tells_his_union_id(caller: Caller, control: Control, pay: WechatPayClient) -> None:
    payment = await an_order(pay)
    await control.post("pay", openid="lin", payment=payment)
    [order] = await control.get("orders")
    path, by_id = "/wxa/getpaidunionid", {"transaction_id": order["transaction_id"]}
    assert (await caller.get(path, openid="lin", **by_id))["unionid"] == "union-lin"
    by_no = {"mch_id": "1900000109", "out_trade_no": "LL000001"}
    assert (await caller.get(path, openid="lin", **by_no))["errcode"] == 89300
    await control.post("active", openid="mei")
    assert (await caller.get(path, openid="mei", **by_id))["errcode"] == 89300
    assert (await caller.get(path, openid="nobody", **by_id))["errcode"] == 40003
    await control.post("clock", advance_s=301)
    assert (await caller.get(path, openid="lin", **by_id))["errcode"] == 89300


# --- messages ---------------------------------------------------------------------------------------------------


async def send(caller: Caller, data: dict[str, str], **more: Any) -> Any:
    values = {keyword: {"value": value} for keyword, value in data.items()}
    return await caller.post(SEND, **{"touser": "lin", "template_id": "T1", "data": values, **more})


async def test_one_accept_is_one_message(caller: Caller, control: Control) -> None:
    assert (await send(caller, {"thing1": "x"}))["errcode"] == 40037
    await control.post("subscribe", openid="lin", template_id="T1", decision="reject")
    assert (await send(caller, {"thing1": "x"}))["errcode"] == 43101
    for _ in range(2):
        await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    msgids = [(await send(caller, {"thing1": "x"}))["msgid"] for _ in range(2)]
    assert all(2**53 < msgid < 2**63 for msgid in msgids)
    assert (await send(caller, {"thing1": "x"}))["errcode"] == 43101
    messages = await control.get("messages", openid="lin")
    assert [message["id"] for message in messages] == msgids
    assert set(messages[0]) == {"id", "openid", "template_id", "body", "at"}


async def test_a_refused_message_costs_nothing(caller: Caller, control: Control) -> None:
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    assert (await send(caller, {"thing1": "长" * 21}))["errcode"] == 47003
    assert (await send(caller, {"thing1": "x"}, page="pages/ 空"))["errcode"] == 41030
    assert (await send(caller, {"thing1": "x"}))["errcode"] == 0


async def test_who_unsubscribes_gets_nothing_more(caller: Caller, control: Control) -> None:
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    await control.post("unsubscribe", openid="lin", template_ids=["T1"])
    assert (await send(caller, {"thing1": "x"}))["errcode"] == 43101


@pytest.mark.parametrize(
    ("keyword", "good", "bad"),
    [
        ("thing1", ["楼" * 20, "a"], ["楼" * 21, "两\n行", ""]),
        ("number2", ["1", "3.14", "9" * 32], ["9" * 33, "一", "1."]),
        ("letter3", ["abcXYZ"], ["a1", "a" * 33]),
        ("symbol4", ["!@#$%"], ["!@#$%^", "a"]),
        ("character_string5", ["LL-2026/01"], ["楼-1", "x" * 33, "a b"]),
        ("time6", ["2019年10月1日 15:01", "15:01", "2026-01-02 15:04", "15:01~16:30"], ["25:00", "tomorrow"]),
        ("date7", ["2019年10月1日", "2019年10月1日 15:01", "2026-01-02~2026-01-03"], ["15:01", "1日"]),
        ("amount8", ["¥100.00", "99.00元", "1"], ["¥12345678901", "元", "-1"]),
        ("phone_number9", ["+86-0766-66888866", "13800000000"], ["1" * 18, "电话"]),
        ("car_number10", ["粤A8Z888"], ["粤A8Z888挂车牌照", "a b"]),
        ("name11", ["林" * 10, "Lin Xiaolin"], ["林" * 11, "x" * 21]),
        ("phrase12", ["已完成"], ["已经全部完成", "done"]),
    ],
)
async def test_each_type_of_keyword_has_its_limits(
    caller: Caller, control: Control, keyword: str, good: list[str], bad: list[str]
) -> None:
    for value in good:
        await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
        assert (await send(caller, {keyword: value}))["errcode"] == 0, value
    for value in bad:
        said = await send(caller, {keyword: value})
        assert said["errcode"] == 47003, value
        assert said["errmsg"].startswith(f"argument invalid! data.{keyword}.value "), said


async def test_a_registered_template_needs_exactly_its_keywords(caller: Caller, control: Control) -> None:
    assert "no such keywords" in await control.refuses("templates", template_id="T2", keywords=["colour1"])
    await control.post("templates", template_id="T1", title="需求进展", keywords=["thing1", "thing23"])
    assert [template["template_id"] for template in await control.get("templates")] == ["T1"]
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    said = await send(caller, {"thing1": "x", "thing23": "长" * 21})
    assert re.fullmatch(r"argument invalid! data\.thing23\.value invalid rid: [0-9a-f-]{26}", said["errmsg"])
    assert (await send(caller, {"thing1": "x"}))["errcode"] == 47003
    assert (await send(caller, {"thing1": "x", "thing23": "x", "thing3": "x"}))["errcode"] == 47003
    assert (await send(caller, {"thing1": "x", "thing23": "x"}))["errcode"] == 0
    assert await caller.refused(SEND, touser="lin", template_id="T1") == 47003
    assert await caller.refused(SEND, touser="nobody", template_id="T1") == 40003
    assert (await send(caller, {"thing1": "x", "colour1": "x"}))["errcode"] == 47003
    assert (await send(caller, {"thing1": "x", "thing23": "x"}, miniprogram_state="old"))["errcode"] == 47003
    assert (await send(caller, {"thing1": "x", "thing23": "x"}, lang="fr"))["errcode"] == 47003


# --- texts and pictures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "suggest", "label"),
    [
        ("楼道灯坏了", "pass", 100),
        ("前面 LINLI-RISKY-20002 后面", "risky", 20002),
        ("LINLI-REVIEW-10001", "review", 10001),
        ("LINLI-RISKY", "risky", 21000),
        ("LINLI-RISKY-99999", "risky", 21000),
        ("本店代开发票", "risky", 20006),
        ("稳赚不赔", "review", 20008),
    ],
)
async def test_marker_words_decide(caller: Caller, text: str, suggest: str, label: int) -> None:
    asked = {"version": 2, "openid": "lin", "scene": 3}
    for words in ({"content": text}, {"content": "好", "title": text}, {"content": "好", "nickname": text}):
        said = await caller.post(TEXT, **asked, **words)
        assert said["result"] == {"suggest": suggest, "label": label}
        assert said["detail"][0]["label"] == label
    first_version = await caller.post(TEXT, content=text)
    assert first_version["errcode"] == (87014 if suggest == "risky" else 0)


async def test_each_refusal_of_a_check(caller: Caller, control: Control) -> None:
    asked = {"version": 2, "openid": "lin", "scene": 3, "content": "好"}
    assert await caller.refused(TEXT, **{**asked, "content": ""}) == 44002
    assert await caller.refused(TEXT, **{**asked, "content": "长" * 2501}) == 45002
    assert await caller.refused(TEXT, **{**asked, "scene": 5}) == 40129
    assert await caller.refused(TEXT, **{**asked, "openid": "nobody"}) == 40003
    picture = {"version": 2, "openid": "lin", "scene": 3, "media_type": 2, "media_url": "http://127.0.0.1:9/x.jpg"}
    assert await caller.refused(MEDIA, **{**picture, "media_url": "ftp://x"}) == 40097
    assert await caller.refused(MEDIA, **{**picture, "media_type": 3}) == 40097
    assert await caller.refused(MEDIA, **{**picture, "scene": None}) == 40129
    assert (await caller.post(TEXT, **asked))["errcode"] == 0
    await control.post("inactive", openid="lin")
    assert await caller.refused(TEXT, **asked) == 61010
    assert await caller.refused(MEDIA, **picture) == 61010
    await caller.login("lin")
    assert (await caller.post(TEXT, **asked))["errcode"] == 0


# --- codes and links --------------------------------------------------------------------------------------------


async def test_codes_are_real_pictures(caller: Caller, control: Control) -> None:
    for path, body, kind, size in [
        (CODE, {"scene": "n=12", "page": "pages/needs/show"}, "JPEG", 430),
        (CODE, {"scene": "n=12", "width": 280, "is_hyaline": True}, "PNG", 280),
        (CODE, {"scene": "n=1", "line_color": {"r": 0, "g": "90", "b": 60}}, "JPEG", 430),
        ("/wxa/getwxacode", {"path": "pages/needs/show?id=1", "width": 1280}, "JPEG", 1280),
        ("/cgi-bin/wxaapp/createwxaqrcode", {"path": "pages/index"}, "JPEG", 430),
    ]:
        picture = Image.open(io.BytesIO(await caller.post(path, **body)))
        assert (picture.format, picture.size) == (kind, (size, size))
    made = await control.get("links")
    assert (made[0]["page"], made[0]["query"]) == ("pages/needs/show", "scene=n=12")


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"scene": ""}, 40169),
        ({"scene": "x" * 33}, 40169),
        ({"scene": 12}, 40169),
        ({"scene": "楼=1"}, 40129),
        ({"scene": "a%20b"}, 40129),
        ({"scene": "n=1", "page": "/pages/index"}, 41030),
        ({"scene": "n=1", "page": "pages/index?x=1"}, 41030),
        ({"scene": "scancode_time=1"}, 85096),
        ({"scene": "n=1", "width": 279}, 40097),
        ({"scene": "n=1", "env_version": "beta"}, 40097),
        ({"scene": "n=1", "line_color": {"r": 256, "g": 0, "b": 0}}, 40097),
    ],
)
async def test_each_refusal_of_a_code(caller: Caller, body: dict[str, Any], errcode: int) -> None:
    assert await caller.refused(CODE, **body) == errcode


async def test_links_of_three_kinds(caller: Caller, control: Control) -> None:
    link = await caller.post("/wxa/generate_urllink", path="pages/a", query="id=1", expire_type=1, expire_interval=30)
    assert link["url_link"].startswith("https://wxaurl.cn/SANDBOX")
    scheme = await caller.post("/wxa/generatescheme", jump_wxa={"path": "pages/a", "query": "id=%201"}, is_expire=False)
    assert scheme["openlink"].startswith("weixin://dl/business/?t=SANDBOX")
    short = await caller.post("/wxa/genwxashortlink", page_url="pages/a?id=1", page_title="需求", is_permanent=False)
    assert short["link"].startswith("#小程序://需求/SANDBOX")
    kinds = [(made["kind"], made["expires_at"] is None) for made in await control.get("links")]
    assert kinds == [("url_link", False), ("scheme", True), ("short_link", False)]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"path": "/pages/a"}, 40165),
        ({"path": "pages/a?x=1"}, 40165),
        ({"query": "名=1"}, 40212),
        ({"query": "x" * 1025}, 40212),
        ({"expire_type": 1, "expire_interval": 31}, 85401),
        ({"expire_type": 1}, 85401),
        ({"expire_time": 1}, 85401),
        ({"env_version": "beta"}, 40097),
    ],
)
async def test_each_refusal_of_a_link(caller: Caller, body: dict[str, Any], errcode: int) -> None:
    assert await caller.refused("/wxa/generate_urllink", **body) == errcode
    if "expire_type" not in body and "env_version" not in body and "expire_time" not in body:
        assert await caller.refused("/wxa/generatescheme", jump_wxa=body) == errcode


# --- shipping ---------------------------------------------------------------------------------------------------


async def test_a_paid_order_is_shipped_once(
    caller: Caller, control: Control, pay: WechatPayClient, sandbox_process: SandboxProcess
) -> None:
    payment = await an_order(pay)
    asked: dict[str, Any] = {
        "order_key": {
            "order_number_type": 1,
            "mchid": sandbox_process.config["WXPAY_MCHID"],
            "out_trade_no": "LL000001",
        },
        "logistics_type": 4,
        "delivery_mode": 1,
        "shipping_list": [{"item_desc": "楼道灯*1"}],
        "upload_time": "2026-01-02T15:04:05.000+08:00",
        "payer": {"openid": "lin"},
    }
    path = "/wxa/sec/order/upload_shipping_info"
    assert await caller.refused(path, **asked) == 10060001
    await control.post("pay", openid="lin", payment=payment)
    for change, errcode in [
        ({"order_key": {}}, 10060001),
        ({"payer": {}}, 268485228),
        ({"payer": {"openid": "mei"}}, 268485195),
        ({"logistics_type": 9}, 10060005),
        ({"logistics_type": 1}, 10060014),
        ({"delivery_mode": 2}, 10060006),
        ({"shipping_list": []}, 268485226),
        ({"shipping_list": [{}]}, 10060008),
        ({"shipping_list": [{"item_desc": "长" * 121}]}, 10060009),
        ({"upload_time": "yesterday"}, 268485216),
        ({"upload_time": "2026-01-02T15:04:05"}, 268485216),
    ]:
        assert await caller.refused(path, **{**asked, **change}) == errcode, change
    assert (await caller.post(path, **asked))["errcode"] == 0
    assert await caller.refused(path, **asked) == 10060002
    [order] = await control.get("orders")
    asked["order_key"] = {"order_number_type": 2, "transaction_id": order["transaction_id"]}
    assert await caller.refused(path, **asked) == 10060002
