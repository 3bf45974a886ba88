"""What we ask of WeChat Pay v3, and how we read what it tells us."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Protocol, TypeVar

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from wechatpayv3.async_ import AsyncWeChatPay, WeChatPayType

from app.gateways.errors import PayError, PayUnknown
from app.gateways.wechat_pay_notices import (
    Notification,
    NotificationReader,
    PaymentNotice,
    RefundNotice,
)

__all__ = ["Notification", "Order", "PaymentNotice", "Refund", "RefundNotice", "WechatPay", "WechatPayClient"]

CHINA = timezone(timedelta(hours=8))
PATIENCE_S = 10
TIMEOUTS_S = (5, 15)
OLDEST_REPLY_S = 300
NO_SUCH_ORDER = {"ORDERNOTEXIST", "RESOURCENOTEXISTS"}
OURS = re.compile(r"[0-9A-Za-z_-]{1,64}")  # the library puts numbers into addresses as they are

_heard: ContextVar[dict[str, str]] = ContextVar("heard")
Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True)
class Order:
    out_trade_no: str
    state: str
    transaction_id: str | None
    openid: str | None
    amount_fen: int | None
    success_at: datetime | None


@dataclass(frozen=True)
class Refund:
    refund_id: str
    out_refund_no: str
    out_trade_no: str
    status: str
    refund_fen: int
    success_at: datetime | None


class WechatPay(Protocol):
    """Every call raises PayError when it was refused and PayUnknown when nobody knows."""

    async def prepay(
        self,
        *,
        out_trade_no: str,
        description: str,
        amount_fen: int,
        openid: str,
        expires_at: datetime,
        attach: str = "",
    ) -> str:
        """Make an order, or the same order again, and answer a prepay_id that lives two hours."""
        ...

    def sign_for_client(self, prepay_id: str) -> dict[str, str]:
        """What goes into wx.requestPayment."""
        ...

    async def query(self, out_trade_no: str) -> Order | None:
        """The order as WeChat knows it; None if it does not."""
        ...

    async def close(self, out_trade_no: str) -> bool:
        """Close an unpaid order; after False, query and follow what is found."""
        ...

    async def refund(
        self, *, out_trade_no: str, out_refund_no: str, refund_fen: int, total_fen: int, reason: str
    ) -> Refund:
        """Ask for a refund, or for the same refund again; accepted is not yet refunded."""
        ...

    async def query_refund(self, out_refund_no: str) -> Refund | None:
        """The refund as WeChat knows it; None if it does not."""
        ...

    def read_notification(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notification:
        """Believe a notification or raise NotifyRejected; never calls out."""
        ...


class WechatPayClient:
    """WeChat Pay itself, or the sandbox, at `base`; opened once with aopen()."""

    def __init__(
        self,
        *,
        base: str,
        appid: str,
        mchid: str,
        merchant_serial: str,
        merchant_key: str,
        apiv3_key: str,
        public_key_id: str,
        public_key: str,
        notify_url: str,
    ) -> None:
        self._appid, self._mchid = appid, mchid
        self._notices = NotificationReader(
            appid=appid, mchid=mchid, apiv3_key=apiv3_key, public_keys={public_key_id: public_key}
        )
        self._pay = AsyncWeChatPay(
            WeChatPayType.MINIPROG,
            mchid,
            merchant_key,
            merchant_serial,
            appid,
            apiv3_key,
            notify_url,
            timeout=TIMEOUTS_S,
            public_key=public_key,
            public_key_id=public_key_id,
        )
        # The library has no option for the host.
        assert hasattr(self._pay._core, "_gate_way"), "wechatpayv3 has changed inside"  # noqa: S101
        self._pay._core._gate_way = base.rstrip("/")

    async def aopen(self) -> None:
        """Open the connections."""
        await self._pay.__aenter__()
        self._pay._core._client.event_hooks = {"response": [_listen]}

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pay.__aexit__(None, None, None)

    async def prepay(
        self,
        *,
        out_trade_no: str,
        description: str,
        amount_fen: int,
        openid: str,
        expires_at: datetime,
        attach: str = "",
    ) -> str:
        """Make an order, or the same order again, and answer a prepay_id that lives two hours."""
        reply = await self._call(
            self._pay.pay(
                description=_fitting(description, 127) or out_trade_no,  # it may have been all emoji
                out_trade_no=_number(out_trade_no),
                amount={"total": amount_fen, "currency": "CNY"},
                payer={"openid": openid},
                time_expire=expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
                attach=_fitting(attach, 128),
            )
        )
        return _read(_Prepaid, reply).prepay_id

    def sign_for_client(self, prepay_id: str) -> dict[str, str]:
        """What goes into wx.requestPayment."""
        timestamp, nonce, package = str(int(time.time())), secrets.token_hex(16), f"prepay_id={prepay_id}"
        return {
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._pay.sign([self._appid, timestamp, nonce, package]),
        }

    async def query(self, out_trade_no: str) -> Order | None:
        """The order as WeChat knows it; None if it does not."""
        try:
            reply = await self._call(self._pay.query(out_trade_no=_number(out_trade_no)))
        except PayError as error:
            if _unknown_there(error):
                return None
            raise
        said = _read(_Order, reply)
        if (said.out_trade_no, said.mchid, said.appid) != (out_trade_no, self._mchid, self._appid):
            raise PayUnknown(f"asked for {out_trade_no}, got another order")
        if said.amount and said.amount.currency != "CNY":
            raise PayUnknown(f"{out_trade_no} is in {said.amount.currency}")
        return Order(
            out_trade_no,
            said.trade_state,
            said.transaction_id or None,
            said.payer.openid if said.payer else None,
            said.amount.total if said.amount else None,
            said.success_time,
        )

    async def close(self, out_trade_no: str) -> bool:
        """Close an unpaid order; after False, query and follow what is found."""
        try:
            reply = await self._call(self._pay.close(_number(out_trade_no)))
        except PayError:
            return False
        return reply.status == 204

    async def refund(
        self, *, out_trade_no: str, out_refund_no: str, refund_fen: int, total_fen: int, reason: str
    ) -> Refund:
        """Ask for a refund, or for the same refund again; accepted is not yet refunded."""
        reply = await self._call(
            self._pay.refund(
                out_refund_no=_number(out_refund_no),
                amount={"refund": refund_fen, "total": total_fen, "currency": "CNY"},
                out_trade_no=out_trade_no,
                reason=_fitting(reason, 80),
            )
        )
        return self._refund(reply, out_refund_no)

    async def query_refund(self, out_refund_no: str) -> Refund | None:
        """The refund as WeChat knows it; None if it does not."""
        try:
            reply = await self._call(self._pay.query_refund(_number(out_refund_no)))
        except PayError as error:
            if _unknown_there(error):
                return None
            raise
        return self._refund(reply, out_refund_no)

    def read_notification(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notification:
        """Believe a notification or raise NotifyRejected; never calls out."""
        return self._notices.read(headers, body, now=now)

    def _refund(self, reply: "_Reply", out_refund_no: str) -> Refund:
        said = _read(_Refund, reply)
        if said.out_refund_no != out_refund_no:
            raise PayUnknown(f"asked for refund {out_refund_no}, got {said.out_refund_no}")
        return Refund(
            said.refund_id,
            said.out_refund_no,
            said.out_trade_no,
            said.status,
            said.amount.refund,
            said.success_time,
        )

    async def _call(self, sending: Awaitable[tuple[int, str | bytes]]) -> "_Reply":
        heard: dict[str, str] = {}
        _heard.set(heard)
        try:
            async with asyncio.timeout(PATIENCE_S):
                status, text = await sending
        except Exception as error:  # a forged 2xx is a bare Exception in the library
            raise PayUnknown(f"{type(error).__name__}: {error}") from error
        if 200 <= status < 300:
            return _Reply(status, text)
        code, message = _complaint(text)
        if status >= 500 or status == 429 or not code:
            raise PayUnknown(f"{status} {code}: {message} (Request-ID {heard.get('request_id')})")
        raise PayError(status, code, message, heard.get("request_id"))


@dataclass(frozen=True)
class _Reply:
    status: int
    text: str | bytes


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")  # the platform adds fields at any time


class _Prepaid(_Said):
    prepay_id: str


class _Payer(_Said):
    openid: str | None = None


class _Amount(_Said):
    total: int | None = None
    currency: str = "CNY"


class _Order(_Said):
    appid: str
    mchid: str
    out_trade_no: str
    trade_state: str
    transaction_id: str | None = None
    success_time: AwareDatetime | None = None
    payer: _Payer | None = None
    amount: _Amount | None = None


class _RefundAmount(_Said):
    refund: int


class _Refund(_Said):
    refund_id: str
    out_refund_no: str
    out_trade_no: str
    status: str
    success_time: AwareDatetime | None = None
    amount: _RefundAmount


def _read(shape: type[Shape], reply: _Reply) -> Shape:
    try:
        return shape.model_validate_json(reply.text)
    except ValidationError as error:
        raise PayUnknown(f"{reply.status} with an unexpected body: {error.error_count()} errors") from None


def _complaint(text: str | bytes) -> tuple[str, str]:
    try:
        said = json.loads(text)
        return str(said["code"]), str(said.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", "no JSON"  # some machine on the way, not WeChat Pay


def _unknown_there(error: PayError) -> bool:
    # A 404 of any other kind says nothing about the order.
    return error.status == 404 and error.code.upper().replace("_", "") in NO_SUCH_ORDER


async def _listen(response: httpx.Response) -> None:
    """Keep the Request-ID, and refuse an old reply: the library checks its signature but not its age."""
    if request_id := response.headers.get("Request-ID"):
        _heard.get()["request_id"] = request_id
    if response.is_success:
        age_s = abs(time.time() - int(response.headers["Wechatpay-Timestamp"]))
        if age_s >= OLDEST_REPLY_S:
            raise PayUnknown(f"the reply is {age_s:.0f} s old")


def _number(text: str) -> str:
    if not OURS.fullmatch(text):
        raise ValueError(f"not a number of ours: {text!r}")
    return text


def _fitting(text: str, longest: int) -> str:
    """Leave out what the platform refuses: characters of four bytes or none, and bytes beyond the limit."""
    plain = "".join(character for character in text if ord(character) <= 0xFFFF)
    return plain.encode(errors="ignore")[:longest].decode(errors="ignore")
