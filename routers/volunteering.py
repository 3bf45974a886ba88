"""Activities, shifts, check-in, and the hours served."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response

from models.volunteering import ActivityKind, Signup
from routers.deps import CurrentActor, HelpedByQuery, OnlyOnce, ThePaging, TheSettings, TheWechat, acting, reading
from routers.house import make_router
from routers.schemas.base import Author, PageOf, PathId, Reasoned, TimelineLine, When
from routers.schemas.residents import HelpedReasoned
from routers.schemas.service_records import JudgedRecordOut, JudgementIn, RecordDetailOut, ServiceRecordOut
from routers.schemas.volunteering import (
    ActivityChangeIn,
    ActivityIn,
    ActivityOut,
    AttendeeOut,
    CheckInCodeOut,
    CheckInIn,
    CheckOutIn,
    ConfirmedOut,
    HoursIn,
    HoursOut,
    NoShowIn,
    ReportIn,
    ShiftChangeIn,
    SignupIn,
    SignupOut,
    SkillsIn,
    SkillsOut,
)
from services import checks, moderation, volunteering
from services.volunteering import ActivityView, CheckInCode, Hours, RecordSeen, ShiftPlan

activities = make_router("/activities", "volunteering")
shifts = make_router("/shifts", "volunteering")
mine = make_router("/me", "volunteering")
records = make_router("/service-records", "volunteering")


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


@activities.put("/{activity_id}", response_model=ActivityOut)
async def change_activity(
    actor: CurrentActor, wechat: TheWechat, activity_id: PathId, asked: ActivityChangeIn
) -> ActivityOut:
    """Replace the named fields; its leader and the staff may, and everybody signed up is told."""
    with checks.noted() as written:
        await volunteering.change_activity(actor, activity_id, **asked.model_dump(exclude_unset=True))
    await moderation.check_now(wechat, written)
    return _activity(await volunteering.find(actor, activity_id))


@activities.post("/{activity_id}/cancel", response_model=ActivityOut)
async def cancel_activity(
    actor: CurrentActor, only_once: OnlyOnce, activity_id: PathId, asked: Reasoned
) -> ActivityOut:
    """Call off all shifts that have not started; everybody signed up is told why."""
    effect = partial(volunteering.cancel_activity, actor, activity_id, reason=asked.reason)
    return _activity(await only_once(effect, partial(volunteering.find, actor)))


@shifts.put("/{shift_id}", response_model=ActivityOut)
async def change_shift(actor: CurrentActor, wechat: TheWechat, shift_id: PathId, asked: ShiftChangeIn) -> ActivityOut:
    """Replace the named fields before it starts; its leader and the staff may, and everybody signed up is told."""
    with checks.noted() as written:
        changed = await volunteering.change_shift(actor, shift_id, **asked.model_dump(exclude_unset=True))
    await moderation.check_now(wechat, written)
    return _activity(await volunteering.find(actor, changed.id))


@shifts.post("/{shift_id}/cancel", response_model=ActivityOut)
async def cancel_shift(actor: CurrentActor, only_once: OnlyOnce, shift_id: PathId, asked: Reasoned) -> ActivityOut:
    """Call a shift off before it starts; everybody signed up is told why."""
    effect = partial(volunteering.cancel_shift, actor, shift_id, reason=asked.reason)
    return _activity(await only_once(effect, partial(volunteering.find, actor)))


@shifts.post("/{shift_id}/signup", response_model=SignupOut)
async def sign_up_for_shift(
    actor: CurrentActor, only_once: OnlyOnce, shift_id: PathId, asked: SignupIn = SignupIn()
) -> Signup:
    """Take a seat, or wait for one when all are taken; doing it again changes nothing."""
    effect = acting(actor, asked, "signup.made", volunteering.sign_up, shift_id, team_id=asked.team_id)
    return await only_once(effect, reading(actor, asked, volunteering.find_signup))


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
    effect = acting(actor, asked, "signup.checked_in", volunteering.check_in, shift_id, **asked.said(), secret=secret)
    return await only_once(effect, reading(actor, asked, volunteering.find_signup))


@shifts.post("/{shift_id}/check-out", response_model=SignupOut)
async def check_out(
    actor: CurrentActor, only_once: OnlyOnce, config: TheSettings, shift_id: PathId, asked: CheckOutIn = CheckOutIn()
) -> Signup:
    """Leave a shift; or report a task and the minutes it took."""
    secret = config.secret_key.get_secret_value()
    effect = acting(actor, asked, "signup.checked_out", volunteering.check_out, shift_id, **asked.said(), secret=secret)
    return await only_once(effect, reading(actor, asked, volunteering.find_signup))


@shifts.post("/{shift_id}/report", response_model=SignupOut)
async def report_task(actor: CurrentActor, only_once: OnlyOnce, shift_id: PathId, asked: ReportIn) -> Signup:
    """Say that one has done a task: the minutes it took, a note, photos."""
    effect = acting(actor, asked, "signup.reported", volunteering.report, shift_id, **asked.said())
    return await only_once(effect, reading(actor, asked, volunteering.find_signup))


@shifts.post("/{shift_id}/no-show", response_model=SignupOut)
async def mark_no_show(actor: CurrentActor, only_once: OnlyOnce, shift_id: PathId, asked: NoShowIn) -> Signup:
    """The leader notes that somebody did not come; checking him in takes it back."""
    effect = partial(volunteering.mark_no_show, actor, shift_id, resident_id=asked.resident_id)
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
    return paging.of(await volunteering.own_records(actor, page=paging.page))


@mine.get("/skills", response_model=SkillsOut)
async def get_my_skills(actor: CurrentActor) -> SkillsOut:
    """What one said one can do as a volunteer; nobody else reads it."""
    return SkillsOut(skills=await volunteering.skills(actor))


@mine.put("/skills", response_model=SkillsOut)
async def set_my_skills(actor: CurrentActor, asked: SkillsIn) -> SkillsOut:
    """Replace what one can do; shifts that ask for skills take whoever has said that he has them."""
    effect = acting(actor, asked, "volunteer.skills_set", volunteering.set_skills, asked.skills)
    return SkillsOut(skills=await effect())


@records.get("", response_model=PageOf[JudgedRecordOut])
async def list_disputed_records(actor: CurrentActor, paging: ThePaging) -> dict[str, Any]:
    """The disputed records of the communities one works in, newest first."""
    return paging.of((await volunteering.disputed_records(actor, page=paging.page)).map(_judged))


@records.get("/{record_id}", response_model=RecordDetailOut)
async def get_service_record(actor: CurrentActor, record_id: PathId) -> RecordDetailOut:
    """One record and how it was disputed, corrected and decided; for the volunteer, the leader and the staff."""
    seen = await volunteering.find_record(actor, record_id)
    lines = [TimelineLine.model_validate(line) for line in await volunteering.history(actor, record_id)]
    return RecordDetailOut.of(_judged(seen), timeline=lines)


@records.post("/{record_id}/dispute", response_model=JudgedRecordOut)
async def dispute_hours(
    actor: CurrentActor, only_once: OnlyOnce, record_id: PathId, asked: HelpedReasoned
) -> JudgedRecordOut:
    """Say that one's confirmed hours are not so, once for each record."""
    effect = acting(actor, asked, "service_record.disputed", volunteering.dispute, record_id, reason=asked.reason)
    return _judged(await only_once(effect, reading(actor, asked, volunteering.find_record)))


@records.post("/{record_id}/correct", response_model=JudgedRecordOut)
async def correct_hours(
    actor: CurrentActor, only_once: OnlyOnce, record_id: PathId, asked: JudgementIn
) -> JudgedRecordOut:
    """Let a record count for other minutes; the leader and the staff may, while nobody disputes it."""
    effect = partial(volunteering.correct, actor, record_id, minutes=asked.minutes, reason=asked.reason)
    return _judged(await only_once(effect, partial(volunteering.find_record, actor)))


@records.post("/{record_id}/resolve", response_model=JudgedRecordOut)
async def resolve_dispute(
    actor: CurrentActor, only_once: OnlyOnce, record_id: PathId, asked: JudgementIn
) -> JudgedRecordOut:
    """Decide a dispute; the leader or the staff, but not who confirmed the hours."""
    effect = partial(volunteering.resolve, actor, record_id, minutes=asked.minutes, reason=asked.reason)
    return _judged(await only_once(effect, partial(volunteering.find_record, actor)))


def _activity(view: ActivityView) -> ActivityOut:
    return ActivityOut.of(
        view.activity, state=view.state, need_ids=view.need_ids, photos=view.photos, shifts=view.shifts
    )


def _hours(found: Hours) -> HoursOut:
    return HoursOut(shift_id=found.id, records=[_confirmed(record) for record in found.records])


def _confirmed(record: RecordSeen) -> ConfirmedOut:
    return ConfirmedOut.of(record, resident=Author(id=record.resident_id, nickname=record.nickname))


def _judged(record: RecordSeen) -> JudgedRecordOut:
    return JudgedRecordOut.of(record, resident=Author(id=record.resident_id, nickname=record.nickname))
