"""What the sandbox pushes to the application: which events, in which form, how often."""

from collections.abc import AsyncIterator

import pytest

from app.gateways.wechat import Scene, WechatClient
from tests.gateways.conftest import Control
from tests.gateways.ear import Ear, listening
from tests.sandbox_process import SandboxProcess

JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
async def ear(control: Control, sandbox_process: SandboxProcess) -> AsyncIterator[Ear]:
    async with listening(sandbox_process.config, control) as ear:
        yield ear


async def test_an_accept_is_pushed_and_lets_one_message_through(
    control: Control, wechat: WechatClient, ear: Ear
) -> None:
    await control.post("templates", template_id="T1", title="需求进展", keywords=["thing1", "time2"])
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    asked = await ear.message()
    assert (asked["Event"], asked["FromUserName"]) == ("subscribe_msg_popup_event", "lin")
    assert asked["List"] == {"TemplateId": "T1", "SubscribeStatusString": "accept", "PopupScene": "0"}
    data = {"thing1": "楼道灯坏了", "time2": "2026-01-02 15:04"}
    msgid = await wechat.send_message("lin", "T1", data, page="pages/needs/show?id=1")
    sent = await ear.message(1)
    assert (sent["Event"], sent["List"]["MsgID"], sent["List"]["ErrorCode"]) == ("subscribe_msg_sent_event", msgid, "0")
    [message] = await control.get("messages", openid="lin")
    assert (message["id"], message["template_id"]) == (int(msgid), "T1")
    assert message["body"]["data"]["thing1"] == {"value": "楼道灯坏了"}


async def test_a_picture_is_fetched_and_its_verdict_pushed(control: Control, wechat: WechatClient, ear: Ear) -> None:
    await control.post("active", openid="lin")
    ear.pictures = {"lamp.jpg": JPEG, "bad.jpg": JPEG + b"LINLI-RISKY-20002"}
    for number, (name, suggest, label) in enumerate([("lamp.jpg", "pass", "100"), ("bad.jpg", "risky", "20002")]):
        trace_id = await wechat.check_picture("lin", Scene.FORUM, f"{ear.url}/pictures/{name}")
        said = await ear.message(number)
        assert (said["Event"], said["trace_id"]) == ("wxa_media_check", trace_id)
        assert said["result"] == {"suggest": suggest, "label": label}
