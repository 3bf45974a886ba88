"""The page at the sandbox's root: a telephone for people who have none at hand.

The browser talks to the sandbox only; what it wants of the application, the sandbox asks for it.
"""

import json
import sqlite3
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Header, HTTPException, Query, Response
from pydantic import BaseModel
from starlette.responses import FileResponse

from sandbox import control_weixin, payer
from sandbox.clock import iso
from sandbox.world import World

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
PATIENCE_S = 15
ORDERS_MAX, REFUNDS_MAX, MESSAGES_MAX, SENT_MAX, ATTEMPTS_MAX = 20, 10, 20, 20, 5
TEMPLATES_MAX, REQUESTS_MAX, OTHERS_MAX = 20, 30, 50

CAST = [  # openid, name, who that is
    ("lin", "小林", "锦阳居民，7号楼", "resident of Jinyang, building 7"),
    ("mei", "阿梅", "锦阳居民，7号楼", "resident of Jinyang, building 7"),
    ("wang", "王伯", "锦阳居民，3号楼", "resident of Jinyang, building 3"),
    ("guest", "过客", "登录过，没有认证", "has logged in, not verified"),
    ("chen", "陈主任", "锦阳居委会", "committee of Jinyang"),
    ("zhao", "赵委员", "锦阳居委会", "committee of Jinyang"),
    ("sun", "孙监督", "锦阳居务监督", "supervisor of Jinyang"),
    ("he", "何楼长", "锦阳7号楼楼长", "head of building 7"),
    ("ma", "马社工", "锦阳社工", "social worker of Jinyang"),
    ("wu", "吴邻", "玉林居民（隔壁社区）", "resident of Yulin, next door"),
    ("deng", "邓委员", "玉林居委会", "committee of Yulin"),
    ("qian", "钱科长", "街道干部", "street officer"),
    ("root", "区管理员", "区级管理员", "district officer"),
]

Openid = Annotated[str, Query(min_length=1, max_length=128)]


class Settling(control_weixin.Someone):
    prepay_id: str
    result: payer.Wish = "success"


class Window(BaseModel):
    """What the page shows of one person and of the world, all of it bounded, newest first."""

    people: list[dict[str, str]]
    orders: list[dict[str, Any]]
    templates: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    sent: list[dict[str, Any]]
    requests: list[dict[str, Any]]


def routes(world: World, application: httpx.AsyncClient) -> APIRouter:
    """The page, its files, and the control endpoints that only the page needs."""
    router = APIRouter()

    @router.get("/")
    async def page() -> FileResponse:
        """The page."""
        return FileResponse(HERE / "page.html", headers=HEADERS)

    @router.get("/_sandbox/page.css")
    async def style() -> FileResponse:
        """How it looks."""
        return FileResponse(HERE / "page.css", headers=HEADERS)

    @router.get("/_sandbox/page.js")
    async def script() -> FileResponse:
        """What it does."""
        return FileResponse(HERE / "page.js", headers=HEADERS)

    @router.get("/_sandbox/window")
    async def window(openid: Openid) -> Window:
        """What the page shows, for one person."""
        return Window(
            people=_people(world),
            orders=_orders(world, openid),
            templates=_templates(world, openid),
            messages=_messages(world, openid),
            sent=_sent(world),
            requests=list(world.journal)[: -REQUESTS_MAX - 1 : -1],
        )

    @router.post("/_sandbox/app-login")
    async def app_login(asked: control_weixin.Someone, accept_language: Annotated[str, Header()] = "") -> Response:
        """Log in at the application as this person's telephone would, and answer what it answers."""
        code = control_weixin.new_code(world, "login", asked.openid)
        return await _ask(application, "POST", "/v1/auth/wechat", accept_language, body={"code": code})

    @router.get("/_sandbox/app/{what}")
    async def app_read(
        what: str, authorization: Annotated[str, Header()] = "", accept_language: Annotated[str, Header()] = ""
    ) -> Response:
        """One's own page (`me`) or inbox (`inbox`) at the application, with the token that came from `app-login`."""
        path = {"me": "/v1/me", "inbox": "/v1/me/inbox?limit=10"}.get(what)
        if path is None:
            raise HTTPException(404, "only me and inbox")
        return await _ask(application, "GET", path, accept_language, authorization)

    @router.post("/_sandbox/pay-prepared")
    async def pay_prepared(asked: Settling) -> dict[str, str]:
        """Pay or cancel an open payment request by its prepay_id, without the client's signed parameters."""
        try:
            heard = payer.settle(world, asked.openid, asked.prepay_id, asked.result)
        except payer.PaymentRefused as error:
            raise HTTPException(400, str(error)) from None
        world.news.set()
        return heard

    return router


async def _ask(
    application: httpx.AsyncClient,
    method: str,
    path: str,
    language: str,
    authorization: str = "",
    *,
    body: dict[str, str] | None = None,
) -> Response:
    headers = {"Accept-Language": language} | ({"Authorization": authorization} if authorization else {})
    try:
        answer = await application.request(method, path, json=body, headers=headers)
    except httpx.HTTPError as error:
        raise HTTPException(502, f"the application does not answer ({type(error).__name__})") from None
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("Content-Type"))


def _people(world: World) -> list[dict[str, str]]:
    cast = [dict(zip(("openid", "name", "zh", "en"), person, strict=True)) for person in CAST]
    known = {person["openid"] for person in cast}
    users = world.store.all("SELECT openid FROM users ORDER BY rowid DESC LIMIT ?", len(cast) + OTHERS_MAX)
    others = [row["openid"] for row in users if row["openid"] not in known][:OTHERS_MAX]
    return cast + [{"openid": openid, "name": openid, "zh": "", "en": ""} for openid in others]


def _orders(world: World, openid: str) -> list[dict[str, Any]]:
    now, store = world.clock.now(), world.store
    rows = store.all(
        "SELECT orders.*, (SELECT prepay_id FROM prepays WHERE prepays.out_trade_no = orders.out_trade_no "
        "ORDER BY rowid DESC LIMIT 1) AS prepay_id FROM orders WHERE openid = ? ORDER BY rowid DESC LIMIT ?",
        openid,
        ORDERS_MAX,
    )
    return [
        {
            "out_trade_no": row["out_trade_no"],
            "prepay_id": row["prepay_id"],
            "description": json.loads(row["request"])["description"],
            "amount_fen": row["total"],
            "state": "CLOSED" if row["state"] == "NOTPAY" and row["expires_at"] <= now else row["state"],
            "left_s": max(0, int(row["expires_at"] - now)),
            "paid_at": None if row["paid_at"] is None else iso(row["paid_at"]),
            "notified": [_notice(world, notice) for notice in _notices(world, row["out_trade_no"])],
            "refunds": [
                {
                    "amount_fen": refund["amount"],
                    "state": refund["state"],
                    "notified": [_notice(world, notice) for notice in _notices(world, refund["out_refund_no"])],
                }
                for refund in store.all(
                    "SELECT * FROM refunds WHERE out_trade_no = ? ORDER BY rowid DESC LIMIT ?",
                    row["out_trade_no"],
                    REFUNDS_MAX,
                )
            ],
        }
        for row in rows
    ]


def _notices(world: World, subject: str) -> list[sqlite3.Row]:
    return world.store.all("SELECT * FROM notifications WHERE subject = ? ORDER BY rowid DESC LIMIT 3", subject)


def _sent(world: World) -> list[dict[str, Any]]:
    notices = world.store.all("SELECT * FROM notifications ORDER BY rowid DESC LIMIT ?", SENT_MAX)
    pushes = world.store.all("SELECT * FROM pushes ORDER BY id DESC LIMIT ?", SENT_MAX)
    sent = [_notice(world, row) for row in notices] + [_push(world, row) for row in pushes]
    return sorted(sent, key=lambda one: str(one["at"]), reverse=True)[:SENT_MAX]


def _notice(world: World, row: sqlite3.Row) -> dict[str, Any]:
    attempts = "SELECT at, status, answer FROM attempts WHERE notification_id = ? ORDER BY id DESC LIMIT ?"
    return _delivery(row, row["event_type"], row["subject"], world.store.all(attempts, row["id"], ATTEMPTS_MAX))


def _push(world: World, row: sqlite3.Row) -> dict[str, Any]:
    attempts = "SELECT at, status, answer FROM push_attempts WHERE push_id = ? ORDER BY id DESC LIMIT ?"
    return _delivery(row, row["event"], row["openid"], world.store.all(attempts, row["id"], ATTEMPTS_MAX))


def _delivery(row: sqlite3.Row, what: str, subject: str, attempts: list[sqlite3.Row]) -> dict[str, Any]:
    return {
        "what": what,
        "subject": subject,
        "at": iso(row["made_at"]),
        "delivered": bool(row["delivered"]),
        "attempts": [{"at": iso(line["at"]), "status": line["status"], "answer": line["answer"]} for line in attempts],
    }


def _templates(world: World, openid: str) -> list[dict[str, Any]]:
    rows = world.store.all(
        'SELECT known.template_id, title, credits."left", (SELECT decision FROM subscriptions AS s WHERE s.openid = ?1 '
        "AND s.template_id = known.template_id ORDER BY id DESC LIMIT 1) AS decision "
        "FROM (SELECT template_id, title FROM templates UNION ALL SELECT DISTINCT template_id, '' FROM subscriptions "
        "WHERE openid = ?1 AND template_id NOT IN (SELECT template_id FROM templates)) AS known "
        "LEFT JOIN credits ON credits.openid = ?1 AND credits.template_id = known.template_id LIMIT ?2",
        openid,
        TEMPLATES_MAX,
    )
    return [dict(row) for row in rows]


def _messages(world: World, openid: str) -> list[dict[str, Any]]:
    rows = world.store.all(
        "SELECT messages.*, title FROM messages LEFT JOIN templates USING (template_id) WHERE openid = ? "
        "ORDER BY id DESC LIMIT ?",
        openid,
        MESSAGES_MAX,
    )
    return [
        {
            "at": iso(row["at"]),
            "template_id": row["template_id"],
            "title": row["title"],
            "page": json.loads(row["body"]).get("page"),
            "data": json.loads(row["body"]).get("data"),
        }
        for row in rows
    ]
