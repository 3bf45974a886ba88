"""Shapes of meetings, attendance and petitions."""

from typing import Annotated, Any

from pydantic import Field

from models.base import Moderation
from models.deliberations import Roll
from models.meetings import MeetingKind, MeetingState, PetitionState
from routers.schemas.base import (
    PRINTABLE,
    Asked,
    Author,
    Body,
    Id,
    Moment,
    Shape,
    ShortText,
    TimelineLine,
    Title,
    When,
    examples,
)
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut
from routers.schemas.residents import HelpIn

Url = Annotated[str, Field(pattern=r"^https://[!-~]{1,490}$"), PRINTABLE]
AGENDA: list[Any] = [
    {"title": "电梯加装方案说明", "duration_minutes": 30},
    {"title": "居民提问", "duration_minutes": 60},
]
MEETING: dict[str, Any] = {
    "id": 6,
    "community_id": 4,
    "kind": "residents",
    "roll": "residents",
    "state": "planned",
    "moderation": "passed",
    "title": "7 号楼加装电梯",
    "body": "请各位居民到会商议。",
    "author": {"id": 12, "nickname": "陈主任"},
    "starts_at": "2026-12-10T19:00:00+08:00",
    "ends_at": "2026-12-10T20:30:00+08:00",
    "place_text": "社区活动中心二楼",
    "online_url": None,
    "agenda": AGENDA,
    "deliberation_ids": [3],
    "announced_at": "2026-11-23T10:00:05+08:00",
    "attendance": {
        "expected": 1204,
        "present": 0,
        "by_hand": 0,
        "quorate": False,
        "article_zh": "《城市居民委员会组织法》第二十七条",
        "article_en": "Organic Law of Urban Residents' Committees, art. 27",
    },
    "attending": False,
    "minutes": None,
    "minutes_moderation": "passed",
    "minutes_photos": [],
    "photos": [PHOTO],
    "created_at": "2026-11-23T10:00:00+08:00",
}
PETITION: dict[str, Any] = {
    "id": 2,
    "community_id": 4,
    "roll": "residents",
    "state": "reached",
    "moderation": "passed",
    "title": "请召开居民会议商议停车",
    "body": "夜间消防通道被占，请开会商议。",
    "author": {"id": 7, "nickname": "小林"},
    "roll_size": 1204,
    "needed": 121,
    "signatures": 121,
    "signed_by_me": True,
    "open_until": "2027-02-21T10:00:00+08:00",
    "reached_at": "2026-11-30T09:00:00+08:00",
    "answer_due_at": "2026-12-15T09:00:00+08:00",
    "overdue": False,
    "answer": None,
    "answer_moderation": "passed",
    "answered_at": None,
    "meeting_id": None,
    "created_at": "2026-11-23T10:00:00+08:00",
}


class PointIn(Asked):
    """One point of the agenda."""

    title: Title
    duration_minutes: Annotated[int, Field(ge=1, le=480, strict=True)]


class MeetingIn(Asked):
    """What a meeting is called for; a residents' meeting at least ten days ahead (居委会组织法 26).

    `roll` says of whom attendance is counted: a residents' meeting may count `households` instead of `residents`.
    """

    model_config = examples(
        {
            "community_id": 4,
            "kind": "residents",
            "title": "7 号楼加装电梯",
            "body": "请各位居民到会商议。",
            "starts_at": "2026-12-10T19:00:00+08:00",
            "place_text": "社区活动中心二楼",
            "agenda": AGENDA,
            "deliberation_ids": [3],
        }
    )

    community_id: Id
    kind: MeetingKind
    roll: Roll | None = None
    title: Title
    body: Body
    starts_at: When
    agenda: Annotated[list[PointIn], Field(min_length=1, max_length=20)]
    place_text: ShortText | None = None
    online_url: Url | None = None
    deliberation_ids: Annotated[list[Id], Field(max_length=20)] = []
    photo_ids: PhotoIds = []


class PointOut(Shape):
    """One point of the agenda."""

    title: str
    duration_minutes: int


class AttendanceFigures(Shape):
    """How many should come and how many did, `by_hand` of them entered by the staff; `quorate` is null where no
    quorum is asked for."""

    expected: int
    present: int
    by_hand: int
    quorate: bool | None
    article_zh: str
    article_en: str


class MeetingOut(Shape):
    """A meeting; `announced_at` is when those concerned were told. Once it is `held` it has `minutes`, with photos."""

    model_config = examples(MEETING)

    id: int
    community_id: int
    kind: MeetingKind
    roll: Roll
    state: MeetingState
    moderation: Moderation
    title: str
    body: str
    author: Author
    starts_at: Moment
    ends_at: Moment
    place_text: str | None
    online_url: str | None
    agenda: list[PointOut]
    deliberation_ids: list[int]
    announced_at: Moment | None
    attendance: AttendanceFigures
    attending: bool
    minutes: str | None
    minutes_moderation: Moderation
    minutes_photos: list[PhotoOut]
    photos: list[PhotoOut]
    created_at: Moment


class MeetingDetail(MeetingOut):
    """A meeting with its public history."""

    model_config = examples({**MEETING, "timeline": []})

    timeline: list[TimelineLine]


class MinutesIn(Asked):
    """What was said and agreed, with pictures of what belongs to it."""

    model_config = examples({"minutes": "到会 640 人，同意进入表决。"})

    minutes: Body
    photo_ids: PhotoIds = []


class MeetingCodeOut(Shape):
    """What the screen shows as a QR; ask again after `expires_in` seconds."""

    model_config = examples({"token": "q5Jm0n8s1V0", "expires_in": 17})

    token: str
    expires_in: int


class MeetingCheckInIn(Asked):
    """The code on the screen; or, by the staff, who is there."""

    model_config = examples({"token": "q5Jm0n8s1V0"}, {"resident_id": 9})

    token: Annotated[str, Field(min_length=1, max_length=200), PRINTABLE] | None = None
    resident_id: Id | None = None


class AttendanceOut(Shape):
    """Somebody was there."""

    model_config = examples(
        {
            "id": 71,
            "resident": {"id": 8, "nickname": "阿梅"},
            "entered_by_id": 8,
            "created_at": "2026-12-10T18:58:00+08:00",
        }
    )

    id: int
    resident: Author
    entered_by_id: int
    created_at: Moment


class PetitionIn(HelpIn):
    """Who asks for a residents' meeting, and why."""

    model_config = examples(
        {
            "community_id": 4,
            "roll": "residents",
            "title": "请召开居民会议商议停车",
            "body": "夜间消防通道被占，请开会商议。",
        }
    )

    community_id: Id
    roll: Roll = Roll.RESIDENTS
    title: Title
    body: Body


class PetitionOut(Shape):
    """A petition for a residents' meeting.

    `needed` is one in ten of `roll_size` (one in three of representatives), counted when it started. Once reached the
    committee owes an answer by `answer_due_at`.
    """

    model_config = examples(PETITION)

    id: int
    community_id: int
    roll: Roll
    state: PetitionState
    moderation: Moderation
    title: str
    body: str
    author: Author
    roll_size: int
    needed: int
    signatures: int
    signed_by_me: bool
    open_until: Moment
    reached_at: Moment | None
    answer_due_at: Moment | None
    overdue: bool
    answer: str | None
    answer_moderation: Moderation
    answered_at: Moment | None
    meeting_id: int | None
    created_at: Moment


class PetitionDetail(PetitionOut):
    """A petition with its public history; who signed it is not told."""

    model_config = examples({**PETITION, "timeline": []})

    timeline: list[TimelineLine]


class PetitionAnswerIn(Asked):
    """The committee's answer; with the residents' meeting it has called, or why it calls none."""

    model_config = examples({"body": "已定于 12 月 10 日召开。", "meeting_id": 6})

    body: Body
    meeting_id: Id | None = None
