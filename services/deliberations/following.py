"""What follows a resolution: it hangs fifteen days, tasks are done, the result is reviewed, the neighbours judge it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from tortoise.queryset import QuerySet

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.deliberations import Deliberation, DeliberationState, Resolution
from models.following import (
    DISPLAY_DAYS,
    DeliberationReview,
    FollowUp,
    FollowUpState,
    NothingToDo,
    ResolutionDisplay,
)
from models.residents import Resident
from services import checks, events, media, notifications, residents
from services.deliberations.reading import find, find_resolution, tell
from services.media import Photo
from services.policies import Actor, require, require_resident
from services.policies import meetings as policies

FEWEST = 5
"""Below so many scores only their number is told."""


@dataclass(frozen=True)
class DisplayView:
    """Where and from when until when a resolution hung, with pictures of it; `long_enough` after fifteen days."""

    id: int
    where_text: str | None
    moderation: Moderation
    from_at: datetime
    until_at: datetime | None
    long_enough: bool
    photos: list[Photo]


@dataclass(frozen=True)
class TaskView:
    """A task as everybody may see it; whoever does it is named by a masked nickname."""

    id: int
    resolution_id: int
    title: str | None
    moderation: Moderation
    state: FollowUpState
    assignee: str
    due_at: datetime
    overdue: bool
    ended_at: datetime | None
    note: str | None


@dataclass(frozen=True)
class Judgement:
    """How satisfied the neighbours are; the average (two decimals) and scores only from five scores on."""

    count: int
    average: str | None
    scores: dict[int, int] | None


@dataclass(frozen=True)
class Aftermath:
    """A resolution with all that followed it. Its display on line began when it was made."""

    resolution: Resolution
    state: DeliberationState
    displays: list[DisplayView]
    follow_ups: list[TaskView]
    review: str | None
    reviewed_at: datetime | None
    satisfaction: Judgement


async def resolutions(*, community_id: int | None = None, page: Page) -> Listed[Resolution]:
    """Resolutions, newest first; anybody may read them."""
    query = Resolution.all() if community_id is None else Resolution.filter(community_id=community_id)
    return await newest(query, page)


async def aftermath(resolution_id: int) -> Aftermath:
    """A resolution with its displays, tasks, review and the neighbours' judgement; anybody may. Raises NotFound."""
    resolution = await find_resolution(resolution_id)
    deliberation = await Deliberation.get(id=resolution.deliberation_id).only("id", "state")
    review = await DeliberationReview.get_or_none(deliberation_id=deliberation.id)
    return Aftermath(
        resolution,
        deliberation.state,
        await _displays(resolution_id=resolution.id),
        await _tasks(FollowUp.filter(resolution_id=resolution.id).order_by("id")),
        review.body if review and review.moderation is Moderation.PASSED else None,
        review.created_at if review else None,
        await _judgement(deliberation.id),
    )


# --- on display -------------------------------------------------------------------------------------------------


@atomic()
async def put_up(actor: Actor, resolution_id: int, *, where_text: str, photo_ids: Sequence[int] = ()) -> DisplayView:
    """Note that a resolution hangs somewhere from now on, with photos that show it. Raises NotFound, Forbidden."""
    resolution = await find_resolution(resolution_id)
    require(policies.may_display(actor, resolution.community_id), "只有工作人员可以登记公示", "Only the staff may")
    display = await ResolutionDisplay.create(
        community_id=resolution.community_id,
        resolution_id=resolution.id,
        where_text=where_text,
        put_up_by_id=actor.id,
    )
    await media.attach(actor, display, resolution.community_id, photo_ids)
    await checks.expect(actor, display)
    await events.record(actor, "resolution.put_up", resolution, display_id=display.id)
    return await find_display(actor, display.id)


@atomic()
async def take_down(actor: Actor, display_id: int) -> DisplayView:
    """Note that it no longer hangs; after fifteen days at the earliest (居委会组织法 34).

    Raises NotFound, Forbidden, DisplayTooShort, InvalidState when it was taken down before.
    """
    display = await ResolutionDisplay.get_or_none(id=display_id)
    if display is None:
        raise NotFound("没有找到这次公示", "No such display")
    require(policies.may_display(actor, display.community_id), "只有工作人员可以登记公示", "Only the staff may")
    now = await clock.now()
    down = await ResolutionDisplay.filter(id=display.id, until_at=None).update(until_at=now, taken_down_by_id=actor.id)
    if not down:
        raise InvalidState("taken_down")
    await events.record(
        actor, "resolution.taken_down", await find_resolution(display.resolution_id), display_id=display_id
    )
    return await find_display(actor, display_id)


async def find_display(actor: Actor, display_id: int) -> DisplayView:
    """One display, with the actor's own pictures also while they wait for their check. Raises NotFound."""
    found = await _displays(actor, id=display_id)
    if not found:
        raise NotFound("没有找到这次公示", "No such display")
    return found[0]


# --- carried out ------------------------------------------------------------------------------------------------


@atomic()
async def implement(actor: Actor, deliberation_id: int) -> Deliberation:
    """Begin to carry out what was decided. Raises NotFound, Forbidden, NothingToDo when it failed, InvalidState."""
    deliberation = await find(actor, deliberation_id)
    require(policies.may_review(actor, deliberation), "只有居委会可以启动落实", "Only the committee may")
    resolution = await Resolution.get_or_none(deliberation_id=deliberation.id)
    if resolution is not None and resolution.passed is False:
        raise NothingToDo
    await deliberation.move_to(DeliberationState.IMPLEMENTING)
    await events.record(actor, "deliberation.implementing", deliberation)
    return deliberation


@atomic()
async def set_task(actor: Actor, resolution_id: int, *, title: str, assignee_id: int, due_at: datetime) -> TaskView:
    """Say what is to be done because of a resolution, by whom and by when; he is told.

    Raises NotFound, Forbidden, Invalid for somebody from elsewhere, DueInThePast, TooLate once it was reviewed.
    """
    resolution = await find_resolution(resolution_id)
    require(policies.may_follow(actor, resolution.community_id), "只有居委会可以安排任务", "Only the committee may")
    if not await Resident.exists(id=assignee_id) or not policies.may_be_assigned(
        await residents.actor(assignee_id), resolution.community_id
    ):
        raise Invalid("负责人须是本社区居民或工作人员", "Whoever does it lives or works in this community")
    task = await FollowUp.create(
        community_id=resolution.community_id,
        resolution_id=resolution.id,
        author_id=actor.id,
        assignee_id=assignee_id,
        title=title,
        due_at=due_at,
    )
    await checks.expect(actor, task)
    await events.record(actor, "follow_up.set", task, resolution_id=resolution.id, assignee_id=assignee_id)
    due = f"{due_at.astimezone(clock.SHANGHAI):%Y-%m-%d}"
    await notifications.tell([assignee_id], "follow_up.set", task, title=resolution.title, due=due)
    return await find_task(actor, task.id)


@atomic()
async def finish_task(actor: Actor, task_id: int, *, note: str | None = None) -> TaskView:
    """Say that it is done, and how. Raises NotFound, Forbidden, InvalidState."""
    return await _end_task(actor, task_id, FollowUpState.DONE, note)


@atomic()
async def cancel_task(actor: Actor, task_id: int, *, reason: str) -> TaskView:
    """Say that it is not needed any more, and why; the committee only. Raises NotFound, Forbidden, InvalidState."""
    return await _end_task(actor, task_id, FollowUpState.CANCELLED, reason)


async def find_task(actor: Actor, task_id: int) -> TaskView:
    """One task, with its words also for whoever wrote or does it, and the staff. Raises NotFound."""
    found = await _tasks(FollowUp.filter(id=task_id), actor)
    if not found:
        raise NotFound("没有找到这项任务", "No such task")
    return found[0]


@atomic()
async def review(actor: Actor, deliberation_id: int, *, body: str) -> Deliberation:
    """Say what became of the decision; who voted is told and asked how satisfied he is.

    Raises NotFound, Forbidden, InvalidState before it is carried out, FollowUpsOpen.
    """
    deliberation = await find(actor, deliberation_id)
    require(policies.may_review(actor, deliberation), "只有居委会可以回访总结", "Only the committee may")
    await deliberation.move_to(DeliberationState.REVIEWED)
    made = await DeliberationReview.create(
        community_id=deliberation.community_id, deliberation_id=deliberation.id, author_id=actor.id, body=body
    )
    await checks.expect(actor, made)
    await events.record(actor, "deliberation.reviewed", deliberation)
    await tell(deliberation, "deliberation.reviewed")
    return deliberation


JUDGE = """
INSERT INTO satisfactions (community_id, deliberation_id, resident_id, score) VALUES ($1, $2, $3, $4)
ON CONFLICT ON CONSTRAINT satisfactions_once DO UPDATE SET score = excluded.score
"""


@atomic()
async def judge(actor: Actor, deliberation_id: int, *, score: int) -> Judgement:
    """Say how satisfied one is, 1 to 5; said again, it replaces what one said before.

    Raises NotFound, NotVerified, Forbidden, NotReviewed.
    """
    deliberation = await find(actor, deliberation_id)
    require_resident(actor, deliberation.community_id)
    await db.execute(JUDGE, deliberation.community_id, deliberation.id, actor.id, score)
    return await _judgement(deliberation.id)


# --- helpers ----------------------------------------------------------------------------------------------------


async def _end_task(actor: Actor, task_id: int, state: FollowUpState, note: str | None) -> TaskView:
    task = await FollowUp.get_or_none(id=task_id)
    if task is None:
        raise NotFound("没有找到这项任务", "No such task")
    done = state is FollowUpState.DONE
    require(policies.may_finish(actor, task) if done else policies.may_follow(actor, task.community_id))
    moderation = Moderation.PASSED if note is None else Moderation.CHECKING
    await task.move_to(state, ended_at=await clock.now(), note=note, note_moderation=moderation)
    if note is not None:
        await checks.expect(actor, task, kind="follow_up_note")
    await events.record(actor, f"follow_up.{state}", task)
    return await find_task(actor, task_id)


async def _displays(actor: Actor | None = None, **which: int) -> list[DisplayView]:
    found = await ResolutionDisplay.filter(**which).order_by("id")
    photos = await media.photos_of(actor or Actor(0, ""), ResolutionDisplay.noun(), [display.id for display in found])
    now = await clock.now()
    return [
        DisplayView(
            display.id,
            display.where_text if _readable(actor, display.moderation, display.community_id) else None,
            display.moderation,
            display.from_at,
            display.until_at,
            ((display.until_at or now) - display.from_at).days >= DISPLAY_DAYS,
            photos[display.id],
        )
        for display in found
    ]


async def _tasks(query: QuerySet[FollowUp], actor: Actor | None = None) -> list[TaskView]:
    now = await clock.now()
    return [
        TaskView(
            task.id,
            task.resolution_id,
            task.title if _readable(actor, task.moderation, task.community_id, task.assignee_id) else None,
            task.moderation,
            task.state,
            residents.masked(task.assignee.nickname),
            task.due_at,
            task.state is FollowUpState.OPEN and task.due_at < now,
            task.ended_at,
            task.note if _readable(actor, task.note_moderation, task.community_id, task.assignee_id) else None,
        )
        for task in await query.select_related("assignee")
    ]


def _readable(actor: Actor | None, moderation: Moderation, community_id: int, *resident_ids: int) -> bool:
    """What has passed everybody reads; before that the staff, and whom it concerns."""
    inside = actor is not None and (actor.is_staff(community_id) or actor.id in resident_ids)
    return moderation is Moderation.PASSED or inside


async def _judgement(deliberation_id: int) -> Judgement:
    lines = await db.rows(
        "SELECT score, count(*) AS count FROM satisfactions WHERE deliberation_id = $1 GROUP BY score",
        deliberation_id,
    )
    scores = dict.fromkeys(range(1, 6), 0) | {line["score"]: line["count"] for line in lines}
    count = sum(scores.values())
    if count < FEWEST:
        return Judgement(count, None, None)
    hundredths = round(Fraction(100 * sum(score * times for score, times in scores.items()), count))
    return Judgement(count, f"{hundredths // 100}.{hundredths % 100:02}", scores)
