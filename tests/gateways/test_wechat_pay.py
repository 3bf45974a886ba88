"""Orders, payments and refunds against the sandbox over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.gateways.errors import PayError, PayUnknown
from app.gateways.wechat_pay import Notification, PaymentNotice, RefundNotice, WechatPayClient
from tests.gateways.conftest import Control, Heard, Merchant, opened_pay
from tests.sandbox_process import SandboxProcess

JSAPI = "/v3/pay/transactions/jsapi"
REFUNDS = "/v3/refund/domestic/refunds"


async def order(pay: WechatPayClient, out_trade_no: str = "LL000001", **changes: Any) -> str:
    """Prepay an order of lin's over 12.34 yuan."""
    wanted: dict[str, Any] = {
        "out_trade_no": out_trade_no,
        "description": "楼道灯",
        "amount_fen": 1234,
        "openid": "lin",
        "expires_at": datetime(2030, 1, 1, tzinfo=UTC),
    }
    return await pay.prepay(**{**wanted, **changes})


async def paid(control: Control, pay: WechatPayClient, out_trade_no: str = "LL000001") -> None:
    payment = pay.sign_for_client(await order(pay, out_trade_no))
    said = await control.post("pay", openid="lin", payment=payment)
    assert said == {"errMsg": "requestPayment:ok"}


async def refund(pay: WechatPayClient, out_refund_no: str, fen: int, **changes: Any) -> Any:
    wanted = {"out_trade_no": "LL000001", "refund_fen": fen, "total_fen": 1234, "reason": "没有成团"}
    return await pay.refund(out_refund_no=out_refund_no, **{**wanted, **changes})


def read(pay: WechatPayClient, heard: Heard) -> Notification:
    return pay.read_notification(heard.headers, heard.body, now=datetime.now(UTC))


async def test_an_order_is_paid_and_notified(control: Control, pay: WechatPayClient, merchant: Merchant) -> None:
    await paid(control, pay)
    [heard] = await merchant.hears(1)
    notice, found = read(pay, heard), await pay.query("LL000001")
    assert isinstance(notice, PaymentNotice)
    assert found
    assert (notice.out_trade_no, notice.openid, notice.amount_fen) == ("LL000001", "lin", 1234)
    assert (found.state, found.openid, found.amount_fen) == ("SUCCESS", "lin", 1234)
    assert (found.transaction_id, found.success_at) == (notice.transaction_id, notice.success_at)
    [kept] = await control.get("notifications")
    assert (kept["id"], kept["delivered"], len(kept["attempts"])) == (notice.notification_id, True, 1)


async def test_an_unpaid_order_has_no_payer_and_an_unknown_one_is_none(pay: WechatPayClient) -> None:
    await order(pay)
    found = await pay.query("LL000001")
    assert found
    assert (found.state, found.transaction_id, found.openid, found.success_at) == ("NOTPAY", None, None, None)
    assert await pay.query("LL999999") is None
    assert await pay.query_refund("R1") is None


async def test_a_404_that_is_not_about_the_order_is_not_none(control: Control, pay: WechatPayClient) -> None:
    await control.post("faults", path="/v3/*", status=404, body="<html>no such page")
    with pytest.raises(PayUnknown):
        await pay.query("LL000001")
    await control.delete("faults")
    await control.post("faults", path="/v3/*", status=404, body={"code": "MCH_NOT_EXISTS", "message": "?"})
    with pytest.raises(PayError):
        await pay.query("LL000001")


async def test_the_payment_for_the_client_is_five_strings(pay: WechatPayClient) -> None:
    payment = pay.sign_for_client("wx123")
    assert list(payment) == ["timeStamp", "nonceStr", "package", "signType", "paySign"]
    assert all(isinstance(value, str) for value in payment.values())
    assert (payment["package"], payment["signType"]) == ("prepay_id=wx123", "RSA")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"paySign": "AAAA"}, "paySign"),
        ({"paySign": "not base64"}, "paySign"),
        ({"nonceStr": "another"}, "paySign"),
        ({"timeStamp": 1700000000}, "timeStamp must be a string"),
        ({"signType": "MD5"}, "signType"),
        ({"package": "wx123"}, "package"),
        ({"appId": "wx123"}, "exactly"),
    ],
)
async def test_the_telephone_refuses_a_payment_that_is_not_ours(
    control: Control, pay: WechatPayClient, change: dict[str, Any], reason: str
) -> None:
    payment = pay.sign_for_client(await order(pay)) | change
    assert reason in await control.refuses("pay", openid="lin", payment=payment)
    [kept] = await control.get("orders")
    assert kept["state"] == "NOTPAY"


async def test_only_the_payer_pays_and_only_once_and_in_time(control: Control, pay: WechatPayClient) -> None:
    payment = pay.sign_for_client(await order(pay))
    assert "another payer" in await control.refuses("pay", openid="mei", payment=payment)
    await control.post("clock", advance_s=7200)
    assert "two hours" in await control.refuses("pay", openid="lin", payment=payment)
    renewed = pay.sign_for_client(await order(pay))
    await control.post("pay", openid="lin", payment=renewed)
    assert "SUCCESS" in await control.refuses("pay", openid="lin", payment=renewed)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("cancel", {"errMsg": "requestPayment:fail cancel"}),
        ("fail", {"errMsg": "requestPayment:fail (支付失败)"}),
        ("hang", {}),
    ],
)
async def test_a_payer_may_think_better_of_it(
    control: Control, pay: WechatPayClient, result: str, said: dict[str, str]
) -> None:
    payment = pay.sign_for_client(await order(pay))
    assert await control.post("pay", openid="lin", payment=payment, result=result) == said
    found = await pay.query("LL000001")
    assert found
    assert found.state == "NOTPAY"
    assert await control.get("notifications") == []


async def test_the_same_order_again_renews_and_another_under_its_number_is_refused(
    pay: WechatPayClient,
) -> None:
    first, again = await order(pay), await order(pay)
    assert first != again
    for change in ({"amount_fen": 1}, {"description": "门禁"}):
        with pytest.raises(PayError) as refusal:
            await order(pay, **change)
        assert (refusal.value.status, refusal.value.code) == (400, "INVALID_REQUEST")
        assert refusal.value.request_id


async def test_an_order_closes_by_hand_and_then_cannot_be_prepaid(control: Control, pay: WechatPayClient) -> None:
    payment = pay.sign_for_client(await order(pay))
    assert await pay.close("LL000001") is True
    assert await pay.close("LL000001") is True
    assert "CLOSED" in await control.refuses("pay", openid="lin", payment=payment)
    with pytest.raises(PayError):
        await order(pay)


async def test_an_order_closes_by_itself_when_its_time_is_over(control: Control, pay: WechatPayClient) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=15)
    payment = pay.sign_for_client(await order(pay, expires_at=soon))
    await control.post("clock", advance_s=15 * 60)
    assert "CLOSED" in await control.refuses("pay", openid="lin", payment=payment)
    found = await pay.query("LL000001")
    assert found
    assert found.state == "CLOSED"


async def test_a_paid_order_cannot_be_closed(control: Control, pay: WechatPayClient) -> None:
    await paid(control, pay)
    assert await pay.close("LL000001") is False
    assert await pay.close("LL999999") is False


async def test_what_the_platform_refuses_is_left_out_of_texts(control: Control, pay: WechatPayClient) -> None:
    await order(pay, description="灯💡" + "长" * 200)
    for number, nasty in enumerate(("💡", "\ud800", "\x00", 'a\n"b\\', "é" * 200, "\u202e", "𠮷" * 200 + "田")):
        await order(pay, f"NASTY{number}", description=nasty)
    await paid(control, pay, "LL000002")
    await refund(pay, "R1", 1, out_trade_no="LL000002", reason="退" * 100 + "😀")


@pytest.mark.parametrize("change", [{"amount_fen": 0}, {"openid": "nobody"}, {"out_trade_no": "short"}])
async def test_the_platform_checks_the_fields(pay: WechatPayClient, change: dict[str, Any]) -> None:
    with pytest.raises(PayError) as refusal:
        await order(pay, **change)
    assert (refusal.value.status, refusal.value.code) == (400, "PARAM_ERROR")


async def test_a_refund_succeeds_a_little_later_and_is_notified(
    control: Control, pay: WechatPayClient, merchant: Merchant
) -> None:
    await paid(control, pay)
    asked = await refund(pay, "R1", 234)
    assert (asked.status, asked.refund_fen, asked.success_at) == ("PROCESSING", 234, None)
    notice = read(pay, (await merchant.hears(2))[1])
    assert isinstance(notice, RefundNotice)
    assert (notice.out_refund_no, notice.status, notice.refund_fen) == ("R1", "SUCCESS", 234)
    found, whole = await pay.query_refund("R1"), await pay.query("LL000001")
    assert found
    assert whole
    assert (found.status, found.refund_id, found.success_at) == (
        "SUCCESS",
        notice.refund_id,
        notice.success_at,
    )
    assert whole.state == "REFUND"


@pytest.mark.parametrize("state", ["ABNORMAL", "CLOSED"])
async def test_a_refund_may_end_badly(control: Control, pay: WechatPayClient, merchant: Merchant, state: str) -> None:
    await control.post("faults", refund=state)
    await paid(control, pay)
    await refund(pay, "R1", 1234)
    notice = read(pay, (await merchant.hears(2))[1])
    assert isinstance(notice, RefundNotice)
    assert (notice.status, notice.success_at) == (state, None)


async def test_a_refund_may_take_long(control: Control, pay: WechatPayClient, merchant: Merchant) -> None:
    await control.post("faults", refund="PROCESSING")
    await paid(control, pay)
    await refund(pay, "R1", 1234)
    await control.post("clock", advance_s=86400)
    found = await pay.query_refund("R1")
    assert found
    assert found.status == "PROCESSING"
    await control.post("refunds/R1/finish", state="SUCCESS")
    assert len(await merchant.hears(2)) == 2


async def test_refunds_never_exceed_the_order(control: Control, pay: WechatPayClient) -> None:
    await paid(control, pay)
    first = await refund(pay, "R1", 1000)
    assert (await refund(pay, "R1", 1000)).refund_id == first.refund_id  # asked again, not refunded again
    for number, fen, change in (
        ("R1", 999, {}),
        ("R2", 235, {}),
        ("R2", 234, {"total_fen": 5000}),
        ("R2", 1, {"out_trade_no": "LL999999"}),
    ):
        with pytest.raises(PayError):
            await refund(pay, number, fen, **change)
    await refund(pay, "R2", 234)
    assert [row["amount"] for row in await control.get("refunds")] == [1000, 234]


async def test_an_order_takes_fifty_refunds(control: Control, pay: WechatPayClient) -> None:
    await paid(control, pay)
    for number in range(50):
        await refund(pay, f"R{number}", 1)
    with pytest.raises(PayError):
        await refund(pay, "R50", 1)


async def test_an_unpaid_order_and_one_a_year_old_are_not_refunded(control: Control, pay: WechatPayClient) -> None:
    await order(pay)
    with pytest.raises(PayError):
        await refund(pay, "R1", 1)
    await paid(control, pay)
    await control.post("clock", advance_s=366 * 86400)
    with pytest.raises(PayError):
        await refund(pay, "R1", 1)


@pytest.mark.parametrize("trouble", [{"drop": True}, {"status": 500, "body": "<html>"}])
async def test_a_lost_answer_is_unknown_and_the_query_knows(
    control: Control, pay: WechatPayClient, trouble: dict[str, Any]
) -> None:
    await control.post("faults", path=JSAPI, effect="after", count=1, **trouble)
    with pytest.raises(PayUnknown):
        await order(pay)
    found = await pay.query("LL000001")
    assert found
    assert found.state == "NOTPAY"
    await paid(control, pay)  # repeating the same parameters is how it goes on
    await control.post("faults", path=REFUNDS, effect="after", count=1, **trouble)
    with pytest.raises(PayUnknown):
        await refund(pay, "R1", 1)
    assert await pay.query_refund("R1")


async def test_an_error_before_the_effect_leaves_nothing(control: Control, pay: WechatPayClient) -> None:
    await control.post("faults", path=JSAPI, status=500, count=1)
    with pytest.raises(PayUnknown):
        await order(pay)
    assert await pay.query("LL000001") is None


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 200, "body": {"prepay_id": "wxforged"}},  # unsigned
        {"status": 429, "body": {"code": "FREQUENCY_LIMITED", "message": "频率超限"}},
        {"status": 500, "body": {"code": "SYSTEM_ERROR", "message": "系统异常"}},
        {"status": 403, "body": "<html>"},
    ],
)
async def test_what_proves_nothing_is_unknown(control: Control, pay: WechatPayClient, trouble: dict[str, Any]) -> None:
    await control.post("faults", path=JSAPI, **trouble)
    with pytest.raises(PayUnknown):
        await order(pay)


async def test_an_answer_that_takes_too_long_is_unknown(
    control: Control, pay: WechatPayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.gateways.wechat_pay.PATIENCE_S", 0.2)
    await control.post("faults", path=JSAPI, delay_s=2)
    with pytest.raises(PayUnknown):
        await order(pay)


async def test_a_reply_of_another_time_is_unknown(pay: WechatPayClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gateways.wechat_pay.OLDEST_REPLY_S", 0)
    with pytest.raises(PayUnknown):
        await order(pay)


async def test_a_request_signed_with_another_key_is_refused(
    control: Control, sandbox_process: SandboxProcess, merchant: Merchant
) -> None:
    config = sandbox_process.config
    other = config["WXPAY_MERCHANT_KEY_FILE"].replace("merchant_key", "platform_key")
    for change in ({"WXPAY_MERCHANT_KEY_FILE": other}, {"WXPAY_MERCHANT_SERIAL": "AB12"}):
        async with opened_pay(config | change, merchant.url) as stranger:
            with pytest.raises(PayError) as refusal:
                await order(stranger)
        assert (refusal.value.status, refusal.value.code) == (401, "SIGN_ERROR")


async def test_a_notification_is_sent_again_until_it_is_accepted(
    control: Control, pay: WechatPayClient, merchant: Merchant
) -> None:
    merchant.status = 500
    await paid(control, pay)
    await merchant.hears(1)
    await asyncio.sleep(0.3)
    assert len(merchant.heard) == 1  # the next is due in 15 s of business time
    merchant.status = 204
    await control.post("clock", advance_s=15)
    first, second = await merchant.hears(2)
    assert first.body == second.body
    assert first.headers["wechatpay-nonce"] != second.headers["wechatpay-nonce"]
    assert read(pay, first) == read(pay, second)
    await control.post("clock", advance_s=86400)
    await asyncio.sleep(0.3)
    [kept] = await control.get("notifications")
    assert [attempt["status"] for attempt in kept["attempts"]] == [500, 204]


async def test_a_notification_can_be_doubled_and_withheld(
    control: Control, pay: WechatPayClient, merchant: Merchant
) -> None:
    await control.post("faults", notify="never", count=1)
    await paid(control, pay)
    await control.post("clock", advance_s=86400)
    await asyncio.sleep(0.3)
    assert merchant.heard == []
    [kept] = await control.get("notifications")
    assert (await control.post(f"notifications/{kept['id']}/resend"))["status"] == 204
    await control.post(f"notifications/{kept['id']}/duplicate", times=5)
    heard = await merchant.hears(6)
    assert len({read(pay, one) for one in heard}) == 1


async def test_faults_count_and_wait(control: Control, pay: WechatPayClient) -> None:
    await control.post("faults", path=JSAPI, status=500, after=1, count=1)
    await order(pay)
    with pytest.raises(PayUnknown):
        await order(pay)
    await order(pay)
    statuses = [request["status"] for request in await control.get("requests") if request["path"] == JSAPI]
    assert statuses == [200, 500, 200]


async def test_money_survives_kill_9(tmp_path_factory: pytest.TempPathFactory, merchant: Merchant) -> None:
    """What was acknowledged before the kill is there after it, and what was owed is delivered."""
    merchant.status = 500
    sandbox = SandboxProcess.start(tmp_path_factory.mktemp("killed") / "data")
    async with (
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as client,
        opened_pay(sandbox.config, merchant.url) as pay,
    ):
        control = Control(client)
        await control.post("login-code", openid="lin")
        for number in range(20):
            await paid(control, pay, f"LL{number:06}")
        await control.post("clock", advance_s=100)
    sandbox.kill()
    merchant.status = 204
    again = SandboxProcess.start(sandbox.data_dir)
    async with (
        httpx.AsyncClient(base_url=again.url, trust_env=False) as client,
        opened_pay(again.config, merchant.url) as pay,
    ):
        control = Control(client)
        assert [row["state"] for row in await control.get("orders")] == ["SUCCESS"] * 20
        await control.post("clock", advance_s=60)
        for _ in range(100):
            if all(row["delivered"] for row in await control.get("notifications")):
                break
            await asyncio.sleep(0.05)
        accepted = {read(pay, heard) for heard in merchant.heard[-20:]}
        assert {notice.out_trade_no for notice in accepted} == {f"LL{number:06}" for number in range(20)}
    again.stop()
