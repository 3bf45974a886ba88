"""Addresses of pictures: signed, good for an hour or two, the same all hour long so that clients may cache them.

Pictures are loaded by `<image>`, which sends no token of its own. So the address is the permission: it is given only
to those who may see the picture, and says for whom it was made. Real time counts here, not the database's: an address
is no deadline of anybody's.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from app.core import tokens
from models.media import UnknownPhoto

HOUR_S = 3600
READING_HOURS = 1
OURS = re.compile(r"([1-9]\d{0,17})/(?:file|thumb)(?:\?token=[\w-]{1,200})?", re.ASCII)


class Size(StrEnum):
    """The picture itself, or its thumbnail."""

    FILE = "file"
    THUMB = "thumb"


class Audience(StrEnum):
    """For whom an address was made: a reader sees what has passed, the others whatever there is.

    The checker is WeChat, who is never sent on to another address.
    """

    READER = "reader"
    OWNER = "owner"
    CHECKER = "checker"


@dataclass(frozen=True)
class Links:
    """Makes and reads addresses under `base_url` with the installation's secret."""

    base_url: str
    secret: str

    def address(self, media_id: int, size: Size, audience: Audience, *, hours: int) -> str:
        """An address good for `hours` full hours and the rest of the running one."""
        until = _until(hours)
        token = tokens.sign(self.secret, f"{size} of media {media_id}", f"{audience}.{until}")
        return f"{self.base_url}/v1/media/{media_id}/{size}?token={token}"

    def audience(self, media_id: int, size: Size, token: str) -> Audience | None:
        """For whom a token was made; None when it is not ours, made for another picture, or over."""
        message = tokens.unsign(self.secret, f"{size} of media {media_id}", token)
        if message is None:
            return None
        audience, until = message.split(".")
        return Audience(audience) if time.time() < int(until) else None

    def private(self, path: str) -> str:
        """The address of something at `path` that only who was given it may fetch, good for an hour or two."""
        return f"{self.base_url}{path}?token={tokens.sign(self.secret, path, str(_until(READING_HOURS)))}"

    def opens(self, path: str, token: str) -> bool:
        """Whether a token was given for `path` and is not over."""
        until = tokens.unsign(self.secret, path, token)
        return until is not None and time.time() < int(until)

    def media_id(self, address: str) -> int | None:
        """Which picture an address of ours leads to, whether or not it still does; None for any other address."""
        path = address.removeprefix(f"{self.base_url}/v1/media/") if address.startswith(self.base_url) else ""
        found = OURS.fullmatch(path)
        return int(found[1]) if found else None


def _until(hours: int) -> int:
    return (int(time.time()) // HOUR_S + 1 + hours) * HOUR_S


_links: ContextVar[Links] = ContextVar("links")


def bind(links: Links) -> None:
    """Make addresses with `links` from here on, in this task and those it starts."""
    _links.set(links)


@contextmanager
def bound(links: Links) -> Iterator[None]:
    """Make addresses with `links` within the block."""
    token = _links.set(links)
    try:
        yield
    finally:
        _links.reset(token)


def current() -> Links:
    """The links of the running request or worker."""
    return _links.get()


def signed_url(media_id: int, hours: int) -> str:
    """The picture for whoever has to judge it, whatever its moderation; good for `hours` and the rest of this one."""
    return current().address(media_id, Size.FILE, Audience.CHECKER, hours=hours)


def judged_url(media_id: int) -> str:
    """The picture for a human who has to judge it, whatever its moderation."""
    return current().address(media_id, Size.FILE, Audience.OWNER, hours=READING_HOURS)


def own_url(media_id: int) -> str:
    """One's own picture, good for a day."""
    return current().address(media_id, Size.FILE, Audience.OWNER, hours=24)


def avatar_url(media_id: int) -> str:
    """One's own avatar, also while it waits for its check."""
    return current().address(media_id, Size.THUMB, Audience.OWNER, hours=READING_HOURS)


def avatar_id(address: str | None) -> int | None:
    """The picture that a client names by an address out of `POST /v1/media`. Raises UnknownPhoto for any other."""
    if address is None:
        return None
    media_id = current().media_id(address)
    if media_id is None:
        raise UnknownPhoto
    return media_id


def private_url(path: str) -> str:
    """The address of something at `path` that only whom it was given to may fetch, good for an hour or two."""
    return current().private(path)


def opens(path: str, token: str) -> bool:
    """Whether `token` was given with the address of `path` and is not over."""
    return current().opens(path, token)
