"""Links into the mini-program: URL link, URL scheme, short link."""

import re
import secrets
import string
from typing import Any

from sandbox.door import Call
from sandbox.refusal import WeixinError
from sandbox.world import World

DAY_S = 86400
DAYS_MAX = 30
ENVIRONMENTS = ("release", "trial", "develop")
QUERY = r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~%]{0,1024}"
PAGE = r"(?!/)[0-9A-Za-z_\-./]{0,1024}"


def url_link(world: World, call: Call) -> dict[str, Any]:
    """POST /wxa/generate_urllink: an https address that opens the mini-program."""
    body = call.body
    page, query = where(body)
    expires_at = _end(world, body, "expire_interval", "expire_time")
    link = f"https://wxaurl.cn/SANDBOX{_random(8)}"
    keep(world, "url_link", page, query, environment(body), link, expires_at)
    return {"errcode": 0, "errmsg": "ok", "url_link": link}


def scheme(world: World, call: Call) -> dict[str, Any]:
    """POST /wxa/generatescheme: an address for short messages and mails."""
    body, target = call.body, call.body.get("jump_wxa")
    target = target if isinstance(target, dict) else {}
    page, query = where(target)
    limited = body.get("is_expire") is not False
    expires_at = _end(world, body, "expire_interval", "expire_time") if limited else None
    link = f"weixin://dl/business/?t=SANDBOX{_random(8)}"
    keep(world, "scheme", page, query, environment(target), link, expires_at)
    return {"errcode": 0, "errmsg": "ok", "openlink": link}


def short_link(world: World, call: Call) -> dict[str, Any]:
    """POST /wxa/genwxashortlink: a text that opens the mini-program when pasted into WeChat."""
    body = call.body
    page, _, query = str(body.get("page_url") or "").partition("?")
    if not page:
        raise WeixinError(40165, "invalid weapp pagepath")
    where({"path": page, "query": query})
    expires_at = None if body.get("is_permanent") is True else world.clock.now() + DAYS_MAX * DAY_S
    link = f"#小程序://{body.get('page_title') or '邻里'}/SANDBOX{_random(8)}"
    keep(world, "short_link", page, query, "release", link, expires_at)
    return {"errcode": 0, "errmsg": "ok", "link": link}


def environment(body: dict[str, Any]) -> str:
    """Which edition of the mini-program is meant."""
    if body.get("env_version", "release") not in ENVIRONMENTS:
        raise WeixinError(40097, "invalid args: env_version")
    return str(body.get("env_version", "release"))


def where(asked: dict[str, Any]) -> tuple[str, str]:
    """The page and its query."""
    page, query = asked.get("path") or "", asked.get("query") or ""
    if not isinstance(page, str) or not re.fullmatch(PAGE, page):
        raise WeixinError(40165, "invalid weapp pagepath")
    if not isinstance(query, str) or not re.fullmatch(QUERY, query):
        raise WeixinError(40212, "invalid query")
    return page, query


def keep(
    world: World, kind: str, page: str, query: str, env_version: str, link: str | None, expires_at: float | None
) -> None:
    """Remember what was made, for whoever wants to open it."""
    world.store.add(
        "links",
        kind=kind,
        page=page,
        query=query,
        env_version=env_version,
        link=link,
        made_at=world.clock.now(),
        expires_at=expires_at,
    )


def _end(world: World, asked: dict[str, Any], days_name: str, moment_name: str) -> float:
    now = world.clock.now()
    if asked.get("expire_type", 0) == 1:
        days = asked.get(days_name)
        if type(days) is not int or not 1 <= days <= DAYS_MAX:
            raise WeixinError(85401, "expire interval must be from 1 to 30 days")
        return now + days * DAY_S
    moment = asked.get(moment_name, int(now) + DAYS_MAX * DAY_S)
    if type(moment) is not int or not now < moment <= now + DAYS_MAX * DAY_S + 60:
        raise WeixinError(85401, "expire time must be within 30 days")
    return float(moment)


def _random(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
