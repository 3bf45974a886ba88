"""What WeChat calls. Nobody is logged in here: who speaks is proved by a signature, or not believed."""

from datetime import UTC, datetime

import structlog
from fastapi import Request, Response
from fastapi.responses import PlainTextResponse

from app.core import redis
from app.core.errors import DomainError, Forbidden
from app.gateways.errors import NotifyRejected
from routers.deps import ThePushReader, TheWechatPay
from routers.house import PUBLIC, make_router
from services import payments, pushes

SIGNATURE_S = 600  # twice as long as a signature is believed
SUCCESS = "success"

log = structlog.stdlib.get_logger("linli.callbacks")

router = make_router("/wechat", "callbacks")


class NotBelieved(DomainError):
    """In the words WeChat Pay expects."""

    status, code, zh, en = 400, "FAIL", "通知未通过验证", "The notification was not believed"


@router.post("/pay/notify", status_code=204, openapi_extra=PUBLIC)
async def hear_wechat_pay(request: Request, pay: TheWechatPay) -> Response:
    """A payment or a refund, told by WeChat Pay; the same again, or about nothing of ours, changes nothing."""
    try:
        said = pay.read_notification(request.headers, await request.body(), now=datetime.now(UTC))
    except NotifyRejected as rejected:
        log.warning("notification rejected", reason=str(rejected))
        raise NotBelieved(message=NotBelieved.zh) from None  # why would help a forger
    await payments.hear(said)
    return Response(status_code=204)


@router.get("/push", response_class=PlainTextResponse, openapi_extra=PUBLIC)
async def check_push_address(request: Request, reader: ThePushReader) -> str:
    """Asked once by WeChat, when this address is entered in its console: the echo proves that we hold the token."""
    try:
        return reader.echo(request.query_params, now=datetime.now(UTC))
    except NotifyRejected:
        raise _forged_push() from None


@router.post("/push", response_class=PlainTextResponse, openapi_extra=PUBLIC)
async def hear_wechat_push(request: Request, reader: ThePushReader) -> str:
    """An event that WeChat pushes; the same again, or one we have no use for, changes nothing."""
    try:
        said = reader.read(request.query_params, await request.body(), now=datetime.now(UTC))
    except NotifyRejected:
        raise _forged_push() from None
    if said is None:
        return SUCCESS
    used = f"wx:push:{said.signed.hex()}"
    if not await redis.was_used(request.app.state.redis, used):
        await pushes.hear(said)
        await redis.use(request.app.state.redis, used, seconds=SIGNATURE_S)
    return SUCCESS


def _forged_push() -> Forbidden:
    log.warning("push rejected")
    return Forbidden("推送未通过验证", "The push was not believed")
