"""Which pushes are believed, and that all forms of one event are one event."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto

from app.gateways.errors import NotifyRejected
from app.gateways.wechat_push import LARGEST_BODY, WINDOW_S, PushReader
from tests.pushing import Pushed, Pusher, answered, delivered, encrypt, event, padded, picture_checked, seal, sha1

APPID, TOKEN, KEY = "wx1234567890abcdef", "push-token", base64.b64encode(bytes(range(32))).decode().rstrip("=")
SAFE = PushReader(appid=APPID, token=TOKEN, encoding_aes_key=KEY)
PLAIN = PushReader(appid=APPID, token=TOKEN)
WECHAT = Pusher(APPID, TOKEN, KEY)

# The platform's own examples.
OFFICIAL_KEY, OFFICIAL_APPID = "A" * 43, "wxba5fad812f8e6fb9"
OFFICIAL_ENCRYPT = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8"
    "XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32I"
    "Ijdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)


def now() -> datetime:
    return datetime.now(UTC)


def at(timestamp: str) -> datetime:
    return datetime.fromtimestamp(int(timestamp), UTC)


def read(reader: PushReader, pushed: Pushed) -> Any:
    return reader.read(pushed.query, pushed.body, now=now())


def refused(reader: PushReader, pushed: Pushed) -> None:
    with pytest.raises(NotifyRejected) as rejected:
        read(reader, pushed)
    assert str(rejected.value) == "the push is not believed", "a forger is told nothing"


# --- the platform's own examples --------------------------------------------------------------------------------


def test_the_official_address_check_is_echoed() -> None:
    query = {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "timestamp": "1714036504",
        "nonce": "1514711492",
        "echostr": "4375120948345356249",
    }
    assert PushReader(appid="", token="AAAAA").echo(query, now=at("1714036504")) == "4375120948345356249"
    with pytest.raises(NotifyRejected):
        PushReader(appid="", token="AAAAB").echo(query, now=at("1714036504"))


def test_the_official_plain_push_is_believed() -> None:
    query = {
        "signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78",
        "timestamp": "1714037059",
        "nonce": "486452656",
    }
    reader = PushReader(appid="", token="AAAAA")
    said = reader.read(query, json.dumps(picture_checked("t1")).encode(), now=at("1714037059"))
    assert said is not None
    assert said.facts["trace_id"] == "t1"


def test_the_official_safe_push_is_opened() -> None:
    query = {
        "timestamp": "1714112445",
        "nonce": "415670741",
        "encrypt_type": "aes",
        "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
    }
    body = json.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": OFFICIAL_ENCRYPT}).encode()
    reader = PushReader(appid=OFFICIAL_APPID, token="AAAAA", encoding_aes_key=OFFICIAL_KEY)
    assert reader.read(query, body, now=at("1714112445")) is None, "believed, and no event of ours"
    opened = reader._open(base64.b64decode(OFFICIAL_KEY + "="), OFFICIAL_ENCRYPT)
    assert json.loads(opened)["Event"] == "debug_demo"
    with pytest.raises(NotifyRejected):
        PushReader(appid="wx0", token="AAAAA", encoding_aes_key=OFFICIAL_KEY).read(query, body, now=at("1714112445"))


def test_our_sealing_in_tests_is_the_platforms() -> None:
    message, random = b'{"demo_resp":"good luck"}', b"707722b803182950"
    sealed = seal(OFFICIAL_KEY, OFFICIAL_APPID, message, random)
    assert sealed == "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    assert sha1("AAAAA", "1713424427", "415670741", sealed) == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"


# --- which are believed -----------------------------------------------------------------------------------------


def test_a_sealed_push_is_believed() -> None:
    said = read(SAFE, WECHAT.safe(picture_checked("trace-1", "risky", "20002")))
    assert (said.event, said.openid) == ("wxa_media_check", "lin")
    assert said.facts == {"trace_id": "trace-1", "suggest": "risky", "label": 20002}


def test_what_another_library_seals_is_opened() -> None:
    message = json.dumps(picture_checked("trace-1"))
    pushed = WECHAT.plain(b"")
    sealed = WeChatCrypto(TOKEN, KEY, APPID).encrypt_message(message, pushed.query["nonce"], pushed.query["timestamp"])
    said = read(SAFE, Pushed(WECHAT.sealed(sealed.split("CDATA[")[1].split("]")[0], pushed).query, sealed.encode()))
    assert said.facts["trace_id"] == "trace-1"


def test_of_compatible_mode_only_the_sealed_part_counts() -> None:
    said = read(SAFE, WECHAT.safe(picture_checked("real"), **picture_checked("planted")))
    assert said.facts["trace_id"] == "real"


def test_with_a_key_nothing_plain_is_believed() -> None:
    refused(SAFE, WECHAT.plain(picture_checked("trace-1")))


def test_without_a_key_plain_pushes_are_believed() -> None:
    assert read(PLAIN, WECHAT.plain(picture_checked("trace-1"))).facts["trace_id"] == "trace-1"


def test_without_a_token_nothing_is_believed() -> None:
    nobody = PushReader(appid=APPID, token="", encoding_aes_key=KEY)
    refused(nobody, Pusher(APPID, "", KEY).safe(picture_checked("trace-1")))


def test_a_push_is_of_this_moment() -> None:
    at_s = int(now().timestamp())
    for apart in (-WINDOW_S, 0, WINDOW_S):
        pushed = WECHAT.safe(picture_checked("t"), at=at_s + apart)
        assert SAFE.read(pushed.query, pushed.body, now=at(str(at_s)))
    for apart in (-WINDOW_S - 1, WINDOW_S + 1):
        pushed = WECHAT.safe(picture_checked("t"), at=at_s + apart)
        with pytest.raises(NotifyRejected):
            SAFE.read(pushed.query, pushed.body, now=at(str(at_s)))


def forged() -> dict[str, Pushed]:
    said = picture_checked("t")
    good = WECHAT.safe(said)
    sealed = json.loads(good.body)["Encrypt"]
    key = base64.b64decode(KEY + "=")
    message = json.dumps(said).encode()
    head = bytes(16) + len(message).to_bytes(4, "big") + message + APPID.encode()
    odd_padding = head + bytes([0] * (31 - len(head) % 32)) + bytes([32 - len(head) % 32 or 32])
    flipped = bytearray(base64.b64decode(sealed))
    flipped[40] ^= 1

    def signed(text: str) -> Pushed:
        return WECHAT.sealed(text, WECHAT.plain(b""))

    def without(name: str) -> Pushed:
        return Pushed({key: value for key, value in good.query.items() if key != name}, good.body)

    return {
        "no signature": without("msg_signature"),
        "no timestamp": without("timestamp"),
        "no nonce": without("nonce"),
        "only the plain signature": Pushed(good.query | {"msg_signature": good.query["signature"]}, good.body),
        "a signature in Chinese": Pushed(good.query | {"msg_signature": "签名\ud800"}, good.body),
        "a token of others": Pusher(APPID, "other", KEY).safe(said),
        "a key of others": Pusher(APPID, TOKEN, "B" * 43).safe(said),
        "another mini-program": Pusher("wx0000000000000000", TOKEN, KEY).safe(said),
        "another nonce": Pushed(good.query | {"nonce": "1"}, good.body),
        "another time": Pushed(good.query | {"timestamp": str(int(good.query["timestamp"]) - 1)}, good.body),
        "no time at all": Pushed(good.query | {"timestamp": "soon"}, good.body),
        "a time beyond numbers": Pushed(good.query | {"timestamp": "9" * 4000}, good.body),
        "a changed byte": Pushed(good.query, good.body.replace(sealed.encode(), base64.b64encode(bytes(flipped)))),
        "a changed byte, signed": signed(base64.b64encode(bytes(flipped)).decode()),
        "no base64": signed("?"),
        "nothing sealed": signed(""),
        "half a block": signed(base64.b64encode(bytes(24)).decode()),
        "a block of AES, not of 32": signed(encrypt(KEY, bytes(15) + b"\x10")),
        "padding that is not all alike": signed(encrypt(KEY, odd_padding)),
        "padding of nothing": signed(encrypt(KEY, bytes(32))),
        "padding longer than a block": signed(encrypt(KEY, bytes(31) + b"\x21")),
        "a length beyond the message": signed(encrypt(KEY, padded(bytes(16) + b"\xff" * 4 + message + APPID.encode()))),
        "no object inside": WECHAT.safe([1]),
        "no JSON inside": WECHAT.safe(b"{"),
        "no JSON": Pushed(good.query, b"{"),
        "not an object": Pushed(good.query, b"[]"),
        "no UTF-8": Pushed(good.query, b"\xff\xfe\xff"),
        "an empty body": Pushed(good.query, b""),
        "a list without end": Pushed(good.query, b"[" * 60_000),
        "XML without end": Pushed(good.query, b"<a>" * 20_000),
        "XML nested deeply": Pushed(good.query, b"<a>" * 9_000 + b"</a>" * 9_000),
        "XML with entities": Pushed(
            good.query, b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>'
        ),
        "XML of an unknown script": Pushed(good.query, b'<?xml version="1.0" encoding="klingon"?><xml/>'),
        "too much": Pushed(good.query, good.body + b" " * LARGEST_BODY),
        "the key itself": signed(base64.b64encode(key).decode()),
    }


@pytest.mark.parametrize("how", list(forged()))
def test_a_forged_push_is_refused_in_the_same_words(how: str) -> None:
    refused(SAFE, forged()[how])


@given(st.binary(max_size=300), st.dictionaries(st.sampled_from(["timestamp", "nonce", "msg_signature"]), st.text()))
def test_nothing_invented_is_believed_and_nothing_breaks(body: bytes, query: dict[str, str]) -> None:
    for reader in (SAFE, PLAIN):
        with pytest.raises(NotifyRejected):
            reader.read(query, body, now=now())


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_a_genuine_push_of_any_content_never_breaks(value: Any) -> None:
    for said in (
        picture_checked("t") | {"result": value, "errcode": value},
        picture_checked("t") | {"trace_id": value, "FromUserName": value, "CreateTime": value},
        event("subscribe_msg_popup_event", List=value, SubscribeMsgPopupEvent=value),
        event("subscribe_msg_sent_event", List=[{"MsgID": value, "ErrorCode": value, "ErrorStatus": value}]),
        {"Event": value},
    ):
        read(SAFE, WECHAT.safe(said))


# --- one shape --------------------------------------------------------------------------------------------------


def xml(said: dict[str, Any]) -> bytes:
    def written(value: Any) -> str:
        if isinstance(value, dict):
            return "".join(tagged(name, inner) for name, inner in value.items())
        return f"<![CDATA[{value}]]>"

    def tagged(name: str, value: Any) -> str:
        many = value if isinstance(value, list) else [value]
        return "".join(f"<{name}>{written(one)}</{name}>" for one in many)

    if "List" in said:
        said = {name: value for name, value in said.items() if name != "List"} | {
            said["Event"].title().replace("_", ""): {"List": said["List"]}
        }
    return f"<xml>{written(said)}</xml>".encode()


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        (picture_checked("t", "pass", "100"), {"trace_id": "t", "suggest": "pass", "label": 100}),
        (picture_checked("t", "review", 21000), {"trace_id": "t", "suggest": "review", "label": 21000}),
        (answered(("t1", "accept")), {"answers": [["t1", "accept"]]}),
        (answered(("t1", "accept"), ("t2", "reject")), {"answers": [["t1", "accept"], ["t2", "reject"]]}),
        (answered(("t1", "reject"), scene="change"), {"answers": [["t1", "reject"]]}),
        (delivered("17008"), {"deliveries": [{"msgid": "17008", "error_code": 0, "status": "success"}]}),
        (
            delivered("17008", 43101, "user refuse"),
            {"deliveries": [{"msgid": "17008", "error_code": 43101, "status": "user refuse"}]},
        ),
    ],
)
def test_json_and_xml_say_the_same(said: dict[str, Any], facts: dict[str, Any]) -> None:
    as_json, as_xml = read(SAFE, WECHAT.safe(said)), read(SAFE, WECHAT.safe(xml(said)))
    assert as_json.facts == as_xml.facts == facts
    assert as_json.digest == as_xml.digest
    as_text = read(SAFE, WECHAT.safe(said | {"CreateTime": str(said["CreateTime"])}))
    assert as_text.digest == as_json.digest
    assert as_text.signed != as_json.signed


def test_a_whole_push_may_be_xml() -> None:
    said = picture_checked("t")
    pushed = WECHAT.safe(said)
    sealed = json.loads(pushed.body)["Encrypt"]
    body = f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()
    assert read(SAFE, Pushed(pushed.query, body)).facts["trace_id"] == "t"
    assert read(PLAIN, WECHAT.plain(xml(said))).facts["trace_id"] == "t"


@pytest.mark.parametrize(
    "changed",
    [
        {"errcode": 43104, "detail": [], "result": None},
        {"errcode": -1010},
        {"result": {"suggest": "perhaps", "label": 1}},
        {"result": {"suggest": "pass"}},
        {"result": "pass"},
        {"result": None, "isrisky": 0, "extra_info_json": "", "status_code": 0},
    ],
)
def test_a_picture_without_a_readable_verdict_was_not_checked(changed: dict[str, Any]) -> None:
    said = read(SAFE, WECHAT.safe(picture_checked("t") | changed))
    assert said.facts == {"trace_id": "t", "errcode": changed.get("errcode", 0)}


@pytest.mark.parametrize(
    "said",
    [
        event("debug_demo"),
        event("wxa_media_check"),
        event("subscribe_msg_popup_event"),
        event("subscribe_msg_sent_event", List={"MsgID": "1"}),
        picture_checked("t\0"),
        picture_checked("t") | {"FromUserName": "x" * 65},
        picture_checked("t") | {"CreateTime": "yesterday"},
        {"MsgType": "text", "Content": "你好", "FromUserName": "lin", "CreateTime": 1, "MsgId": 1},
        {},
    ],
)
def test_what_we_have_no_use_for_is_nothing(said: dict[str, Any]) -> None:
    assert read(SAFE, WECHAT.safe(said)) is None
