"""What a seller must tell of an order that was paid: shipped, delivered by hand, or nothing to ship."""

from datetime import datetime
from typing import Any

from sandbox.door import Call
from sandbox.refusal import WeixinError
from sandbox.world import World

LOGISTICS = BY_POST, _IN_TOWN, _VIRTUAL, _BY_HAND = 1, 2, 3, 4
DESCRIPTION_MAX = 120


def upload(world: World, call: Call) -> dict[str, Any]:
    """POST /wxa/sec/order/upload_shipping_info: once for each paid order."""
    order = _order(world, _part(call.body, "order_key"))
    if order is None or order["paid_at"] is None:
        raise WeixinError(10060001, "支付单不存在")
    openid = _part(call.body, "payer").get("openid")
    if not openid:
        raise WeixinError(268485228, "openid不能为空")
    if openid != order["openid"]:
        raise WeixinError(268485195, "openid不存在")
    _check(call.body)
    if world.store.one("SELECT 1 FROM shipped WHERE out_trade_no = ?", order["out_trade_no"]):
        raise WeixinError(10060002, "支付单已完成发货，无法继续发货")
    world.store.add("shipped", out_trade_no=order["out_trade_no"], at=world.clock.now())
    return {"errcode": 0, "errmsg": "ok"}


def _order(world: World, key: dict[str, Any]) -> Any:
    if key.get("order_number_type") == 2:
        return world.store.one("SELECT * FROM orders WHERE transaction_id = ?", str(key.get("transaction_id")))
    if key.get("mchid") != world.keys.ids.mchid:
        return None
    return world.store.one("SELECT * FROM orders WHERE out_trade_no = ?", str(key.get("out_trade_no")))


def _check(body: dict[str, Any]) -> None:
    if body.get("logistics_type") not in LOGISTICS:
        raise WeixinError(10060005, "物流类型有误")
    if body.get("delivery_mode") != 1:
        raise WeixinError(10060006, "沙箱只支持统一发货")
    parcels = body.get("shipping_list")
    if not isinstance(parcels, list) or not parcels or not isinstance(parcels[0], dict):
        raise WeixinError(268485226, "商户发货信息为空")
    if not parcels[0].get("item_desc"):
        raise WeixinError(10060008, "商品描述不能为空")
    if len(str(parcels[0]["item_desc"])) > DESCRIPTION_MAX:
        raise WeixinError(10060009, "商品描述太长")
    if body["logistics_type"] == BY_POST and not parcels[0].get("tracking_no"):
        raise WeixinError(10060014, "参数错误：缺少运单号")
    try:
        moment = datetime.fromisoformat(str(body.get("upload_time")))
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise WeixinError(268485216, "上传时间非法，请按照 RFC 3339 格式填写")


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    part = body.get(name)
    return part if isinstance(part, dict) else {}
