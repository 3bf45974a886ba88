"""Shapes of comments, the same under every thing that is commented."""

from pydantic import ConfigDict

from models.base import Moderation
from routers.schemas.base import Asked, Author, Body, Id, Moment, Shape


class CommentIn(Asked):
    """What one says; `parent_id` answers a comment of the first level."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"body": "支持，希望尽快解决"}]})

    body: Body
    parent_id: Id | None = None


class CommentOut(Shape):
    """What somebody said."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": 31,
                    "author": {"id": 7, "nickname": "小林"},
                    "body": "支持，希望尽快解决",
                    "parent_id": None,
                    "moderation": "passed",
                    "created_at": "2026-11-23T10:00:00+08:00",
                }
            ]
        },
    )

    id: int
    author: Author
    body: str
    parent_id: int | None
    moderation: Moderation
    created_at: Moment
