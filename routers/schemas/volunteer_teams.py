"""Shapes of volunteers' teams, of points and of calendars."""

from typing import Annotated

from pydantic import Field

from models.base import Moderation
from models.volunteer_teams import TeamMemberState
from routers.schemas.base import PRINTABLE_LINES, Id, Moment, Shape, Title, bounded, examples
from routers.schemas.residents import HelpIn


class VolunteerTeamIn(HelpIn):
    """A team to be."""

    model_config = examples({"community_id": 4, "name": "银杏志愿队", "body": "每周六陪老人散步"})

    community_id: Id
    name: Title
    body: Annotated[str, bounded(1, 1000), PRINTABLE_LINES]


class VolunteerTeamOut(Shape):
    """A team: how many belong to it, the minutes served for it, and the reader's own place in it."""

    model_config = examples(
        {
            "id": 3,
            "community_id": 4,
            "name": "银杏志愿队",
            "body": "每周六陪老人散步",
            "moderation": "passed",
            "leader": "小林",
            "members": 12,
            "minutes": 5400,
            "my_state": "member",
            "leading": False,
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    community_id: int
    name: str
    body: str
    moderation: Moderation
    leader: str | None
    members: int
    minutes: int
    my_state: TeamMemberState | None
    leading: bool
    created_at: Moment


class VolunteerTeamMemberOut(Shape):
    """A member, or, for the leader, somebody who asks to be one; a name stands here for who consented to it."""

    model_config = examples(
        {
            "id": 17,
            "nickname": None,
            "state": "member",
            "leading": False,
            "mine": False,
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    nickname: str | None
    state: TeamMemberState
    leading: bool
    mine: bool
    created_at: Moment


class HandVolunteerTeamOverIn(HelpIn):
    """Who is to lead."""

    model_config = examples({"member_id": 17})

    member_id: Id


class PointsOut(Shape):
    """Hours, in minutes: given in service, received for help, spent on help, and left to spend."""

    model_config = examples({"given_minutes": 300, "received_minutes": 0, "spent_minutes": 60, "balance_minutes": 240})

    given_minutes: int
    received_minutes: int
    spent_minutes: int
    balance_minutes: int


class SpendIn(HelpIn):
    """Minutes for a neighbour who helped."""

    model_config = examples({"helper_id": 9, "minutes": 60})

    helper_id: Id
    minutes: Annotated[int, Field(ge=1, le=1440, strict=True)]


class PointTransferOut(Shape):
    """Minutes that one spent on a neighbour's help, or received for one's own."""

    model_config = examples(
        {
            "id": 8,
            "minutes": 60,
            "spent": True,
            "other_id": 9,
            "other": "阿梅",
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    minutes: int
    spent: bool
    other_id: int
    other: str
    created_at: Moment


class CalendarOut(Shape):
    """The secret address of one's own calendar. It is shown this once."""

    model_config = examples({"url": "https://linli.example/v1/me/calendar.ics?token=…"})

    url: str
