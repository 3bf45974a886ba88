"""Where pictures are kept: a folder, or any store that speaks S3."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from mimetypes import guess_type
from pathlib import Path
from typing import Protocol

import structlog
from obstore import sign_async
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from app.core.errors import Unavailable
from app.core.settings import Settings

TIMEOUT = timedelta(seconds=10)
RETRIES = 2

log = structlog.stdlib.get_logger("linli.storage")


class Storage(Protocol):
    async def put(self, name: str, data: bytes) -> None:
        """Keep a picture; its name ends in .jpg or .png.

        Raises Unavailable, as all of these do when the store cannot be reached.
        """
        ...

    async def get(self, name: str) -> bytes | None:
        """The picture of a name, or None."""
        ...

    async def exists(self, name: str) -> bool:
        """Whether a picture is kept under the name."""
        ...

    async def delete(self, name: str) -> None:
        """Forget a picture; again changes nothing."""
        ...

    async def signed_url(self, name: str, *, seconds: int) -> str | None:
        """An address at which the store itself serves the picture for a while; None for a folder."""
        ...


def open_storage(settings: Settings) -> Storage:
    """The store that MEDIA_STORE names: `file:///folder`, `s3://bucket/prefix`, or a folder under LINLI_DATA."""
    address = settings.media_store
    if address.startswith("s3://"):
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        return ObjectStorage(
            S3Store(
                bucket,
                prefix=prefix or None,
                config=settings.s3,  # type: ignore[arg-type]
                client_options={"timeout": TIMEOUT, "connect_timeout": TIMEOUT, "allow_http": not settings.production},
                retry_config={"max_retries": RETRIES, "retry_timeout": TIMEOUT},
            )
        )
    folder = Path(address.removeprefix("file://")) if address else settings.linli_data.resolve() / "media"
    return ObjectStorage(LocalStore(folder, mkdir=True))


class ObjectStorage:
    """The promise kept by obstore."""

    def __init__(self, store: LocalStore | S3Store) -> None:
        self._store = store

    async def put(self, name: str, data: bytes) -> None:
        kind, _ = guess_type(name)
        attributes = {"Content-Type": kind} if kind and isinstance(self._store, S3Store) else None
        async with _reached():
            await self._store.put_async(name, data, attributes=attributes)

    async def get(self, name: str) -> bytes | None:
        async with _reached():
            try:
                found = await self._store.get_async(name)
            except FileNotFoundError:
                return None
            return bytes(await found.bytes_async())

    async def exists(self, name: str) -> bool:
        async with _reached():
            try:
                await self._store.head_async(name)
            except FileNotFoundError:
                return False
            return True

    async def delete(self, name: str) -> None:
        async with _reached():
            try:
                await self._store.delete_async(name)
            except FileNotFoundError:
                return

    async def signed_url(self, name: str, *, seconds: int) -> str | None:
        if isinstance(self._store, LocalStore):
            return None
        async with _reached():
            return await sign_async(self._store, "GET", name, timedelta(seconds=seconds))


@asynccontextmanager
async def _reached() -> AsyncIterator[None]:
    try:
        yield
    except (BaseError, OSError) as exc:
        log.error("storage", error=type(exc).__name__)
        raise Unavailable("照片服务暂时不可用，请稍后再试", "Pictures are not available; try again shortly") from exc
