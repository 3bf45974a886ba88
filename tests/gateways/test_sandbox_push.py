"""What the sandbox pushes to the application: which events, in which form, how often, and how badly."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from defusedxml import ElementTree
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException

from app.gateways.errors import NotifyRejected
from app.gateways.wechat import Scene, WechatClient
from app.gateways.wechat_push import Push, PushReader
from tests.gateways.conftest import Control
from tests.gateways.ear import PATH, Ear, Heard, listening
from tests.sandbox_process import SandboxProcess

JPEG = b"\xff\xd8\xff\xe0 a picture"
POPUP, SENT, CHANGE = "subscribe_msg_popup_event", "subscribe_msg_sent_event", "subscribe_msg_change_event"
CHECKED = "wxa_media_check"


@pytest.fixture
async def ear(control: Control, sandbox_process: SandboxProcess) -> AsyncIterator[Ear]:
    async with listening(sandbox_process.config, control) as ear:
        yield ear


def read(ear: Ear, heard: Heard, *, plain: bool = False) -> Push:
    """What the application makes of a push, or NotifyRejected."""
    config = ear.config
    key = "" if plain else config["WX_ENCODING_AES_KEY"]
    reader = PushReader(appid=config["WX_APPID"], token=config["WX_PUSH_TOKEN"], encoding_aes_key=key)
    push = reader.read(heard.query, heard.body, now=datetime.now(UTC))
    assert push is not None
    return push


async def check_picture(control: Control, wechat: WechatClient, url: str) -> str:
    await control.post("active", openid="lin")
    return await wechat.check_picture("lin", Scene.FORUM, url)


# --- messages ---------------------------------------------------------------------------------------------------


async def test_an_accept_is_pushed_and_lets_one_message_through(
    control: Control, wechat: WechatClient, ear: Ear
) -> None:
    await control.post("templates", template_id="T1", title="需求进展", keywords=["thing1", "time2"])
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    asked = await ear.message()
    assert (asked["Event"], asked["FromUserName"], asked["MsgType"]) == (POPUP, "lin", "event")
    assert asked["List"] == {"TemplateId": "T1", "SubscribeStatusString": "accept", "PopupScene": "0"}
    data = {"thing1": "楼道灯坏了", "time2": "2026-01-02 15:04"}
    msgid = await wechat.send_message("lin", "T1", data, page="pages/needs/show?id=1")
    sent = await ear.message(1)
    assert sent["Event"] == SENT
    assert sent["List"] == {"TemplateId": "T1", "MsgID": msgid, "ErrorCode": "0", "ErrorStatus": "success"}
    [message] = await control.get("messages", openid="lin")
    assert message["body"]["data"]["thing1"] == {"value": "楼道灯坏了"}


async def test_several_answers_are_a_list_and_one_is_an_object(control: Control, ear: Ear) -> None:
    await control.post("subscribe", openid="lin", decisions={"T1": "accept", "T2": "reject", "T3": "ban"})
    said = await ear.message()
    assert [(entry["TemplateId"], entry["SubscribeStatusString"]) for entry in said["List"]] == [
        ("T1", "accept"),
        ("T2", "reject"),
    ]
    assert read(ear, ear.heard[0]).facts == {"answers": [["T1", "accept"], ["T2", "reject"]]}
    await control.post("unsubscribe", openid="lin", template_ids=["T1"])
    said = await ear.message(1)
    assert (said["Event"], said["List"]) == (CHANGE, {"TemplateId": "T1", "SubscribeStatusString": "reject"})
    assert "give template_id" in await control.refuses("subscribe", openid="lin")


async def test_a_message_may_fail_after_it_was_taken(control: Control, wechat: WechatClient, ear: Ear) -> None:
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    await ear.hears(1)
    await control.post("faults", push="not_delivered")
    msgid = await wechat.send_message("lin", "T1", {"thing1": "x"}, page="")
    failed = (await ear.message(1))["List"]
    assert (failed["MsgID"], failed["ErrorCode"]) == (msgid, "20001")
    assert failed["ErrorStatus"] != "success"


# --- pictures ---------------------------------------------------------------------------------------------------


async def test_a_picture_is_fetched_and_its_verdict_pushed(control: Control, wechat: WechatClient, ear: Ear) -> None:
    ear.pictures = {"lamp.jpg": JPEG, "bad.jpg": JPEG + b"LINLI-RISKY-20002"}
    for number, (name, suggest, label) in enumerate([("lamp.jpg", "pass", "100"), ("bad.jpg", "risky", "20002")]):
        trace_id = await check_picture(control, wechat, f"{ear.url}/pictures/{name}")
        said = await ear.message(number)
        assert (said["Event"], said["trace_id"], said["appid"]) == (CHECKED, trace_id, ear.config["WX_APPID"])
        assert said["result"] == {"suggest": suggest, "label": label}  # the label is a string here
        assert read(ear, ear.heard[number]).facts["label"] == int(label)


async def test_a_picture_that_cannot_be_had_fails_the_check(control: Control, wechat: WechatClient, ear: Ear) -> None:
    ear.pictures = {"text.jpg": b"no picture", "large.jpg": JPEG + bytes(10 * 1024 * 1024)}
    unreachable = ["http://127.0.0.1:9/x.jpg", "https://example.com/x.jpg", "http://[x/y"]
    for number, url in enumerate([*(f"{ear.url}/pictures/{name}" for name in ("none", *ear.pictures)), *unreachable]):
        trace_id = await check_picture(control, wechat, url)
        said = await ear.message(number)
        assert (said["trace_id"], said["errcode"], said["detail"]) == (trace_id, -1008, []), url
        assert "result" not in said


async def test_verdicts_can_be_ordered_one_by_one(control: Control, wechat: WechatClient, ear: Ear) -> None:
    ear.pictures = {"lamp.jpg": JPEG}
    await control.post("picture-verdict", suggest="review", label=20012)
    await control.post("picture-verdict", errcode=43104)
    for _ in range(3):
        await check_picture(control, wechat, f"{ear.url}/pictures/lamp.jpg")
        await ear.hears(len(ear.heard) + 1)
    review, failed, passed = [await ear.message(number) for number in range(3)]
    assert (review["result"]["suggest"], failed["errcode"], passed["result"]["suggest"]) == ("review", 43104, "pass")


async def test_the_first_version_tells_in_its_own_words(control: Control, ear: Ear, wechat: WechatClient) -> None:
    ear.pictures = {"bad.jpg": JPEG + b"LINLI-RISKY"}
    url = f"{ear.url}/pictures/bad.jpg"
    reply = await wechat._api.post("wxa/media_check_async", data={"media_url": url, "media_type": 2})
    said = await ear.message()
    assert (said["trace_id"], said["isrisky"], said["status_code"]) == (reply["trace_id"], 1, 0)


# --- forms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("mode", ["safe", "compat", "plain"])
async def test_the_application_reads_every_form(control: Control, ear: Ear, mode: str, form: str) -> None:
    await control.post("push-mode", mode=mode, format=form, url=ear.url + PATH)
    await control.post("subscribe", openid="lin", decisions={"T1": "accept", "T2": "accept"})
    [heard] = await ear.hears()
    assert heard.content_type == ("application/json" if form == "json" else "text/xml")
    assert heard.query["openid"] == "lin"
    assert ("msg_signature" in heard.query) == (mode != "plain")
    assert (b"SubscribeStatusString" in heard.body) == (mode != "safe")
    push = read(ear, heard, plain=mode == "plain")
    assert (push.event, push.openid, push.facts) == (POPUP, "lin", {"answers": [["T1", "accept"], ["T2", "accept"]]})
    if form == "xml" and mode != "plain":
        inside = ElementTree.fromstring(ear.unsealed(heard, heard.body.decode()))
        assert len(inside.findall("SubscribeMsgPopupEvent/List")) == 2


async def test_the_address_is_checked_as_the_console_does(control: Control, ear: Ear) -> None:
    assert await control.post("push-test") == {"ok": True, "status": 200, "answer": ear.echoed[0]}
    assert "this machine" in await control.refuses("push-mode", url="https://example.com/push")
    await control.post("push-mode", url="http://127.0.0.1:9/push")
    assert (await control.post("push-test"))["ok"] is False


async def test_any_event_can_be_pushed_by_hand(control: Control, ear: Ear) -> None:
    said = await control.post("push-test", openid="lin", event="debug_demo", fields={"debug_str": "hello"})
    assert said["attempts"] == [{"status": 200, "answer": "success"}]
    assert (await ear.message())["debug_str"] == "hello"
    await control.post(f"pushes/{said['id']}/resend?times=3")
    await ear.hears(4)
    assert len({json.dumps(await ear.message(number)) for number in range(4)}) == 1
    assert len({heard.query["msg_signature"] for heard in ear.heard}) == 4


# --- how often --------------------------------------------------------------------------------------------------


async def pushes(control: Control) -> Any:
    return await control.get("pushes")


async def test_three_tries_in_all(control: Control, ear: Ear) -> None:
    ear.status = 500
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    for tries in (1, 2, 3):
        await ear.hears(tries)
        await control.settled(tries)
        await control.post("clock", advance_s=5)
    await control.post("clock", advance_s=3600)
    [push] = await pushes(control)
    assert [attempt["status"] for attempt in push["attempts"]] == [500, 500, 500]
    assert (push["delivered"], push["next_at"]) == (False, None)


async def test_only_success_or_nothing_is_an_acknowledgement(control: Control, ear: Ear) -> None:
    for number, (answer, delivered) in enumerate([("success", True), ("", True), ('"success"', False)]):
        ear.answer = answer
        await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
        await ear.hears(number + 1)
        await control.settled(1, number)
        assert (await pushes(control))[number]["delivered"] is delivered


async def test_who_answers_late_is_asked_again(control: Control, ear: Ear) -> None:
    ear.delay_s = 5.5
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    await ear.hears(1)
    ear.delay_s = 0
    await ear.hears(2)
    await control.settled(2)
    [push] = await pushes(control)
    assert [attempt["answer"] for attempt in push["attempts"]] == ["TimeoutError", "success"]


# --- troubles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["bad_msg_signature", "wrong_appid", "wrong_key", "old_timestamp"])
async def test_a_forged_push_is_not_believed(control: Control, ear: Ear, trouble: str) -> None:
    await control.post("faults", push=trouble, count=1)
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    [heard] = await ear.hears()
    with pytest.raises(NotifyRejected):
        read(ear, heard)
    if trouble == "bad_msg_signature":
        with pytest.raises(InvalidSignatureException):
            await ear.message()
    if trouble == "wrong_appid":
        with pytest.raises(InvalidAppIdException):
            await ear.message()
    await control.settled(1)
    assert (await pushes(control))[0]["attempts"][0]["trouble"] == trouble


async def test_a_bad_plain_signature_matters_in_plain_mode_only(control: Control, ear: Ear) -> None:
    await control.post("faults", push="bad_signature")
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    read(ear, (await ear.hears())[0])
    await control.post("push-mode", mode="plain", url=ear.url + PATH)
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    with pytest.raises(NotifyRejected):
        read(ear, (await ear.hears(2))[1], plain=True)


@pytest.mark.parametrize(("trouble", "mark"), [("plain", b'{"ToUserName"'), ("compat", b'"Event"'), ("xml", b"<xml>")])
async def test_a_push_in_a_form_nobody_chose(control: Control, ear: Ear, trouble: str, mark: bytes) -> None:
    await control.post("faults", push=trouble, count=1)
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    [heard] = await ear.hears()
    assert mark in heard.body
    if trouble == "plain":
        with pytest.raises(NotifyRejected):
            read(ear, heard)
    else:
        assert read(ear, heard).event == POPUP


async def test_a_replay_is_the_same_bytes_twice_and_a_duplicate_is_not(control: Control, ear: Ear) -> None:
    await control.post("faults", push="replay", count=1)
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    first, second = await ear.hears(2)
    assert first == second
    await control.post("faults", push="duplicate", count=1)
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    copies = [read(ear, heard) for heard in (await ear.hears(5))[2:]]
    assert len({copy.digest for copy in copies}) == 1
    assert len({copy.signed for copy in copies}) == 3


async def test_a_push_may_be_late_or_never_come(control: Control, ear: Ear) -> None:
    await control.post("faults", push="never", event=CHANGE)
    await control.post("faults", push="late", late_s=600, event=POPUP)
    await control.post("unsubscribe", openid="lin", template_ids=["T1"])
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    await control.post("clock", advance_s=500)
    never, late = await pushes(control)
    assert (never["next_at"], late["attempts"], ear.heard) == (None, [], [])
    await control.post("clock", advance_s=101)
    assert (await ear.message())["Event"] == POPUP
    await control.post("clock", advance_s=86400)
    assert len(ear.heard) == 1


async def test_a_push_may_come_before_the_reply(control: Control, wechat: WechatClient, ear: Ear) -> None:
    ear.pictures = {"lamp.jpg": JPEG}
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    await ear.hears(1)
    await control.post("faults", push="before_reply")
    trace_id = await check_picture(control, wechat, f"{ear.url}/pictures/lamp.jpg")
    assert len(ear.heard) == 2  # no waiting: it was there first
    assert (await ear.message(1))["trace_id"] == trace_id
    await wechat.send_message("lin", "T1", {"thing1": "x"}, page="")
    assert len(ear.heard) == 3
    await control.delete("faults")
    await check_picture(control, wechat, f"{ear.url}/pictures/lamp.jpg")
    assert len(ear.heard) == 3  # as a rule it comes a little later


async def test_what_was_owed_is_pushed_after_a_kill(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("killed") / "data"
    first = SandboxProcess.start(data)
    async with Control.of(first) as control:
        await control.post("push-mode", url="http://127.0.0.1:9/push")
        await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
        await control.post("templates", template_id="T1", keywords=["thing1"])
    first.kill()
    second = SandboxProcess.start(data)
    try:
        async with Control.of(second) as control, listening(second.config, control) as ear:
            await control.post("clock", advance_s=5)
            assert (await ear.message())["Event"] == POPUP
            assert [template["keywords"] for template in await control.get("templates")] == [["thing1"]]
    finally:
        second.stop()
