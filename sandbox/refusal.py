"""How the api.weixin.qq.com side says no."""


class WeixinError(Exception):
    """HTTP 200 with an `errcode`; the door adds the rid to the `errmsg`."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errcode, errmsg)
        self.errcode, self.errmsg = errcode, errmsg
