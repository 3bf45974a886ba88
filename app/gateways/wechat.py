"""What we ask of WeChat: who logs in and with which telephone, messages, checks of texts and pictures, codes."""

import asyncio
import json
import logging
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Literal, Protocol, cast

import httpx
from wechatpy.client.api import WeChatWxa
from wechatpy.client.base import BaseWeChatClient

from app.gateways.errors import (
    WxBadArgument,
    WxBadCode,
    WxBadResponse,
    WxError,
    WxInactive,
    WxMisconfigured,
    WxNoCredit,
    WxNotReached,
    WxQuota,
    WxRefused,
    WxUnavailable,
)
from app.gateways.wechat_token import TokenStore

__all__ = [
    "CHECKED_AT_ONCE",
    "EnvVersion",
    "Scene",
    "Suggest",
    "TokenStore",
    "Verdict",
    "Wechat",
    "WechatClient",
    "WechatIdentity",
]

# These two write whole addresses, and ours carry the secret, the token and login codes.
for name in ("httpx", "httpcore"):
    logging.getLogger(name).setLevel(logging.WARNING)

PATIENCE_S = 10
TRIES = 3  # of what may be asked twice without harm
CHECKED_AT_ONCE = 2_500  # characters of a text
LINK_DAYS_MAX = 30
WITHOUT_TOKEN = {"sns/jscode2session", "cgi-bin/stable_token"}
BUSY = -1
BAD_TOKEN = {40001, 40014, 42001}
PICTURE = "picture"  # where a reply that is no JSON keeps its bytes
# What replies may bring: whatever else comes is kept by nobody.
ID = re.compile(r"[\x21-\x7e]{1,64}")
PHONE = re.compile(r"\+?[0-9][0-9 -]{3,22}[0-9]")
ADDRESS = re.compile(r"https://[\x21-\x7e]{1,490}")
LABEL_MAX = 2**31 - 1
ERRORS: dict[type[WxError], set[int]] = {
    WxBadCode: {40029, 40163},
    WxRefused: {40226},
    WxNoCredit: {43101},
    WxInactive: {61010},
    WxBadArgument: {40003, 40037, 40097, 40129, 40165, 40169, 40212, 41030, 43104, 44002, 47001, 47003, 87009},
    WxQuota: {45009, 45011},
    WxMisconfigured: {*BAD_TOKEN, 40002, 40013, 40125, 40164, 41001, 41002, 41004, 48001, 89503},
}


@dataclass(frozen=True)
class WechatIdentity:
    openid: str
    unionid: str | None


class Scene(IntEnum):
    """Where a text or a picture is going to be seen (msgSecCheck)."""

    PROFILE = 1
    COMMENT = 2
    FORUM = 3
    SOCIAL = 4


class Suggest(StrEnum):
    """What WeChat advises about a text or a picture."""

    PASS = "pass"  # noqa: S105
    REVIEW = "review"
    RISKY = "risky"


@dataclass(frozen=True)
class Verdict:
    """WeChat's advice; `label` says what it saw (100 is nothing, 20002 pornography, …)."""

    suggest: Suggest
    label: int
    trace_id: str


EnvVersion = Literal["release", "trial", "develop"]
STATES = {"release": "formal", "trial": "trial", "develop": "developer"}  # the same thing in two vocabularies


class Wechat(Protocol):
    async def code_to_session(self, code: str) -> WechatIdentity:
        """Who the login code belongs to. Raises WxBadCode, WxRefused, WxUnavailable."""
        ...

    async def phone_number(self, code: str, openid: str) -> str:
        """The number behind a phone code of this user. Raises WxBadCode, WxUnavailable."""
        ...

    async def send_message(self, openid: str, template_id: str, data: Mapping[str, str], *, page: str) -> str:
        """Send a subscription message and answer its msgid.

        Raises WxNoCredit, WxBadArgument, WxNotReached, and any other WxUnavailable when it may have arrived all the
        same: do not send it again.
        """
        ...

    async def check_text(self, openid: str, scene: Scene, content: str) -> Verdict:
        """What WeChat thinks of a text of at most 2,500 characters. Raises WxInactive, WxUnavailable, WxQuota."""
        ...

    async def check_picture(self, openid: str, scene: Scene, url: str) -> str:
        """Ask what WeChat thinks of a picture; the trace id under which a push will tell, within 30 minutes."""
        ...

    async def code_picture(self, scene_id: str, page: str) -> bytes:
        """A mini-program code that opens `page` with the scene id of at most 32 characters; JPEG or PNG."""
        ...

    async def link(self, page: str, query: str, *, days: int) -> str:
        """An https link that opens `page` in WeChat, for at most 30 days."""
        ...


class WechatClient:
    """WeChat itself, or the sandbox, at `base`."""

    def __init__(
        self, base: str, appid: str, secret: str, tokens: TokenStore, env_version: EnvVersion = "release"
    ) -> None:
        self._appid, self._env_version = appid, env_version
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(8, connect=3), limits=httpx.Limits(max_connections=50))
        self._api = _Api(base, appid, secret, tokens, self._http)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def code_to_session(self, code: str) -> WechatIdentity:
        # The session key in the reply stays here: we neither keep nor need it.
        reply = await cast(Awaitable[dict[str, Any]], self._api.wxa.code_to_session(code))
        match {"unionid": None} | reply:
            case {"openid": openid, "unionid": unionid} if _fits(ID, openid) and (not unionid or _fits(ID, unionid)):
                return WechatIdentity(openid, unionid or None)
        raise WxBadResponse("the reply has no openid, or no unionid that is one")

    async def phone_number(self, code: str, openid: str) -> str:
        reply = await self._api.wxa.phone_number(code, openid)
        match reply:
            case {"phone_info": {"phoneNumber": number, "watermark": {"appid": self._appid}}} if _fits(PHONE, number):
                return str(number)
        raise WxBadResponse("the reply has no phone number stamped with our appid")

    async def send_message(self, openid: str, template_id: str, data: Mapping[str, str], *, page: str) -> str:
        reply = await self._api.wxa.send_message(openid, template_id, data, page, STATES[self._env_version])
        msgid = str(reply.get("msgid", ""))
        if msgid and not _fits(ID, msgid):
            raise WxBadResponse("the reply has no msgid that is one")
        return msgid

    async def check_text(self, openid: str, scene: Scene, content: str) -> Verdict:
        reply = await self._api.wxa.check_text(openid, scene, content)
        try:
            return read_verdict(reply)
        except ValueError as error:
            raise WxBadResponse(f"the reply has no advice: {error}") from None

    async def check_picture(self, openid: str, scene: Scene, url: str) -> str:
        match await self._api.wxa.check_picture(openid, scene, url):
            case {"trace_id": trace_id} if _fits(ID, trace_id):
                return str(trace_id)
        raise WxBadResponse("the reply has no trace id")

    async def code_picture(self, scene_id: str, page: str) -> bytes:
        return await self._api.wxa.code_picture(scene_id, page, self._env_version)

    async def link(self, page: str, query: str, *, days: int) -> str:
        match await self._api.wxa.link(page, query, min(days, LINK_DAYS_MAX), self._env_version):
            case {"url_link": link} if _fits(ADDRESS, link):
                return str(link)
        raise WxBadResponse("the reply has no link")


def read_verdict(said: Mapping[str, Any]) -> Verdict:
    """The advice in a reply or a push, whose label is a number here and a string there. Raises ValueError."""
    match said:
        case {"result": {"suggest": str(suggest), "label": int() | str() as label}, "trace_id": trace_id} if (
            _fits(ID, trace_id) and 0 <= int(label) <= LABEL_MAX
        ):
            return Verdict(Suggest(suggest), int(label), trace_id)
    raise ValueError("no result")


def _fits(form: re.Pattern[str], said: object) -> bool:
    return isinstance(said, str) and form.fullmatch(said) is not None


class _Wxa(WeChatWxa):  # type: ignore[misc]
    """wechatpy's mini-program calls, and those it lacks."""

    def phone_number(self, code: str, openid: str) -> Awaitable[dict[str, Any]]:
        # With the openid WeChat checks that the code belongs to this user.
        data = {"code": code, "openid": openid}
        return cast(Awaitable[dict[str, Any]], self._post("wxa/business/getuserphonenumber", data=data))

    def send_message(
        self, openid: str, template_id: str, data: Mapping[str, str], page: str, state: str
    ) -> Awaitable[dict[str, Any]]:
        # wechatpy's own lacks the state and the language. Never asked twice: it may have been delivered.
        message = {
            "touser": openid,
            "template_id": template_id,
            "page": page,
            "miniprogram_state": state,
            "lang": "zh_CN",
            "data": {keyword: {"value": value} for keyword, value in data.items()},
        }
        return cast(Awaitable[dict[str, Any]], self._post("cgi-bin/message/subscribe/send", data=message))

    def check_text(self, openid: str, scene: Scene, content: str) -> Awaitable[dict[str, Any]]:
        data = {"version": 2, "openid": openid, "scene": int(scene), "content": content}
        return cast(Awaitable[dict[str, Any]], self._post("wxa/msg_sec_check", data=data, tries=TRIES))

    def check_picture(self, openid: str, scene: Scene, url: str) -> Awaitable[dict[str, Any]]:
        data = {"version": 2, "openid": openid, "scene": int(scene), "media_url": url, "media_type": 2}
        return cast(Awaitable[dict[str, Any]], self._post("wxa/media_check_async", data=data, tries=TRIES))

    async def code_picture(self, scene_id: str, page: str, env_version: EnvVersion) -> bytes:
        # A page that is not released yet can only be named unchecked.
        data = {
            "scene": scene_id,
            "page": page,
            "check_path": env_version == "release",
            "env_version": env_version,
            "width": 430,
        }
        path = "wxa/getwxacodeunlimit"
        return cast(bytes, (await self._post(path, data=data, tries=TRIES, picture=True))[PICTURE])

    def link(self, page: str, query: str, days: int, env_version: EnvVersion) -> Awaitable[dict[str, Any]]:
        data = {"path": page, "query": query, "expire_type": 1, "expire_interval": days, "env_version": env_version}
        return cast(Awaitable[dict[str, Any]], self._post("wxa/generate_urllink", data=data, tries=TRIES))


class _Api(BaseWeChatClient):  # type: ignore[misc]
    """wechatpy's client with its blocking request layer replaced: every call of it becomes awaitable."""

    wxa = _Wxa()

    def __init__(self, base: str, appid: str, secret: str, tokens: TokenStore, http: httpx.AsyncClient) -> None:
        super().__init__(appid)
        self.secret = secret
        self._base, self._tokens, self._httpx = base.rstrip("/"), tokens, http

    def get(self, url: str, **kwargs: Any) -> Awaitable[dict[str, Any]]:
        return self._request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> Awaitable[dict[str, Any]]:
        return self._request("POST", url, **kwargs)

    async def _request(
        self,
        method: str,
        endpoint: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        api_base_url: str = "",  # wechatpy names the real host here; ours is configured
        tries: int = 1,  # more only for what may be asked twice without harm
        picture: bool = False,
    ) -> dict[str, Any]:
        params = params or {}

        async def send(params: dict[str, Any]) -> dict[str, Any]:
            return await _patiently(lambda: self._send(method, endpoint, params, data=data, picture=picture), tries)

        try:
            async with asyncio.timeout(PATIENCE_S):
                if endpoint in WITHOUT_TOKEN:
                    return _checked(await send(params))
                return await self._with_token(send, params)
        except TimeoutError:
            raise WxUnavailable(f"{endpoint}: no answer within {PATIENCE_S} s") from None

    async def _with_token(
        self, send: Callable[..., Awaitable[dict[str, Any]]], params: dict[str, Any]
    ) -> dict[str, Any]:
        token = await self._token()
        reply = await send({**params, "access_token": token})
        if reply.get("errcode") in BAD_TOKEN:
            token = await self._token(bad=token)
            reply = await send({**params, "access_token": token})
            if reply.get("errcode") in BAD_TOKEN:
                raise WxNotReached("WeChat refuses every access token", reply["errcode"])
        return _checked(reply)

    async def _token(self, bad: str | None = None) -> str:
        try:
            return await self._tokens.get(self._fetch_token, bad=bad)
        except WxUnavailable as error:
            raise WxNotReached(str(error), error.errcode) from None

    async def _send(
        self, method: str, endpoint: str, params: dict[str, Any], *, data: dict[str, Any] | None, picture: bool = False
    ) -> dict[str, Any]:
        content = None if data is None else json.dumps(data, ensure_ascii=False).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            reply = await self._httpx.request(
                method, f"{self._base}/{endpoint}", params=params, content=content, headers=headers
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise WxNotReached(f"{endpoint}: {type(error).__name__}") from None
        except httpx.HTTPError as error:
            raise WxUnavailable(f"{endpoint}: {type(error).__name__}") from None  # it knows the address
        if reply.status_code >= 500:
            raise WxUnavailable(f"{endpoint}: HTTP {reply.status_code}")
        if picture and reply.headers.get("Content-Type", "").startswith("image/") and reply.content:
            return {PICTURE: reply.content}
        try:
            read = json.loads(reply.content)  # whatever the content type: logins are answered as text/plain
        except ValueError:
            raise WxBadResponse(f"{endpoint}: HTTP {reply.status_code} without JSON") from None
        if not isinstance(read, dict) or (picture and not read.get("errcode")):
            raise WxBadResponse(f"{endpoint}: not what was asked for")
        if read.get("errcode") == BUSY:
            raise WxUnavailable(f"{endpoint}: WeChat is busy", BUSY)
        return read

    async def _fetch_token(self, force: bool) -> tuple[str, int]:
        asked = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self.secret,
            "force_refresh": force,
        }

        def ask() -> Awaitable[dict[str, Any]]:
            return self._send("POST", "cgi-bin/stable_token", {}, data=asked)

        # Asking again is harmless, unless it is forced: that is counted.
        match _checked(await _patiently(ask, 1 if force else TRIES)):
            case {"access_token": str(token), "expires_in": int(life_s)} if token:
                return token, life_s
        raise WxBadResponse("the reply has no access token")


async def _patiently(ask: Callable[[], Awaitable[dict[str, Any]]], tries: int) -> dict[str, Any]:
    for tries_left in reversed(range(tries)):
        try:
            return await ask()
        except WxUnavailable:
            if not tries_left:
                raise
            await asyncio.sleep(random.uniform(0.1, 0.4))  # noqa: S311 (jitter)
    raise AssertionError("tries is at least 1")


def _checked(reply: dict[str, Any]) -> dict[str, Any]:
    errcode = reply.get("errcode", 0)
    if errcode == 0:
        return reply
    kind = next((kind for kind, codes in ERRORS.items() if errcode in codes), WxError)
    raise kind(f"WeChat says {errcode}: {reply.get('errmsg')}", errcode)
