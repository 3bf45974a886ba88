"""What endpoints ask for: who is calling, which page, the idempotency key, the outside world."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Header, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.core import rates, tokens
from app.core.errors import Forbidden, Invalid, Unauthorized, prefers_english
from app.core.pages import LIMIT_MAX, Listed, Page
from app.core.redis import forget, use
from app.core.settings import Settings
from app.gateways.darkroom import Darkroom
from app.gateways.errors import WxBadCode, WxUnavailable
from app.gateways.storage import Storage
from app.gateways.wechat import Wechat
from app.gateways.wechat_pay import WechatPay
from app.gateways.wechat_push import PushReader
from routers.schemas.residents import ConsentIn, HelpIn, HelpQuery, OnBehalfOfIn
from services import assistances, checks, moderation, residents
from services.once import once
from services.policies import Actor
from services.residents import OnBehalfOf

P = ParamSpec("P")
T = TypeVar("T")

CODE_LIFE_S = 300
LOOPBACK = ("127.0.0.1", "::1")
bearer = HTTPBearer(auto_error=False, description="The token of POST /v1/auth/wechat")


def settings(request: Request) -> Settings:
    """The installation's settings."""
    found: Settings = request.app.state.settings
    return found


def wechat(request: Request) -> Wechat:
    """The mini-program API."""
    found: Wechat = request.app.state.wechat
    return found


def wechat_pay(request: Request) -> WechatPay:
    """WeChat Pay."""
    found: WechatPay = request.app.state.wechat_pay
    return found


def storage(request: Request) -> Storage:
    """Where pictures are kept."""
    found: Storage = request.app.state.storage
    return found


def darkroom(request: Request) -> Darkroom:
    """Where uploaded files become pictures."""
    found: Darkroom = request.app.state.darkroom
    return found


def push_reader(request: Request) -> PushReader:
    """Whoever tells WeChat's pushes from forged ones."""
    config = settings(request)
    return PushReader(
        appid=config.wx_appid,
        token=config.wx_push_token.get_secret_value(),
        encoding_aes_key=config.wx_encoding_aes_key.get_secret_value(),
    )


TheSettings = Annotated[Settings, Depends(settings)]
TheWechat = Annotated[Wechat, Depends(wechat)]
TheWechatPay = Annotated[WechatPay, Depends(wechat_pay)]
ThePushReader = Annotated[PushReader, Depends(push_reader)]
TheStorage = Annotated[Storage, Depends(storage)]
TheDarkroom = Annotated[Darkroom, Depends(darkroom)]
IdempotencyKey = Annotated[
    str | None,
    Header(pattern=r"^[\x21-\x7e]{1,64}$", description="1–64 visible ASCII: the same key has one effect"),
]


async def limit(request: Request, what: Any, *who: str) -> None:
    """Count a deed against its limit; in development loopback is exempt."""
    host = request.client.host if request.client else "unknown"
    if request.app.state.settings.production or host not in LOOPBACK:
        await request.app.state.rates.hit(what, *(who or (address_prefix(host),)))


def address_prefix(host: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else host


@asynccontextmanager
async def code_spent_once(request: Request, code: str) -> AsyncIterator[None]:
    """Refuse a login code that was brought before, so that a double tap is not WeChat's to explain.

    One that WeChat did not look at may be brought again.
    """
    key = f"wx:code:{hashlib.sha256(code.encode()).hexdigest()}"
    if not await use(request.app.state.redis, key, seconds=CODE_LIFE_S):
        raise WxBadCode("this code was brought before")
    try:
        yield
    except WxUnavailable:
        await forget(request.app.state.redis, key)
        raise


async def holder(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Actor:
    """Whoever holds the bearer token, even if he is suspended. Raises Unauthorized."""
    actor = await residents.actor_by_token(credentials.credentials) if credentials else None
    if actor is None:
        raise Unauthorized
    return actor


Holder = Annotated[Actor, Depends(holder)]


async def current_actor(request: Request, actor: Holder) -> Actor:
    """Whoever holds the bearer token and may act. Raises Unauthorized, Forbidden when suspended, TooMany."""
    if request.method not in ("GET", "HEAD"):
        if actor.suspended:
            raise Forbidden("您的账号已被暂停使用", "Your account is suspended")
        await limit(request, rates.WRITES, "writes", str(actor.id))
    return actor


CurrentActor = Annotated[Actor, Depends(current_actor)]
NOBODY = Actor(id=0, nickname="")


async def any_actor(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Actor:
    """Whoever reads what is public: by his token if he has a good one, since he may see more of it, else nobody."""
    return (await residents.actor_by_token(credentials.credentials) if credentials else None) or NOBODY


AnyActor = Annotated[Actor, Depends(any_actor)]


@dataclass(frozen=True)
class Paging:
    """The page asked for, and how its successor is named: by a cursor that nobody can make and that fits only here."""

    page: Page
    secret: str
    purpose: str

    def of(self, listed: Listed[Any]) -> dict[str, Any]:
        """The body of a list."""
        cursor = tokens.sign(self.secret, self.purpose, ",".join(map(str, listed.after))) if listed.after else None
        return {"items": listed.items, "next_cursor": cursor}


def paging(
    request: Request,
    config: TheSettings,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many rows")] = 20,
    cursor: Annotated[str | None, Query(max_length=200, description="next_cursor of the page before")] = None,
) -> Paging:
    """Read `limit` and `cursor`. Raises Invalid for a cursor that is not ours."""
    secret = config.secret_key.get_secret_value()
    purpose = f"cursor of {request.url.path} by {request.query_params.get('sort', 'new')}"
    after = None
    if cursor is not None:
        message = tokens.unsign(secret, purpose, cursor)
        if message is None:
            raise Invalid("翻页标记无效，请从头开始", "The cursor is not valid; start again")
        after = tuple(int(part) for part in message.split(","))
    return Paging(Page(limit, after), secret, purpose)


ThePaging = Annotated[Paging, Depends(paging)]


def in_english(accept_language: Annotated[str, Header()] = "") -> bool:
    """Whether the reader prefers English to Chinese."""
    return prefers_english(accept_language)


InEnglish = Annotated[bool, Depends(in_english)]


@dataclass(frozen=True)
class Once:
    """Runs an effect once per Idempotency-Key: `await only_once(partial(needs.accept, …), partial(needs.find, …))`."""

    actor: Actor
    wechat: Wechat
    key: str | None
    request: bytes

    async def __call__(self, effect: Callable[[], Awaitable[T]], again: Callable[[int], Awaitable[T]]) -> T:
        """Run the effect and, once it is committed, check the words it wrote; the answer then tells the outcome."""
        with checks.noted() as written:
            made = await once(self.actor, self.key, self.request, effect, again)  # type: ignore[type-var]
        if not written:
            return made
        await moderation.check_now(self.wechat, written)
        return await again(made.id)  # type: ignore[attr-defined]


async def only_once(
    request: Request, actor: CurrentActor, wechat: TheWechat, idempotency_key: IdempotencyKey = None
) -> Once:
    """The idempotency key of this request with what it asks for."""
    asked = f"{request.method} {request.url.path}\n".encode() + _canonical(await request.body())
    return Once(actor, wechat, idempotency_key, asked)


def _canonical(body: bytes) -> bytes:
    """The same bytes for the same JSON, however it was spaced or ordered."""
    try:
        return json.dumps(json.loads(body), sort_keys=True).encode()
    except ValueError:
        return body


OnlyOnce = Annotated[Once, Depends(only_once)]


def helped(asked: OnBehalfOfIn | None) -> OnBehalfOf | None:
    """Whom the caller helps, and how that person agreed."""
    return helping(asked) if asked else None


def helping(asked: OnBehalfOfIn) -> OnBehalfOf:
    """The same where there must be somebody."""
    consent = asked.consent
    return OnBehalfOf(asked.resident_id, consent.kind, consent.witness_id, consent.media_id)


def acting(
    actor: Actor,
    asked: HelpIn | None,
    verb: str,
    use_case: Callable[Concatenate[Actor, P], Awaitable[T]],
    *args: P.args,
    **named: P.kwargs,
) -> Callable[[], Awaitable[T]]:
    """An effect for `only_once` that the caller does himself or on somebody's behalf; `verb` names it on record."""
    for_whom = helped(asked.on_behalf_of) if asked else None
    return partial(assistances.act, actor, for_whom, verb, use_case, *args, **named)


def reading(
    actor: Actor, asked: HelpIn | None, find: Callable[[Actor, int], Awaitable[T]]
) -> Callable[[int], Awaitable[T]]:
    """How `only_once` reads again what only the person it counts for may read."""
    for_whom = helped(asked.on_behalf_of) if asked else None

    async def again(found_id: int) -> T:
        return await find(await residents.stood_in(actor, for_whom), found_id)

    return again


def helped_by_query(asked: Annotated[HelpQuery, Query()]) -> HelpIn:
    """Whom the caller of a DELETE helps: it has no body, so its query says so."""
    if asked.on_behalf_of is None:
        return HelpIn()
    if asked.consent_kind is None:
        raise Invalid("请注明其同意的方式（consent_kind）", "Say how he agreed: consent_kind")
    consent = ConsentIn(kind=asked.consent_kind, witness_id=asked.witness_id, media_id=asked.media_id)
    return HelpIn(on_behalf_of=OnBehalfOfIn(resident_id=asked.on_behalf_of, consent=consent))


HelpedByQuery = Annotated[HelpIn, Depends(helped_by_query)]
