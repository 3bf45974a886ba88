"""Open the outside world as the settings name it: WeChat and WeChat Pay, real or the sandbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from app.core.settings import Settings
from app.gateways.wechat import Wechat, WechatClient
from app.gateways.wechat_pay import WechatPay, WechatPayClient
from app.gateways.wechat_token import TokenStore

NOTIFY_PATH = "/v1/wechat/pay/notify"


@asynccontextmanager
async def open_outside(settings: Settings, redis: Redis | None) -> AsyncIterator[tuple[Wechat, WechatPay]]:
    """Both gateways, open for the block."""
    assert settings.wxpay_merchant_key_file, "WXPAY_MERCHANT_KEY_FILE is not set"  # noqa: S101
    assert settings.wxpay_public_key_file, "WXPAY_PUBLIC_KEY_FILE is not set"  # noqa: S101
    wechat = WechatClient(
        settings.wx_api_base,
        settings.wx_appid,
        settings.wx_secret.get_secret_value(),
        TokenStore(redis, settings.wx_appid),
        settings.wx_env_version,
    )
    pay = WechatPayClient(
        base=settings.wxpay_base,
        appid=settings.wx_appid,
        mchid=settings.wxpay_mchid,
        merchant_serial=settings.wxpay_merchant_serial,
        merchant_key=settings.wxpay_merchant_key_file.read_text(),
        apiv3_key=settings.wxpay_apiv3_key.get_secret_value(),
        public_key_id=settings.wxpay_public_key_id,
        public_key=settings.wxpay_public_key_file.read_text(),
        notify_url=settings.base_url + NOTIFY_PATH,
        certificates=[path.read_text() for path in settings.platform_certificates],
    )
    await pay.aopen()
    try:
        yield wechat, pay
    finally:
        await pay.aclose()
        await wechat.aclose()
