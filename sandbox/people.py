"""The users of the mini-program: login, session key, telephone, union id."""

import hmac
import secrets
from base64 import b64encode
from hashlib import sha256
from typing import Any

from sandbox.door import Call
from sandbox.refusal import WeixinError
from sandbox.tokens import check_app
from sandbox.world import World

CODE_LIFE_S = 300
PAID_FOR_S = 300  # how long a payment entitles to ask for the union id


def code_to_session(world: World, call: Call) -> dict[str, Any]:
    """GET /sns/jscode2session: a login code becomes an openid, once."""
    _check_own(world, check_app(world, call.query))
    if call.query.get("grant_type") != "authorization_code":
        raise WeixinError(40002, "invalid grant_type")
    if not call.query.get("js_code"):
        raise WeixinError(41008, "missing code")
    openid = _spend_code(world, "login", call.query["js_code"])["openid"]
    session_key = _new_session_key(world, openid)
    be_active(world, openid)
    user = world.store.row("SELECT * FROM users WHERE openid = ?", openid)
    reply = {"session_key": session_key, "openid": openid, "sandbox_extra": "may be anything"}
    return {**reply, "unionid": user["unionid"]} if user["unionid"] else reply


def phone_number(world: World, call: Call) -> dict[str, Any]:
    """POST /wxa/business/getuserphonenumber: a phone code becomes a number, once."""
    _check_own(world, call.appid)
    code = _spend_code(world, "phone", call.body.get("code"))
    if call.body.get("openid") not in (None, code["openid"]):
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


def check_session(world: World, call: Call) -> dict[str, Any]:
    """GET /wxa/checksession: whether a session key is the user's current one."""
    _check_session_key(world, call)
    return {"errcode": 0, "errmsg": "ok"}


def reset_session(world: World, call: Call) -> dict[str, Any]:
    """GET /wxa/resetusersessionkey: a new session key for a current one."""
    openid = _check_session_key(world, call)
    return {"errcode": 0, "errmsg": "ok", "openid": openid, "session_key": _new_session_key(world, openid)}


def paid_unionid(world: World, call: Call) -> dict[str, Any]:
    """GET /wxa/getpaidunionid: the union id of somebody who has just paid."""
    openid, query = known_openid(world, call), call.query
    if query.get("transaction_id"):
        order = world.store.one("SELECT * FROM orders WHERE transaction_id = ?", query["transaction_id"])
    elif query.get("mch_id") == world.keys.ids.mchid:
        order = world.store.one("SELECT * FROM orders WHERE out_trade_no = ?", query.get("out_trade_no"))
    else:
        order = None
    too_old = world.clock.now() - PAID_FOR_S
    if order is None or order["openid"] != openid or order["paid_at"] is None or order["paid_at"] < too_old:
        raise WeixinError(89300, "invalid order")
    user = world.store.row("SELECT * FROM users WHERE openid = ?", openid)
    if not user["unionid"]:
        raise WeixinError(89002, "not bind open platform")
    return {"errcode": 0, "errmsg": "ok", "unionid": user["unionid"]}


def known_openid(world: World, call: Call, name: str = "openid", foreign: WeixinError | None = None) -> str:
    """The user a call is about, who must be one of the app whose token it brought."""
    openid = call.query.get(name) or call.body.get(name)
    if not isinstance(openid, str) or not world.store.one("SELECT 1 FROM users WHERE openid = ?", openid):
        raise WeixinError(40003, "invalid openid")
    if call.appid != world.keys.ids.appid:
        raise foreign or WeixinError(40003, "invalid openid")
    return openid


def know(world: World, openid: str) -> None:
    """Make a new openid a user."""
    world.store.run("INSERT OR IGNORE INTO users (openid, unionid) VALUES (?, ?)", openid, f"union-{openid}")


def be_active(world: World, openid: str) -> None:
    """The user has the mini-program before him."""
    world.store.run("INSERT OR REPLACE INTO activity VALUES (?, ?)", openid, world.clock.now())


def leave(world: World, openid: str) -> None:
    """The user has closed the mini-program two hours ago."""
    world.store.run("DELETE FROM activity WHERE openid = ?", openid)


def check_active(world: World, openid: str) -> None:
    """Refuse a user who has not used the mini-program within two hours.

    Whoever has logged in uses it, unless `leave` says otherwise: WeChat sees every opening, this sandbox only logins.
    """
    if not world.store.one("SELECT 1 FROM activity WHERE openid = ?", openid):
        raise WeixinError(61010, "code is expired")


def _check_own(world: World, appid: str) -> None:
    if appid != world.keys.ids.appid:
        raise WeixinError(40029, "invalid code")  # codes belong to the app that made them


def _spend_code(world: World, kind: str, given: Any) -> Any:
    code = world.store.one("SELECT * FROM codes WHERE code = ? AND kind = ?", str(given), kind)
    if code is None or code["made_at"] + CODE_LIFE_S <= world.clock.now():
        raise WeixinError(40029, "invalid code")
    if code["used"]:
        raise WeixinError(40163, "code been used")
    world.store.run("UPDATE codes SET used = 1 WHERE code = ?", given)
    return code


def _new_session_key(world: World, openid: str) -> str:
    session_key = b64encode(secrets.token_bytes(16)).decode()  # replaces the one before
    world.store.run("UPDATE users SET session_key = ? WHERE openid = ?", session_key, openid)
    return session_key


def _check_session_key(world: World, call: Call) -> str:
    openid = known_openid(world, call)
    if call.query.get("sig_method") != "hmac_sha256":
        raise WeixinError(87008, "invalid sig_method")
    session_key = world.store.row("SELECT session_key FROM users WHERE openid = ?", openid)["session_key"]
    if not session_key or not hmac.compare_digest(session_signature(session_key), call.query.get("signature", "")):
        raise WeixinError(87009, "invalid signature")
    return openid


def session_signature(session_key: str, message: str = "") -> str:
    """What proves the possession of a session key, whose text (not its bytes) is the HMAC key."""
    return hmac.new(session_key.encode(), message.encode(), sha256).hexdigest()
