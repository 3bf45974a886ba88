"""What the clock brings is done one by one, each in its own transaction."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def one_by_one(due: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do `work` for each that is due; one that fails does not keep the others waiting.

    Raises an ExceptionGroup of the failures at the end, so that the worker's log names them.
    """
    failures: list[Exception] = []
    for item in due:
        try:
            await work(item)
        except Exception as exc:
            failures.append(exc)
    if failures:
        raise ExceptionGroup("not all that was due could be done", failures)
