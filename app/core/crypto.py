"""Personal data at rest: AES-256-GCM bound to its place in the tables."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_VERSION = 1


def seal(secret: str, plain: str, *, table: str, column: str, row: int) -> bytes:
    """Encrypt `plain` so that it opens only in this table, column and row."""
    nonce = os.urandom(12)
    body = AESGCM(_key(secret, "seal")).encrypt(nonce, plain.encode(), _place(table, column, row))
    return bytes([KEY_VERSION]) + nonce + body


def unseal(secret: str, sealed: bytes, *, table: str, column: str, row: int) -> str:
    """Decrypt what `seal` made. Raises ValueError when it was made elsewhere or changed."""
    if sealed[:1] != bytes([KEY_VERSION]):
        raise ValueError("sealed with an unknown key version")
    try:
        return AESGCM(_key(secret, "seal")).decrypt(sealed[1:13], sealed[13:], _place(table, column, row)).decode()
    except InvalidTag as exc:
        raise ValueError("sealed elsewhere, or changed") from exc


def index(secret: str, plain: str, *, table: str, column: str) -> bytes:
    """What stands for `plain` in a UNIQUE column: the same each time, and telling nothing without the key."""
    return hmac.new(_key(secret, "index"), f"{table}.{column}.{plain}".encode(), hashlib.sha256).digest()


def _key(secret: str, purpose: str) -> bytes:
    return hmac.new(secret.encode(), f"linli {purpose}".encode(), hashlib.sha256).digest()


def _place(table: str, column: str, row: int) -> bytes:
    return f"{table}.{column}.{row}.{KEY_VERSION}".encode()
