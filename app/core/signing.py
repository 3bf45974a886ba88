"""The installation's Ed25519 key: it signs heads of the log and of archives, so that nobody can take them back.

One key for a process, like its database: opened when it starts, `signer()` wherever something is signed.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.core.settings import Settings

KEY_FILE = "log_signing_key.pem"


@dataclass(frozen=True)
class Signer:
    """A private key with the name under which its public key is known; `retired` are published keys it follows."""

    name: str
    private_key: Ed25519PrivateKey
    retired: tuple[str, ...] = ()

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that anyone may know."""
        return self.private_key.public_key().public_bytes_raw()

    def sign(self, text: str) -> bytes:
        """The signature over the text in UTF-8."""
        return self.private_key.sign(text.encode())


def is_signed(text: str, signature: bytes, public_key: bytes) -> bool:
    """Whether the signature over the text was made with this key."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


def open_signer(settings: Settings) -> Signer:
    """The key that the settings name; in development one is made where there is none yet.

    Raises ValueError when the file holds no Ed25519 key.
    """
    path = settings.log_signing_key_file or settings.linli_data / KEY_FILE
    if not settings.production and not path.exists():
        _make(path)
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("LOG_SIGNING_KEY_FILE holds no Ed25519 key")
    return Signer(settings.log_name, key, tuple(settings.log_retired_keys.split()))


_signer: Signer | None = None


def use(signer: Signer) -> None:
    """Sign with this key from here on, in the whole process."""
    global _signer
    _signer = signer


def signer() -> Signer:
    """The key of this process."""
    assert _signer is not None, "signing.use() comes first"  # noqa: S101
    return _signer


def _make(path: Path) -> None:
    """Write a new key; of several processes that do so at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(made)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
