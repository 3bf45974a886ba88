"""Profit sharing, thin: orders and receivers are kept and answered, no money is moved."""

import json
import secrets
from functools import partial

from fastapi import APIRouter

from sandbox import fields
from sandbox.clock import iso
from sandbox.gate import Call, PayProblem, Reply, serve
from sandbox.world import World

NUMBER = r"[0-9A-Za-z_\-|*@]{1,64}"
NAMES = {  # what each kind calls its number and its id
    "orders": ("out_order_no", "order_id"),
    "unfreeze": ("out_order_no", "order_id"),
    "return": ("out_return_no", "return_id"),
}


def share(kind: str, world: World, call: Call) -> Reply:
    """Keep one order of a kind; the same again is the same."""
    number_name, id_name = NAMES[kind]
    number = fields.number(call.body, number_name, NUMBER)
    known = world.store.one("SELECT * FROM sharings WHERE kind = ? AND number = ?", kind, number)
    if known is None:
        transaction_id = call.body.get("transaction_id")
        if kind != "return" and not world.store.one("SELECT 1 FROM orders WHERE transaction_id = ?", transaction_id):
            raise PayProblem(400, "PARAM_ERROR", "微信订单号不存在")
        made = {"id": f"3008{secrets.randbelow(10**24):024}", "made_at": world.clock.now()}
        world.store.add("sharings", kind=kind, number=number, request=json.dumps(call.body), **made)
    elif json.loads(known["request"]) != call.body:
        raise PayProblem(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
    row = world.store.row("SELECT * FROM sharings WHERE kind = ? AND number = ?", kind, number)
    state = {"result": "SUCCESS"} if kind == "return" else {"state": "FINISHED"}
    return 200, {**call.body, id_name: row["id"], "create_time": iso(row["made_at"]), **state}


def query(world: World, call: Call) -> Reply:
    """GET /v3/profitsharing/orders/{out_order_no}"""
    number = call.path["out_order_no"]
    row = world.store.one("SELECT * FROM sharings WHERE kind = 'orders' AND number = ?", number)
    if row is None:
        raise PayProblem(404, "RESOURCE_NOT_EXISTS", "分账单不存在")
    return 200, {**json.loads(row["request"]), "order_id": row["id"], "state": "FINISHED"}


def add_receiver(world: World, call: Call) -> Reply:
    """POST /v3/profitsharing/receivers/add"""
    for name in ("type", "account", "relation_type"):
        fields.text(call.body, name, 64)
    return 200, {name: call.body[name] for name in ("type", "account", "relation_type")}


def add_routes(router: APIRouter, world: World) -> None:
    """Mount the endpoints."""
    serve(router, world, "POST", "/v3/profitsharing/receivers/add", add_receiver)
    serve(router, world, "POST", "/v3/profitsharing/orders", partial(share, "orders"))
    serve(router, world, "GET", "/v3/profitsharing/orders/{out_order_no}", query)
    serve(router, world, "POST", "/v3/profitsharing/orders/unfreeze", partial(share, "unfreeze"))
    serve(router, world, "POST", "/v3/profitsharing/return-orders", partial(share, "return"))
