"""Meetings with agenda, attendance and minutes; petitions that ask for one."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query

from models.meetings import MeetingState, Petition, PetitionState
from routers.deps import CurrentActor, HelpedByQuery, OnlyOnce, ThePaging, TheSettings, acting
from routers.house import make_router
from routers.schemas.base import PageOf, PathId, Reasoned
from routers.schemas.meetings import (
    AttendanceOut,
    MeetingCheckInIn,
    MeetingCodeOut,
    MeetingDetail,
    MeetingIn,
    MeetingOut,
    MinutesIn,
    PetitionAnswerIn,
    PetitionDetail,
    PetitionIn,
    PetitionOut,
)
from routers.schemas.residents import HelpIn
from services import deliberations
from services.deliberations import Call, MeetingCode, MeetingView, Point

meetings = make_router("/meetings", "meetings")
petitions = make_router("/petitions", "meetings")


@meetings.post("", response_model=MeetingOut, status_code=201)
async def call_meeting(actor: CurrentActor, only_once: OnlyOnce, asked: MeetingIn) -> MeetingOut:
    """Call a meeting; committee only. Once its words have passed those concerned are told."""
    said = asked.model_dump(exclude={"agenda"})
    call = Call(**said, agenda=[Point(**point.model_dump()) for point in asked.agenda])
    effect = partial(deliberations.call_meeting, actor, call)
    return _meeting(await only_once(effect, partial(deliberations.find_meeting, actor)))


@meetings.get("", response_model=PageOf[MeetingOut])
async def list_meetings(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    deliberation_id: Annotated[PathId | None, Query()] = None,
    state: MeetingState | None = None,
) -> dict[str, Any]:
    """Meetings, newest first."""
    asked = {"community_id": community_id, "deliberation_id": deliberation_id, "state": state}
    page = await deliberations.meetings(actor, **asked, page=paging.page)  # type: ignore[arg-type]
    return paging.of(page.map(_meeting))


@meetings.get("/{meeting_id}", response_model=MeetingDetail)
async def get_meeting(actor: CurrentActor, meeting_id: PathId) -> MeetingDetail:
    """One meeting with its agenda, who came in figures, and its history."""
    found, timeline = await deliberations.meeting_detail(actor, meeting_id)
    return MeetingDetail.of(_meeting(found), timeline=timeline)


@meetings.get("/{meeting_id}/checkin-code", response_model=MeetingCodeOut)
async def get_meeting_code(actor: CurrentActor, config: TheSettings, meeting_id: PathId) -> MeetingCode:
    """The code of this half minute, for the staff to show on a screen."""
    return await deliberations.meeting_code(actor, meeting_id, secret=config.secret_key.get_secret_value())


@meetings.post("/{meeting_id}/check-in", response_model=MeetingOut)
async def check_in_at_meeting(
    actor: CurrentActor, only_once: OnlyOnce, config: TheSettings, meeting_id: PathId, asked: MeetingCheckInIn
) -> MeetingOut:
    """Say that one is there, with the code on the screen; the staff may enter a resident instead."""
    secret = config.secret_key.get_secret_value()
    effect = partial(deliberations.check_in_at_meeting, actor, meeting_id, **asked.model_dump(), secret=secret)
    return _meeting(await only_once(effect, partial(deliberations.find_meeting, actor)))


@meetings.get("/{meeting_id}/attendances", response_model=PageOf[AttendanceOut])
async def list_attendances(actor: CurrentActor, paging: ThePaging, meeting_id: PathId) -> dict[str, Any]:
    """Who came, newest first; for the staff."""
    return paging.of(await deliberations.meeting_attendances(actor, meeting_id, page=paging.page))


@meetings.post("/{meeting_id}/hold", response_model=MeetingOut)
async def put_meeting_on_record(
    actor: CurrentActor, only_once: OnlyOnce, meeting_id: PathId, asked: MinutesIn
) -> MeetingOut:
    """Put a meeting on record with its minutes; the figures of who came are kept with it. Committee only."""
    effect = partial(deliberations.hold_meeting, actor, meeting_id, minutes=asked.minutes, photo_ids=asked.photo_ids)
    return _meeting(await only_once(effect, partial(deliberations.find_meeting, actor)))


@meetings.post("/{meeting_id}/cancel", response_model=MeetingOut)
async def cancel_meeting(actor: CurrentActor, only_once: OnlyOnce, meeting_id: PathId, asked: Reasoned) -> MeetingOut:
    """Call a meeting off, with a reason; who was told of it is told. Committee only."""
    effect = partial(deliberations.cancel_meeting, actor, meeting_id, reason=asked.reason)
    return _meeting(await only_once(effect, partial(deliberations.find_meeting, actor)))


@petitions.post("", response_model=PetitionOut, status_code=201)
async def start_petition(actor: CurrentActor, only_once: OnlyOnce, asked: PetitionIn) -> Petition:
    """Ask for a residents' meeting; the roll is counted now, and one may sign for 90 days."""
    said = asked.model_dump(exclude={"on_behalf_of", "community_id"})
    effect = acting(actor, asked, "petition.started", deliberations.start_petition, asked.community_id, **said)
    return await only_once(effect, partial(deliberations.find_petition, actor))


@petitions.get("", response_model=PageOf[PetitionOut])
async def list_petitions(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    state: PetitionState | None = None,
) -> dict[str, Any]:
    """Petitions, newest first."""
    return paging.of(await deliberations.petitions(actor, community_id=community_id, state=state, page=paging.page))


@petitions.get("/{petition_id}", response_model=PetitionDetail)
async def get_petition(actor: CurrentActor, petition_id: PathId) -> PetitionDetail:
    """One petition with its history; `overdue` when the committee has not answered in time."""
    found, timeline = await deliberations.petition_detail(actor, petition_id)
    return PetitionDetail.of(found, timeline=timeline)


@petitions.put("/{petition_id}/signature", response_model=PetitionOut)
async def sign_petition(actor: CurrentActor, petition_id: PathId, asked: HelpIn | None = None) -> Petition:
    """Put one's name under it; doing it again changes nothing."""
    return await acting(actor, asked, "petition.signed", deliberations.sign, petition_id)()


@petitions.delete("/{petition_id}/signature", response_model=PetitionOut)
async def unsign_petition(actor: CurrentActor, petition_id: PathId, asked: HelpedByQuery) -> Petition:
    """Take one's name back while it is open; doing it again changes nothing."""
    return await acting(actor, asked, "petition.unsigned", deliberations.unsign, petition_id)()


@petitions.post("/{petition_id}/answer", response_model=PetitionOut)
async def answer_petition(
    actor: CurrentActor, only_once: OnlyOnce, petition_id: PathId, asked: PetitionAnswerIn
) -> Petition:
    """Answer those who asked, with the meeting called for it or the reason for none; committee only."""
    effect = partial(deliberations.answer_petition, actor, petition_id, **asked.model_dump())
    return await only_once(effect, partial(deliberations.find_petition, actor))


@petitions.post("/{petition_id}/withdraw", response_model=PetitionOut)
async def withdraw_petition(
    actor: CurrentActor, only_once: OnlyOnce, petition_id: PathId, asked: HelpIn | None = None
) -> Petition:
    """Give it up while it is open; whoever started it."""
    effect = acting(actor, asked, "petition.withdrawn", deliberations.withdraw_petition, petition_id)
    return await only_once(effect, partial(deliberations.find_petition, actor))


def _meeting(view: MeetingView) -> MeetingOut:
    told = {name: value for name, value in vars(view).items() if name != "meeting"}
    return MeetingOut.of(view.meeting, **told)
