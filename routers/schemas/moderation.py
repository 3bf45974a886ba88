"""Shapes of the human queue."""

from pydantic import ConfigDict

from models.moderation import CheckState, Why
from routers.schemas.base import Moment, Shape


class QueuedOut(Shape):
    """Something that waits for a human; `suggest` and `label` are WeChat's, `why` says why it did not decide."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": 41,
                    "subject": "need:12",
                    "community_id": 4,
                    "state": "queued",
                    "texts": ["7号楼楼道灯坏了", "一到三层的灯都不亮"],
                    "media_url": None,
                    "suggest": "review",
                    "label": 20006,
                    "why": "review",
                    "author": "小**",
                    "created_at": "2026-11-23T10:00:00+08:00",
                }
            ]
        },
    )

    id: int
    subject: str
    community_id: int | None
    state: CheckState
    texts: list[str]
    media_url: str | None
    suggest: str | None
    label: int | None
    why: Why | None
    author: str
    created_at: Moment
