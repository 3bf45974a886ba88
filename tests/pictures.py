"""Pictures made by code, for tests."""

import io
from typing import Any

from PIL import Image


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def plain(kind: str = "JPEG", *, size: tuple[int, int] = (640, 480), colour: str = "teal", **options: Any) -> bytes:
    """A file of one colour."""
    return encoded(Image.new("RGB", size, colour), kind, **options)
