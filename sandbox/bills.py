"""The daily bills, written from the ledger: what the merchant sold and gave back, and how his account moved."""

import gzip
import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable
from datetime import date, datetime, timedelta

from fastapi import APIRouter

from sandbox import purse
from sandbox.clock import CHINA
from sandbox.faults import BillTrouble
from sandbox.gate import Call, PayProblem, Reply, serve
from sandbox.pay import coupon_of
from sandbox.world import World

READY_AT = timedelta(hours=10)
WRITTEN_AT = timedelta(hours=9)  # the state of a refund is that of the moment when the bill was written
OLDEST = timedelta(days=92)
URL_LIFE_S = 300
BOM = "\ufeff"

HEAD = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类"
MIDDLE = "应结订单金额,代金券金额"
REFUND_COLUMNS = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
TAIL = "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
COLUMNS = {
    "ALL": f"{HEAD},{MIDDLE},{REFUND_COLUMNS},{TAIL}",
    "SUCCESS": f"{HEAD},{MIDDLE},商品名称,商户数据包,手续费,费率,订单金额,费率备注",
    "REFUND": f"{HEAD},{MIDDLE},退款申请时间,退款成功时间,{REFUND_COLUMNS},{TAIL}",
}
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FLOW_WHAT = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元)"
FLOW_COLUMNS = f"{FLOW_WHAT},资金变更提交申请人,备注,业务凭证号"
FLOW_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
RATE = f"{purse.FEE_PER_10_000 / 100:.2f}%"

Row = dict[str, str]


def trade_bill(world: World, call: Call) -> Reply:
    """GET /v3/bill/tradebill"""
    kind = call.query.get("bill_type", "ALL")
    if kind not in COLUMNS:
        raise PayProblem(400, "PARAM_ERROR", "bill_type 不正确")
    day = _day(world, call)
    rows = _sales(world, *_bounds(day)) if kind != "REFUND" else []
    rows += _refunds(world, day) if kind != "SUCCESS" else []
    rows.sort(key=lambda row: row["交易时间"])
    return _offer(world, call, "tradebill", rows, COLUMNS[kind], _trade_summary)


def fund_flow_bill(world: World, call: Call) -> Reply:
    """GET /v3/bill/fundflowbill; this merchant has only a basic account."""
    if call.query.get("account_type", "BASIC") not in ("BASIC", "OPERATION", "FEES"):
        raise PayProblem(400, "PARAM_ERROR", "account_type 不正确")
    begins, ends = _bounds(_day(world, call))
    rows = []
    if call.query.get("account_type", "BASIC") == "BASIC":
        rows = [
            {
                "记账时间": _time(flow["at"]),
                "微信支付业务单号": flow["business_no"],
                "资金流水单号": flow["flow_no"],
                "业务名称": flow["kind"],
                "业务类型": flow["kind"],
                "收支类型": "收入" if flow["fen"] > 0 else "支出",
                "收支金额(元)": purse.yuan(abs(flow["fen"])),
                "账户结余(元)": purse.yuan(flow["balance"]),
                "资金变更提交申请人": "system",
                "备注": flow["remark"],
                "业务凭证号": flow["voucher"],
            }
            for flow in world.store.all("SELECT * FROM flows WHERE at >= ? AND at < ? ORDER BY id", begins, ends)
        ]
    return _offer(world, call, "fundflowbill", rows, FLOW_COLUMNS, _flow_summary)


def download(world: World, call: Call) -> Reply:
    """GET /v3/billdownload/file?token=…: the request is signed, the file is not."""
    found = world.store.one("SELECT * FROM downloads WHERE token = ?", call.query.get("token", ""))
    if found is None or found["expires_at"] <= world.clock.now():
        raise PayProblem(400, "INVALID_REQUEST", "下载地址无效或已过期")
    return 200, bytes(found["content"])


def add_routes(router: APIRouter, world: World) -> None:
    """Mount the bill endpoints."""
    serve(router, world, "GET", "/v3/bill/tradebill", trade_bill)
    serve(router, world, "GET", "/v3/bill/fundflowbill", fund_flow_bill)
    serve(router, world, "GET", "/v3/billdownload/file", download)


def _day(world: World, call: Call) -> date:
    try:
        day = date.fromisoformat(call.query["bill_date"])
    except (KeyError, ValueError):
        raise PayProblem(400, "PARAM_ERROR", "bill_date 格式错误") from None
    now = datetime.fromtimestamp(world.clock.now(), CHINA)
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), CHINA)
    if now < midnight or now - midnight > OLDEST:
        raise PayProblem(400, "PARAM_ERROR", "bill_date 只能是昨天及以前三个月内的日期")
    if now < midnight + READY_AT:
        raise PayProblem(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
    return day


def _bounds(day: date) -> tuple[float, float]:
    begins = datetime.combine(day, datetime.min.time(), CHINA)
    return begins.timestamp(), (begins + timedelta(days=1)).timestamp()


def _sales(world: World, begins: float, ends: float) -> list[Row]:
    paid = world.store.all("SELECT * FROM orders WHERE paid_at >= ? AND paid_at < ?", begins, ends)
    return [
        _row(world, order, order["paid_at"])
        | {
            "交易状态": "SUCCESS",
            "应结订单金额": purse.yuan(order["total"]),
            "代金券金额": purse.yuan(coupon_of(world, order["out_trade_no"])),
            "手续费": f"{purse.fee(order['total']) / 100:.5f}",
            "订单金额": purse.yuan(order["total"]),
        }
        for order in paid
    ]


REFUNDED = """
SELECT o.*, r.out_refund_no, r.refund_id, r.amount, r.state AS refund_state, r.made_at AS asked_at, r.done_at,
    coalesce(p.payer_fen, r.amount) AS payer_fen, coalesce(p.fee_fen, 0) AS fee_fen
FROM refunds r JOIN orders o USING (out_trade_no) LEFT JOIN refund_parts p USING (out_refund_no)
WHERE r.made_at >= ? AND r.made_at < ?
"""


def _refunds(world: World, day: date) -> list[Row]:
    begins, ends = _bounds(day)
    written_at = ends + WRITTEN_AT.total_seconds()
    rows = []
    for refund in world.store.all(REFUNDED, begins, ends):
        done = refund["done_at"] is not None and refund["done_at"] < written_at
        state = {"SUCCESS": "SUCCESS", "CLOSED": "FAIL", "ABNORMAL": "CHANGE"}.get(refund["refund_state"], "PROCESSING")
        rows.append(
            _row(world, refund, refund["asked_at"])
            | {
                "交易状态": "REFUND",
                "退款申请时间": _time(refund["asked_at"]),
                "退款成功时间": _time(refund["done_at"]) if done and state == "SUCCESS" else "",
                "微信退款单号": refund["refund_id"],
                "商户退款单号": refund["out_refund_no"],
                "退款金额": purse.yuan(refund["amount"]),
                "充值券退款金额": purse.yuan(refund["amount"] - refund["payer_fen"]),
                "退款类型": "ORIGINAL",
                "退款状态": state if done else "PROCESSING",
                "手续费": f"{-refund['fee_fen'] / 100:.5f}",
                "申请退款金额": purse.yuan(refund["amount"]),
            }
        )
    return rows


def _row(world: World, order: sqlite3.Row, at: float) -> Row:
    ids, asked = world.keys.ids, json.loads(order["request"])
    return {
        "交易时间": _time(at),
        "公众账号ID": ids.appid,
        "商户号": ids.mchid,
        "特约商户号": "0",
        "设备号": "",
        "微信订单号": order["transaction_id"],
        "商户订单号": order["out_trade_no"],
        "用户标识": order["openid"],
        "交易类型": "JSAPI",
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "应结订单金额": "0.00",
        "代金券金额": "0.00",
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "充值券退款金额": "0.00",
        "退款类型": "",
        "退款状态": "",
        "商品名称": " ".join(asked["description"].split()),
        "商户数据包": " ".join((order["attach"] or "").split()),
        "费率": RATE,
        "订单金额": "0.00",
        "申请退款金额": "0.00",
        "费率备注": "",
    }


def _trade_summary(rows: list[Row]) -> str:
    sold, given_back = ([row for row in rows if row["交易状态"] == state] for state in ("SUCCESS", "REFUND"))
    totals = [
        str(len(rows)),
        _sum(sold, "应结订单金额"),
        _sum(given_back, "退款金额"),
        _sum(given_back, "充值券退款金额"),
        f"{sum(float(row['手续费']) for row in rows):.5f}",
        _sum(sold, "订单金额"),
        _sum(given_back, "申请退款金额"),
    ]
    return f"{SUMMARY}\r\n{_line(totals)}"


def _flow_summary(rows: list[Row]) -> str:
    income, expense = ([row for row in rows if row["收支类型"] == kind] for kind in ("收入", "支出"))
    amount = "收支金额(元)"
    totals = [str(len(rows)), str(len(income)), _sum(income, amount), str(len(expense)), _sum(expense, amount)]
    return f"{FLOW_SUMMARY}\r\n{_line(totals)}"


def _sum(rows: list[Row], column: str) -> str:
    return purse.yuan(sum(_fen(row[column]) for row in rows))


def _offer(
    world: World, call: Call, kind: str, rows: list[Row], columns: str, summary: Callable[[list[Row]], str]
) -> Reply:
    """Write the file and answer where it lies for five minutes."""
    trouble = world.faults.for_bill(kind)
    if trouble == "creating":
        raise PayProblem(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
    if trouble == "no_statement" or not rows:
        raise PayProblem(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在")
    rows = _spoiled(rows, kind, trouble)
    lines = [columns, *(_line([row[name] for name in columns.split(",")]) for row in rows), summary(rows)]
    plain = (BOM + "\r\n".join(lines) + "\r\n").encode()
    token = secrets.token_urlsafe(32)
    world.store.run("DELETE FROM downloads WHERE expires_at < ?", world.clock.now())
    world.store.add(
        "downloads",
        token=token,
        content=gzip.compress(plain) if call.query.get("tar_type") == "GZIP" else plain,
        expires_at=world.clock.now() + (0 if trouble == "expired_url" else URL_LIFE_S),
    )
    hashed = hashlib.sha1(plain + (b"!" if trouble == "hash_differs" else b"")).hexdigest()  # noqa: S324 - theirs
    url = f"{world.url}/v3/billdownload/file?token={token}"
    return 200, {"hash_type": "SHA1", "hash_value": hashed, "download_url": url}


def _spoiled(rows: list[Row], kind: str, trouble: BillTrouble | None) -> list[Row]:
    first, amounts = rows[0], ("收支金额(元)",) if kind == "fundflowbill" else ("应结订单金额", "订单金额")
    if trouble == "row_missing":
        return rows[1:]
    if trouble == "row_doubled":
        return [first, *rows]
    if trouble == "row_extra":
        other = {"微信订单号": "42" + "0" * 26, "商户订单号": "UNKNOWN000000", "微信支付业务单号": "42" + "0" * 26}
        return [first | {name: value for name, value in other.items() if name in first}, *rows]
    if trouble == "amount_differs":
        return [first | {name: purse.yuan(_fen(first[name]) + 1) for name in amounts}, *rows[1:]]
    return rows


def _line(values: list[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def _fen(yuan: str) -> int:
    return round(float(yuan) * 100)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S")
