"""The cryptography of WeChat Pay v3, from the platform's side."""

import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from sandbox.keys import Keys, Signer

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S = 300


class BadSignature(Exception):
    """A request that the merchant did not sign, or not in time."""


@dataclass(frozen=True)
class Authorization:
    mchid: str
    nonce_str: str
    timestamp: str
    serial_no: str
    signature: str


def check_request(
    keys: Keys, header: str, method: str, target: str, body: bytes, *, clock_s: float = 0
) -> Authorization:
    """Refuse a request whose Authorization does not sign exactly these bytes, now, by our merchant.

    `clock_s` is how far our clock is wrong.
    """
    auth = parse_authorization(header)
    if auth.mchid != keys.ids.mchid:
        raise BadSignature("商户号不存在")
    if not same_serial(auth.serial_no, keys.ids.merchant_serial):
        raise BadSignature("商户证书序列号有误")
    if not auth.timestamp.isdecimal() or abs(time.time() + clock_s - int(auth.timestamp)) > WINDOW_S:
        raise BadSignature("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
    text = f"{method}\n{target}\n{auth.timestamp}\n{auth.nonce_str}\n".encode() + body + b"\n"
    if not verifies(keys.merchant.public_key(), text, auth.signature):
        raise BadSignature("签名错误，请检查后再试")
    return auth


def parse_authorization(header: str) -> Authorization:
    """Read the Authorization header; its fields may come in any order."""
    scheme, _, rest = header.partition(" ")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    if scheme != SCHEME or fields.keys() != Authorization.__dataclass_fields__.keys():
        raise BadSignature("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
    return Authorization(**fields)


def sign(signer: Signer, body: bytes, *, clock_s: float = 0) -> dict[str, str]:
    """The headers under which the platform sends a body."""
    timestamp, nonce = str(int(time.time() + clock_s)), secrets.token_hex(16)
    signature = signer.key.sign(f"{timestamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": signer.serial,
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
        "Wechatpay-Signature-Type": SCHEME,
    }


def seal(keys: Keys, plain: Mapping[str, Any], original_type: str) -> dict[str, str]:
    """Encrypt what a notification carries."""
    return {
        "original_type": original_type,
        **encrypt(keys.ids.apiv3_key, json.dumps(plain, ensure_ascii=False).encode(), original_type),
    }


def encrypt(apiv3_key: str, text: bytes, associated_data: str) -> dict[str, str]:
    """AES-256-GCM in the platform's words; the nonce and the associated data are texts."""
    nonce = secrets.token_hex(6)
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), text, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def unseal(keys: Keys, resource: Mapping[str, str]) -> dict[str, Any]:
    """Read what we encrypted ourselves."""
    sealed, nonce = base64.b64decode(resource["ciphertext"]), resource["nonce"].encode()
    opened = AESGCM(keys.ids.apiv3_key.encode()).decrypt(nonce, sealed, resource["associated_data"].encode())
    read: dict[str, Any] = json.loads(opened)
    return read


def same_serial(given: str, ours: str) -> bool:
    """Serial numbers are numbers: "0A" and "a" name the same certificate."""
    return re.fullmatch(r"[0-9A-Fa-f]{1,64}", given) is not None and int(given, 16) == int(ours, 16)


def verifies(key: RSAPublicKey, text: bytes, signature: str) -> bool:
    """Whether a base64 signature fits a text."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True
