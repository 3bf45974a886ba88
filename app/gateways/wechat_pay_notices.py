"""Believing a notification of WeChat Pay, or not: our own guard, with pinned keys and no call to anyone."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.gateways.errors import NotifyRejected

WINDOW_S = 300
LARGEST_BODY = 64 * 1024
SCHEME = "WECHATPAY2-SHA256-RSA2048"
NEEDED = ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial", "wechatpay-signature")


@dataclass(frozen=True)
class PaymentNotice:
    notification_id: str
    transaction_id: str
    out_trade_no: str
    openid: str
    amount_fen: int
    success_at: datetime


@dataclass(frozen=True)
class RefundNotice:
    notification_id: str
    refund_id: str
    out_refund_no: str
    out_trade_no: str
    transaction_id: str
    status: Literal["SUCCESS", "ABNORMAL", "CLOSED"]
    refund_fen: int
    total_fen: int
    success_at: datetime | None


Notification = PaymentNotice | RefundNotice


class NotificationReader:
    """Reads notifications for one merchant.

    `public_keys` maps each trusted key id to its PEM; `certificates` are PEMs of the platform's, known by their serial
    numbers. Whatever else a notification names is not trusted, and nobody is asked about it.
    """

    def __init__(
        self,
        *,
        appid: str,
        mchid: str,
        apiv3_key: str,
        public_keys: Mapping[str, str],
        certificates: Sequence[str] = (),
    ) -> None:
        self._appid, self._mchid = appid, mchid
        self._aes = AESGCM(apiv3_key.encode())
        self._keys = {key_id: _rsa(load_pem_public_key(pem.encode())) for key_id, pem in public_keys.items()}
        loaded = [x509.load_pem_x509_certificate(pem.encode()) for pem in certificates]
        self._certificates = {certificate.serial_number: certificate for certificate in loaded}

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notification:
        """Believe a notification; every failure is one NotifyRejected."""
        try:
            self._check_signature({name.lower(): value for name, value in headers.items()}, body, now)
            envelope = _Envelope.model_validate_json(body)
            plain = self._decrypt(envelope.resource)
            if envelope.event_type == "TRANSACTION.SUCCESS":
                return self._payment(envelope, plain)
            return self._refund(envelope, plain)
        except InvalidSignature:
            raise NotifyRejected("the signature does not fit") from None
        except InvalidTag:
            raise NotifyRejected("the content was not encrypted with our key") from None
        except ValueError as error:  # whatever cannot be parsed: base64, JSON, UTF-8, a missing field
            raise NotifyRejected(f"malformed: {type(error).__name__}") from None

    def _check_signature(self, headers: dict[str, str], body: bytes, now: datetime) -> None:
        if missing := [name for name in NEEDED if not headers.get(name)]:
            raise NotifyRejected(f"without {', '.join(missing)}")
        if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise NotifyRejected("another kind of signature")
        if len(body) > LARGEST_BODY:
            raise NotifyRejected("too large")
        timestamp, nonce, serial, signature = (headers[name] for name in NEEDED)
        if not timestamp.isdecimal() or len(timestamp) > 12 or abs(now.timestamp() - int(timestamp)) >= WINDOW_S:
            raise NotifyRejected("not of this moment")
        key = self._keys.get(serial) or self._certified(serial, now)
        text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        key.verify(base64.b64decode(signature, validate=True), text, PKCS1v15(), SHA256())

    def _certified(self, serial: str, now: datetime) -> RSAPublicKey:
        certificate = self._certificates.get(serial_number(serial))
        if certificate is None:
            raise NotifyRejected("signed with a key we do not know")
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise NotifyRejected("signed with a certificate out of its time")
        return _rsa(certificate.public_key())

    def _decrypt(self, resource: "_Resource") -> bytes:
        return self._aes.decrypt(
            resource.nonce.encode(),
            base64.b64decode(resource.ciphertext, validate=True),
            resource.associated_data.encode(),
        )

    def _payment(self, envelope: "_Envelope", plain: bytes) -> PaymentNotice:
        said = _Payment.model_validate_json(plain)
        if envelope.resource.original_type != "transaction":
            raise NotifyRejected("a payment by name, not by content")
        if (said.appid, said.mchid) != (self._appid, self._mchid):
            raise NotifyRejected("for another merchant")
        return PaymentNotice(
            envelope.id,
            said.transaction_id,
            said.out_trade_no,
            said.payer.openid,
            said.amount.total,
            said.success_time,
        )

    def _refund(self, envelope: "_Envelope", plain: bytes) -> RefundNotice:
        said = _Refund.model_validate_json(plain)
        if envelope.resource.original_type != "refund" or envelope.event_type != f"REFUND.{said.refund_status}":
            raise NotifyRejected("a refund by name, not by content")
        if said.mchid != self._mchid or said.appid not in (None, self._appid):
            raise NotifyRejected("for another merchant")
        return RefundNotice(
            envelope.id,
            said.refund_id,
            said.out_refund_no,
            said.out_trade_no,
            said.transaction_id,
            said.refund_status,
            said.amount.refund,
            said.amount.total,
            said.success_time,
        )


Fen = Annotated[int, Field(strict=True, ge=1)]
Name = Annotated[str, Field(min_length=1, max_length=128)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")  # the platform adds fields at any time


class _Resource(_Said):
    original_type: str
    algorithm: Literal["AEAD_AES_256_GCM"]
    ciphertext: str
    nonce: str
    associated_data: str = ""


class _Envelope(_Said):
    id: Name
    event_type: Literal["TRANSACTION.SUCCESS", "REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"]
    resource_type: Literal["encrypt-resource"]
    resource: _Resource


class _Payer(_Said):
    openid: Name


class _Amount(_Said):
    total: Fen
    currency: Literal["CNY"]


class _Payment(_Said):
    appid: str
    mchid: str
    out_trade_no: Name
    transaction_id: Name
    trade_state: Literal["SUCCESS"]
    success_time: AwareDatetime
    payer: _Payer
    amount: _Amount


class _RefundAmount(_Said):
    total: Fen
    refund: Fen
    currency: Literal["CNY"] = "CNY"


class _Refund(_Said):
    appid: str | None = None
    mchid: str
    out_trade_no: Name
    transaction_id: Name
    refund_id: Name
    out_refund_no: Name
    refund_status: Literal["SUCCESS", "ABNORMAL", "CLOSED"]
    success_time: AwareDatetime | None = None
    amount: _RefundAmount


def serial_number(text: str) -> int:
    """The number that a certificate's serial stands for, since some write it without its leading zero; -1 for none."""
    return int(text, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,40}", text) else -1


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the key of WeChat Pay is not an RSA key")
    return key
