"""Merchant transfers (商家转账): WAIT_USER_CONFIRM until it is confirmed, cancelled, or a day old."""

import json
import secrets
import sqlite3
from typing import Any

from fastapi import APIRouter

from sandbox import fields, notify, purse
from sandbox.clock import iso
from sandbox.gate import Call, PayProblem, Reply, serve
from sandbox.world import World

OUT_BILL_NO = r"[0-9A-Za-z]{1,32}"
CONFIRM_WITHIN_S = 86400
SETTLES_AFTER_S = 0.5
UNDER_WAY = {"TRANSFERING": "SUCCESS", "CANCELING": "CANCELLED"}
PATH = "/v3/fund-app/mch-transfer/transfer-bills"


def create(world: World, call: Call) -> Reply:
    """POST …/transfer-bills: the money leaves the account and waits for the user."""
    body = call.body
    fields.no_emoji(body)
    out_bill_no = fields.number(body, "out_bill_no", OUT_BILL_NO)
    known = find(world, out_bill_no)
    if known is None:
        _accept(world, out_bill_no, body)
    elif json.loads(known["request"]) != body:
        raise PayProblem(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
    row = _known(world, out_bill_no)
    package = {"package_info": f"SANDBOX{row['transfer_bill_no']}"} if row["state"] == "WAIT_USER_CONFIRM" else {}
    names = ("out_bill_no", "transfer_bill_no", "create_time", "state")
    said = _described(world, row)
    return 200, {name: said[name] for name in names} | package


def query(world: World, call: Call) -> Reply:
    """GET …/out-bill-no/{no} or …/transfer-bill-no/{no}"""
    if "transfer_bill_no" in call.path:
        number = call.path["transfer_bill_no"]
        row = world.store.one("SELECT * FROM transfers WHERE transfer_bill_no = ?", number)
    else:
        row = find(world, call.path["out_bill_no"])
    if row is None:
        raise PayProblem(404, "NOT_FOUND", "记录不存在")
    return 200, _described(world, row)


def cancel(world: World, call: Call) -> Reply:
    """POST …/out-bill-no/{no}/cancel, with an empty body; too late once the user has confirmed."""
    row = _known(world, call.path["out_bill_no"])
    if row["state"] not in ("WAIT_USER_CONFIRM", "CANCELING", "CANCELLED"):
        raise PayProblem(400, "INVALID_REQUEST", "当前商家转账单状态不支持撤销")
    if row["state"] == "WAIT_USER_CONFIRM":
        _move(world, row, "CANCELING")
    row = _known(world, row["out_bill_no"])
    said = _described(world, row)
    return 200, {name: said[name] for name in ("out_bill_no", "transfer_bill_no", "state", "update_time")}


def confirm(world: World, out_bill_no: str) -> bool:
    """The user taps 确认收款; False when there is nothing to confirm any more."""
    row = find(world, out_bill_no)
    if row is None or row["state"] != "WAIT_USER_CONFIRM":
        return False
    _move(world, row, "TRANSFERING")
    return True


def finish_due(world: World) -> None:
    """Finish what is under way, and fail what nobody confirmed within a day."""
    now = world.clock.now()
    rows = world.store.all(
        "SELECT * FROM transfers WHERE state IN ('TRANSFERING', 'CANCELING') AND changed_at <= ? "
        "OR state = 'WAIT_USER_CONFIRM' AND made_at <= ?",
        now - SETTLES_AFTER_S,
        now - CONFIRM_WITHIN_S,
    )
    for row in rows:
        with world.store.transaction():
            _finish(world, row, UNDER_WAY.get(row["state"], "FAIL"))


def find(world: World, out_bill_no: str) -> sqlite3.Row | None:
    """A transfer by the merchant's number."""
    return world.store.one("SELECT * FROM transfers WHERE out_bill_no = ?", out_bill_no)


def add_routes(router: APIRouter, world: World) -> None:
    """Mount the transfer endpoints."""
    serve(router, world, "POST", PATH, create)
    serve(router, world, "GET", PATH + "/out-bill-no/{out_bill_no}", query)
    serve(router, world, "GET", PATH + "/transfer-bill-no/{transfer_bill_no}", query)
    serve(router, world, "POST", PATH + "/out-bill-no/{out_bill_no}/cancel", cancel)


def _accept(world: World, out_bill_no: str, body: dict[str, Any]) -> None:
    if body.get("appid") != world.keys.ids.appid:
        raise PayProblem(400, "INVALID_REQUEST", "appid和mch_id不匹配")
    openid, amount = body.get("openid"), body.get("transfer_amount")
    if not world.store.one("SELECT 1 FROM users WHERE openid = ?", str(openid)):
        raise PayProblem(400, "PARAM_ERROR", "appid和openid不匹配：这个openid没有登录过（沙箱：先 POST login-code）")
    fields.text(body, "transfer_scene_id", 36)
    fields.text(body, "transfer_remark", 32 * 3)
    reports = body.get("transfer_scene_report_infos")
    if not isinstance(reports, list) or not reports:
        raise PayProblem(400, "PARAM_ERROR", "转账场景报备信息不能为空")
    transfer_bill_no = f"1330{secrets.randbelow(10**32):032}"
    fen = fields.fen(body, "transfer_amount")
    purse.move(world, purse.TRANSFER, -fen, transfer_bill_no, voucher=out_bill_no)
    now = world.clock.now()
    world.store.add(
        "transfers",
        out_bill_no=out_bill_no,
        transfer_bill_no=transfer_bill_no,
        request=json.dumps(body),
        openid=openid,
        amount=amount,
        notify_url=fields.notify_url(world, body, 256, required=False),
        state="WAIT_USER_CONFIRM",
        made_at=now,
        changed_at=now,
    )


def _finish(world: World, row: sqlite3.Row, state: str) -> None:
    reason = "超过24小时未确认收款" if state == "FAIL" else ""
    _move(world, row, state, reason)
    if state != "SUCCESS":
        number, voucher = row["transfer_bill_no"], row["out_bill_no"]
        purse.move(world, purse.TRANSFER_UNDONE, row["amount"], number, voucher=voucher)
    if row["notify_url"] is None:
        return
    said = _described(world, _known(world, row["out_bill_no"]))
    notify.owe(
        world,
        event_type="MCHTRANSFER.BILL.FINISHED",
        original_type="mch_payment",
        summary="商家转账单据终态通知",
        subject=row["out_bill_no"],
        url=row["notify_url"],
        plain=said,
    )


def _move(world: World, row: sqlite3.Row, state: str, reason: str = "") -> None:
    world.store.run(
        "UPDATE transfers SET state = ?, fail_reason = ?, changed_at = ? WHERE out_bill_no = ?",
        state,
        reason,
        world.clock.now(),
        row["out_bill_no"],
    )
    world.news.set()


def _known(world: World, out_bill_no: str) -> sqlite3.Row:
    row = find(world, out_bill_no)
    if row is None:
        raise PayProblem(404, "NOT_FOUND", "记录不存在")
    return row


def _described(world: World, row: sqlite3.Row) -> dict[str, Any]:
    said = {
        "mch_id": world.keys.ids.mchid,
        "appid": world.keys.ids.appid,
        "out_bill_no": row["out_bill_no"],
        "transfer_bill_no": row["transfer_bill_no"],
        "state": row["state"],
        "transfer_amount": row["amount"],
        "transfer_remark": json.loads(row["request"])["transfer_remark"],
        "openid": row["openid"],
        "create_time": iso(row["made_at"]),
        "update_time": iso(row["changed_at"]),
    }
    return said | ({"fail_reason": row["fail_reason"]} if row["fail_reason"] else {})
