"""Shapes of service records, what became of them, and who judges them."""

from typing import Annotated

from pydantic import Field
from pydantic.config import JsonDict

from models.volunteering import ActivityKind, DisputeState
from routers.schemas.base import Asked, Author, Moment, ReasonText, Shape, TimelineLine, examples

RECORD_EXAMPLE: JsonDict = {
    "id": 5,
    "activity_id": 12,
    "kind": "service",
    "title": "周六陪老人逛公园",
    "shift_id": 31,
    "starts_at": "2026-12-05T09:00:00+08:00",
    "ends_at": "2026-12-05T11:00:00+08:00",
    "minutes": 110,
    "confirmed_minutes": 90,
    "dispute": "resolved",
    "created_at": "2026-12-05T11:10:00+08:00",
}


class ServiceRecordOut(Shape):
    """Confirmed service; `minutes` is what it counts for now, `confirmed_minutes` what it was at first."""

    model_config = examples(RECORD_EXAMPLE)

    id: int
    activity_id: int
    kind: ActivityKind
    title: str
    shift_id: int
    starts_at: Moment | None
    ends_at: Moment | None
    minutes: int
    confirmed_minutes: int
    dispute: DisputeState | None
    created_at: Moment


class JudgedRecordOut(ServiceRecordOut):
    """Somebody's service as those see it who judge it."""

    model_config = examples(RECORD_EXAMPLE | {"resident": {"id": 7, "nickname": "小林"}, "confirmed_by_id": 8})

    resident: Author
    confirmed_by_id: int


class RecordDetailOut(JudgedRecordOut):
    """One record with its history."""

    model_config = examples(
        RECORD_EXAMPLE
        | {"resident": {"id": 7, "nickname": "小林"}, "confirmed_by_id": 8}
        | {
            "timeline": [
                {
                    "id": 77,
                    "verb": "service_record.resolved",
                    "at": "2026-12-06T10:00:00+08:00",
                    "by": "committee",
                    "assisted": False,
                    "reason": "签到记录显示提前到场",
                    "reason_moderation": "passed",
                    "facts": {"before": 90, "after": 110},
                }
            ]
        }
    )

    timeline: list[TimelineLine]


class JudgementIn(Asked):
    """For how many minutes the record counts from now on, and why."""

    model_config = examples({"minutes": 110, "reason": "签到记录显示提前到场"})

    minutes: Annotated[int, Field(ge=0, le=1500, strict=True)]
    reason: ReasonText
