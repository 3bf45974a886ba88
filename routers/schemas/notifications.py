"""Shapes of messages through WeChat, preferences and call lists."""

from typing import Annotated

from pydantic import Field, StrictBool

from models.notifications import Answer, MessageTemplate
from routers.schemas.base import PRINTABLE, Asked, Id, Moment, Shape, bounded, examples

TemplateKey = Annotated[str, bounded(1, 64), PRINTABLE]


class SubscriptionOut(Shape):
    """A template to ask for: its id goes into wx.requestSubscribeMessage."""

    model_config = examples(
        {
            "template": "need_progress",
            "template_id": "h-AQ2yAWnS8CcGhA1aB3cD4eF5gH6iJ7kL8mN9oP0qR",
            "title": "需求办理进度提醒",
            "credits": 2,
            "enabled": True,
        }
    )

    template: MessageTemplate
    template_id: str
    title: str
    credits: int
    enabled: bool


class SubscriptionsIn(Asked):
    """What wx.requestSubscribeMessage answered, by template id (or by our name)."""

    model_config = examples({"results": {"tmpl-need_progress": "accept"}})

    results: Annotated[dict[TemplateKey, Answer], Field(min_length=1, max_length=5)]


class CreditsOut(Shape):
    """How many messages of each template one may still be sent."""

    model_config = examples({"credits": {"need_progress": 2, "digest": 1}})

    credits: dict[str, int]


class PreferencesIn(Asked):
    """The wishes to replace. `quiet` keeps the nights free of messages, from 22:00 to 07:00."""

    model_config = examples({"templates": {"vote_notice": False}, "quiet": True, "digest": True})

    templates: dict[MessageTemplate, StrictBool] = {}
    quiet: StrictBool | None = None
    digest: StrictBool | None = None


class PreferencesOut(Shape):
    """How one wants to be told; the inbox always has everything."""

    model_config = examples({"templates": {"need_progress": True, "vote_notice": False}, "quiet": True, "digest": True})

    templates: dict[MessageTemplate, bool]
    quiet: bool
    digest: bool


class CallLineOut(Shape):
    """One thing to tell."""

    id: int
    text: str
    created_at: Moment


class CallOut(Shape):
    """Somebody without WeChat, to be called; `through_id` is the last notice shown here."""

    model_config = examples(
        {
            "resident_id": 21,
            "name": "王淑芬",
            "phone": "13800001234",
            "building": "7号楼",
            "unit": "1",
            "room": "101",
            "through_id": 40,
            "notices": [{"id": 40, "text": "需求「楼道灯坏了」已受理", "created_at": "2026-11-23T10:00:00+08:00"}],
        }
    )

    resident_id: int
    name: str
    phone: str | None
    building: str
    unit: str
    room: str
    through_id: int
    notices: list[CallLineOut]


class CalledIn(Asked):
    """What was told: everything up to this notice, so that one that came meanwhile is not lost."""

    model_config = examples({"through_id": 40})

    through_id: Id | None = None


class CalledOut(Shape):
    """Somebody who was called, and how many notices are still to be told."""

    model_config = examples({"id": 21, "unread": 0})

    id: int
    unread: int
