"""Where pictures are drawn: in threads, so that nobody waits for the brush, and few at a time."""

import asyncio
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

from app.core.errors import Unavailable

T = TypeVar("T")

AT_ONCE, WAIT_S = 2, 5.0
_rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def in_the_studio(draw: Callable[..., T], *facts: object) -> T:
    """Draw in a thread, at most two at a time in this process. Raises Unavailable to whoever waited 5 s in vain."""
    room = _rooms.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    try:
        async with asyncio.timeout(WAIT_S):
            await room.acquire()
    except TimeoutError as error:
        raise Unavailable("正在绘制的图片太多，请稍后再试", "Too many pictures are being drawn; try again") from error
    try:
        return await asyncio.to_thread(draw, *facts)
    finally:
        room.release()
