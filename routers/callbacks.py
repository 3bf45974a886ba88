"""What WeChat calls. Nobody is logged in here: who speaks is proved by a signature, or not believed."""

from datetime import UTC, datetime

import structlog
from fastapi import Request, Response

from app.core.errors import DomainError
from app.gateways.errors import NotifyRejected
from routers.deps import TheWechatPay
from routers.house import PUBLIC, make_router
from services import payments

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
        raise NotBelieved(message=str(rejected)) from None
    await payments.hear(said)
    return Response(status_code=204)
