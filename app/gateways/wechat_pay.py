"""What we ask of WeChat Pay v3, and how we read what it tells us."""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Protocol

import httpx
from cryptography import x509
from wechatpayv3.async_ import AsyncWeChatPay, WeChatPayType
from wechatpayv3.async_.utils import build_authorization

from app.gateways.errors import BillNotReady, PayError, PayUnknown
from app.gateways.wechat_pay_bills import (
    LARGEST_PACKED,
    FundFlowBill,
    TradeBill,
    read_fund_flow_bill,
    read_trade_bill,
    unpack,
)
from app.gateways.wechat_pay_notices import (
    Notification,
    NotificationReader,
    PaymentNotice,
    RefundNotice,
    serial_number,
)
from app.gateways.wechat_pay_replies import BillSaid, OrderSaid, Prepaid, RefundSaid, Reply, complaint, read

__all__ = [
    "FundFlowBill",
    "Notification",
    "Order",
    "PaymentNotice",
    "Refund",
    "RefundNotice",
    "TradeBill",
    "WechatPay",
    "WechatPayClient",
]

CHINA = timezone(timedelta(hours=8))
PATIENCE_S = 10
TIMEOUTS_S = (5, 15)
DOWNLOAD_PATIENCE_S = 60
OLDEST_REPLY_S = 300
BILL_FILE = "/v3/billdownload/file"
NO_SUCH_ORDER = {"ORDERNOTEXIST", "RESOURCENOTEXISTS"}
OURS = re.compile(r"[0-9A-Za-z_-]{1,64}")  # the library puts numbers into addresses as they are

_heard: ContextVar[dict[str, str]] = ContextVar("heard")


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
    accepted_at: datetime | None = None


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

    async def trade_bill(self, day: date) -> TradeBill:
        """What was paid and given back on a past day of Shanghai. Raises BillNotReady while it is being written."""
        ...

    async def fund_flow_bill(self, day: date) -> FundFlowBill:
        """How the merchant's account moved on a past day of Shanghai. Raises BillNotReady."""
        ...

    def read_notification(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notification:
        """Believe a notification or raise NotifyRejected; never calls out."""
        ...


class WechatPayClient:
    """WeChat Pay itself, or the sandbox, at `base`; opened once with aopen().

    Believes what is signed by its public key or by one of its `certificates` (PEM), and nothing else.
    """

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
        certificates: Sequence[str] = (),
    ) -> None:
        self._appid, self._mchid, self._merchant_serial, self._base = appid, mchid, merchant_serial, base.rstrip("/")
        self._notices = NotificationReader(
            appid=appid,
            mchid=mchid,
            apiv3_key=apiv3_key,
            public_keys={public_key_id: public_key},
            certificates=certificates,
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
        self._pay._core._gate_way = self._base
        # The library would go and fetch certificates it does not know; ours are pinned, see _listen.
        self._pay._core._certificates = [x509.load_pem_x509_certificate(pem.encode()) for pem in certificates]
        self._known = {public_key_id, *(certificate.serial_number for certificate in self._pay._core._certificates)}

    async def aopen(self) -> None:
        """Open the connections."""
        await self._pay.__aenter__()
        self._pay._core._client.event_hooks = {"response": [self._listen]}

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
    ) -> str:
        reply = await self._call(
            self._pay.pay(
                description=_fitting(description, 127) or out_trade_no,  # it may have been all emoji
                out_trade_no=_number(out_trade_no),
                amount={"total": amount_fen, "currency": "CNY"},
                payer={"openid": openid},
                time_expire=expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
            )
        )
        return read(Prepaid, reply).prepay_id

    def sign_for_client(self, prepay_id: str) -> dict[str, str]:
        timestamp, nonce, package = str(int(time.time())), secrets.token_hex(16), f"prepay_id={prepay_id}"
        return {
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._pay.sign([self._appid, timestamp, nonce, package]),
        }

    async def query(self, out_trade_no: str) -> Order | None:
        try:
            reply = await self._call(self._pay.query(out_trade_no=_number(out_trade_no)))
        except PayError as error:
            if _unknown_there(error):
                return None
            raise
        said = read(OrderSaid, reply)
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
        try:
            reply = await self._call(self._pay.close(_number(out_trade_no)))
        except PayError:
            return False
        return reply.status == 204

    async def refund(
        self, *, out_trade_no: str, out_refund_no: str, refund_fen: int, total_fen: int, reason: str
    ) -> Refund:
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
        try:
            reply = await self._call(self._pay.query_refund(_number(out_refund_no)))
        except PayError as error:
            if _unknown_there(error):
                return None
            raise
        return self._refund(reply, out_refund_no)

    async def trade_bill(self, day: date) -> TradeBill:
        found = await self._bill(self._pay.trade_bill(bill_date=day.isoformat()))
        return read_trade_bill(*found) if found else TradeBill([])

    async def fund_flow_bill(self, day: date) -> FundFlowBill:
        found = await self._bill(self._pay.fundflow_bill(bill_date=day.isoformat()))
        return read_fund_flow_bill(*found) if found else FundFlowBill([])

    def read_notification(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notification:
        return self._notices.read(headers, body, now=now)

    def _refund(self, reply: Reply, out_refund_no: str) -> Refund:
        said = read(RefundSaid, reply)
        if said.out_refund_no != out_refund_no:
            raise PayUnknown(f"asked for refund {out_refund_no}, got {said.out_refund_no}")
        return Refund(
            said.refund_id,
            said.out_refund_no,
            said.out_trade_no,
            said.status,
            said.amount.refund,
            said.success_time,
            said.create_time,
        )

    async def _bill(self, asking: Awaitable[tuple[int, str | bytes]]) -> tuple[str, str] | None:
        """The text of a bill and its hash; None when nothing happened that day."""
        try:
            reply = await self._call(asking)
        except PayError as error:
            code = _plain_code(error)
            if code == "NOSTATEMENTEXIST":
                return None
            if code == "STATEMENTCREATING":
                raise BillNotReady(str(error)) from None
            raise
        said = read(BillSaid, reply)
        return unpack(await self._download(said.download_url), said.hash_value), said.hash_value

    async def _download(self, url: str) -> bytes:
        """A file whose request is signed and whose reply is not, of bounded size; only from the host we talk to."""
        if not url.startswith(f"{self._base}{BILL_FILE}?"):
            raise PayUnknown("the bill lies at another address")
        core, path = self._pay._core, url.removeprefix(self._base)
        proof = build_authorization(path, "GET", self._mchid, self._merchant_serial, core._private_key)
        file = bytearray()
        try:
            async with (
                asyncio.timeout(DOWNLOAD_PATIENCE_S),
                core._client.stream("GET", url, headers={"Authorization": proof, "User-Agent": "linli"}) as reply,
            ):
                async for chunk in reply.aiter_bytes():
                    file += chunk
                    if len(file) > LARGEST_PACKED:
                        raise PayUnknown(f"the bill file is larger than {LARGEST_PACKED} bytes")
        except (httpx.HTTPError, TimeoutError) as error:
            raise PayUnknown(f"{type(error).__name__}: {error}") from error
        if reply.status_code != 200:
            raise PayUnknown(f"{reply.status_code} for the bill file")
        return bytes(file)

    async def _listen(self, response: httpx.Response) -> None:
        """Keep the Request-ID; refuse an old reply (the library checks its signature but not its age) and one signed
        by somebody we do not know (for whose certificate the library would call out)."""
        if request_id := response.headers.get("Request-ID"):
            _heard.get({})["request_id"] = request_id
        if response.is_success and response.url.path != BILL_FILE:
            age_s = abs(time.time() - int(response.headers["Wechatpay-Timestamp"]))
            if age_s >= OLDEST_REPLY_S:
                raise PayUnknown(f"the reply is {age_s:.0f} s old")
            serial = response.headers["Wechatpay-Serial"]
            if serial not in self._known and serial_number(serial) not in self._known:
                raise PayUnknown("the reply is signed with a key we do not know")

    async def _call(self, sending: Awaitable[tuple[int, str | bytes]]) -> Reply:
        heard: dict[str, str] = {}
        _heard.set(heard)
        try:
            async with asyncio.timeout(PATIENCE_S):
                status, text = await sending
        except Exception as error:  # a forged 2xx is a bare Exception in the library
            raise PayUnknown(f"{type(error).__name__}: {error}") from error
        if 200 <= status < 300:
            return Reply(status, text)
        code, message = complaint(text)
        if status >= 500 or status == 429 or not code:
            raise PayUnknown(f"{status} {code}: {message} (Request-ID {heard.get('request_id')})")
        raise PayError(status, code, message, heard.get("request_id"))


def _unknown_there(error: PayError) -> bool:
    # A 404 of any other kind says nothing about the order.
    return error.status == 404 and _plain_code(error) in NO_SUCH_ORDER


def _plain_code(error: PayError) -> str:
    return error.code.upper().replace("_", "")  # the documentation writes codes both ways


def _number(text: str) -> str:
    if not OURS.fullmatch(text):
        raise ValueError(f"not a number of ours: {text!r}")
    return text


def _fitting(text: str, longest: int) -> str:
    """Leave out what the platform refuses: characters of four bytes or none, and bytes beyond the limit."""
    plain = "".join(character for character in text if ord(character) <= 0xFFFF)
    return plain.encode(errors="ignore")[:longest].decode(errors="ignore")
