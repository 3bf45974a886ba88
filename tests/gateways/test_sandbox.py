"""The sandbox itself: where it refuses to run, and what it checks that our own client never gets wrong."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from app.gateways.wechat_pay import WechatPayClient
from sandbox.notify import RETRY_AFTER_S
from tests.gateways.conftest import Control
from tests.sandbox_process import ROOT, SandboxProcess, free_port


def refused(data: Path, port: int, **environment: str) -> str:
    """Start a sandbox that must not run; answers what it says."""
    ended = subprocess.run(
        [sys.executable, "-m", "sandbox", "--data", str(data), "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_it_refuses_production_and_ports_it_cannot_have(tmp_path: Path, sandbox_process: SandboxProcess) -> None:
    taken = int(sandbox_process.url.rsplit(":", 1)[1])
    assert "production" in refused(tmp_path, free_port(), APP_ENV="production")
    assert "--port" in refused(tmp_path, 0)
    assert f"cannot use port {taken}" in refused(tmp_path, taken)
    assert "another sandbox" in refused(sandbox_process.data_dir, free_port())


def test_it_starts_and_stops_quickly_and_keeps_its_keys(tmp_path: Path) -> None:
    began = time.monotonic()
    first = SandboxProcess.start(tmp_path / "data")
    assert time.monotonic() - began < 4  # 0.7 s on an idle machine
    began = time.monotonic()
    first.stop()
    assert time.monotonic() - began < 2
    second = SandboxProcess.start(tmp_path / "data")
    second.stop()
    moved = {"WX_API_BASE", "WXPAY_BASE"}
    assert {name for name in first.config if first.config[name] != second.config[name]} == moved


async def test_the_control_room_remembers(control: Control, sandbox_process: SandboxProcess) -> None:
    assert (await control.get("config"))["environment"] == sandbox_process.config
    decision = {"openid": "lin", "template_id": "T1", "decision": "accept"}
    assert await control.post("subscribe", **decision) == {"T1": "accept"}
    assert await control.get("messages", openid="lin") == []
    assert "0" in await control.refuses("clock", advance_s=-1)
    assert "exactly one" in await control.refuses("faults", status=500)


def test_the_retries_take_24_hours_and_4_minutes() -> None:
    assert (len(RETRY_AFTER_S), sum(RETRY_AFTER_S)) == (15, 24 * 3600 + 4 * 60)


class HandSigner:
    """A merchant who signs by hand, and may do it wrong."""

    def __init__(self, config: dict[str, str], client: httpx.AsyncClient) -> None:
        key = load_pem_private_key(Path(config["WXPAY_MERCHANT_KEY_FILE"]).read_bytes(), None)
        public = load_pem_public_key(Path(config["WXPAY_PUBLIC_KEY_FILE"]).read_bytes())
        assert isinstance(key, RSAPrivateKey)
        assert isinstance(public, RSAPublicKey)
        self.config, self.client, self.key, self.public = config, client, key, public

    async def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        age_s: int = 0,
        signed_target: str | None = None,
        signed_body: bytes | None = None,
        **auth: str,
    ) -> tuple[int, Any]:
        timestamp = str(int(time.time()) - age_s)
        text = f"{method}\n{signed_target or target}\n{timestamp}\nN0NCE\n".encode()
        text += (body if signed_body is None else signed_body) + b"\n"
        fields = {
            "serial_no": self.config["WXPAY_MERCHANT_SERIAL"],
            "signature": base64.b64encode(self.key.sign(text, PKCS1v15(), SHA256())).decode(),
            "nonce_str": "N0NCE",
            "timestamp": timestamp,
            "mchid": self.config["WXPAY_MCHID"],
            **auth,
        }
        said = ",".join(f'{name}="{value}"' for name, value in fields.items())
        reply = await self.client.request(
            method,
            target,
            content=body,
            headers={
                "Authorization": f"WECHATPAY2-SHA256-RSA2048 {said}",
                "Wechatpay-Serial": self.config["WXPAY_PUBLIC_KEY_ID"],
            },
        )
        headers = reply.headers
        proof = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode()
        signature = base64.b64decode(headers["Wechatpay-Signature"])
        self.public.verify(signature, proof + reply.content + b"\n", PKCS1v15(), SHA256())  # refusals too
        return reply.status_code, reply.json() if reply.content else None

    def an_order(self, **changes: Any) -> bytes:
        order = {
            "appid": self.config["WX_APPID"],
            "mchid": self.config["WXPAY_MCHID"],
            "description": "楼道灯",
            "out_trade_no": "LL000001",
            "notify_url": "http://127.0.0.1:9/notify",
            "amount": {"total": 1, "currency": "CNY"},
            "payer": {"openid": "lin"},
        }
        kept = {name: value for name, value in (order | changes).items() if value is not None}
        return json.dumps(kept).encode()


@pytest.fixture
async def by_hand(control: Control, sandbox_process: SandboxProcess) -> AsyncIterator[HandSigner]:
    await control.post("login-code", openid="lin")
    async with httpx.AsyncClient(base_url=sandbox_process.url, trust_env=False) as client:
        yield HandSigner(sandbox_process.config, client)


JSAPI = "/v3/pay/transactions/jsapi"


async def test_a_signature_covers_every_byte_and_the_moment(by_hand: HandSigner) -> None:
    query = f"/v3/pay/transactions/out-trade-no/LL%7C0001?mchid={by_hand.config['WXPAY_MCHID']}"
    assert (await by_hand.call("POST", JSAPI, by_hand.an_order()))[0] == 200
    assert (await by_hand.call("GET", query))[1]["code"] == "ORDER_NOT_EXIST"  # read as it was sent, encoded
    for wrong in (
        {"age_s": 301},
        {"age_s": -301},
        {"signed_body": b"{}"},
        {"signed_target": JSAPI + "/"},
        {"serial_no": "AB12"},
        {"serial_no": "no number"},
        {"mchid": "1900000000"},
        {"signature": "AAAA"},
        {"nonce_str": "OTHER"},
        {"unknown_field": "x"},
    ):
        status, said = await by_hand.call("POST", JSAPI, by_hand.an_order(), **wrong)
        assert (status, said["code"]) == (401, "SIGN_ERROR"), wrong


async def test_transport_time_is_real_time(control: Control, by_hand: HandSigner) -> None:
    await control.post("clock", advance_s=86400)
    assert (await by_hand.call("POST", JSAPI, by_hand.an_order()))[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        {"description": "长" * 43},
        {"description": "灯💡"},
        {"description": "\ud800"},
        {"description": None},
        {"attach": "x" * 129},
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "LL 00001"},
        {"mchid": "1900000000"},
        {"mchid": None},
        {"amount": {"total": 0}},
        {"amount": {"total": 1.5}},
        {"amount": {"total": "1"}},
        {"amount": {"total": True}},
        {"amount": {"total": 1, "currency": "USD"}},
        {"payer": {"openid": "nobody"}},
        {"payer": None},
        {"time_expire": "tomorrow"},
        {"time_expire": "2030-01-01T00:00:00"},
        {"notify_url": None},
        {"notify_url": "http://127.0.0.1/notify?x=1"},
        {"notify_url": "https://example.com/notify"},
        {"notify_url": "http://127.0.0.1:99999/notify"},
        {"notify_url": "http://[127.0.0.1/notify"},
        {"notify_url": "ftp://127.0.0.1/notify"},
    ],
)
async def test_each_field_of_an_order_is_checked(by_hand: HandSigner, change: dict[str, Any]) -> None:
    status, said = await by_hand.call("POST", JSAPI, by_hand.an_order(**change))
    assert (status, said["code"]) == (400, "PARAM_ERROR")


async def test_a_foreign_appid_and_broken_bodies_are_refused(by_hand: HandSigner) -> None:
    foreign = by_hand.an_order(appid="wx1234567890abcdef")
    assert (await by_hand.call("POST", JSAPI, foreign))[1]["code"] == "APPID_MCHID_NOT_MATCH"
    for body in (b"{", b"[]", b"\xff"):
        assert (await by_hand.call("POST", JSAPI, body))[0] == 400


async def test_the_clock_gives_a_late_order_its_shortest_life(control: Control, by_hand: HandSigner) -> None:
    body = by_hand.an_order(time_expire="2020-01-01T00:00:00+08:00")
    assert (await by_hand.call("POST", JSAPI, body))[0] == 200
    [order] = await control.get("orders")
    assert order["state"] == "NOTPAY"
    await control.post("clock", advance_s=60)
    [order] = await control.get("orders")
    assert order["state"] == "CLOSED"


async def test_a_paid_order_is_found_by_its_transaction(
    control: Control, by_hand: HandSigner, pay: WechatPayClient
) -> None:
    prepaid = (await by_hand.call("POST", JSAPI, by_hand.an_order()))[1]
    await control.post("pay", openid="lin", payment=pay.sign_for_client(prepaid["prepay_id"]))
    [order] = await control.get("orders")
    mchid = by_hand.config["WXPAY_MCHID"]
    by_id = f"/v3/pay/transactions/id/{order['transaction_id']}"
    status, said = await by_hand.call("GET", f"{by_id}?mchid={mchid}")
    assert (status, said["out_trade_no"], said["trade_state"]) == (200, "LL000001", "SUCCESS")
    assert (await by_hand.call("GET", f"{by_id}0?mchid={mchid}"))[0] == 404
    assert (await by_hand.call("GET", by_id))[0] == 400
    refund = {
        "transaction_id": order["transaction_id"],
        "out_refund_no": "R1",
        "amount": {"refund": 1, "total": 1},
    }
    status, said = await by_hand.call("POST", "/v3/refund/domestic/refunds", json.dumps(refund).encode())
    assert (status, said["status"], said["out_trade_no"]) == (200, "PROCESSING", "LL000001")


async def test_unknown_addresses_are_refused_in_the_words_of_each_side(
    by_hand: HandSigner, sandbox_process: SandboxProcess
) -> None:
    status, said = await by_hand.call("GET", "/v3/unknown")
    assert (status, said["code"]) == (404, "RESOURCE_NOT_EXISTS")
    said = (await by_hand.client.get("/cgi-bin/unknown")).json()
    assert said["errcode"] == 40066
    assert " rid: " in said["errmsg"]


async def test_a_login_is_answered_as_text(control: Control, by_hand: HandSigner) -> None:
    asked = {
        "appid": by_hand.config["WX_APPID"],
        "secret": by_hand.config["WX_SECRET"],
        "js_code": (await control.post("login-code", openid="lin"))["code"],
        "grant_type": "authorization_code",
    }
    reply = await by_hand.client.get("/sns/jscode2session", params=asked)
    assert reply.headers["content-type"].startswith("text/plain")
    assert len(base64.b64decode(reply.json()["session_key"])) == 16
    assert "errcode" not in reply.json()


async def test_forced_tokens_end_the_others_and_are_counted(control: Control, by_hand: HandSigner) -> None:
    asked = {
        "grant_type": "client_credential",
        "appid": by_hand.config["WX_APPID"],
        "secret": by_hand.config["WX_SECRET"],
    }

    async def token(**more: bool) -> Any:
        return (await by_hand.client.post("/cgi-bin/stable_token", json=asked | more)).json()

    async def phone(access_token: str) -> int:
        address = f"/wxa/business/getuserphonenumber?access_token={access_token}"
        return int((await by_hand.client.post(address, json={"code": "x"})).json()["errcode"])

    first = (await token())["access_token"]
    assert (await token())["access_token"] == first
    assert await phone(first) == 40029
    forced = (await token(force_refresh=True))["access_token"]
    assert (await phone(first), await phone(forced), await phone("")) == (40001, 40029, 41001)
    assert (await token(force_refresh=True))["errcode"] == 45011
    for _ in range(19):
        await control.post("clock", advance_s=31)
        assert "access_token" in await token(force_refresh=True)
    await control.post("clock", advance_s=31)
    assert (await token(force_refresh=True))["errcode"] == 45009
    last = (await token())["access_token"]
    await control.post("clock", advance_s=7200)
    assert await phone(last) == 42001
