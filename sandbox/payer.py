"""The payer's telephone: what wx.requestPayment checks and does."""

from typing import Any, Literal

from sandbox import signing
from sandbox.pay import PREPAY_LIFE_S, find_order, mark_paid
from sandbox.world import World

Wish = Literal["success", "cancel", "fail", "hang"]
FIELDS = {"timeStamp", "nonceStr", "package", "signType", "paySign"}
PREFIX = "prepay_id="


class PaymentRefused(Exception):
    """The telephone would show an error instead of the payment sheet."""


def pay(world: World, openid: str, payment: dict[str, Any], wish: Wish, coupon_fen: int = 0) -> dict[str, str]:
    """Check a `payment` as the client does, let the payer have his wish, and answer what the client hears."""
    _check(world, payment)
    return settle(world, openid, payment["package"].removeprefix(PREFIX), wish, coupon_fen)


def settle(world: World, openid: str, prepay_id: str, wish: Wish, coupon_fen: int = 0) -> dict[str, str]:
    """Let the payer of a prepay_id have his wish, with nothing signed to check: what the payment sheet does."""
    with world.store.transaction():
        prepay = world.store.one("SELECT * FROM prepays WHERE prepay_id = ?", prepay_id)
        if prepay is None:
            raise PaymentRefused("no such prepay_id")
        if world.clock.now() - prepay["made_at"] >= PREPAY_LIFE_S:
            raise PaymentRefused("the prepay_id is older than two hours")
        order = find_order(world, prepay["out_trade_no"])
        if order is None or order["openid"] != openid:
            raise PaymentRefused("the prepay_id belongs to another payer")
        if order["state"] != "NOTPAY":
            raise PaymentRefused(f"the order is {order['state']}")
        if coupon_fen >= order["total"]:
            raise PaymentRefused("a coupon pays less than the whole")
        if wish == "success":
            mark_paid(world, order, coupon_fen)
    return {
        "success": {"errMsg": "requestPayment:ok"},
        "cancel": {"errMsg": "requestPayment:fail cancel"},
        "fail": {"errMsg": "requestPayment:fail (支付失败)"},
        "hang": {},  # the sheet stays open: nothing was paid, nothing is heard
    }[wish]


def pay_anyway(world: World, out_trade_no: str, coupon_fen: int = 0) -> None:
    """The payer's money arrives, whatever his telephone was told: after the close, after the time, before the reply."""
    with world.store.transaction():
        order = find_order(world, out_trade_no)
        if order is None or order["state"] not in ("NOTPAY", "CLOSED") or coupon_fen >= order["total"]:
            raise PaymentRefused("there is no such order to pay")
        mark_paid(world, order, coupon_fen)


def _check(world: World, payment: dict[str, Any]) -> None:
    if payment.keys() != FIELDS:
        raise PaymentRefused(f"payment must have exactly {', '.join(sorted(FIELDS))}")
    for name in sorted(FIELDS):
        if not isinstance(payment[name], str):
            raise PaymentRefused(f"{name} must be a string")
    if not payment["timeStamp"].isdecimal():
        raise PaymentRefused("timeStamp must be seconds since 1970, as a string")
    if payment["signType"] != "RSA":
        raise PaymentRefused("signType must be RSA")
    if not payment["package"].startswith(PREFIX):
        raise PaymentRefused("package must be prepay_id=…")
    if len(payment["nonceStr"]) > 32:
        raise PaymentRefused("nonceStr is longer than 32 characters")
    lines = (world.keys.ids.appid, payment["timeStamp"], payment["nonceStr"], payment["package"])
    text = "".join(f"{line}\n" for line in lines).encode()
    if not signing.verifies(world.keys.merchant.public_key(), text, payment["paySign"]):
        raise PaymentRefused("paySign does not fit: 支付验证签名失败")
