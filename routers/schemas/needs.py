"""Shapes of needs."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from models.base import Moderation
from models.needs import NeedField, NeedRoute, NeedState, ServiceClass
from routers.schemas.base import Asked, Author, Body, Id, Moment, ReasonText, Shape, TimelineLine, Title
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut
from routers.schemas.residents import OnBehalfOfIn

NEED: dict[str, Any] = {
    "id": 5,
    "community_id": 4,
    "state": "accepted",
    "moderation": "passed",
    "service_class": "technology",
    "field": "property",
    "title": "楼道灯坏了",
    "body": "7号楼三层的楼道灯坏了一周，老人晚上上下楼很危险。",
    "route": None,
    "endorsements": 12,
    "endorsed_by_me": False,
    "author": {"id": 7, "nickname": "小林"},
    "assisted": False,
    "photos": [PHOTO],
    "created_at": "2026-11-23T10:00:00+08:00",
}


class NeedIn(Asked):
    """What is needed; `on_behalf_of` when a helper writes it for somebody else."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "community_id": 4,
                    "service_class": "technology",
                    "field": "property",
                    "title": "楼道灯坏了",
                    "body": "7号楼三层的楼道灯坏了一周，老人晚上上下楼很危险。",
                }
            ]
        },
    )

    community_id: Id
    service_class: ServiceClass
    field: NeedField
    title: Title
    body: Body
    photo_ids: PhotoIds = []
    on_behalf_of: OnBehalfOfIn | None = None


class NeedOut(Shape):
    """A need as its reader sees it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [NEED]})

    id: int
    community_id: int
    state: NeedState
    moderation: Moderation
    service_class: ServiceClass
    field: NeedField
    title: str
    body: str
    route: NeedRoute | None
    endorsements: int
    endorsed_by_me: bool
    author: Author
    assisted: bool
    photos: list[PhotoOut]
    created_at: Moment


class AnswerOut(Shape):
    """An official answer."""

    id: int
    body: str
    moderation: Moderation
    at: Moment


class LinkOut(Shape):
    """Something made from a need."""

    kind: str
    id: int


class NeedDetailOut(NeedOut):
    """A need with official answers, what was made from it, and its public history."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                NEED
                | {
                    "answers": [
                        {
                            "id": 2,
                            "body": "物业将在三天内更换。",
                            "moderation": "passed",
                            "at": "2026-11-24T09:00:00+08:00",
                        }
                    ],
                    "links": [{"kind": "deliberation", "id": 3}],
                    "timeline": [
                        {
                            "id": 81,
                            "verb": "need.accepted",
                            "at": "2026-11-23T11:00:00+08:00",
                            "by": "committee",
                            "assisted": False,
                            "reason": None,
                            "facts": {"from": "submitted", "state": "accepted"},
                        }
                    ],
                }
            ]
        },
    )

    answers: list[AnswerOut]
    links: list[LinkOut]
    timeline: list[TimelineLine]


class EndorsementOut(Shape):
    """How many stand behind a need, and whether the caller does."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"endorsements": 13, "endorsed_by_me": True}]}
    )

    endorsements: int
    endorsed_by_me: bool


class RouteIn(Asked):
    """The path an accepted need takes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"route": "deliberation"}]})

    route: NeedRoute


class AnswerIn(Asked):
    """An official answer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"body": "物业将在三天内更换。"}]})

    body: Body


class DoneIn(Asked):
    """What was done."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "楼道灯已全部换成声控灯。"}]})

    note: ReasonText | None = None


class RateIn(Asked):
    """How content one is, 1 to 5."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"score": 5, "comment": "很及时"}]})

    score: Annotated[int, Field(ge=1, le=5, strict=True)]
    comment: ReasonText | None = None
