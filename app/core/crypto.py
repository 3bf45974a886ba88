"""Personal data at rest: AES-256-GCM bound to its place in the tables, under keys that can be changed.

A sealed value begins with the version of its key, which is also part of what it is bound to.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION_MAX = 255  # one byte


@dataclass(frozen=True)
class Keys:
    """The secrets of an installation: all that open, of which the newest seals, and those of the index.

    `index_before` is the one that a change of `index` replaces, until `linli rotate-keys` has been through.
    """

    sealing: Mapping[int, str] = field(repr=False)
    index: str = field(repr=False)
    index_before: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, secret: str) -> "Keys":
        """One secret for all, as the first version."""
        return cls({1: secret}, secret)

    @property
    def newest(self) -> int:
        """The version that seals."""
        return max(self.sealing)


def seal(keys: Keys, plain: str, *, table: str, column: str, row: int) -> bytes:
    """Encrypt `plain` under the newest key so that it opens only in this table, column and row."""
    nonce, version = os.urandom(12), keys.newest
    place = _place(table, column, row, version)
    return bytes([version]) + nonce + AESGCM(_key(keys.sealing[version], "seal")).encrypt(nonce, plain.encode(), place)


def unseal(keys: Keys, sealed: bytes, *, table: str, column: str, row: int) -> str:
    """Decrypt what `seal` made under any of the keys. Raises ValueError when it was made elsewhere or changed."""
    version = sealed[0]
    if version not in keys.sealing:
        raise ValueError(f"sealed with an unknown key version {version}")
    key, place = _key(keys.sealing[version], "seal"), _place(table, column, row, version)
    try:
        return AESGCM(key).decrypt(sealed[1:13], sealed[13:], place).decode()
    except InvalidTag as exc:
        raise ValueError("sealed elsewhere, or changed") from exc


def index(secret: str, plain: str, *, table: str, column: str) -> bytes:
    """What stands for `plain` in a UNIQUE column: the same each time, and telling nothing without the key."""
    return hmac.new(_key(secret, "index"), f"{table}.{column}.{plain}".encode(), hashlib.sha256).digest()


def _key(secret: str, purpose: str) -> bytes:
    return hmac.new(secret.encode(), f"linli {purpose}".encode(), hashlib.sha256).digest()


def _place(table: str, column: str, row: int, version: int) -> bytes:
    return f"{table}.{column}.{row}.{version}".encode()
