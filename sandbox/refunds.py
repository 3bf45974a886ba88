"""Refunds: PROCESSING, and a little later SUCCESS (or, when asked for, ABNORMAL or CLOSED)."""

import json
import secrets
import sqlite3
from typing import Any

from fastapi import APIRouter

from sandbox import fields, notify, purse
from sandbox.clock import iso
from sandbox.gate import Call, PayProblem, Reply, serve
from sandbox.pay import coupon_of, find_order
from sandbox.world import World

OUT_REFUND_NO = r"[0-9A-Za-z_\-|*@]{1,64}"
SETTLES_AFTER_S = 0.5
REFUNDABLE_FOR_S = 365 * 86400
MOST_REFUNDS = 50
SUMMARY = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


def refund(world: World, call: Call) -> Reply:
    """POST /v3/refund/domestic/refunds; the same number with the same parameters answers the same refund."""
    body = call.body
    fields.no_emoji(body)
    out_refund_no = fields.number(body, "out_refund_no", OUT_REFUND_NO)
    known = _find(world, out_refund_no)
    if known is None:
        _accept(world, out_refund_no, body)
    elif json.loads(known["request"]) != body:
        raise PayProblem(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
    return 200, _described(world, out_refund_no)


def query(world: World, call: Call) -> Reply:
    """GET /v3/refund/domestic/refunds/{out_refund_no}"""
    if _find(world, call.path["out_refund_no"]) is None:
        raise PayProblem(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return 200, _described(world, call.path["out_refund_no"])


def finish(world: World, out_refund_no: str, state: str) -> None:
    """End a refund that is under way and owe the merchant the news, in the running transaction."""
    moved = world.store.run(
        "UPDATE refunds SET state = ?, done_at = ?, due_at = NULL WHERE out_refund_no = ? AND state = 'PROCESSING'",
        state,
        world.clock.now(),
        out_refund_no,
    )
    row = _find(world, out_refund_no)
    if moved != 1 or row is None:
        return
    if state == "CLOSED":
        net = row["amount"] - _parts(world, row)["fee_fen"]
        purse.move(world, purse.REFUND_UNDONE, net, row["refund_id"], voucher=row["out_trade_no"])
    if row["notify_url"] is None:
        return
    said = _described(world, out_refund_no)
    amount = said["amount"]
    copied = ("transaction_id", "out_trade_no", "refund_id", "out_refund_no", "user_received_account")
    notify.owe(
        world,
        event_type=f"REFUND.{state}",
        original_type="refund",
        summary=SUMMARY[state],
        subject=out_refund_no,
        url=row["notify_url"],
        plain={
            "mchid": world.keys.ids.mchid,
            **{name: said[name] for name in copied},
            "refund_status": state,  # here; the query calls it status
            **({"success_time": said["success_time"]} if state == "SUCCESS" else {}),
            "amount": {name: amount[name] for name in ("total", "refund", "payer_total", "payer_refund")},
        },
    )


def apply_abnormal(world: World, call: Call) -> Reply:
    """POST …/{refund_id}/apply-abnormal-refund: an ABNORMAL refund goes on, to a bank card."""
    row = world.store.one("SELECT * FROM refunds WHERE refund_id = ?", call.path["refund_id"])
    if row is None or row["out_refund_no"] != call.body.get("out_refund_no"):
        raise PayProblem(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    if call.body.get("type") not in ("USER_BANK_CARD", "MERCHANT_BANK_CARD"):
        raise PayProblem(400, "PARAM_ERROR", "输入源“/body/type”不正确")
    if row["state"] != "ABNORMAL":
        raise PayProblem(400, "INVALID_REQUEST", "退款单不是退款异常状态")
    world.store.run(
        "UPDATE refunds SET state = 'PROCESSING', outcome = 'SUCCESS', done_at = NULL, due_at = ? "
        "WHERE out_refund_no = ?",
        world.clock.now() + SETTLES_AFTER_S,
        row["out_refund_no"],
    )
    return 200, _described(world, row["out_refund_no"]) | {"channel": "OTHER_BANKCARD"}


def by_hand(world: World, out_trade_no: str, refund_fen: int) -> str:
    """Refund in the merchant's console, past the application: nobody is notified. Answers its number."""
    order = find_order(world, out_trade_no)
    total = 0 if order is None else order["total"]
    out_refund_no = f"CONSOLE{secrets.token_hex(8)}"
    asked = {"out_trade_no": out_trade_no, "amount": {"refund": refund_fen, "total": total}}
    _accept(world, out_refund_no, asked)
    return out_refund_no


def finish_due(world: World) -> None:
    """End every refund whose time has come."""
    due = "SELECT out_refund_no, outcome FROM refunds WHERE state = 'PROCESSING' AND due_at <= ?"
    for row in world.store.all(due, world.clock.now()):
        with world.store.transaction():
            finish(world, row["out_refund_no"], row["outcome"])


def add_routes(router: APIRouter, world: World) -> None:
    """Mount the refund endpoints."""
    serve(router, world, "POST", "/v3/refund/domestic/refunds", refund)
    serve(router, world, "GET", "/v3/refund/domestic/refunds/{out_refund_no}", query)
    serve(router, world, "POST", "/v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund", apply_abnormal)


def _accept(world: World, out_refund_no: str, body: dict[str, Any]) -> None:
    order, now = _refundable_order(world, body), world.clock.now()
    amount = fields.money(body)
    refund_fen = fields.fen(amount, "refund")
    if fields.fen(amount, "total") != order["total"]:
        raise PayProblem(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
    before = world.store.all(
        "SELECT * FROM refunds WHERE out_trade_no = ? AND state != 'CLOSED'", order["out_trade_no"]
    )
    if sum(row["amount"] for row in before) + refund_fen > order["total"]:
        raise PayProblem(400, "INVALID_REQUEST", "申请退款金额大于订单可退金额")
    if len(before) >= MOST_REFUNDS:
        raise PayProblem(400, "INVALID_REQUEST", "一笔订单最多退款50次")
    fields.text(body, "reason", 80, required=False)
    fault = world.faults.for_refund()
    outcome = fault.refund if fault and fault.refund else "SUCCESS"
    refund_id = "503" + "".join(secrets.choice("0123456789") for _ in range(26))
    parts = _new_parts(world, order, before, refund_fen)
    net, given_back = refund_fen - parts["fee_fen"], purse.yuan(refund_fen)
    remark = f"退款总金额{given_back}元;含手续费{purse.yuan(parts['fee_fen'])}元"
    purse.move(world, purse.REFUND, -net, refund_id, remark=remark, voucher=order["out_trade_no"])
    world.store.add(
        "refunds",
        out_refund_no=out_refund_no,
        refund_id=refund_id,
        out_trade_no=order["out_trade_no"],
        request=json.dumps(body),
        amount=refund_fen,
        notify_url=fields.notify_url(world, body, 256, required=False),
        state="PROCESSING",
        made_at=now,
        due_at=None if outcome == "PROCESSING" else now + SETTLES_AFTER_S,
        outcome=outcome,
    )
    world.store.add("refund_parts", out_refund_no=out_refund_no, **parts)
    world.store.run("UPDATE orders SET state = 'REFUND' WHERE out_trade_no = ?", order["out_trade_no"])


def _new_parts(world: World, order: sqlite3.Row, before: list[sqlite3.Row], refund_fen: int) -> dict[str, int]:
    """The payer's share of a refund (the coupon's goes back to the coupon), and the fee that is given back with it."""
    total, gone = order["total"], sum(row["amount"] for row in before)
    known = [_parts(world, row) for row in before]
    payer_total = total - coupon_of(world, order["out_trade_no"])
    payer_so_far, fees_so_far = (sum(part[name] for part in known) for name in ("payer_fen", "fee_fen"))
    return {
        "payer_fen": payer_total * (gone + refund_fen) // total - payer_so_far,
        "fee_fen": max(0, purse.fee(total) - purse.fee(total - gone - refund_fen) - fees_so_far),
    }


def _parts(world: World, refund: sqlite3.Row) -> dict[str, int]:
    row = world.store.one("SELECT * FROM refund_parts WHERE out_refund_no = ?", refund["out_refund_no"])
    known = {"payer_fen": refund["amount"], "fee_fen": 0} if row is None else row
    return {name: int(known[name]) for name in ("payer_fen", "fee_fen")}


def _refundable_order(world: World, body: dict[str, Any]) -> sqlite3.Row:
    transaction_id, out_trade_no = body.get("transaction_id"), body.get("out_trade_no")
    if transaction_id is not None:
        paid = world.store.one("SELECT out_trade_no FROM orders WHERE transaction_id = ?", str(transaction_id))
        if paid and out_trade_no not in (None, paid["out_trade_no"]):
            raise PayProblem(400, "INVALID_REQUEST", "transaction_id与out_trade_no不属于同一订单")
        out_trade_no = paid and paid["out_trade_no"]
    order = find_order(world, str(out_trade_no))
    if order is None:
        raise PayProblem(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    if order["state"] not in ("SUCCESS", "REFUND"):
        raise PayProblem(400, "INVALID_REQUEST", "订单未支付，不能退款")
    if world.clock.now() - order["paid_at"] > REFUNDABLE_FOR_S:
        raise PayProblem(400, "INVALID_REQUEST", "订单已超过可退款的期限")
    return order


def _find(world: World, out_refund_no: str) -> sqlite3.Row | None:
    return world.store.one("SELECT * FROM refunds WHERE out_refund_no = ?", out_refund_no)


def _described(world: World, out_refund_no: str) -> dict[str, Any]:
    row = world.store.row(
        "SELECT refunds.*, orders.transaction_id, orders.total FROM refunds JOIN orders USING (out_trade_no) "
        "WHERE out_refund_no = ?",
        out_refund_no,
    )
    payer_fen, coupon_fen = _parts(world, row)["payer_fen"], coupon_of(world, row["out_trade_no"])
    said = {
        "refund_id": row["refund_id"],
        "out_refund_no": row["out_refund_no"],
        "transaction_id": row["transaction_id"],
        "out_trade_no": row["out_trade_no"],
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": iso(row["made_at"]),
        "status": row["state"],
        "funds_account": "AVAILABLE",
        "amount": {
            "total": row["total"],
            "refund": row["amount"],
            "payer_total": row["total"] - coupon_fen,
            "payer_refund": payer_fen,
            "settlement_refund": row["amount"],
            "settlement_total": row["total"],
            "discount_refund": row["amount"] - payer_fen,
            "currency": "CNY",
            "refund_fee": 0,
        },
    }
    if row["state"] == "SUCCESS":
        said["success_time"] = iso(row["done_at"])
    return said
