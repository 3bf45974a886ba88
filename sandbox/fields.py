"""What the platform says about the fields of a request."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox.gate import PayProblem
from sandbox.world import World

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def no_emoji(value: Any) -> None:
    """Refuse characters of four bytes and halves of them, wherever they stand."""
    if isinstance(value, dict):
        for part in value.values():
            no_emoji(part)
    elif isinstance(value, list):
        for part in value:
            no_emoji(part)
    elif isinstance(value, str) and re.search(r"[\ud800-\udfff\U00010000-\U0010ffff]", value):
        raise PayProblem(400, "PARAM_ERROR", "参数中含有不支持的字符（四字节UTF-8）")


def text(body: dict[str, Any], name: str, longest: int, *, required: bool = True) -> str | None:
    """A text field of limited length; the platform counts the bytes of UTF-8."""
    value = body.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value:
        raise _wrong(name, "不能为空")
    if len(value.encode()) > longest:
        raise _wrong(name, f"字符串规则校验失败，字节数 {len(value.encode())}，大于最大值 {longest}")
    return value


def number(body: dict[str, Any], name: str, pattern: str) -> str:
    """A number of the merchant's own, such as out_trade_no."""
    value = body.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise _wrong(name, "格式错误")
    return value


def fen(amount: dict[str, Any], name: str) -> int:
    """An amount in fen, at least one."""
    value = amount.get(name)
    if type(value) is not int or value < 1:
        raise _wrong(f"amount/{name}", "必须是不小于1的整数")
    return value


def money(body: dict[str, Any]) -> dict[str, Any]:
    """The amount object; the currency is CNY or left out."""
    amount = body.get("amount")
    if not isinstance(amount, dict):
        raise _wrong("amount", "不能为空")
    if amount.get("currency", "CNY") != "CNY":
        raise _wrong("amount/currency", "境内商户号仅支持人民币")
    return amount


def moment(body: dict[str, Any], name: str) -> float | None:
    """An RFC 3339 time with its zone, as seconds since the epoch."""
    value = body.get(name)
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _wrong(name, "时间格式错误") from None
    if read.tzinfo is None:
        raise _wrong(name, "时间格式错误，缺少时区")
    return read.timestamp()


def notify_url(world: World, body: dict[str, Any], longest: int, *, required: bool = True) -> str | None:
    """Where to notify. This sandbox speaks only to the loopback and to the application it was started for."""
    url = text(body, "notify_url", longest, required=required)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and not parts.query and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not parts.hostname:
        raise _wrong("notify_url", "必须是不带参数的http(s)地址")
    if parts.hostname not in (*LOOPBACK, urlsplit(world.app_url).hostname):
        raise _wrong("notify_url", "沙箱只通知本机的应用")
    return url


def _wrong(name: str, why: str) -> PayProblem:
    return PayProblem(400, "PARAM_ERROR", f"输入源“/body/{name}”{why}", {"field": f"/body/{name}", "location": "body"})
