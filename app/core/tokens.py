"""Opaque tokens for sessions, and signed values that come back from clients unchanged (cursors, check-in codes)."""

import base64
import hashlib
import hmac
import secrets

CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O, U


def new_token() -> str:
    """256 random bits for a client to keep."""
    return secrets.token_urlsafe(32)


def new_code(length: int) -> str:
    """Random letters and digits for people to read and type, 5 bits each."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(length))


def token_hash(token: str) -> bytes:
    """What is stored of a token: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def sign(key: str, purpose: str, message: str) -> str:
    """A short text that carries `message` and cannot be made or changed without the key."""
    mac = _mac(key, purpose, message)
    return base64.urlsafe_b64encode(mac + message.encode()).decode().rstrip("=")


def unsign(key: str, purpose: str, text: str) -> str | None:
    """The message of a signed text, or None when it is not ours."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        mac, message = raw[:16], raw[16:].decode()
    except ValueError:
        return None
    return message if hmac.compare_digest(mac, _mac(key, purpose, message)) else None


def _mac(key: str, purpose: str, message: str) -> bytes:
    return hmac.new(key.encode(), f"{purpose}\0{message}".encode(), hashlib.sha256).digest()[:16]
