"""Access tokens: the stable ones that all share, and the classic ones that end each other."""

import secrets
from typing import Any

from sandbox.refusal import WeixinError
from sandbox.world import World

TOKEN_LIFE_S = 7200
OVERLAP_S = 300  # how long an old token and its successor are both valid
FORCED_APART_S, FORCED_A_DAY = 30, 20


def check_app(world: World, given: dict[str, Any]) -> str:
    """Whose appid and secret these are."""
    known = {world.keys.ids.appid: world.keys.ids.secret}
    known |= {row["appid"]: row["secret"] for row in world.store.all("SELECT * FROM apps")}
    if not given.get("appid"):
        raise WeixinError(41002, "appid missing")
    if given["appid"] not in known:
        raise WeixinError(40013, "invalid appid")
    if not given.get("secret"):
        raise WeixinError(41004, "appsecret missing")
    if given["secret"] != known[given["appid"]]:
        raise WeixinError(40125, "invalid appsecret")
    return str(given["appid"])


def stable(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """The same token to all until five minutes before its end."""
    appid = _asker(world, given)
    now = world.clock.now()
    if given.get("force_refresh") is True:
        _count_forced(world, appid, now)
        world.store.run("UPDATE access_tokens SET dies_at = ? WHERE appid = ? AND kind = 'stable'", now, appid)
    fresh = """SELECT * FROM access_tokens WHERE appid = ? AND kind = 'stable' AND dies_at IS NULL AND expires_at > ?
               ORDER BY expires_at DESC"""
    token = world.store.one(fresh, appid, now + OVERLAP_S)
    if token is None:
        return {"access_token": _issue(world, appid, "stable"), "expires_in": TOKEN_LIFE_S}
    return {"access_token": token["token"], "expires_in": int(token["expires_at"] - now)}


def classic(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """A new token at each call; those before it die within five minutes."""
    appid = _asker(world, given)
    ending = "UPDATE access_tokens SET dies_at = ? WHERE appid = ? AND kind = 'classic' AND dies_at IS NULL"
    world.store.run(ending, world.clock.now() + OVERLAP_S, appid)
    return {"access_token": _issue(world, appid, "classic"), "expires_in": TOKEN_LIFE_S}


def owner(world: World, given: str | None) -> str:
    """Whose access token this is."""
    if not given:
        raise WeixinError(41001, "access_token missing")
    token, now = world.store.one("SELECT * FROM access_tokens WHERE token = ?", given), world.clock.now()
    if token is None or (token["dies_at"] is not None and token["dies_at"] <= now):
        raise WeixinError(40001, "invalid credential, access_token is invalid or not latest")
    if token["expires_at"] <= now:
        raise WeixinError(42001, "access_token expired")
    return str(token["appid"])


def _asker(world: World, given: dict[str, Any]) -> str:
    if given.get("grant_type") != "client_credential":
        raise WeixinError(40002, "invalid grant_type")
    return check_app(world, given)


def _issue(world: World, appid: str, kind: str) -> str:
    token = f"99_{secrets.token_urlsafe(100)}"
    expires_at = world.clock.now() + TOKEN_LIFE_S
    world.store.add("access_tokens", token=token, appid=appid, kind=kind, expires_at=expires_at)
    return token


def _count_forced(world: World, appid: str, now: float) -> None:
    forced = "SELECT at FROM forced_tokens WHERE appid = ? AND at > ? ORDER BY at DESC"
    today = world.store.all(forced, appid, now - 86400)
    if len(today) >= FORCED_A_DAY:
        raise WeixinError(45009, "reach max api daily quota limit")
    if today and now - today[0]["at"] < FORCED_APART_S:
        raise WeixinError(45011, "api minute-quota reach limit, must slower, retry next minute")
    world.store.add("forced_tokens", appid=appid, at=now)
