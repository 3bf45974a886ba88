"""The only reader of the environment. Production refuses to start with a missing or sandbox secret."""

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.crypto import VERSION_MAX, Keys

DEVELOPMENT_SECRET = "linli-development-only"  # noqa: S105 - production refuses it below
REAL_BASES = {"wx_api_base": "https://api.weixin.qq.com", "wxpay_base": "https://api.mch.weixin.qq.com"}


class Settings(BaseSettings):
    """Everything that differs between one installation and another."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    app_env: Literal["development", "production"] = "development"
    linli_data: Path = Path(".linli")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    sandbox_port: int = Field(8001, ge=1, le=65535)
    public_base_url: str = ""
    trusted_proxies: str = "127.0.0.1"

    database_url: str = ""  # a str: the embedded server's socket form is no PostgresDsn
    migration_database_url: str = ""
    redis_url: str = ""
    db_pool_size: int = Field(10, ge=2, le=100)
    db_lock_timeout_ms: int = Field(2_000, ge=100, le=60_000)
    db_statement_timeout_ms: int = Field(5_000, ge=100, le=60_000)
    db_idle_timeout_ms: int = Field(10_000, ge=100, le=60_000)
    api_workers: int = Field(1, ge=1, le=64)

    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    field_keys: dict[int, SecretStr] = {}
    """Secrets that seal personal data, by version; SECRET_KEY is version 1 where there are none."""
    index_key: SecretStr = SecretStr("")
    index_key_before: SecretStr = SecretStr("")
    policy_version: str = Field("2026-11", min_length=1, max_length=20)
    metrics_token: SecretStr | None = None
    log_signing_key_file: Path | None = None
    log_origin: str = Field("", pattern=r"^[^\s+]*$")
    log_retired_keys: str = ""  # published keys, separated by spaces

    wx_api_base: str = REAL_BASES["wx_api_base"]
    wx_appid: str = ""
    wx_secret: SecretStr = SecretStr("")
    wx_env_version: Literal["release", "trial", "develop"] = "release"
    wx_push_token: SecretStr = SecretStr("")
    wx_encoding_aes_key: SecretStr = SecretStr("")
    wx_templates: dict[str, str] = {}
    wxpay_base: str = REAL_BASES["wxpay_base"]
    wxpay_mchid: str = ""
    wxpay_merchant_serial: str = ""
    wxpay_merchant_key_file: Path | None = None
    wxpay_apiv3_key: SecretStr = SecretStr("")
    wxpay_public_key_id: str = ""
    wxpay_public_key_file: Path | None = None
    wxpay_platform_cert_files: str = ""  # paths, separated by commas

    media_store: str = Field("", pattern=r"^(file:///.+|s3://.+)?$")
    aws_access_key_id: str = ""
    aws_secret_access_key: SecretStr = SecretStr("")
    aws_region: str = ""
    aws_endpoint: str = ""
    aws_virtual_hosted_style_request: bool = False

    @property
    def s3(self) -> dict[str, str]:
        """What the S3-compatible store of MEDIA_STORE is told, in obstore's own names."""
        told = {
            "aws_access_key_id": self.aws_access_key_id,
            "aws_secret_access_key": self.aws_secret_access_key.get_secret_value(),
            "aws_region": self.aws_region,
            "aws_endpoint": self.aws_endpoint,
            "aws_virtual_hosted_style_request": str(self.aws_virtual_hosted_style_request).lower(),
            "aws_disable_bulk_delete": "true",  # not every compatible store has it
        }
        return {name: value for name, value in told.items() if value}

    @property
    def keys(self) -> Keys:
        """What seals and finds personal data."""
        secret = self.secret_key.get_secret_value()
        return Keys(
            {version: key.get_secret_value() for version, key in self.field_keys.items()} or {1: secret},
            self.index_key.get_secret_value() or secret,
            self.index_key_before.get_secret_value() or None,
        )

    @property
    def production(self) -> bool:
        return self.app_env == "production"

    @property
    def platform_certificates(self) -> list[Path]:
        """Where the certificates of WeChat Pay lie, if the merchant still has notifications signed by one."""
        return [Path(name.strip()) for name in self.wxpay_platform_cert_files.split(",") if name.strip()]

    @property
    def base_url(self) -> str:
        """Where WeChat and clients reach this installation, without a trailing slash."""
        return (self.public_base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def log_name(self) -> str:
        """Whose log it is, as its heads and its key say; it must outlive a change of address: set LOG_ORIGIN then."""
        return self.log_origin or f"{urlsplit(self.public_base_url).hostname or 'localhost'}/log"

    def template_id(self, name: str) -> str | None:
        """WeChat's id of our message template `name`; the sandbox takes `tmpl-<name>`, WeChat only what it gave."""
        return self.wx_templates.get(name) or (None if self.production else f"tmpl-{name}")

    @field_validator("wx_encoding_aes_key")
    @classmethod
    def _opens_pushes(cls, key: SecretStr) -> SecretStr:
        if key and not re.fullmatch(r"[0-9A-Za-z+/]{43}", key.get_secret_value()):
            raise ValueError("WX_ENCODING_AES_KEY has 43 characters")
        return key

    @field_validator("field_keys")
    @classmethod
    def _fits_one_byte(cls, keys: dict[int, SecretStr]) -> dict[int, SecretStr]:
        if any(not 1 <= version <= VERSION_MAX for version in keys):
            raise ValueError(f"FIELD_KEYS are numbered 1 to {VERSION_MAX}")
        return keys

    @model_validator(mode="after")
    def _production_is_complete(self) -> Self:
        if not self.production:
            return self
        needed = (
            "database_url",
            "redis_url",
            "public_base_url",
            "media_store",
            "log_signing_key_file",
            "wx_appid",
            "wx_secret",
            "wx_push_token",
            "wx_encoding_aes_key",
            "wxpay_mchid",
            "wxpay_merchant_serial",
            "wxpay_merchant_key_file",
            "wxpay_apiv3_key",
            "wxpay_public_key_id",
            "wxpay_public_key_file",
        )
        missing = [name.upper() for name in needed if not _plain(getattr(self, name))]
        if missing:
            raise ValueError(f"production needs {', '.join(missing)}")
        if self.secret_key.get_secret_value() == DEVELOPMENT_SECRET or len(self.secret_key) < 32:
            raise ValueError("production needs SECRET_KEY of at least 32 characters of its own")
        if any(len(key) < 32 for key in (*self.field_keys.values(), self.index_key, self.index_key_before) if key):
            raise ValueError("FIELD_KEYS, INDEX_KEY and INDEX_KEY_BEFORE have at least 32 characters each")
        if any(not key for key in self.field_keys.values()):
            raise ValueError("FIELD_KEYS holds an empty key")
        for name, base in REAL_BASES.items():
            if getattr(self, name) != base:
                raise ValueError(f"production talks to {base} only ({name.upper()})")
        if "SANDBOX" in (self.wx_appid + self.wxpay_public_key_id).upper():
            raise ValueError("production refuses the sandbox's identities")
        if len(self.wxpay_apiv3_key) != 32:
            raise ValueError("WXPAY_APIV3_KEY has 32 characters")
        if not self.public_base_url.startswith("https://"):
            raise ValueError("PUBLIC_BASE_URL is https in production")
        return self


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
