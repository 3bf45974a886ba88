"""The one error family. Each carries a word for machines and a sentence for residents in Chinese and English.

DomainError
├── Unauthorized 401      who are you?
├── Forbidden 403         you may see it, not do it
├── NotFound 404          nothing here that you may know of
├── Conflict 409          it has moved on
│   ├── InvalidState      a wrong step of the road; carries the current state
│   └── …                 subclasses where a client must act differently
├── TooLarge 413          more than we read
├── Invalid 422           the words or figures do not fit
├── TooMany 429           slow down
└── Unavailable 503       try again shortly
"""

import re
from typing import Any, ClassVar


class DomainError(Exception):
    """Something a client is told about: status, stable code, and a sentence in two languages."""

    status: ClassVar[int] = 500
    code: str = "internal"
    zh: str = "系统出错了，我们已经记录"
    en: str = "Something went wrong; it has been recorded"

    def __init__(self, zh: str | None = None, en: str | None = None, **extra: Any) -> None:
        self.zh = zh or type(self).zh
        self.en = en or (type(self).en if zh is None else zh)
        self.extra = extra
        super().__init__(self.en)


class Unauthorized(DomainError):
    status, code, zh, en = 401, "unauthorized", "请先登录", "Please log in first"


class Forbidden(DomainError):
    status, code, zh, en = 403, "forbidden", "您没有权限这样做", "You may not do this"


class NotVerified(Forbidden):
    code = "not_verified"
    zh = "完成住户认证后才能参与"
    en = "Only verified residents may take part"


class NotFound(DomainError):
    status, code, zh, en = 404, "not_found", "没有找到", "Not found"


class Conflict(DomainError):
    status, code, zh, en = 409, "conflict", "状态已变化，请刷新后再试", "It has changed; please refresh"


class InvalidState(Conflict):
    """A step that the road does not have from here."""

    code = "invalid_state"

    def __init__(self, state: str) -> None:
        super().__init__(f"当前状态（{state}）不能这样操作", f"This is not possible while it is {state}", state=state)


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"
    zh = "同一个 Idempotency-Key 已用于另一个请求"
    en = "This Idempotency-Key was used for a different request"


class TooLate(Conflict):
    code, zh, en = "too_late", "已经超过期限", "The time for this is over"


class AlreadyExists(Conflict):
    code, zh, en = "already_exists", "已经存在，不能重复提交", "It exists already"


class TooLarge(DomainError):
    status, code, zh, en = 413, "content_too_large", "内容太大", "The content is too large"


class Invalid(DomainError):
    status, code, zh, en = 422, "invalid", "内容不符合要求", "The content is not valid"


class TooMany(DomainError):
    status, code, zh, en = 429, "rate_limited", "操作太频繁，请稍后再试", "Too many requests; slow down"


class Unavailable(DomainError):
    status, code, zh, en = (
        503,
        "unavailable",
        "系统繁忙，请稍后再试",
        "Temporarily unavailable; try again shortly",
    )


def prefers_english(accept_language: str | None) -> bool:
    """Whether the reader of an `Accept-Language` header is answered in English; Chinese is the default."""
    wishes = {"en": 0.0, "zh": 0.0}
    for part in (accept_language or "").lower().split(",")[:20]:
        tag, _, weight = part.partition(";q=")
        language = tag.strip().partition("-")[0]
        if language in wishes:
            wishes[language] = max(wishes[language], float(weight) if WEIGHT.fullmatch(weight.strip()) else 1.0)
    return wishes["en"] > wishes["zh"]


WEIGHT = re.compile(r"[01](\.\d{0,3})?", re.ASCII)


_BY_CONSTRAINT: dict[str, type[DomainError]] = {}


def refuses(constraint: str, error: type[DomainError]) -> None:
    """Say once, beside the model, which error a resident meets when the named database constraint refuses."""
    _BY_CONSTRAINT[constraint] = error


def by_constraint(constraint: str | None) -> DomainError | None:
    """The error a constraint stands for, or None when nobody claimed it."""
    error = _BY_CONSTRAINT.get(constraint or "")
    return error() if error else None
