"""Keyset pages: a list is read newest first and goes on after the last row seen, never by offset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

T = TypeVar("T")
M = TypeVar("M", bound=Model)
U = TypeVar("U")

LIMIT_MAX = 100


@dataclass(frozen=True)
class Page:
    """At most `limit` rows after the row whose sort values are `after`."""

    limit: int = 20
    after: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Listed(Generic[T]):
    """One page of rows, and the sort values of its last row when more follow."""

    items: list[T]
    after: tuple[int, ...] | None = None

    def map(self, shape: Callable[[T], U]) -> "Listed[U]":
        """The same page with each row shaped."""
        return Listed([shape(item) for item in self.items], self.after)


async def newest(query: QuerySet[M], page: Page, *, by: Sequence[str] = ("id",)) -> Listed[M]:
    """Read one page of `query`, greatest `by` values first; `by` are integer columns and end with the id."""
    if page.after is not None and len(page.after) == len(by):
        beyond = Q()
        for depth, column in enumerate(by):
            equal: dict[str, Any] = {name: page.after[i] for i, name in enumerate(by[:depth])}
            beyond |= Q(**equal | {f"{column}__lt": page.after[depth]})
        query = query.filter(beyond)
    found = await query.order_by(*(f"-{column}" for column in by)).limit(page.limit + 1)
    return cut(found, page, by=by)


def cut(found: list[T], page: Page, *, by: Sequence[str] = ("id",)) -> Listed[T]:
    """Make a page of `limit + 1` rows that were read for it."""
    if len(found) <= page.limit:
        return Listed(found)
    found = found[: page.limit]
    return Listed(found, tuple(int(getattr(found[-1], column)) for column in by))


def where(first: int, *conditions: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """SQL conditions and their values, numbered from `$first`: `("n.state = {}", state)`; a value of None falls away.

    The text depends only on which conditions are there, so that each combination is planned for its index.
    """
    text = ""
    values: list[Any] = []
    for condition, *given in conditions:
        if None not in given:
            numbers = range(first + len(values), first + len(values) + len(given))
            text += " AND " + condition.format(*(f"${number}" for number in numbers))
            values += given
    return text, values
