"""Shapes of comments, the same wherever something may be commented on."""

from models.base import Moderation
from routers.schemas.base import Author, Body, Id, Moment, Shape, examples
from routers.schemas.residents import HelpIn


class CommentIn(HelpIn):
    """Something to say; `parent_id` names the comment it answers."""

    model_config = examples({"body": "我家门口的灯也坏了", "parent_id": None})

    body: Body
    parent_id: Id | None = None


class SupportOut(Shape):
    """How many stand behind a comment, and whether the reader does."""

    model_config = examples({"supports": 12, "supported_by_me": True})

    supports: int
    supported_by_me: bool


class CommentOut(SupportOut):
    """What somebody said; `pinned` is the official answer. `hidden_reason` is for its author and the staff."""

    model_config = examples(
        {
            "id": 31,
            "body": "我家门口的灯也坏了",
            "parent_id": None,
            "moderation": "passed",
            "author": {"id": 8, "nickname": "阿梅"},
            "supports": 12,
            "supported_by_me": True,
            "pinned": False,
            "hidden_reason": None,
            "created_at": "2026-11-23T10:05:00+08:00",
        }
    )

    id: int
    body: str
    parent_id: int | None
    moderation: Moderation
    author: Author
    pinned: bool
    hidden_reason: str | None
    created_at: Moment
