"""Shapes of the audit trail."""

from typing import Any

from routers.schemas.base import Moment, Shape, examples


class TraceOut(Shape):
    """One line of the trail: who (masked; null for the system and anonymous givers), for whom, what, when, why.

    `before` and `after` are the states of the thing where the step changed them.
    """

    model_config = examples(
        {
            "id": 812,
            "verb": "need.declined",
            "at": "2026-11-23T10:00:00+08:00",
            "subject": "need:12",
            "actor_id": 5,
            "actor": "陈**",
            "on_behalf_of_id": None,
            "on_behalf_of": None,
            "before": "submitted",
            "after": "declined",
            "reason": "不属于本社区的事务",
            "facts": {},
        }
    )

    id: int
    verb: str
    at: Moment
    subject: str
    actor_id: int | None
    actor: str | None
    on_behalf_of_id: int | None
    on_behalf_of: str | None
    before: str | None
    after: str | None
    reason: str | None
    facts: dict[str, Any]
