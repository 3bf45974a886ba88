"""Uploaded files become pictures in processes of their own, bounded in memory, time and number."""

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import Unavailable
from app.gateways.errors import PictureRefused

AT_ONCE = 2
WAIT_S, WORK_S = 20.0, 20.0
FRAME_MAX = 32 * 1024 * 1024
PROCESS = Path(__file__).with_name("picture_process.py")


@dataclass(frozen=True)
class Developed:
    """Two JPEGs made of pixels alone: at most 2,048 and at most 400 pixels a side; `peak_kib` is what it took."""

    width: int
    height: int
    full: bytes
    thumb: bytes
    peak_kib: int


class Darkroom:
    """Develops at most two files at a time for this API process."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)

    async def develop(self, raw: bytes) -> Developed:
        """Make a picture of a file. Raises PictureRefused, and Unavailable when too many wait."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self._room.acquire()
        except TimeoutError as exc:
            raise Unavailable from exc
        try:
            return _read(await _run(raw))
        finally:
            self._room.release()


async def _run(raw: bytes) -> bytes:
    """What the process says of a file; nothing when it was ended for taking too much."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(PROCESS),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},  # it has no business with our secrets
        cwd="/",
    )
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    try:
        async with asyncio.timeout(WORK_S):
            with suppress(ConnectionError):
                process.stdin.write(raw)
                await process.stdin.drain()
            process.stdin.close()
            frame = bytearray()
            while len(frame) <= FRAME_MAX and (part := await process.stdout.read(1024 * 1024)):
                frame += part
            if len(frame) <= FRAME_MAX:
                await process.wait()
            return bytes(frame)
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _read(frame: bytes) -> Developed:
    line, _, body = frame.partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError:
        raise PictureRefused("too_costly") from None
    if "error" in head:
        raise PictureRefused(head["error"])
    full, thumb = body[: head["full"]], body[head["full"] :]
    if len(thumb) != head["thumb"]:
        raise PictureRefused("too_costly")
    return Developed(head["width"], head["height"], full, thumb, head["peak_kib"])
