"""The Pay side of the sandbox where our own client does not go, and its bad days where it does."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.settings import Settings
from app.gateways.errors import NotifyRejected, PayError, PayUnknown
from app.gateways.outside import open_outside
from app.gateways.wechat_pay import PaymentNotice, WechatPayClient
from sandbox.notify import RETRY_AFTER_S
from tests.gateways.conftest import Control, Merchant, pay_client
from tests.gateways.test_sandbox import HandSigner, by_hand
from tests.gateways.test_wechat_pay import JSAPI, order, paid, read, refund
from tests.sandbox_process import SandboxProcess

__all__ = ["by_hand"]
TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"
TAMPERED = {
    "replay": "not of this moment",
    "forged": "signature",
    "signtest": "malformed",
    "unknown_serial": "key we do not know",
    "other_apiv3_key": "not encrypted with our key",
    "other_aad": "not encrypted with our key",
    "other_mchid": "another merchant",
    "other_appid": "another merchant",
    "unknown_event": "malformed",
    "large": "too large",
}


async def waits_for_state(by_hand: HandSigner, number: str, state: str) -> Any:
    for _ in range(100):
        said = (await by_hand.call("GET", f"{TRANSFERS}/out-bill-no/{number}"))[1]
        if said["state"] == state:
            return said
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {said['state']}")


async def test_a_coupon_is_paid_by_the_platform(control: Control, pay: WechatPayClient, merchant: Merchant) -> None:
    payment = pay.sign_for_client(await order(pay))
    assert "less than the whole" in await control.refuses("pay", openid="lin", payment=payment, coupon_fen=1234)
    await control.post("pay", openid="lin", payment=payment, coupon_fen=234)
    notice = read(pay, (await merchant.hears(1))[0])
    assert isinstance(notice, PaymentNotice)
    assert notice.amount_fen == 1234, "the whole, although the payer paid 10.00"
    _, text = await pay._pay.query(out_trade_no="LL000001")
    assert (json.loads(text)["amount"]["payer_total"], json.loads(text)["promotion_detail"][0]["amount"]) == (1000, 234)
    for number, fen in (("R1", 617), ("R2", 617)):
        _, text = await pay._pay.refund(
            out_refund_no=number, out_trade_no="LL000001", amount={"refund": fen, "total": 1234, "currency": "CNY"}
        )
        amount = json.loads(text)["amount"]
        assert (amount["refund"], amount["payer_refund"], amount["discount_refund"]) == (617, 500, 117)


async def test_a_refund_needs_money_in_the_merchants_account(control: Control, pay: WechatPayClient) -> None:
    await paid(control, pay)
    assert await control.get("merchant-balance") == {"fen": 1_000_000 + 1234 - 7}
    await control.post("merchant-balance", fen=1000)
    with pytest.raises(PayError) as refusal:
        await refund(pay, "R1", 1234)
    assert (refusal.value.status, refusal.value.code) == (403, "NOT_ENOUGH")
    await control.post("merchant-balance", fen=1227)
    await refund(pay, "R1", 1234)
    assert await control.get("merchant-balance") == {"fen": 0}, "the fee came back with the refund"


async def test_a_closed_refund_returns_to_the_merchant(control: Control, pay: WechatPayClient) -> None:
    await control.post("faults", refund="PROCESSING")
    await paid(control, pay)
    before = await control.get("merchant-balance")
    await refund(pay, "R1", 1000)
    assert await control.get("merchant-balance") != before
    await control.post("refunds/R1/finish", state="CLOSED")
    assert await control.get("merchant-balance") == before


async def test_an_abnormal_refund_goes_on_to_a_bank_card(
    control: Control, pay: WechatPayClient, by_hand: HandSigner
) -> None:
    await control.post("faults", refund="ABNORMAL")
    await paid(control, pay)
    made = await refund(pay, "R1", 1234)
    address = f"/v3/refund/domestic/refunds/{made.refund_id}/apply-abnormal-refund"
    asked = json.dumps({"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"}).encode()
    assert (await by_hand.call("POST", address, asked))[1]["code"] == "INVALID_REQUEST", "it is not abnormal yet"
    await control.post("clock", advance_s=1)
    await asyncio.sleep(0.3)
    assert (await pay.query_refund("R1")).status == "ABNORMAL"
    assert (await by_hand.call("POST", address, b'{"out_refund_no": "R1"}'))[1]["code"] == "PARAM_ERROR"
    other = address.replace(made.refund_id, "1")
    assert (await by_hand.call("POST", other, asked))[1]["code"] == "RESOURCE_NOT_EXISTS"
    status, said = await by_hand.call("POST", address, asked)
    assert (status, said["status"]) == (200, "PROCESSING")
    await control.post("clock", advance_s=1)
    await asyncio.sleep(0.3)
    assert (await pay.query_refund("R1")).status == "SUCCESS"


async def test_the_certificate_is_told_encrypted_and_begins_with_a_zero(
    by_hand: HandSigner, sandbox_process: SandboxProcess
) -> None:
    [said] = (await by_hand.call("GET", "/v3/certificates"))[1]["data"]
    sealed = said["encrypt_certificate"]
    aes = AESGCM(sandbox_process.config["WXPAY_APIV3_KEY"].encode())
    pem = aes.decrypt(sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"]), b"certificate")
    certificate = x509.load_pem_x509_certificate(pem)
    assert pem == (Path(sandbox_process.data_dir) / "platform_certificate.pem").read_bytes()
    assert said["serial_no"] == f"{certificate.serial_number:040X}"
    assert said["serial_no"][0] == "0"


async def transferred(by_hand: HandSigner, merchant: Merchant, number: str = "T1", fen: int = 100) -> tuple[int, Any]:
    wanted = {
        "appid": by_hand.config["WX_APPID"],
        "out_bill_no": number,
        "transfer_scene_id": "1006",
        "openid": "lin",
        "transfer_amount": fen,
        "transfer_remark": "报销",
        "notify_url": merchant.url,
        "transfer_scene_report_infos": [{"info_type": "岗位类型", "info_content": "居民"}],
    }
    return await by_hand.call("POST", TRANSFERS, json.dumps(wanted).encode())


async def test_a_transfer_waits_for_its_user(control: Control, by_hand: HandSigner, merchant: Merchant) -> None:
    status, said = await transferred(by_hand, merchant)
    assert (status, said["state"]) == (200, "WAIT_USER_CONFIRM")
    assert said["package_info"]
    assert (await transferred(by_hand, merchant))[1]["transfer_bill_no"] == said["transfer_bill_no"]
    assert (await transferred(by_hand, merchant, fen=101))[1]["code"] == "INVALID_REQUEST"
    await control.post("transfers/T1/confirm")
    done = await waits_for_state(by_hand, "T1", "SUCCESS")
    same = (await by_hand.call("GET", f"{TRANSFERS}/transfer-bill-no/{said['transfer_bill_no']}"))[1]
    assert (same, done["transfer_amount"]) == (done, 100)
    [heard] = await merchant.hears(1)
    assert json.loads(heard.body)["event_type"] == "MCHTRANSFER.BILL.FINISHED"
    assert (await by_hand.call("POST", f"{TRANSFERS}/out-bill-no/T1/cancel"))[0] == 400
    assert (await by_hand.call("GET", f"{TRANSFERS}/out-bill-no/T2"))[0] == 404


async def test_a_transfer_is_cancelled_or_runs_out_and_its_money_returns(
    control: Control, by_hand: HandSigner, merchant: Merchant
) -> None:
    before = await control.get("merchant-balance")
    await transferred(by_hand, merchant)
    assert await control.get("merchant-balance") != before
    status, said = await by_hand.call("POST", f"{TRANSFERS}/out-bill-no/T1/cancel")
    assert (status, said["state"]) == (200, "CANCELING")
    assert "nothing to confirm" in await control.refuses("transfers/T1/confirm")
    await waits_for_state(by_hand, "T1", "CANCELLED")
    await transferred(by_hand, merchant, "T2")
    await control.post("clock", advance_s=86400)
    assert (await waits_for_state(by_hand, "T2", "FAIL"))["fail_reason"]
    assert await control.get("merchant-balance") == before
    await control.post("merchant-balance", fen=99)
    assert (await transferred(by_hand, merchant, "T3"))[1]["code"] == "NOT_ENOUGH"


async def test_profit_sharing_answers_and_moves_nothing(
    control: Control, pay: WechatPayClient, by_hand: HandSigner
) -> None:
    await paid(control, pay)
    [sold] = await control.get("orders")
    receiver = {"type": "MERCHANT_ID", "account": "1900000109", "relation_type": "PARTNER"}
    add = await by_hand.call("POST", "/v3/profitsharing/receivers/add", json.dumps(receiver).encode())
    assert add == (200, receiver)
    asked = {"transaction_id": sold["transaction_id"], "out_order_no": "S1", "unfreeze_unsplit": True}
    shared = await by_hand.call("POST", "/v3/profitsharing/orders", json.dumps(asked).encode())
    assert (shared[0], shared[1]["state"]) == (200, "FINISHED")
    assert await by_hand.call("POST", "/v3/profitsharing/orders", json.dumps(asked).encode()) == shared
    assert (await by_hand.call("GET", "/v3/profitsharing/orders/S1"))[1]["order_id"] == shared[1]["order_id"]
    rest = json.dumps({"transaction_id": sold["transaction_id"], "out_order_no": "S2", "description": "解冻"}).encode()
    assert (await by_hand.call("POST", "/v3/profitsharing/orders/unfreeze", rest))[0] == 200
    back = json.dumps({"out_order_no": "S1", "out_return_no": "B1", "amount": 1}).encode()
    assert (await by_hand.call("POST", "/v3/profitsharing/return-orders", back))[1]["result"] == "SUCCESS"
    other = json.dumps(asked | {"transaction_id": "0", "out_order_no": "S3"}).encode()
    assert (await by_hand.call("POST", "/v3/profitsharing/orders", other))[0] == 400


@pytest.mark.parametrize("reply", ["unsigned", "forged", "signtest", "stale", "certificate"])
async def test_a_reply_that_is_not_proved_is_unknown_though_the_order_was_made(
    control: Control, pay: WechatPayClient, reply: str
) -> None:
    await control.post("faults", path=JSAPI, reply=reply, count=1)
    with pytest.raises(PayUnknown):
        await order(pay)
    assert await pay.query("LL000001")
    assert "/v3/certificates" not in [request["path"] for request in await control.get("requests")]
    assert await order(pay)


async def test_a_pinned_certificate_is_believed_in_replies_and_notifications(
    control: Control, pay: WechatPayClient, merchant: Merchant, sandbox_process: SandboxProcess
) -> None:
    both = pay_client(sandbox_process.config, merchant.url, (sandbox_process.data_dir / "platform_certificate.pem",))
    await both.aopen()
    try:
        await control.post("faults", path=JSAPI, reply="certificate", count=1)
        assert await order(both)
    finally:
        await both.aclose()
    await control.post("key-change", certificate_percent=100)
    await paid(control, pay)
    [heard] = await merchant.hears(1)
    assert heard.headers["wechatpay-serial"][0] == "0"
    assert isinstance(read(both, heard), PaymentNotice)
    shorter = heard.headers | {"wechatpay-serial": heard.headers["wechatpay-serial"].lstrip("0").lower()}
    assert both.read_notification(shorter, heard.body, now=datetime.now(UTC))
    with pytest.raises(NotifyRejected, match="key we do not know"):
        read(pay, heard)
    with pytest.raises(NotifyRejected):
        both.read_notification(heard.headers, heard.body, now=datetime(2036, 1, 1, tzinfo=UTC))


async def test_keys_are_mixed_while_a_merchant_changes_them(
    control: Control, pay: WechatPayClient, merchant: Merchant
) -> None:
    await control.post("key-change", certificate_percent=50)
    await paid(control, pay)
    await merchant.hears(1)
    [kept] = await control.get("notifications")
    await control.post(f"notifications/{kept['id']}/duplicate", times=40)
    kinds = {heard.headers["wechatpay-serial"][:4] for heard in await merchant.hears(41)}
    assert "PUB_" in kinds
    assert len(kinds) == 2


async def test_a_new_key_is_not_believed(control: Control, pay: WechatPayClient, merchant: Merchant) -> None:
    await paid(control, pay)
    await control.post("key-change", new_key=True)
    [kept] = await control.get("notifications")
    await control.post(f"notifications/{kept['id']}/resend")
    with pytest.raises(NotifyRejected):
        read(pay, (await merchant.hears(2))[-1])
    with pytest.raises(PayUnknown):
        await order(pay, "LL000002")


async def test_a_clock_six_minutes_wrong_rejects_every_signature(control: Control, pay: WechatPayClient) -> None:
    await control.post("faults", path="/v3/*", clock_s=360, count=1)
    with pytest.raises(PayError) as refusal:
        await order(pay)
    assert (refusal.value.status, refusal.value.code) == (401, "SIGN_ERROR")
    assert await order(pay)


async def test_a_nonce_used_twice_is_noted(control: Control, by_hand: HandSigner) -> None:
    for _ in range(2):
        assert (await by_hand.call("POST", JSAPI, by_hand.an_order()))[0] == 200
    warned = ["warning" in request for request in await control.get("requests") if request["path"] == JSAPI]
    assert warned == [False, True]


@pytest.mark.parametrize("kind", TAMPERED)
async def test_a_tampered_notification_is_rejected_for_its_own_reason(
    control: Control, pay: WechatPayClient, merchant: Merchant, kind: str
) -> None:
    await control.post("faults", notify=kind, count=1)
    merchant.status = 400
    await paid(control, pay)
    [spoiled] = await merchant.hears(1)
    with pytest.raises(NotifyRejected, match=TAMPERED[kind]):
        read(pay, spoiled)
    await until_tried(control, 1)
    merchant.status = 204
    await control.post("clock", advance_s=15)
    assert read(pay, (await merchant.hears(2))[1]), "the same follows as it should be"


async def test_notifications_come_late_several_times_or_out_of_order(
    control: Control, pay: WechatPayClient, merchant: Merchant
) -> None:
    await control.post("faults", notify="late", event="TRANSACTION.*", late_s=3600)
    await control.post("faults", notify="duplicate", event="REFUND.*")
    await paid(control, pay)
    await refund(pay, "R1", 1)
    events = [json.loads(heard.body)["event_type"] for heard in await merchant.hears(3)]
    assert events == ["REFUND.SUCCESS"] * 3
    await control.post("clock", advance_s=3600)
    assert json.loads((await merchant.hears(4))[3].body)["event_type"] == "TRANSACTION.SUCCESS"


async def test_a_notification_may_come_before_the_prepays_reply(
    control: Control, pay: WechatPayClient, merchant: Merchant
) -> None:
    await control.post("faults", path=JSAPI, effect="after", delay_s=1, count=1)
    asking = asyncio.create_task(order(pay))
    while not await control.get("orders"):
        await asyncio.sleep(0.02)
    await control.post("orders/LL000001/pay")
    assert isinstance(read(pay, (await merchant.hears(1))[0]), PaymentNotice)
    assert not asking.done()
    assert await asking


async def test_a_payer_may_pay_what_was_closed(control: Control, pay: WechatPayClient, merchant: Merchant) -> None:
    await order(pay)
    assert await pay.close("LL000001")
    await control.post("orders/LL000001/pay")
    assert (await pay.query("LL000001")).state == "SUCCESS"
    assert "no such order" in await control.refuses("orders/LL000001/pay")
    assert "no such order" in await control.refuses("orders/LL999999/pay")


async def test_a_refund_in_the_console_is_not_told(control: Control, pay: WechatPayClient, merchant: Merchant) -> None:
    await paid(control, pay)
    made = await control.post("refunds", out_trade_no="LL000001", refund_fen=34)
    assert (await pay.query_refund(made["out_refund_no"])).refund_fen == 34
    await merchant.hears(1)
    assert len(await control.get("notifications")) == 1
    assert "大于" in await control.refuses("refunds", out_trade_no="LL000001", refund_fen=1234)


async def test_what_nobody_accepts_is_sent_sixteen_times_in_24_hours_and_4_minutes(
    control: Control, pay: WechatPayClient, merchant: Merchant
) -> None:
    merchant.status = 500
    await paid(control, pay)
    for tries, seconds in enumerate(RETRY_AFTER_S, 1):
        await merchant.hears(tries)
        await until_tried(control, tries)
        await control.post("clock", advance_s=seconds)
    await merchant.hears(16)
    await until_tried(control, 16)
    await control.post("clock", advance_s=30 * 86400)
    await asyncio.sleep(0.3)
    assert len(merchant.heard) == 16
    [kept] = await control.get("notifications")
    at = [datetime.fromisoformat(attempt["at"]) for attempt in kept["attempts"]]
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(at)]
    assert all(0 <= gap - wanted <= 2 for gap, wanted in zip(gaps, RETRY_AFTER_S, strict=True))


async def until_tried(control: Control, tries: int) -> None:
    """Wait until the sandbox has written down so many attempts and what follows from them."""
    for _ in range(200):
        [kept] = await control.get("notifications")
        if len(kept["attempts"]) == tries == kept["retries"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(kept)


async def test_whoever_takes_the_sandbox_s_settings_believes_its_certificate(
    control: Control, sandbox_process: SandboxProcess
) -> None:
    settings = Settings(_env_file=None, **{name.lower(): value for name, value in sandbox_process.config.items()})
    await control.post("login-code", openid="lin")
    await control.post("faults", path="/v3/*", reply="certificate")
    async with open_outside(settings, None) as (_, pay):
        assert await order(pay)
