"""Errors as RFC 9457 `application/problem+json`, in the reader's language. The only place that knows the format."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from app.core import db, logs
from app.core.errors import Conflict, DomainError, Invalid, NotFound, Unavailable, prefers_english
from app.gateways.errors import WxBadArgument, WxBadCode, WxError, WxMisconfigured, WxRefused

log = structlog.stdlib.get_logger("linli.problems")

MEDIA_TYPE = "application/problem+json"
BASE = "https://linli.example/problems/"

# Pydantic's words → Chinese; {…} are the error's own context.
ZH = {
    "missing": "缺少这一项",
    "string_type": "应为文字",
    "string_too_short": "至少 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_unicode": "含有无法识别的字符",
    "unseen": "含有看不见的字符（U+{code}），请删去后再试",
    "nothing_seen": "没有可以看见的内容",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "int_parsing_size": "数字太大",
    "bool_type": "应为是或否",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "enum": "只能是 {expected}",
    "literal_error": "只能是 {expected}",
    "list_type": "应为列表",
    "too_short": "至少 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "dict_type": "应为对象",
    "model_attributes_type": "应为对象",
    "datetime_type": "应为日期时间",
    "datetime_parsing": "日期时间格式不正确",
    "datetime_from_date_parsing": "日期时间格式不正确",
    "timezone_aware": "日期时间须带时区",
    "date_from_datetime_parsing": "日期格式不正确",
    "date_parsing": "日期格式不正确",
    "extra_forbidden": "没有这一项",
    "json_invalid": "不是合法的 JSON",
    "one_ballot": "请在 choice、option_id、option_ids、scores、ranking 中填写且只填写一项",
    "of_a_budget": "budget_fen、count 和 cost_fen 只用于预算表决",
    "value_error": "不符合要求",
}
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def install(app: FastAPI) -> None:
    """Answer every kind of failure with a problem."""
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(WxError, _wechat)


def problem(request: Request, error: DomainError, *, status: int | None = None, **more: Any) -> Response:
    """The answer for one error."""
    status = status or error.status
    extra = dict(error.extra)
    headers = {}
    retry_after = extra.pop("retry_after", 2)
    if status in (429, 503) and retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = {
        "type": f"{BASE}{error.code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": error.en if prefers_english(request.headers.get("accept-language")) else error.zh,
        "code": error.code,
        **extra,
        **more,
        "request_id": request.scope.get("request_id", ""),
    }
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def unexpected(request: Request, exc: Exception) -> Response:
    """What is no DomainError: an outage of a server we need, a known constraint, or a defect of ours (500, logged)."""
    known = db.meaning(exc)
    if known is None:
        log.error("defect", path=request.url.path, **logs.about(exc))
        return problem(request, DomainError())
    if isinstance(known, Unavailable):
        log.warning("outage", error=type(exc).__name__, path=request.url.path)
    return problem(request, known)


async def _domain(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, DomainError)  # noqa: S101
    return problem(request, exc)


async def _validation(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101
    in_english = prefers_english(request.headers.get("accept-language"))
    errors = [
        {"loc": [str(part) for part in error["loc"]], "message": error["msg"] if in_english else _zh(error)}
        for error in exc.errors()[:20]
    ]
    return problem(request, Invalid(), errors=errors)


def _zh(error: dict[str, Any]) -> str:
    context = error.get("ctx", {})
    if "expected" in context:  # Pydantic's list of words: 'yes', 'no' or 'abstain'
        context = context | {"expected": context["expected"].replace(" or ", " 或 ")}
    return ZH.get(error["type"], "格式不正确").format_map(_Context(context))


class _Context(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


class _MethodNotAllowed(DomainError):
    status, code, zh, en = 405, "method_not_allowed", "不支持这种请求方法", "This method is not allowed here"


class _BadRequest(DomainError):
    status, code, zh, en = 400, "bad_request", "请求无法识别", "The request cannot be understood"


async def _http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101
    if isinstance(exc.__cause__, DomainError):  # FastAPI wraps what went wrong while the body was read
        return problem(request, exc.__cause__)
    error: DomainError = {404: NotFound(), 405: _MethodNotAllowed(), 422: Invalid()}.get(exc.status_code, _BadRequest())
    response = problem(request, error, status=exc.status_code)
    for name, value in (exc.headers or {}).items():
        response.headers[name] = value
    return response


class _CodeSpent(Conflict):
    code, zh, en = (
        "bad_code",
        "微信凭证无效或已使用，请重新获取",
        "The WeChat code is invalid or was used; ask for a new one",
    )
    status = 422


class _WechatRefused(DomainError):
    status, code, zh, en = 403, "refused_by_wechat", "微信拒绝了这次操作", "WeChat refused this"


OF_NO_USE = (
    "本站的微信配置有误，这项功能暂时无法使用，请联系管理员",
    "WeChat does not take what this installation asks of it; trying again is of no use, please tell its operator",
)


async def _wechat(request: Request, exc: Exception) -> Response:
    log.warning("wechat", error=type(exc).__name__, errcode=getattr(exc, "errcode", None), path=request.url.path)
    if isinstance(exc, WxBadCode):
        return problem(request, _CodeSpent())
    if isinstance(exc, WxRefused):
        return problem(request, _WechatRefused())
    if isinstance(exc, WxBadArgument | WxMisconfigured):
        return problem(request, Unavailable(*OF_NO_USE, retry_after=None))
    return problem(request, Unavailable("微信服务暂时不可用，请稍后再试", "WeChat is not available; try again shortly"))
