"""The daily bills: what the sandbox writes, what we read of it, and what we refuse to believe."""

import gzip
import hashlib
import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateways.errors import BillNotReady, PayError, PayUnknown
from app.gateways.wechat_pay import WechatPayClient
from app.gateways.wechat_pay_bills import FlowRow, TradeBill, TradeRow, read_trade_bill, unpack
from sandbox.clock import CHINA
from tests.gateways.conftest import Control
from tests.gateways.test_wechat_pay import order, paid, refund


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


async def tomorrow(control: Control, hour: int = 11) -> date:
    """Let time pass until the day after the payments, at this hour; the day that was."""
    now = datetime.fromisoformat((await control.post("clock", advance_s=0))["now"])
    then = datetime(now.year, now.month, now.day, hour, tzinfo=CHINA) + timedelta(days=1)
    await control.post("clock", advance_s=(then - now).total_seconds())
    return now.date()


async def a_day(control: Control, pay: WechatPayClient) -> date:
    """One payment of 12.34 yuan, of which 2.34 go back."""
    await paid(control, pay)
    await refund(pay, "R1", 234)
    return await tomorrow(control)


async def test_a_payment_and_its_refund_stand_in_both_bills(control: Control, pay: WechatPayClient) -> None:
    day = await a_day(control, pay)
    sold, given_back = (await pay.trade_bill(day)).rows
    assert (sold.out_trade_no, sold.amount_fen, sold.fee_fen) == ("LL000001", 1234, 7)
    assert (given_back.out_trade_no, given_back.out_refund_no, given_back.amount_fen, given_back.fee_fen) == (
        "LL000001",
        "R1",
        234,
        -1,
    )
    flow = await pay.fund_flow_bill(day)
    assert sold.transaction_id == given_back.transaction_id
    assert flow.rows == [
        FlowRow(sold.transaction_id, "交易", 1234),
        FlowRow(sold.transaction_id, "扣除交易手续费", -7),
        FlowRow(str(given_back.refund_id), "退款", -233),
    ]


async def test_a_day_without_business_has_no_bill_and_is_empty(control: Control, pay: WechatPayClient) -> None:
    day = await tomorrow(control)
    assert await pay.trade_bill(day) == TradeBill([])
    assert (await pay.fund_flow_bill(day)).rows == []


async def test_yesterdays_bill_is_there_from_ten(control: Control, pay: WechatPayClient) -> None:
    await paid(control, pay)
    today = await tomorrow(control, hour=9)
    with pytest.raises(BillNotReady):
        await pay.trade_bill(today)
    await control.post("clock", advance_s=3600)
    assert (await pay.trade_bill(today)).rows


@pytest.mark.parametrize("days", [0, 100])
async def test_there_is_no_bill_of_today_and_none_older_than_three_months(
    control: Control, pay: WechatPayClient, days: int
) -> None:
    today = await a_day(control, pay)
    await control.post("clock", advance_s=days * 86400)
    with pytest.raises(PayError):
        await pay.trade_bill(today + timedelta(days=0 if days else 1))


async def test_the_file_is_as_documented(control: Control, pay: WechatPayClient) -> None:
    await order(pay, description="灯,`泡`,\n两只")
    await control.post("orders/LL000001/pay", coupon_fen=34)
    day = await tomorrow(control)
    status, text = await pay._pay.trade_bill(bill_date=day.isoformat())
    assert status == 200
    packed = (await pay._pay.download_bill(json.loads(text)["download_url"]))[1]
    plain = gzip.decompress(packed)
    assert plain.startswith("\ufeff交易时间,公众账号ID,商户号,特约商户号,".encode())
    assert json.loads(text)["hash_value"] == sha1(plain)
    lines = plain.decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert lines[1].startswith(f"`{day} ")
    assert ",`12.34,`0.34,`0,`0,`0.00,`0.00,`,`,`灯,`泡`, 两只,`,`0.07000,`0.60%,`12.34,`0.00,`" in lines[1]
    assert lines[2].startswith("总交易单数,应结订单总金额,")
    assert lines[3] == "`1,`12.34,`0.00,`0.00,`0.07000,`12.34,`0.00"
    [row] = (await pay.trade_bill(day)).rows
    assert (row.out_trade_no, row.amount_fen) == ("LL000001", 1234)


async def test_the_other_kinds_of_bill(control: Control, pay: WechatPayClient) -> None:
    day = await a_day(control, pay)

    async def lines(kind: str) -> list[str]:
        _, text = await pay._pay.trade_bill(bill_date=day.isoformat(), bill_type=kind)
        _, packed = await pay._pay.download_bill(json.loads(text)["download_url"])
        return gzip.decompress(packed).decode("utf-8-sig").splitlines()

    sold, given_back = await lines("SUCCESS"), await lines("REFUND")
    assert "退款" not in sold[0]
    assert len(sold) == len(given_back) == 4
    assert "代金券金额,退款申请时间,退款成功时间,微信退款单号" in given_back[0]


async def test_the_address_of_a_file_is_good_for_five_minutes(control: Control, pay: WechatPayClient) -> None:
    day = await a_day(control, pay)
    _, text = await pay._pay.trade_bill(bill_date=day.isoformat())
    await control.post("clock", advance_s=300)
    status, _ = await pay._pay.download_bill(json.loads(text)["download_url"])
    assert status == 400


@pytest.mark.parametrize("trouble", ["hash_differs", "expired_url"])
@pytest.mark.parametrize("kind", ["tradebill", "fundflowbill"])
async def test_a_bill_that_cannot_be_believed_or_had_is_unknown(
    control: Control, pay: WechatPayClient, trouble: str, kind: str
) -> None:
    day = await a_day(control, pay)
    await control.post("faults", bill=trouble, bill_kind=kind, count=1)
    ask = pay.trade_bill if kind == "tradebill" else pay.fund_flow_bill
    with pytest.raises(PayUnknown):
        await ask(day)
    assert (await ask(day)).rows


async def test_a_spoiled_bill_fits_itself_and_must_be_compared(control: Control, pay: WechatPayClient) -> None:
    day = await a_day(control, pay)
    for trouble, seen in (
        ("row_missing", [("LL000001", 234)]),
        ("row_extra", [("UNKNOWN000000", 1234), ("LL000001", 1234), ("LL000001", 234)]),
        ("row_doubled", [("LL000001", 1234), ("LL000001", 1234), ("LL000001", 234)]),
        ("amount_differs", [("LL000001", 1235), ("LL000001", 234)]),
    ):
        await control.post("faults", bill=trouble, count=1)
        assert [(row.out_trade_no, row.amount_fen) for row in (await pay.trade_bill(day)).rows] == seen, trouble
    await control.post("faults", bill="creating", count=1)
    with pytest.raises(BillNotReady):
        await pay.trade_bill(day)
    await control.post("faults", bill="no_statement", count=1)
    assert await pay.trade_bill(day) == TradeBill([])


async def test_a_file_at_another_address_is_never_asked_for(control: Control, pay: WechatPayClient) -> None:
    with pytest.raises(PayUnknown):
        await pay._download("http://127.0.0.1:9/v3/billdownload/file?token=x")


HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
ROW = (
    "`2022-03-21 13:51:31,`wxfdc955f7104ad557,`180023671,`0,`,`420000612032130748613220688,`2021WERUN1647840687637,"
    "`oZWaCKXip5njeEiloC4oeOV1TTsk,`JSAPI,`SUCCESS,`OTHERS,`CNY,`0.01,`0.00,`0,`0,`0.00,`0.00,`,`,`{},`,"
    "`0.00000,`0.90%,`{},`0.00,`"
)
SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n"
    "`{},`0.01,`0.00,`0.00,`0.00000,`{},`0.00"
)


def bill(name: str = "微信云托管支付测试", amount: str = "0.01", count: str = "1", total: str = "0.01") -> str:
    """A bill of one row, as the documentation shows it."""
    return "\r\n".join((HEADER, ROW.format(name, amount), SUMMARY.format(count, total))) + "\r\n"


def test_the_documented_row_is_read() -> None:
    assert read_trade_bill(bill(), "").rows == [
        TradeRow("420000612032130748613220688", "2021WERUN1647840687637", None, None, 1, 0)
    ]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_name_may_hold_anything(name: str) -> None:
    assert read_trade_bill(bill(name.replace("\r", "")), "").rows[0].amount_fen == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": "2"},
        {"total": "0.02"},
        {"amount": "0.015"},
        {"amount": "a lot"},
        {"amount": "NaN"},
        {"amount": "1e30"},
        {"amount": ""},
    ],
)
def test_a_bill_that_does_not_fit_itself_is_unknown(wrong: dict[str, str]) -> None:
    with pytest.raises(PayUnknown):
        read_trade_bill(bill(**wrong), "")


@pytest.mark.parametrize("text", ["", "<html>", "a\nb\nc", HEADER, bill().replace("商品名称", "品名"), bill()[:200]])
def test_what_is_no_bill_is_unknown(text: str) -> None:
    with pytest.raises(PayUnknown):
        read_trade_bill(text, "")


@pytest.mark.parametrize("change", [{"LARGEST_FILE": 1000}])
def test_a_file_is_unpacked_within_bounds(monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]) -> None:
    plain = b"0" * 100_000
    packed, hashed = gzip.compress(plain), sha1(plain)
    assert unpack(packed, hashed) == plain.decode()
    assert unpack(plain, hashed.upper()) == plain.decode()
    for name, value in change.items():
        monkeypatch.setattr(f"app.gateways.wechat_pay_bills.{name}", value)
    for file in (packed, plain, b"\x1f\x8bnot gzip", packed[:20], b"\xff"):
        with pytest.raises(PayUnknown):
            unpack(file, sha1(file))


async def test_a_file_too_large_is_not_read_to_its_end(
    control: Control, pay: WechatPayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = await a_day(control, pay)
    monkeypatch.setattr("app.gateways.wechat_pay.LARGEST_PACKED", 10)
    with pytest.raises(PayUnknown):
        await pay.trade_bill(day)


async def test_the_state_of_a_refund_is_that_of_the_next_morning(control: Control, pay: WechatPayClient) -> None:
    await control.post("faults", refund="PROCESSING")
    day = await a_day(control, pay)
    await control.post("refunds/R1/finish", state="SUCCESS")
    _, text = await pay._pay.trade_bill(bill_date=day.isoformat())
    _, packed = await pay._pay.download_bill(json.loads(text)["download_url"])
    assert ",`ORIGINAL,`PROCESSING," in gzip.decompress(packed).decode()
