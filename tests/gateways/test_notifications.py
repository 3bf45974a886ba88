"""Which notifications are believed: the real ones, and none of the forged."""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from app.gateways.errors import NotifyRejected
from app.gateways.wechat_pay import PaymentNotice, RefundNotice, WechatPayClient
from app.gateways.wechat_pay_notices import NotificationReader
from tests.gateways.conftest import Control, Merchant
from tests.gateways.test_wechat_pay import paid

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
APPID, MCHID, KEY_ID, APIV3_KEY = "wx1234567890abcdef", "1900000109", "PUB_KEY_ID_01", "k" * 32
PLATFORM, STRANGER = (generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
READER = NotificationReader(
    appid=APPID,
    mchid=MCHID,
    apiv3_key=APIV3_KEY,
    public_keys={KEY_ID: PLATFORM.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()},
)
PAYMENT = {
    "appid": APPID,
    "mchid": MCHID,
    "out_trade_no": "LL000001",
    "transaction_id": "4200000001",
    "trade_type": "JSAPI",
    "trade_state": "SUCCESS",
    "success_time": "2026-11-23T19:59:59+08:00",
    "payer": {"openid": "lin"},
    "amount": {"total": 1234, "payer_total": 1234, "currency": "CNY", "payer_currency": "CNY"},
}
REFUND = {
    "mchid": MCHID,
    "out_trade_no": "LL000001",
    "transaction_id": "4200000001",
    "refund_id": "5030000001",
    "out_refund_no": "R1",
    "refund_status": "SUCCESS",
    "success_time": "2026-11-23T19:59:59+08:00",
    "user_received_account": "支付用户零钱",
    "amount": {"total": 1234, "refund": 234, "payer_total": 1234, "payer_refund": 234},
}


@dataclass
class Message:
    """A notification in the making; each forgery spoils one part before or after it is signed."""

    plain: Any = field(default_factory=lambda: json.loads(json.dumps(PAYMENT)))
    event_type: str = "TRANSACTION.SUCCESS"
    original_type: str = "transaction"
    aad: str = "transaction"
    sealed_with: str = APIV3_KEY
    envelope: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    key: RSAPrivateKey = PLATFORM
    sent_at: datetime = NOW
    headers: dict[str, str | None] = field(default_factory=dict)
    appended: bytes = b""

    def read(self) -> PaymentNotice | RefundNotice:
        body = self.body()
        timestamp, nonce = str(int(self.sent_at.timestamp())), "n0nce"
        text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        headers = {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": KEY_ID,
            "Wechatpay-Signature": base64.b64encode(self.key.sign(text, PKCS1v15(), SHA256())).decode(),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
            **self.headers,
        }
        kept = {name: value for name, value in headers.items() if value is not None}
        return READER.read(kept, body + self.appended, now=NOW)

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        nonce = secrets.token_hex(6)
        text = self.plain if isinstance(self.plain, bytes) else json.dumps(self.plain).encode()
        sealed = AESGCM(self.sealed_with.encode()).encrypt(nonce.encode(), text, self.aad.encode())
        envelope = {
            "id": "EV-1",
            "create_time": "2026-11-23T20:00:00+08:00",
            "resource_type": "encrypt-resource",
            "event_type": self.event_type,
            "summary": "支付成功",
            "resource": {
                "original_type": self.original_type,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": "transaction" if self.original_type == "transaction" else "refund",
                "nonce": nonce,
            },
        }
        return json.dumps(envelope | self.envelope).encode()


def a_refund(**changes: Any) -> Message:
    refund = {
        "plain": json.loads(json.dumps(REFUND)),
        "event_type": "REFUND.SUCCESS",
        "original_type": "refund",
        "aad": "refund",
    }
    return Message(**{**refund, **changes})


def payment_saying(**changes: Any) -> Message:
    return Message(plain=PAYMENT | changes)


def payment_without(name: str) -> Message:
    return Message(plain={key: value for key, value in PAYMENT.items() if key != name})


def headed(name: str, value: str | None) -> Message:
    return Message(headers={f"Wechatpay-{name}": value})


def sent(seconds: int) -> Message:
    return Message(sent_at=NOW + timedelta(seconds=seconds))


def costing(**amount: Any) -> Message:
    return payment_saying(amount={"total": 1234, "currency": "CNY"} | amount)


FORGERIES: dict[str, Callable[[], Message]] = {
    "five minutes old": lambda: sent(-300),
    "a year old": lambda: sent(-366 * 86400),
    "from the future": lambda: sent(300),
    "timestamp changed": lambda: headed("Timestamp", str(int(NOW.timestamp()) + 1)),
    "timestamp no number": lambda: headed("Timestamp", "now"),
    "timestamp endless": lambda: headed("Timestamp", "9" * 5000),
    "timestamp beyond a float": lambda: headed("Timestamp", "9" * 400),
    "no timestamp": lambda: headed("Timestamp", None),
    "no nonce": lambda: headed("Nonce", None),
    "nonce changed": lambda: headed("Nonce", "other"),
    "no serial": lambda: headed("Serial", None),
    "unknown serial": lambda: headed("Serial", "PUB_KEY_ID_02"),
    "certificate serial": lambda: headed("Serial", "0C05C7656D6CE08750B1B859CD8477F126FF646D"),
    "no signature": lambda: headed("Signature", None),
    "empty signature": lambda: headed("Signature", ""),
    "SIGNTEST": lambda: headed("Signature", "WECHATPAY/SIGNTEST/" + "A" * 324),
    "signature no base64": lambda: headed("Signature", "签名"),
    "surrogate in a header": lambda: headed("Nonce", "\udcff"),
    "other kind of signature": lambda: headed("Signature-Type", "WECHATPAY2-SM2-WITH-SM3"),
    "signed by a stranger": lambda: Message(key=STRANGER),
    "body changed": lambda: Message(appended=b" "),
    "body too big": lambda: Message(envelope={"padding": "x" * 65536}),
    "not JSON": lambda: Message(raw=b"{"),
    "not UTF-8": lambda: Message(raw=b'{"id": "\xff"}'),
    "not an object": lambda: Message(raw=b"[]"),
    "empty": lambda: Message(raw=b""),
    "deep": lambda: Message(raw=b"[" * 60_000),
    "unknown event": lambda: Message(event_type="TRANSACTION.REFUND"),
    "not encrypted": lambda: Message(envelope={"resource": PAYMENT}),
    "another resource type": lambda: Message(envelope={"resource_type": "plain"}),
    "no id": lambda: Message(envelope={"id": ""}),
    "another AES key": lambda: Message(sealed_with="x" * 32),
    "another associated data": lambda: Message(aad="refund"),
    "inside not JSON": lambda: Message(plain=b"paid"),
    "inside not UTF-8": lambda: Message(plain=b"\xff"),
    "another appid": lambda: payment_saying(appid="wx0000000000000000"),
    "no appid": lambda: payment_without("appid"),
    "another mchid": lambda: payment_saying(mchid="1900000110"),
    "not paid": lambda: payment_saying(trade_state="NOTPAY"),
    "another currency": lambda: costing(currency="USD"),
    "no currency": lambda: payment_saying(amount={"total": 1234}),
    "amount zero": lambda: costing(total=0),
    "amount negative": lambda: costing(total=-1),
    "amount a fraction": lambda: costing(total=12.0),
    "amount a text": lambda: costing(total="1234"),
    "amount true": lambda: costing(total=True),
    "nobody paid": lambda: payment_saying(payer={}),
    "no transaction": lambda: payment_saying(transaction_id=""),
    "time without zone": lambda: payment_saying(success_time="2026-11-23T19:59:59"),
    "a refund that calls itself a payment": lambda: a_refund(event_type="TRANSACTION.SUCCESS"),
    "a payment that calls itself a refund": lambda: Message(event_type="REFUND.SUCCESS"),
    "a payment with the type of a refund": lambda: Message(original_type="refund", aad="refund"),
    "a refund with another status": lambda: a_refund(event_type="REFUND.CLOSED"),
    "a refund of another merchant": lambda: a_refund(plain=REFUND | {"mchid": "1900000110"}),
    "a refund under another appid": lambda: a_refund(plain=REFUND | {"appid": "wx0000000000000000"}),
    "a refund in another currency": lambda: a_refund(
        plain=REFUND | {"amount": {"total": 1234, "refund": 1, "currency": "USD"}}
    ),
}


def test_a_real_payment_is_believed() -> None:
    assert Message().read() == PaymentNotice(
        notification_id="EV-1",
        transaction_id="4200000001",
        out_trade_no="LL000001",
        openid="lin",
        amount_fen=1234,
        success_at=datetime(2026, 11, 23, 11, 59, 59, tzinfo=UTC),
    )


def test_a_real_refund_is_believed() -> None:
    notice = a_refund().read()
    assert isinstance(notice, RefundNotice)
    assert (notice.out_refund_no, notice.status, notice.refund_fen, notice.total_fen) == (
        "R1",
        "SUCCESS",
        234,
        1234,
    )


@pytest.mark.parametrize("seconds", [-299, 299])
def test_clocks_may_differ_by_less_than_five_minutes(seconds: int) -> None:
    assert sent(seconds).read()


def test_new_fields_and_a_missing_signature_type_do_not_matter() -> None:
    assert payment_saying(invented_in_2027="x").read()
    assert headed("Signature-Type", None).read()


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_rejected(name: str) -> None:
    with pytest.raises(NotifyRejected):
        FORGERIES[name]().read()


@given(st.dictionaries(st.text(), st.text()), st.binary())
def test_noise_is_rejected_and_never_an_error(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(NotifyRejected):
        READER.read(headers, body, now=NOW)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)))
def test_signed_nonsense_is_rejected_and_never_an_error(plain: Any) -> None:
    with pytest.raises(NotifyRejected):
        Message(plain=plain).read()
    with pytest.raises(NotifyRejected):
        Message(raw=json.dumps(plain).encode()).read()


async def test_an_independent_client_reads_what_the_sandbox_sends(
    control: Control, pay: WechatPayClient, merchant: Merchant
) -> None:
    await paid(control, pay)
    [heard] = await merchant.hears(1)
    ours = pay.read_notification(heard.headers, heard.body, now=datetime.now(UTC))
    theirs = pay._pay.callback(heard.headers, heard.body)
    assert isinstance(ours, PaymentNotice)
    assert theirs["resource"]["transaction_id"] == ours.transaction_id
    assert theirs["resource"]["amount"]["total"] == ours.amount_fen
    with pytest.raises(NotifyRejected):
        pay.read_notification(heard.headers, heard.body, now=datetime.now(UTC) + timedelta(minutes=5))
