"""The api.weixin.qq.com side: login, access token, phone number."""

import json
import secrets
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox.world import World

CODE_LIFE_S = 300
TOKEN_LIFE_S = 7200
OVERLAP_S = 300  # a token's last five minutes, in which its successor is already valid

Handler = Callable[[World, dict[str, Any], dict[str, Any]], dict[str, Any]]


class WeixinError(Exception):
    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errcode, errmsg)
        self.errcode, self.errmsg = errcode, errmsg


def code_to_session(world: World, query: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    """GET /sns/jscode2session: a login code becomes an openid, once."""
    _check_app(world, query)
    if query.get("grant_type") != "authorization_code":
        raise WeixinError(40002, "invalid grant_type")
    if not query.get("js_code"):
        raise WeixinError(41008, "missing code")
    openid = _spend_code(world, "login", query["js_code"])["openid"]
    session_key = b64encode(secrets.token_bytes(16)).decode()  # each login replaces the one before
    world.store.run("UPDATE users SET session_key = ? WHERE openid = ?", session_key, openid)
    user = world.store.row("SELECT * FROM users WHERE openid = ?", openid)
    return {"session_key": session_key, "openid": openid, "unionid": user["unionid"]}


def stable_token(world: World, _: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """POST /cgi-bin/stable_token: the same token to all until five minutes before its end."""
    if body.get("grant_type") != "client_credential":
        raise WeixinError(40002, "invalid grant_type")
    _check_app(world, body)
    now = world.clock.now()
    if body.get("force_refresh") is True:
        _count_forced_refresh(world, now)
        world.store.run("DELETE FROM tokens")
    token = world.store.one("SELECT * FROM tokens WHERE expires_at > ?", now + OVERLAP_S)
    if token is None:
        world.store.add("tokens", token=f"99_{secrets.token_urlsafe(100)}", expires_at=now + TOKEN_LIFE_S)
        token = world.store.row("SELECT * FROM tokens ORDER BY expires_at DESC")
    return {"access_token": token["token"], "expires_in": int(token["expires_at"] - now)}


def phone_number(world: World, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """POST /wxa/business/getuserphonenumber: a phone code becomes a number, once."""
    _check_token(world, query)
    code = _spend_code(world, "phone", body.get("code"))
    if body.get("openid") not in (None, code["openid"]):
        raise WeixinError(40029, "invalid code")
    return {
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": code["phone"],
            "purePhoneNumber": code["phone"],
            "countryCode": 86,  # documented as a string, arrives as a number
            "watermark": {"timestamp": int(world.clock.now()), "appid": world.keys.ids.appid},
        },
    }


def unknown_path(world: World, _query: dict[str, Any], _body: dict[str, Any]) -> dict[str, Any]:
    """Any other address."""
    raise WeixinError(40066, "invalid url")


def routes(world: World) -> APIRouter:
    """The endpoints, and for every other path the platform's refusal: mount these last."""
    router = APIRouter()

    def serve(path: str, methods: list[str], handler: Handler, media_type: str = "application/json") -> None:
        async def endpoint(request: Request) -> Response:
            try:
                query, body = dict(request.query_params), _json(await request.body())
                with world.store.transaction():
                    reply = handler(world, query, body)
            except WeixinError as error:
                rid = "-".join(secrets.token_hex(4) for _ in range(3))
                reply = {"errcode": error.errcode, "errmsg": f"{error.errmsg} rid: {rid}"}
            return Response(json.dumps(reply, ensure_ascii=False), media_type=media_type)

        router.add_api_route(path, endpoint, methods=methods)

    serve("/sns/jscode2session", ["GET"], code_to_session, media_type="text/plain")
    serve("/cgi-bin/stable_token", ["POST"], stable_token)
    serve("/wxa/business/getuserphonenumber", ["POST"], phone_number)
    serve("/{path:path}", ["GET", "POST", "PUT", "DELETE"], unknown_path)
    return router


def _json(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        read = json.loads(body)
    except ValueError:
        raise WeixinError(47001, "data format error") from None
    if not isinstance(read, dict):
        raise WeixinError(47001, "data format error")
    return read


def _check_app(world: World, given: dict[str, Any]) -> None:
    if given.get("appid") != world.keys.ids.appid:
        raise WeixinError(40013, "invalid appid")
    if not given.get("secret"):
        raise WeixinError(41004, "appsecret missing")
    if given["secret"] != world.keys.ids.secret:
        raise WeixinError(40125, "invalid appsecret")


def _check_token(world: World, query: dict[str, Any]) -> None:
    if not query.get("access_token"):
        raise WeixinError(41001, "access_token missing")
    token = world.store.one("SELECT * FROM tokens WHERE token = ?", query["access_token"])
    if token is None:
        raise WeixinError(40001, "invalid credential, access_token is invalid or not latest")
    if token["expires_at"] <= world.clock.now():
        raise WeixinError(42001, "access_token expired")


def _spend_code(world: World, kind: str, given: Any) -> Any:
    code = world.store.one("SELECT * FROM codes WHERE code = ? AND kind = ?", str(given), kind)
    if code is None or code["made_at"] + CODE_LIFE_S <= world.clock.now():
        raise WeixinError(40029, "invalid code")
    if code["used"]:
        raise WeixinError(40163, "code been used")
    world.store.run("UPDATE codes SET used = 1 WHERE code = ?", given)
    return code


def _count_forced_refresh(world: World, now: float) -> None:
    today = world.store.all("SELECT at FROM forced_refreshes WHERE at > ? ORDER BY at DESC", now - 86400)
    if len(today) >= 20:
        raise WeixinError(45009, "reach max api daily quota limit")
    if today and now - today[0]["at"] < 30:
        raise WeixinError(45011, "api minute-quota reach limit, must slower, retry next minute")
    world.store.add("forced_refreshes", at=now)
