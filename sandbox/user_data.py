"""What a telephone hands over about its user: signed and encrypted with the session key."""

import json
import secrets
from base64 import b64decode, b64encode
from hashlib import sha1
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7


def handed_over(session_key: str, appid: str, data: dict[str, Any], at: float) -> dict[str, str]:
    """`rawData` with its signature, and the same with a watermark as `encryptedData` with its `iv`."""
    raw = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    marked = {**data, "watermark": {"timestamp": int(at), "appid": appid}}
    iv = b64encode(secrets.token_bytes(16)).decode()
    return {
        "rawData": raw,
        "signature": raw_signature(session_key, raw),
        "encryptedData": seal(session_key, iv, json.dumps(marked, ensure_ascii=False, separators=(",", ":")).encode()),
        "iv": iv,
    }


def raw_signature(session_key: str, raw: str) -> str:
    """What proves that raw data comes from a telephone with this session key."""
    return sha1((raw + session_key).encode(), usedforsecurity=False).hexdigest()


def seal(session_key: str, iv: str, plain: bytes) -> str:
    """AES-128-CBC with PKCS#7; the key, the iv and the outcome are base64."""
    padder = PKCS7(128).padder()
    encryptor = Cipher(AES(b64decode(session_key)), CBC(b64decode(iv))).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
