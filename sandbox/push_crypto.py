"""The cryptography of message pushes: signatures by SHA-1, messages under AES-256-CBC."""

import base64
import hashlib
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 32


def signature(token: str, *parts: str) -> str:
    """Of the timestamp and the nonce; with what is encrypted as a third part it is the msg_signature."""
    return hashlib.sha1("".join(sorted([token, *parts])).encode(), usedforsecurity=False).hexdigest()


def seal(encoding_aes_key: str, appid: str, message: bytes, random: bytes | None = None) -> str:
    """Encrypt a message for an app."""
    text = (random or secrets.token_bytes(16)) + struct.pack(">I", len(message)) + message + appid.encode()
    padding = BLOCK - len(text) % BLOCK
    encryptor = _cipher(encoding_aes_key).encryptor()
    return base64.b64encode(encryptor.update(text + bytes([padding]) * padding) + encryptor.finalize()).decode()


def unseal(encoding_aes_key: str, sealed: str) -> tuple[bytes, str]:
    """The message and the appid it was encrypted for. Raises ValueError."""
    decryptor = _cipher(encoding_aes_key).decryptor()
    padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
    padding = padded[-1] if padded else 0
    if not 1 <= padding <= BLOCK or padded[-padding:] != bytes([padding]) * padding:
        raise ValueError("not padded as it should be")
    text = padded[16:-padding]
    if len(text) < 4 or len(text) - 4 < (length := struct.unpack(">I", text[:4])[0]):
        raise ValueError("shorter than it says")
    return text[4 : 4 + length], text[4 + length :].decode()


def _cipher(encoding_aes_key: str) -> Cipher[CBC]:
    key = base64.b64decode(encoding_aes_key + "=")
    return Cipher(AES(key), CBC(key[:16]))
