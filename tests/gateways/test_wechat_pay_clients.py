"""Clients that are not ours, against the sandbox: two that must succeed, and one that signs wrongly and must fail."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.async_.utils import build_authorization

from tests.gateways.conftest import Control, Merchant
from tests.gateways.test_wechat_pay_bills import tomorrow
from tests.sandbox_process import SandboxProcess

NODE = Path(__file__).parents[1] / "node"
BROKEN = "wechatpayv3==2.0.3"
BROKEN_SHA256 = "c5fa90fb7e66083e16c6e0d5c5af4489958de183de316c109343a204a29f9587"
ORDER = {"description": "楼道灯", "amount": {"total": 1234, "currency": "CNY"}, "payer": {"openid": "lin"}}


@pytest.fixture(autouse=True)
async def lin(control: Control) -> None:
    """Has opened the mini-program once."""
    await control.post("login-code", openid="lin")


def contents(path: str) -> str:
    return Path(path).read_text()


def unpack_broken(folder: Path) -> Path:
    """The fetched wheel, unpacked where nothing else is."""
    [wheel] = folder.glob("*.whl")
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == BROKEN_SHA256
    zipfile.ZipFile(wheel).extractall(folder / "broken")
    return folder / "broken"


def certificate_of(sandbox: SandboxProcess) -> tuple[str, str]:
    pem = (sandbox.data_dir / "platform_certificate.pem").read_text()
    return f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:040X}", pem


def sync_client(sandbox: SandboxProcess, notify_url: str, monkeypatch: pytest.MonkeyPatch, **mode: Any) -> WeChatPay:
    config = sandbox.config
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=config["WXPAY_MCHID"],
        private_key=contents(config["WXPAY_MERCHANT_KEY_FILE"]),
        cert_serial_no=config["WXPAY_MERCHANT_SERIAL"],
        apiv3_key=config["WXPAY_APIV3_KEY"],
        appid=config["WX_APPID"],
        notify_url=notify_url,
        timeout=(5, 15),
        **mode,
    )


@pytest.mark.parametrize("mode", ["public key", "certificate"])
async def test_wechatpayv3_walks_the_whole_road(
    control: Control,
    merchant: Merchant,
    sandbox_process: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mode: str,
) -> None:
    config = sandbox_process.config
    if mode == "public key":
        public_key = contents(config["WXPAY_PUBLIC_KEY_FILE"])
        keys: dict[str, Any] = {"public_key": public_key, "public_key_id": config["WXPAY_PUBLIC_KEY_ID"]}
    else:
        serial, pem = certificate_of(sandbox_process)
        (tmp_path / f"{serial}.pem").write_text(pem)
        keys = {"cert_dir": str(tmp_path)}
        await control.post("key-change", certificate_percent=100)
    client = sync_client(sandbox_process, merchant.url, monkeypatch, **keys)
    client._core._gate_way = sandbox_process.url

    async def said(call: Any, /, *args: Any, **asked: Any) -> tuple[int, Any]:
        status, text = await asyncio.to_thread(call, *args, **asked)
        return status, json.loads(text) if text else None

    status, prepaid = await said(client.pay, out_trade_no="SYNC0001", **ORDER)
    assert status == 200
    package, stamp, nonce = f"prepay_id={prepaid['prepay_id']}", "1700000000", "n0nce"
    payment = {
        "timeStamp": stamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": client.sign([config["WX_APPID"], stamp, nonce, package]),
    }
    await control.post("pay", openid="lin", payment=payment)
    [heard] = await merchant.hears(1)
    notice = client.callback(heard.headers, heard.body)
    assert notice["resource"]["amount"]["total"] == 1234
    found = (await said(client.query, out_trade_no="SYNC0001"))[1]
    assert (found["trade_state"], found["transaction_id"]) == ("SUCCESS", notice["resource"]["transaction_id"])
    assert (await said(client.query, transaction_id=found["transaction_id"]))[1]["out_trade_no"] == "SYNC0001"
    asked = {"out_refund_no": "R1", "amount": {"refund": 34, "total": 1234, "currency": "CNY"}}
    refunded = (await said(client.refund, out_trade_no="SYNC0001", **asked))[1]
    assert refunded["status"] == "PROCESSING"
    assert (await said(client.query_refund, "R1"))[1]["refund_id"] == refunded["refund_id"]
    assert (await said(client.pay, out_trade_no="SYNC0002", **ORDER))[0] == 200
    assert (await said(client.close, "SYNC0002")) == (204, None)
    assert (await said(client.pay, out_trade_no="SYNC0002", **ORDER))[1]["code"] == "INVALID_REQUEST"
    transfer = {
        "out_bill_no": "SYNCT1",
        "transfer_scene_id": "1006",
        "openid": "lin",
        "transfer_amount": 100,
        "transfer_remark": "报销",
        "notify_url": merchant.url,
        "transfer_scene_report_infos": [{"info_type": "岗位类型", "info_content": "居民"}],
    }
    assert (await said(client.mch_transfer_bills, **transfer))[1]["state"] == "WAIT_USER_CONFIRM"
    day = await tomorrow(control)
    told = (await said(client.trade_bill, bill_date=day.isoformat()))[1]
    status, file = await asyncio.to_thread(client.download_bill, told["download_url"])
    assert (status, file[:2]) == (200, b"\x1f\x8b")


async def test_the_axios_plugin_walks_the_whole_road(
    control: Control, merchant: Merchant, sandbox_process: SandboxProcess
) -> None:
    node = shutil.which("node")
    if not (node and (NODE / "node_modules").is_dir()):
        assert not os.environ.get("CI"), "CI has node and `npm ci` done in tests/node"
        pytest.skip("node, or its modules (npm ci in tests/node), are not here")
    serial, pem = certificate_of(sandbox_process)
    asked = {
        "config": sandbox_process.config,
        "notify_url": merchant.url,
        "certificate": {"serial": serial, "pem": pem},
    }
    running = await asyncio.create_subprocess_exec(
        node,
        "pay.mjs",
        cwd=NODE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"},
    )
    out, errors = await asyncio.wait_for(running.communicate(json.dumps(asked).encode()), 60)
    assert running.returncode == 0, errors.decode()
    assert json.loads(out) == {
        "heard": {"errMsg": "requestPayment:ok"},
        "order": ["SUCCESS", 1234, "lin"],
        "same": "NODE0001",
        "refund": ["PROCESSING", 234],
        "refunded": "NODE0001-R1",
        "closed": 204,
        "refusal": [400, "INVALID_REQUEST"],
        "transfer": "WAIT_USER_CONFIRM",
        "certificate": [True, True],
        "bill": [True, 5],
    }


def wanted(config: dict[str, str]) -> dict[str, Any]:
    return {
        **ORDER,
        "appid": config["WX_APPID"],
        "mchid": config["WXPAY_MCHID"],
        "out_trade_no": "BROKEN01",
        "notify_url": "http://127.0.0.1:9/notify",
    }


async def test_what_is_signed_otherwise_than_it_is_sent_is_a_sign_error(sandbox_process: SandboxProcess) -> None:
    """How 2.0.3 signs: json.dumps with its default blanks under the signature, httpx's compact JSON on the wire."""
    config, path = sandbox_process.config, "/v3/pay/transactions/jsapi"
    key = load_pem_private_key(contents(config["WXPAY_MERCHANT_KEY_FILE"]).encode(), None)
    async with httpx.AsyncClient(base_url=sandbox_process.url, trust_env=False) as client:
        for sent, status in ({"json": wanted(config)}, 401), ({"content": json.dumps(wanted(config))}, 200):
            proof = build_authorization(
                path, "POST", config["WXPAY_MCHID"], config["WXPAY_MERCHANT_SERIAL"], key, data=wanted(config)
            )
            headers = {"Authorization": proof, "Content-Type": "application/json"}
            reply = await client.post(path, headers=headers, **sent)
            assert reply.status_code == status, reply.text
            assert status == 200 or reply.json()["code"] == "SIGN_ERROR"


SCRIPT = """
import asyncio, json, sys
from wechatpayv3 import __version__
from wechatpayv3.async_ import AsyncWeChatPay, WeChatPayType

config, order = json.loads(sys.argv[1]), json.loads(sys.argv[2])

async def main():
    async with AsyncWeChatPay(
        WeChatPayType.MINIPROG, config["WXPAY_MCHID"], open(config["WXPAY_MERCHANT_KEY_FILE"]).read(),
        config["WXPAY_MERCHANT_SERIAL"], config["WX_APPID"], config["WXPAY_APIV3_KEY"], "http://127.0.0.1:9/notify",
        public_key=open(config["WXPAY_PUBLIC_KEY_FILE"]).read(), public_key_id=config["WXPAY_PUBLIC_KEY_ID"],
    ) as pay:
        pay._core._gate_way = config["WXPAY_BASE"]
        status, text = await pay.pay(**order)
        print(json.dumps([__version__, status, json.loads(text)]))

asyncio.run(main())
"""


async def test_wechatpayv3_2_0_3_is_a_sign_error(sandbox_process: SandboxProcess, tmp_path: Path) -> None:
    fetching = [sys.executable, "-m", "pip", "download", BROKEN, "--no-deps", "--only-binary", ":all:", "-q"]
    try:
        fetched = await asyncio.to_thread(
            subprocess.run, [*fetching, "-d", str(tmp_path)], capture_output=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{BROKEN} cannot be fetched; its way of signing is tried above all the same")
    if fetched.returncode:
        pytest.skip(f"{BROKEN} cannot be fetched; its way of signing is tried above all the same")
    broken = await asyncio.to_thread(unpack_broken, tmp_path)
    order = {**ORDER, "out_trade_no": "BROKEN02"}
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", SCRIPT, json.dumps(sandbox_process.config), json.dumps(order)],
        env={**os.environ, "PYTHONPATH": str(broken), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    version, status, said = json.loads(ran.stdout)
    assert (version, status, said["code"]) == ("2.0.3", 401, "SIGN_ERROR")
