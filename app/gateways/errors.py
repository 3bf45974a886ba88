"""How the world outside can fail us: one tree for WeChat, one for WeChat Pay."""


class GatewayError(Exception):
    """Something outside our house went wrong."""


class WxError(GatewayError):
    """WeChat refused; `errcode` is its own number, None where it gave none."""

    def __init__(self, message: str, errcode: int | None = None) -> None:
        super().__init__(message)
        self.errcode = errcode


class WxUnavailable(WxError):
    """WeChat cannot be reached or is busy; the outcome of the call is unknown."""


class WxNotReached(WxUnavailable):
    """Nothing was asked of WeChat yet when it failed: what was wanted has certainly not happened."""


class WxBadResponse(WxUnavailable):
    """WeChat answered something that is not in its documentation."""


class WxQuota(WxError):
    """We called too often; back off."""


class WxMisconfigured(WxError):
    """Our appid, secret, address or permissions are wrong; no retry will help."""


class WxBadCode(WxError):
    """A login or phone code is unknown, too old or already used."""


class WxRefused(WxError):
    """WeChat holds this user for a risk."""


class WxNoCredit(WxError):
    """The user has refused this template, or its credit is used up; never send it again without a new consent."""


class WxInactive(WxError):
    """The user has not used the mini-program within two hours, so nothing can be checked in his name."""


class WxBadArgument(WxError):
    """WeChat does not take what we sent; the same again will be refused again."""


class PayError(GatewayError):
    """WeChat Pay refused, and nothing was changed by the call."""

    def __init__(self, status: int, code: str, message: str, request_id: str | None) -> None:
        super().__init__(f"{status} {code}: {message} (Request-ID {request_id})")
        self.status, self.code, self.message, self.request_id = status, code, message, request_id


class PayUnknown(GatewayError):
    """Whether the call took effect is not known: ask again with the same number before deciding anything."""


class BillNotReady(PayUnknown):
    """The bill of the day is still being written; ask again in half an hour."""


class NotifyRejected(GatewayError):
    """A notification that we do not believe."""


class PictureRefused(GatewayError):
    """A file that was not developed into a picture; `reason` is `not_a_picture`, `too_many_pixels` or `too_costly`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
