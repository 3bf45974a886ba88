"""Who the pretended merchant and platform are: made at the first start, kept in files only we may read."""

import json
import os
import secrets
import string
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

MERCHANT_KEY, PLATFORM_KEY, PLATFORM_PUBLIC = "merchant_key.pem", "platform_key.pem", "platform_public.pem"
CERTIFICATE_KEY, CERTIFICATE = "platform_certificate_key.pem", "platform_certificate.pem"
CERTIFICATE_LIFE = timedelta(days=5 * 365)


@dataclass(frozen=True)
class Ids:
    appid: str
    secret: str
    push_token: str
    encoding_aes_key: str
    mchid: str
    merchant_serial: str
    apiv3_key: str
    public_key_id: str


@dataclass(frozen=True)
class Signer:
    """A key of the platform under the serial by which merchants know it."""

    serial: str
    key: RSAPrivateKey


@dataclass(frozen=True)
class Keys:
    folder: Path
    ids: Ids
    merchant: RSAPrivateKey
    platform: RSAPrivateKey
    certificate_key: RSAPrivateKey
    certificate: x509.Certificate

    @property
    def by_key(self) -> Signer:
        """Signs for merchants in public-key mode."""
        return Signer(self.ids.public_key_id, self.platform)

    @property
    def by_certificate(self) -> Signer:
        """Signs for merchants in certificate mode; its serial begins with a zero."""
        return Signer(f"{self.certificate.serial_number:040X}", self.certificate_key)

    def environment(self, url: str) -> dict[str, str]:
        """The settings that make the application talk to this sandbox."""
        ids = self.ids
        return {
            "WX_API_BASE": url,
            "WX_APPID": ids.appid,
            "WX_SECRET": ids.secret,
            "WX_PUSH_TOKEN": ids.push_token,
            "WX_ENCODING_AES_KEY": ids.encoding_aes_key,
            "WXPAY_BASE": url,
            "WXPAY_MCHID": ids.mchid,
            "WXPAY_MERCHANT_SERIAL": ids.merchant_serial,
            "WXPAY_MERCHANT_KEY_FILE": str(self.folder / MERCHANT_KEY),
            "WXPAY_APIV3_KEY": ids.apiv3_key,
            "WXPAY_PUBLIC_KEY_ID": ids.public_key_id,
            "WXPAY_PUBLIC_KEY_FILE": str(self.folder / PLATFORM_PUBLIC),
            "WXPAY_PLATFORM_CERT_FILES": str(self.folder / CERTIFICATE),
        }

    def write_config(self, url: str) -> None:
        """Leave the application's settings in config.json."""
        _write(self.folder / "config.json", json.dumps(self.environment(url), indent=2).encode())


def open_keys(folder: Path) -> Keys:
    """Read the keys of a folder, and make at the first start whatever is missing."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    platform = _rsa(folder / PLATFORM_KEY)
    public = platform.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write(folder / PLATFORM_PUBLIC, public)
    certificate_key = _rsa(folder / CERTIFICATE_KEY)
    certificate = _certificate(folder / CERTIFICATE, certificate_key)
    return Keys(folder, _ids(folder / "ids.json"), _rsa(folder / MERCHANT_KEY), platform, certificate_key, certificate)


def _ids(path: Path) -> Ids:
    if not path.exists():
        _write(path, json.dumps(asdict(_new_ids()), indent=2).encode())
    return Ids(**json.loads(path.read_text()))


def _new_ids() -> Ids:
    return Ids(
        appid="wxSANDBOX" + secrets.token_hex(5)[:9],
        secret=secrets.token_hex(16),
        push_token=secrets.token_hex(16),
        encoding_aes_key=_random(string.ascii_letters + string.digits, 43),
        mchid="19" + _random(string.digits, 8),
        merchant_serial="0" + _random("0123456789ABCDEF", 39),  # clients that read it as a number lose the zero
        apiv3_key=_random(string.ascii_letters + string.digits, 32),
        public_key_id="PUB_KEY_ID_0SANDBOX" + _random(string.digits, 24),
    )


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _rsa(path: Path) -> RSAPrivateKey:
    if not path.exists():
        made = generate_private_key(public_exponent=65537, key_size=2048)
        _write(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return cast(RSAPrivateKey, load_pem_private_key(path.read_bytes(), password=None))


def _certificate(path: Path, key: RSAPrivateKey) -> x509.Certificate:
    if not path.exists():
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tenpay.com"),
                x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign (Linli sandbox)"),
            ]
        )
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(16**38 + secrets.randbelow(15 * 16**38))  # 40 digits, the first of them a zero
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + CERTIFICATE_LIFE)
            .sign(key, SHA256())
        )
        _write(path, made.public_bytes(Encoding.PEM))
    return x509.load_pem_x509_certificate(path.read_bytes())


def _write(path: Path, content: bytes) -> None:
    # Written beside and moved: a kill leaves the old file or the new one, never half of one.
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
