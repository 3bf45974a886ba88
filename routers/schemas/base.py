"""What all shapes share: bounded text, ids, money, time, lists and problems."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from app.core.clock import SHANGHAI
from models.base import Moderation

T = TypeVar("T")

FEN_MAX = 10**12
ID_MAX = 2**63 - 1


UNSEEN = {"Cc", "Cf", "Co", "Cs"}  # controls, what steers the direction of writing or has no width, private, halves
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols that show nothing
EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
JOINED = re.compile(f"(?<=[{EMOJI}\ufe0f])\u200d(?=[{EMOJI}])")
"""The joiner within an emoji of several."""


def _printable(text: str) -> str:
    for character in JOINED.sub("", text):
        if unicodedata.category(character) in UNSEEN or character in BLANKS:
            raise PydanticCustomError(
                "unseen", "contains U+{code}, which nobody can see", {"code": f"{ord(character):04X}"}
            )
    if text and all(unicodedata.category(character)[0] in "MZ" for character in text):
        raise PydanticCustomError("nothing_seen", "contains nothing that can be seen")
    return text


def _printable_lines(text: str) -> str:
    _printable(re.sub(r"[\r\n\t]", " ", text))
    return text


PRINTABLE = AfterValidator(_printable)
PRINTABLE_LINES = AfterValidator(_printable_lines)
"""The same for texts of several lines."""


def bounded(low: int, high: int) -> StringConstraints:
    """Text of `low` to `high` characters, trimmed: `Annotated[str, bounded(1, 20), PRINTABLE]`."""
    return StringConstraints(strip_whitespace=True, min_length=low, max_length=high)


Title = Annotated[str, bounded(1, 60), PRINTABLE]
Body = Annotated[str, bounded(1, 5000), PRINTABLE_LINES]
ShortText = Annotated[str, bounded(1, 200), PRINTABLE_LINES]
ReasonText = Annotated[str, bounded(1, 1000), PRINTABLE_LINES]
Id = Annotated[int, Field(ge=1, le=ID_MAX, strict=True)]
PathId = Annotated[int, Field(ge=1, le=ID_MAX)]
"""An id out of a path or query, where everything is text."""
Fen = Annotated[int, Field(ge=1, le=FEN_MAX, strict=True)]
"""Money in integer fen, 1 … 10^12."""
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="A calendar month: 2026-11")]
RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _rfc3339(sent: object) -> object:
    if isinstance(sent, str) and not RFC3339.fullmatch(sent):
        raise ValueError("say a moment as 2026-11-23T10:00:00+08:00")
    if not isinstance(sent, str | datetime):
        raise ValueError("say a moment as 2026-11-23T10:00:00+08:00")
    return sent


def _of_our_time(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError("between the years 2000 and 2100")
    return at


When = Annotated[AwareDatetime, BeforeValidator(_rfc3339), AfterValidator(_of_our_time)]
"""A moment sent by a client: RFC 3339 with offset, between the years 2000 and 2100."""
Moment = Annotated[
    datetime,
    PlainSerializer(lambda at: at.astimezone(SHANGHAI).isoformat(), return_type=str, when_used="json"),
]
"""A moment sent to a client: RFC 3339 with the offset of Shanghai."""


def examples(*bodies: dict[str, Any]) -> ConfigDict:
    """Bodies that the OpenAPI document shows for a shape: `model_config = examples({"score": 5})`."""
    return ConfigDict(json_schema_extra={"examples": list(bodies)})


class Shape(BaseModel):
    """A body sent to clients, read from attributes."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, found: object, **told: Any) -> Self:
        """What was found, field by field; `told` are the fields that it lacks or that are told otherwise."""
        read = {name: getattr(found, name) for name in cls.model_fields if name not in told}
        return cls.model_validate(read | told)


class Asked(BaseModel):
    """A body sent by clients; fields we do not know are refused, so that a typing error loses nothing silently."""

    model_config = ConfigDict(extra="forbid")


class PageOf(Shape, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[T]
    next_cursor: str | None


class Author(Shape):
    """Who wrote it, as others may know him."""

    id: int
    nickname: str


class Reasoned(Asked):
    """A step that owes somebody a reason."""

    model_config = examples({"reason": "不属于本社区的事务"})

    reason: ReasonText


class TimelineLine(Shape):
    """One line of a thing's public history; `by` tells in what part somebody acted."""

    id: int
    verb: str
    at: Moment
    by: str
    assisted: bool
    reason: str | None
    reason_moderation: Moderation | None = None
    facts: dict[str, Any]


class FieldError(Shape):
    """What is wrong with one field."""

    loc: list[str]
    message: str


class Problem(Shape):
    """RFC 9457 problem details; `code` is for machines, `detail` for residents."""

    model_config = examples(
        {
            "type": "https://linli.example/problems/invalid_state",
            "title": "Conflict",
            "status": 409,
            "detail": "当前状态（declined）不能这样操作",
            "code": "invalid_state",
            "state": "declined",
            "request_id": "5f2b7c1d9e3a4b60",
        }
    )

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError] | None = None
    request_id: str
