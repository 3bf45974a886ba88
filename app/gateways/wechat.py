"""What we ask of WeChat: who logs in, and with which telephone."""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import httpx
from wechatpy.client.api import WeChatWxa
from wechatpy.client.base import BaseWeChatClient

from app.gateways.errors import (
    WxBadCode,
    WxBadResponse,
    WxError,
    WxMisconfigured,
    WxQuota,
    WxRefused,
    WxUnavailable,
)
from app.gateways.wechat_token import TokenStore

__all__ = ["TokenStore", "Wechat", "WechatClient", "WechatIdentity"]

# These two write whole addresses, and ours carry the secret, the token and login codes.
for name in ("httpx", "httpcore"):
    logging.getLogger(name).setLevel(logging.WARNING)

PATIENCE_S = 10
TOKEN_TRIES = 3
WITHOUT_TOKEN = {"sns/jscode2session", "cgi-bin/stable_token"}
BAD_TOKEN = {40001, 40014, 42001}
ERRORS: dict[type[WxError], set[int]] = {
    WxUnavailable: {-1},
    WxBadCode: {40029, 40163},
    WxRefused: {40226},
    WxQuota: {45009, 45011},
    WxMisconfigured: {*BAD_TOKEN, 40002, 40013, 40125, 40164, 41001, 41002, 41004, 48001, 89503},
}


@dataclass(frozen=True)
class WechatIdentity:
    openid: str
    unionid: str | None


class Wechat(Protocol):
    async def code_to_session(self, code: str) -> WechatIdentity:
        """Who the login code belongs to. Raises WxBadCode, WxRefused, WxUnavailable."""
        ...

    async def phone_number(self, code: str, openid: str) -> str:
        """The number behind a phone code of this user. Raises WxBadCode, WxUnavailable."""
        ...


class WechatClient:
    """WeChat itself, or the sandbox, at `base`."""

    def __init__(self, base: str, appid: str, secret: str, tokens: TokenStore) -> None:
        self._appid = appid
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(8, connect=3), limits=httpx.Limits(max_connections=50))
        self._api = _Api(base, appid, secret, tokens, self._http)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def code_to_session(self, code: str) -> WechatIdentity:
        """Who the login code belongs to."""
        # The session key in the reply stays here: we neither keep nor need it.
        reply = await cast(Awaitable[dict[str, Any]], self._api.wxa.code_to_session(code))
        match reply:
            case {"openid": str(openid)} if openid:
                return WechatIdentity(openid, reply.get("unionid") or None)
        raise WxBadResponse("the reply has no openid")

    async def phone_number(self, code: str, openid: str) -> str:
        """The number behind a phone code of this user."""
        reply = await self._api.wxa.phone_number(code, openid)
        match reply:
            case {"phone_info": {"phoneNumber": str(number), "watermark": {"appid": self._appid}}} if number:
                return number
        raise WxBadResponse("the reply has no phone number stamped with our appid")


class _Wxa(WeChatWxa):  # type: ignore[misc]
    """wechatpy's mini-program calls, and those it lacks."""

    def phone_number(self, code: str, openid: str) -> Awaitable[dict[str, Any]]:
        # With the openid WeChat checks that the code belongs to this user.
        data = {"code": code, "openid": openid}
        return cast(Awaitable[dict[str, Any]], self._post("wxa/business/getuserphonenumber", data=data))


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
    ) -> dict[str, Any]:
        params = params or {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                if endpoint in WITHOUT_TOKEN:
                    return _checked(await self._send(method, endpoint, params, data))
                token = await self._tokens.get(self._fetch_token)
                reply = await self._send(method, endpoint, {**params, "access_token": token}, data)
                if reply.get("errcode") in BAD_TOKEN:
                    token = await self._tokens.get(self._fetch_token, bad=token)
                    reply = await self._send(method, endpoint, {**params, "access_token": token}, data)
                    if reply.get("errcode") in BAD_TOKEN:
                        raise WxUnavailable("WeChat refuses every access token", reply["errcode"])
                return _checked(reply)
        except TimeoutError:
            raise WxUnavailable(f"{endpoint}: no answer within {PATIENCE_S} s") from None

    async def _send(
        self, method: str, endpoint: str, params: dict[str, Any], data: dict[str, Any] | None
    ) -> dict[str, Any]:
        content = None if data is None else json.dumps(data, ensure_ascii=False).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            reply = await self._httpx.request(
                method, f"{self._base}/{endpoint}", params=params, content=content, headers=headers
            )
        except httpx.HTTPError as error:
            raise WxUnavailable(f"{endpoint}: {type(error).__name__}") from None  # it knows the address
        if reply.status_code >= 500:
            raise WxUnavailable(f"{endpoint}: HTTP {reply.status_code}")
        try:
            read = json.loads(reply.content)  # whatever the content type: logins are answered as text/plain
        except ValueError:
            raise WxBadResponse(f"{endpoint}: HTTP {reply.status_code} without JSON") from None
        if not isinstance(read, dict):
            raise WxBadResponse(f"{endpoint}: not a JSON object")
        return read

    async def _fetch_token(self, force: bool) -> tuple[str, int]:
        asked = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self.secret,
            "force_refresh": force,
        }
        tries_left = 1 if force else TOKEN_TRIES  # asking again is harmless, unless it is forced: that is counted
        while True:
            tries_left -= 1
            try:
                reply = _checked(await self._send("POST", "cgi-bin/stable_token", {}, asked))
            except WxUnavailable:
                if not tries_left:
                    raise
                await asyncio.sleep(random.uniform(0.1, 0.4))  # noqa: S311 (jitter)
                continue
            match reply:
                case {"access_token": str(token), "expires_in": int(life_s)} if token:
                    return token, life_s
            raise WxBadResponse("the reply has no access token")


def _checked(reply: dict[str, Any]) -> dict[str, Any]:
    errcode = reply.get("errcode", 0)
    if errcode == 0:
        return reply
    kind = next((kind for kind, codes in ERRORS.items() if errcode in codes), WxError)
    raise kind(f"WeChat says {errcode}: {reply.get('errmsg')}", errcode)
