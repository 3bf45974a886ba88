"""Shapes of pictures."""

from typing import Annotated, Any

from pydantic import Field

from models.base import Moderation
from models.media import PHOTOS_MAX
from routers.schemas.base import Id, Shape, examples

PhotoIds = Annotated[list[Id], Field(max_length=PHOTOS_MAX)]

PHOTO: dict[str, Any] = {
    "id": 31,
    "url": "https://linli.example.org/v1/media/31/file?token=q5Jm0n8s1V0nq0y8T0c3m3JlYWRlci4xNzk1",
    "thumb_url": "https://linli.example.org/v1/media/31/thumb?token=8T0c3m1kL6v9pQx2dZr4tUw7yAbE3JlYWRlci4xNzk1",
    "width": 1536,
    "height": 2048,
    "moderation": "passed",
}


class PhotoOut(Shape):
    """A picture. Its addresses are good for an hour at least; read the thing again for fresh ones."""

    model_config = examples(PHOTO)

    id: int
    url: str
    thumb_url: str
    width: int
    height: int
    moderation: Moderation
