"""Activities, shifts, check-in, and the hours served."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response

from models.volunteering import ActivityKind, ServiceRecord, Signup
from routers.deps import CurrentActor, HelpedByQuery, OnlyOnce, ThePaging, TheSettings, acting
from routers.house import make_router
from routers.schemas.base import Author, PageOf, PathId, When
from routers.schemas.media import PhotoOut
from routers.schemas.residents import HelpIn
from routers.schemas.volunteering import (
    ActivityIn,
    ActivityOut,
    AttendeeOut,
    CheckInCodeOut,
    CheckInIn,
    CheckOutIn,
    ConfirmedOut,
    HoursIn,
    HoursOut,
    ServiceRecordOut,
    ShiftOut,
    SignupOut,
)
from services import volunteering
from services.volunteering import ActivityView, CheckInCode, Hours, ShiftPlan

activities = make_router("/activities", "volunteering")
shifts = make_router("/shifts", "volunteering")
mine = make_router("/me", "volunteering")


@activities.post("", response_model=ActivityOut, status_code=201)
async def organise_activity(actor: CurrentActor, only_once: OnlyOnce, asked: ActivityIn) -> ActivityOut:
    """Call for volunteers; the community's staff may."""
    said = asked.model_dump(exclude={"shifts"})
    plans = [ShiftPlan(**shift.model_dump()) for shift in asked.shifts]
    effect = partial(volunteering.organise, actor, **said, shifts=plans)
    return _activity(await only_once(effect, partial(volunteering.find, actor)))


@activities.get("", response_model=PageOf[ActivityOut])
async def list_activities(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    kind: ActivityKind | None = None,
    from_at: Annotated[When | None, Query(alias="from", description="With a shift that starts then or later")] = None,
) -> dict[str, Any]:
    """Activities, newest first."""
    page = await volunteering.listed(actor, community_id=community_id, kind=kind, from_at=from_at, page=paging.page)
    return paging.of(page.map(_activity))


@activities.get("/{activity_id}", response_model=ActivityOut)
async def get_activity(actor: CurrentActor, activity_id: PathId) -> ActivityOut:
    """One activity with its shifts and one's own place in each."""
    return _activity(await volunteering.find(actor, activity_id))


@shifts.post("/{shift_id}/signup", response_model=SignupOut)
async def sign_up_for_shift(
    actor: CurrentActor, only_once: OnlyOnce, shift_id: PathId, asked: HelpIn | None = None
) -> Signup:
    """Take a seat, or wait for one when all are taken; doing it again changes nothing."""
    effect = acting(actor, asked, "signup.made", volunteering.sign_up, shift_id)
    return await only_once(effect, partial(volunteering.find_signup, actor))


@shifts.delete("/{shift_id}/signup", status_code=204)
async def cancel_signup(actor: CurrentActor, shift_id: PathId, asked: HelpedByQuery) -> Response:
    """Give up one's seat or place in the queue; the first who waits is seated."""
    await acting(actor, asked, "shift.signup_cancelled", volunteering.cancel, shift_id)()
    return Response(status_code=204)


@shifts.get("/{shift_id}/signups", response_model=PageOf[AttendeeOut])
async def list_signups(actor: CurrentActor, paging: ThePaging, shift_id: PathId) -> dict[str, Any]:
    """Who signed up, newest first; for the leader and the staff."""
    return paging.of(await volunteering.signups(actor, shift_id, page=paging.page))


@shifts.get("/{shift_id}/checkin-code", response_model=CheckInCodeOut)
async def get_checkin_code(actor: CurrentActor, config: TheSettings, shift_id: PathId) -> CheckInCode:
    """The code of this half minute, for the leader's phone to show."""
    return await volunteering.check_in_code(actor, shift_id, secret=config.secret_key.get_secret_value())


@shifts.post("/{shift_id}/check-in", response_model=SignupOut)
async def check_in(
    actor: CurrentActor, only_once: OnlyOnce, config: TheSettings, shift_id: PathId, asked: CheckInIn
) -> Signup:
    """Come to a shift with the code on the leader's phone; the leader may enter a person instead."""
    secret = config.secret_key.get_secret_value()
    effect = partial(volunteering.check_in, actor, shift_id, **asked.model_dump(), secret=secret)
    return await only_once(effect, partial(volunteering.find_signup, actor))


@shifts.post("/{shift_id}/check-out", response_model=SignupOut)
async def check_out(
    actor: CurrentActor, only_once: OnlyOnce, config: TheSettings, shift_id: PathId, asked: CheckOutIn = CheckOutIn()
) -> Signup:
    """Leave a shift; or report a task and the minutes it took."""
    secret = config.secret_key.get_secret_value()
    effect = partial(volunteering.check_out, actor, shift_id, **asked.model_dump(), secret=secret)
    return await only_once(effect, partial(volunteering.find_signup, actor))


@shifts.post("/{shift_id}/confirm-hours", response_model=HoursOut)
async def confirm_hours(
    actor: CurrentActor, only_once: OnlyOnce, shift_id: PathId, asked: HoursIn = HoursIn()
) -> HoursOut:
    """Make service records of who came; the leader confirms, or the staff, and nobody his own."""
    entries = {entry.resident_id: entry.minutes for entry in asked.entries} if asked.entries else None
    effect = partial(volunteering.confirm_hours, actor, shift_id, entries=entries)
    return _hours(await only_once(effect, partial(volunteering.hours, actor)))


@mine.get("/service-records", response_model=PageOf[ServiceRecordOut])
async def list_service_records(actor: CurrentActor, paging: ThePaging) -> dict[str, Any]:
    """One's own confirmed service, newest first."""
    return paging.of((await volunteering.own_records(actor, page=paging.page)).map(_record))


def _activity(view: ActivityView) -> ActivityOut:
    activity = view.activity
    return ActivityOut(
        id=activity.id,
        community_id=activity.community_id,
        kind=activity.kind,
        title=activity.title,
        body=activity.body,
        author=Author.model_validate(activity.author),
        leader=Author.model_validate(activity.leader),
        cancel_hours=activity.cancel_hours,
        moderation=activity.moderation,
        created_at=activity.created_at,
        need_ids=view.need_ids,
        photos=[PhotoOut.model_validate(photo) for photo in view.photos],
        shifts=[ShiftOut.model_validate(shift) for shift in view.shifts],
    )


def _hours(found: Hours) -> HoursOut:
    return HoursOut(shift_id=found.id, records=[ConfirmedOut.model_validate(record) for record in found.records])


def _record(record: ServiceRecord) -> ServiceRecordOut:
    shift = record.shift
    return ServiceRecordOut(
        id=record.id,
        activity_id=shift.activity_id,
        kind=shift.activity.kind,
        title=shift.activity.title,
        shift_id=shift.id,
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        minutes=record.minutes,
        created_at=record.created_at,
    )
