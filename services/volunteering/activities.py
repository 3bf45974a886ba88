"""Activities and their shifts: the staff call, everybody may read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.volunteer_teams import VolunteerTeam
from models.volunteering import Activity, ActivityKind, Shift, ShiftState, Signup, SignupState, Skill
from services import checks, events, media, needs, notifications, places, residents
from services.media import Photo
from services.policies import Actor, require
from services.policies import volunteering as policies
from services.policies.actor import STAFF


@dataclass(frozen=True)
class ShiftPlan:
    """A shift to be: `starts_at` and `ends_at` are both None for a task without a fixed time."""

    capacity: int
    place_text: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    skills: Sequence[Skill] = ()
    minimum_age: int | None = None


@dataclass(frozen=True)
class ShiftView:
    """A shift as the reader sees it, with his own place in it."""

    id: int
    state: ShiftState
    starts_at: datetime | None
    ends_at: datetime | None
    capacity: int
    taken: int
    waitlisted: int
    place_text: str
    skills: list[Skill]
    minimum_age: int | None
    changed_at: datetime | None
    my_state: SignupState | None
    my_position: int | None


@dataclass(frozen=True)
class ActivityView:
    """An activity with its shifts, earliest first, the needs it was made from, and its photos."""

    id: int
    activity: Activity
    shifts: list[ShiftView]
    need_ids: list[int]
    photos: list[Photo]

    @property
    def state(self) -> ShiftState:
        """Cancelled when all its shifts are."""
        planned = any(shift.state is ShiftState.PLANNED for shift in self.shifts)
        return ShiftState.PLANNED if planned else ShiftState.CANCELLED


def visible(actor: Actor) -> QuerySet[Activity]:
    """The activities the actor may know of."""
    return Activity.filter(seen(actor))


async def find(actor: Actor, activity_id: int) -> ActivityView:
    """One activity with its shifts. Raises NotFound."""
    activity = await visible(actor).get_or_none(id=activity_id).select_related("author", "leader")
    if activity is None:
        raise NotFound("没有找到这个活动", "No such activity")
    return (await _with_shifts(actor, [activity]))[0]


async def listed(
    actor: Actor,
    *,
    community_id: int | None = None,
    kind: ActivityKind | None = None,
    from_at: datetime | None = None,
    page: Page,
) -> Listed[ActivityView]:
    """Activities, newest first; `from_at` keeps those with a shift that starts then or later, or at no fixed time."""
    query = visible(actor)
    if community_id is not None:
        query = query.filter(community_id=community_id)
    if kind is not None:
        query = query.filter(kind=kind)
    if from_at is not None:
        ahead = Shift.filter(Q(starts_at__gte=from_at) | Q(starts_at=None), state=ShiftState.PLANNED)
        query = query.filter(id__in=Subquery(ahead.values("activity_id")))
    found = await newest(query.select_related("author", "leader"), page)
    return Listed(await _with_shifts(actor, found.items), found.after)


@atomic()
async def organise(
    actor: Actor,
    *,
    community_id: int,
    kind: ActivityKind,
    title: str,
    body: str,
    shifts: Sequence[ShiftPlan],
    leader_id: int | None = None,
    cancel_hours: int = 2,
    team_id: int | None = None,
    need_ids: Sequence[int] = (),
    photo_ids: Sequence[int] = (),
) -> ActivityView:
    """Call for volunteers; whoever calls leads, unless he names a leader, who is told.

    Raises NotFound, Forbidden, Invalid for a leader, a team or needs from elsewhere, or shifts that do not fit the kind
    or are over; and what `media.attach` raises.
    """
    await places.find_community(community_id)
    require(policies.may_organise(actor, community_id), "只有社区工作人员可以发起活动", "Only the staff may do this")
    leader = actor if leader_id is None else await find_leader(leader_id, community_id)
    await require_team(team_id, community_id)
    require_shifts(kind, shifts, await clock.now())
    activity = await Activity.create(
        community_id=community_id,
        kind=kind,
        title=title,
        body=body,
        author_id=actor.id,
        leader_id=leader.id,
        cancel_hours=cancel_hours,
        team_id=team_id,
    )
    await Shift.bulk_create(
        Shift(
            community_id=community_id,
            activity_id=activity.id,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            capacity=plan.capacity,
            place_text=plan.place_text,
            skills=sorted(plan.skills),
            minimum_age=plan.minimum_age,
        )
        for plan in shifts
    )
    await checks.expect(actor, activity)
    await media.attach(actor, activity, community_id, photo_ids)
    await needs.link(actor, need_ids, activity)
    await events.record(actor, "activity.organised", activity, leader_id=leader.id, shifts=len(shifts))
    if leader.id != actor.id:
        await notifications.tell([leader.id], "activity.led", activity)
    return await find(actor, activity.id)


def seen(actor: Actor, through: str = "") -> Q:
    """Passed, or one's own, or led by oneself, or of the community one works in, or what one is signed up for."""
    mine = Signup.filter(resident_id=actor.id).exclude(state=SignupState.CANCELLED)
    either: dict[str, Any] = {
        "moderation": Moderation.PASSED,
        "author_id": actor.id,
        "leader_id": actor.id,
        "community_id__in": actor.serves(*STAFF),
        "id__in": Subquery(mine.values("shift__activity_id")),
    }
    return Q(*(Q(**{f"{through}{column}": value}) for column, value in either.items()), join_type=Q.OR)


async def find_leader(resident_id: int, community_id: int) -> Actor:
    """Who is to lead. Raises NotFound, Invalid for somebody from elsewhere."""
    leader = await residents.actor(resident_id)
    if not policies.may_be_leader(leader, community_id):
        raise Invalid("负责人须是本社区的认证居民或工作人员", "The leader lives or works in the community")
    return leader


async def require_team(team_id: int | None, community_id: int) -> None:
    """Refuse a team of another community, or one whose name is not shown. Raises Invalid."""
    there = VolunteerTeam.filter(id=team_id, community_id=community_id, moderation=Moderation.PASSED)
    if team_id is not None and not await there.exists():
        raise Invalid("没有找到本社区的这支志愿队", "No such team in this community")


def require_shifts(kind: ActivityKind, shifts: Sequence[ShiftPlan], now: datetime) -> None:
    """Refuse shifts that do not fit the kind of activity or are over. Raises Invalid."""
    if kind is ActivityKind.TASK and len(shifts) != 1:
        raise Invalid("任务只有一个班次", "A task has exactly one shift")
    for plan in shifts:
        if plan.starts_at is None or plan.ends_at is None:
            if kind is not ActivityKind.TASK or plan.starts_at != plan.ends_at:
                raise Invalid("请填写班次的开始和结束时间", "Each shift has a start and an end")
        elif not timedelta(0) < plan.ends_at - plan.starts_at <= timedelta(hours=24):
            raise Invalid("班次须在24小时以内，且先开始后结束", "A shift ends after its start and within 24 hours")
        elif plan.ends_at <= now:
            raise Invalid("班次已经过去", "The shift is over already")


SHIFTS = """
SELECT s.id, s.activity_id, s.state, s.starts_at, s.ends_at, s.capacity, s.taken, s.place_text, s.skills,
    s.minimum_age, s.changed_at, mine.state AS my_state,
    (SELECT count(*) FROM signups w WHERE w.shift_id = s.id AND w.state = 'waitlisted') AS waitlisted,
    CASE WHEN mine.state = 'waitlisted' THEN (
        SELECT count(*) FROM signups w
        WHERE w.shift_id = s.id AND w.state = 'waitlisted' AND w.queue_number <= mine.queue_number)
    END AS my_position
FROM shifts s
LEFT JOIN signups mine ON mine.shift_id = s.id AND mine.resident_id = $2 AND mine.state <> 'cancelled'
WHERE s.activity_id = ANY($1::bigint[])
ORDER BY s.starts_at, s.id
"""


async def _with_shifts(actor: Actor, activities: Sequence[Activity]) -> list[ActivityView]:
    """The activities as the actor may see them: who is only signed up keeps the times of words not shown to him."""
    photos = await media.photos_of(actor, Activity.noun(), [activity.id for activity in activities])
    worded = {one.id: policies.reads_words(actor, one) for one in activities}
    views = {one.id: ActivityView(one.id, one, [], [], photos[one.id] if worded[one.id] else []) for one in activities}
    for one in activities:
        if not worded[one.id]:
            one.title, one.body = "志愿活动", ""
    for line in await db.rows(SHIFTS, list(views), actor.id):
        if not worded[line["activity_id"]]:
            line["place_text"] = ""
        line["state"] = ShiftState(line["state"])
        line["skills"] = [Skill(skill) for skill in json.loads(line["skills"])]
        line["my_state"] = SignupState(line["my_state"]) if line["my_state"] else None
        views[line.pop("activity_id")].shifts.append(ShiftView(**line))
    for activity_id, need_ids in (await needs.links_of(Activity.noun(), list(views))).items():
        views[activity_id].need_ids.extend(need_ids)
    return list(views.values())
