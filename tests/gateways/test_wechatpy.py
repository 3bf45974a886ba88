"""wechatpy as its authors made it, blocking and with the classic token, works against the sandbox."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.gateways.conftest import Control
from tests.sandbox_process import SandboxProcess

Answer = TypeVar("Answer")


@pytest.fixture
def plain(control: Control, sandbox_process: SandboxProcess) -> WeChatClient:
    """Only the addresses are changed; the token's is written into wechatpy."""
    base = sandbox_process.url

    class Plain(WeChatClient):  # type: ignore[misc]
        API_BASE_URL = f"{base}/"

        def fetch_access_token(self) -> Any:
            asked = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(url=f"{base}/cgi-bin/token", params=asked)

    config = sandbox_process.config
    client = Plain(config["WX_APPID"], config["WX_SECRET"], timeout=5, auto_retry=False)
    client._http.trust_env = False
    client.wxa.API_BASE_URL = f"{base}/"
    return client


async def blocking(call: Callable[..., Answer], *arguments: Any) -> Answer:
    return await asyncio.to_thread(call, *arguments)


async def test_it_logs_in(control: Control, plain: WeChatClient) -> None:
    code = (await control.post("login-code", openid="lin"))["code"]
    said = await blocking(plain.wxa.code_to_session, code)
    assert (said["openid"], said["unionid"]) == ("lin", "union-lin")
    with pytest.raises(WeChatClientException) as refusal:
        await blocking(plain.wxa.code_to_session, code)
    assert refusal.value.errcode == 40163


async def test_it_fetches_the_classic_token(control: Control, plain: WeChatClient) -> None:
    first = await blocking(lambda: plain.access_token)
    assert len(first) >= 130
    assert await blocking(lambda: plain.access_token) == first
    await blocking(plain.fetch_access_token)
    assert plain.access_token != first


async def test_it_sends_a_subscription_message(control: Control, plain: WeChatClient) -> None:
    await control.post("subscribe", openid="lin", template_id="T1", decision="accept")
    data = {"thing1": {"value": "楼道灯坏了"}}
    said = await blocking(plain.wxa.send_subscribe_message, "lin", "T1", data, "pages/needs/show?id=1")
    [message] = await control.get("messages", openid="lin")
    assert (message["id"], message["body"]["data"]) == (said["msgid"], data)
    with pytest.raises(WeChatClientException) as refusal:
        await blocking(plain.wxa.send_subscribe_message, "lin", "T1", data)
    assert refusal.value.errcode == 43101


async def test_it_checks_a_text_as_in_the_first_version(plain: WeChatClient) -> None:
    assert (await blocking(plain.wxa.check_text_security, "楼道灯坏了"))["errmsg"] == "ok"
    with pytest.raises(WeChatClientException) as refusal:
        await blocking(plain.wxa.check_text_security, "本店代开发票")
    assert refusal.value.errcode == 87014


async def test_it_draws_codes(plain: WeChatClient) -> None:
    for picture in (
        await blocking(plain.wxa.get_wxa_code_unlimited, "n=12"),
        await blocking(plain.wxa.get_wxa_code, "pages/needs/show?id=12"),
        await blocking(plain.wxa.create_qrcode, "pages/needs/show?id=12"),
    ):
        assert picture.content.startswith(b"\xff\xd8\xff")


async def test_it_asks_who_paid(control: Control, plain: WeChatClient) -> None:
    await control.post("active", openid="lin")
    with pytest.raises(WeChatClientException) as refusal:
        await blocking(plain.wxa.get_paid_unionid, "lin", "420000")
    assert refusal.value.errcode == 89300
