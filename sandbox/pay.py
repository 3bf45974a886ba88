"""Orders: NOTPAY → SUCCESS → REFUND, or NOTPAY → CLOSED."""

import json
import secrets
import sqlite3
from typing import Any

from fastapi import APIRouter

from sandbox import fields, notify, purse
from sandbox.clock import iso
from sandbox.gate import Call, PayProblem, Reply, serve
from sandbox.world import World

OUT_TRADE_NO = r"[0-9A-Za-z_\-|*]{6,32}"
PREPAY_LIFE_S = 7200
ORDER_LIFE_S = 7 * 86400
SHORTEST_LIFE_S = 60
STATE_DESC = {"SUCCESS": "支付成功", "REFUND": "转入退款", "NOTPAY": "订单未支付", "CLOSED": "订单已关闭"}


def prepay(world: World, call: Call) -> Reply:
    """POST /v3/pay/transactions/jsapi; the same parameters again give a fresh prepay_id."""
    order = _checked_order(world, call.body)
    known = find_order(world, order["out_trade_no"])
    if known is None:
        world.store.add("orders", **order)
    elif json.loads(known["request"]) != call.body:
        raise PayProblem(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
    elif known["state"] == "CLOSED":
        raise PayProblem(400, "INVALID_REQUEST", "订单已关闭")
    elif known["state"] != "NOTPAY":
        raise PayProblem(400, "INVALID_REQUEST", "该订单已支付")
    prepay_id = "wx" + secrets.token_hex(17)
    world.store.add("prepays", prepay_id=prepay_id, out_trade_no=order["out_trade_no"], made_at=world.clock.now())
    return 200, {"prepay_id": prepay_id}


def query(world: World, call: Call) -> Reply:
    """GET …/out-trade-no/{no} or …/id/{id}; an unpaid order has no transaction id to be asked by."""
    if "mchid" not in call.query:
        raise PayProblem(400, "PARAM_ERROR", "缺少参数mchid")
    if "transaction_id" in call.path:
        paid = world.store.one("SELECT out_trade_no FROM orders WHERE transaction_id = ?", call.path["transaction_id"])
        order = paid and find_order(world, paid["out_trade_no"])
    else:
        order = find_order(world, call.path["out_trade_no"])
    if order is None:
        raise PayProblem(404, "ORDER_NOT_EXIST", "订单不存在")
    return 200, transaction(world, order)


def close(world: World, call: Call) -> Reply:
    """POST …/{no}/close; closing twice is fine, closing a paid order is not."""
    if "mchid" not in call.body:
        raise PayProblem(400, "PARAM_ERROR", "缺少参数mchid")
    order = find_order(world, call.path["out_trade_no"])
    if order is None:
        raise PayProblem(404, "ORDER_NOT_EXIST", "订单不存在")
    if order["state"] not in ("NOTPAY", "CLOSED"):
        raise PayProblem(400, "INVALID_REQUEST", "该订单已支付")
    world.store.run("UPDATE orders SET state = 'CLOSED' WHERE out_trade_no = ?", order["out_trade_no"])
    return 204, None


def mark_paid(world: World, order: sqlite3.Row, coupon_fen: int = 0) -> None:
    """Take the payer's money and owe the merchant the news, in the running transaction.

    A coupon is paid by the platform: the merchant gets the whole, the payer pays the rest.
    """
    now = world.clock.now()
    transaction_id = "42" + iso(now)[:10].replace("-", "") + "".join(secrets.choice("0123456789") for _ in range(18))
    world.store.run(
        "UPDATE orders SET state = 'SUCCESS', transaction_id = ?, paid_at = ? WHERE out_trade_no = ?",
        transaction_id,
        now,
        order["out_trade_no"],
    )
    if coupon_fen:
        world.store.add("coupons", out_trade_no=order["out_trade_no"], fen=coupon_fen)
    voucher = order["out_trade_no"]
    purse.move(world, purse.TRADE, order["total"], transaction_id, voucher=voucher)
    purse.move(world, purse.FEE, -purse.fee(order["total"]), transaction_id, voucher=voucher)
    paid = world.store.row("SELECT * FROM orders WHERE out_trade_no = ?", order["out_trade_no"])
    notify.owe(
        world,
        event_type="TRANSACTION.SUCCESS",
        original_type="transaction",
        summary="支付成功",
        subject=order["out_trade_no"],
        url=order["notify_url"],
        plain=transaction(world, paid),
    )


def find_order(world: World, out_trade_no: str) -> sqlite3.Row | None:
    """An order as it stands now; one whose time is over is closed on the way."""
    world.store.run(
        "UPDATE orders SET state = 'CLOSED' WHERE out_trade_no = ? AND state = 'NOTPAY' AND expires_at <= ?",
        out_trade_no,
        world.clock.now(),
    )
    return world.store.one("SELECT * FROM orders WHERE out_trade_no = ?", out_trade_no)


def coupon_of(world: World, out_trade_no: str) -> int:
    """What a coupon paid of an order, in fen."""
    row = world.store.one("SELECT fen FROM coupons WHERE out_trade_no = ?", out_trade_no)
    return 0 if row is None else int(row["fen"])


def transaction(world: World, order: sqlite3.Row) -> dict[str, Any]:
    """An order in the words of the query and of the notification."""
    ids = world.keys.ids
    said = {
        "appid": ids.appid,
        "mchid": ids.mchid,
        "out_trade_no": order["out_trade_no"],
        "trade_state": order["state"],
        "trade_state_desc": STATE_DESC[order["state"]],
        "amount": {"total": order["total"], "currency": "CNY"},
    }
    if order["transaction_id"] is None:
        return said
    coupon_fen = coupon_of(world, order["out_trade_no"])
    return said | {
        "transaction_id": order["transaction_id"],
        "trade_type": "JSAPI",
        "bank_type": "OTHERS",
        "attach": order["attach"] or "",
        "success_time": iso(order["paid_at"]),
        "payer": {"openid": order["openid"]},
        "amount": {
            "total": order["total"],
            "payer_total": order["total"] - coupon_fen,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
        **({"promotion_detail": [_promotion(coupon_fen)]} if coupon_fen else {}),
    }


def _promotion(fen: int) -> dict[str, Any]:
    return {
        "coupon_id": "SANDBOX-COUPON",
        "name": "沙箱代金券",
        "scope": "GLOBAL",
        "type": "CASH",
        "amount": fen,
        "wechatpay_contribute": fen,
        "merchant_contribute": 0,
        "other_contribute": 0,
        "currency": "CNY",
    }


def add_routes(router: APIRouter, world: World) -> None:
    """Mount the order endpoints."""
    serve(router, world, "POST", "/v3/pay/transactions/jsapi", prepay)
    serve(router, world, "GET", "/v3/pay/transactions/out-trade-no/{out_trade_no}", query)
    serve(router, world, "GET", "/v3/pay/transactions/id/{transaction_id}", query)
    serve(router, world, "POST", "/v3/pay/transactions/out-trade-no/{out_trade_no}/close", close)


def _checked_order(world: World, body: dict[str, Any]) -> dict[str, Any]:
    fields.no_emoji(body)
    if body.get("mchid") is None:
        raise PayProblem(400, "PARAM_ERROR", "输入源“/body/mchid”不能为空")
    if body.get("appid") != world.keys.ids.appid:
        raise PayProblem(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    fields.text(body, "description", 127)
    payer = body.get("payer")
    openid = payer.get("openid") if isinstance(payer, dict) else None
    if not world.store.one("SELECT 1 FROM users WHERE openid = ?", str(openid)):
        raise PayProblem(400, "PARAM_ERROR", "appid和openid不匹配：这个openid没有登录过（沙箱：先 POST login-code）")
    now = world.clock.now()
    expires_at = fields.moment(body, "time_expire") or now + ORDER_LIFE_S
    return {
        "out_trade_no": fields.number(body, "out_trade_no", OUT_TRADE_NO),
        "request": json.dumps(body),
        "openid": openid,
        "total": fields.fen(fields.money(body), "total"),
        "attach": fields.text(body, "attach", 128, required=False),
        "notify_url": fields.notify_url(world, body, 255),
        "state": "NOTPAY",
        "made_at": now,
        "expires_at": max(expires_at, now + SHORTEST_LIFE_S),
    }
