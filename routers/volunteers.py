"""Volunteers' teams, points, and calendars to subscribe to."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from app.core import rates
from routers.deps import CurrentActor, OnlyOnce, ThePaging, TheSettings, acting, limit, reading
from routers.house import PUBLIC, make_router
from routers.schemas.base import PageOf, PathId
from routers.schemas.residents import HelpIn
from routers.schemas.volunteer_teams import (
    CalendarOut,
    HandVolunteerTeamOverIn,
    PointsOut,
    PointTransferOut,
    SpendIn,
    VolunteerTeamIn,
    VolunteerTeamMemberOut,
    VolunteerTeamOut,
)
from services import volunteering
from services.volunteering import Points, TeamSeen, TransferSeen

teams = make_router("/volunteer-teams", "volunteer teams")
members = make_router("/volunteer-team-members", "volunteer teams")
mine = make_router("/me", "volunteering")
points = make_router("/points", "points")
activities = make_router("/activities", "volunteering")

ICS = "text/calendar"
A_CALENDAR: dict[int | str, dict[str, Any]] = {200: {"content": {ICS: {}}, "description": "The calendar"}}


@teams.post("", response_model=VolunteerTeamOut, status_code=201)
async def found_volunteer_team(actor: CurrentActor, only_once: OnlyOnce, asked: VolunteerTeamIn) -> TeamSeen:
    """Start a team and lead it; a verified resident may."""
    effect = acting(actor, asked, "volunteer_team.founded", volunteering.found_team, **asked.said())
    return await only_once(effect, reading(actor, asked, volunteering.find_team))


@teams.get("", response_model=PageOf[VolunteerTeamOut])
async def list_volunteer_teams(
    actor: CurrentActor, paging: ThePaging, community_id: Annotated[PathId | None, Query()] = None
) -> dict[str, Any]:
    """Teams, newest first; there is no order by hours."""
    return paging.of(await volunteering.teams(actor, community_id=community_id, page=paging.page))


@teams.get("/{team_id}", response_model=VolunteerTeamOut)
async def get_volunteer_team(actor: CurrentActor, team_id: PathId) -> TeamSeen:
    """One team with its members counted and its hours."""
    return await volunteering.find_team(actor, team_id)


@teams.get("/{team_id}/members", response_model=PageOf[VolunteerTeamMemberOut])
async def list_volunteer_team_members(actor: CurrentActor, paging: ThePaging, team_id: PathId) -> dict[str, Any]:
    """Who belongs to it, newest first; its leader also reads who asks to join."""
    return paging.of(await volunteering.members(actor, team_id, page=paging.page))


@teams.post("/{team_id}/join", response_model=VolunteerTeamOut)
async def join_volunteer_team(
    actor: CurrentActor, only_once: OnlyOnce, team_id: PathId, asked: HelpIn | None = None
) -> TeamSeen:
    """Ask to join; its leader lets one in. Again changes nothing."""
    effect = acting(actor, asked, "volunteer_team.asked", volunteering.join_team, team_id)
    return await only_once(effect, reading(actor, asked, volunteering.find_team))


@teams.post("/{team_id}/leave", response_model=VolunteerTeamOut)
async def leave_volunteer_team(
    actor: CurrentActor, only_once: OnlyOnce, team_id: PathId, asked: HelpIn | None = None
) -> TeamSeen:
    """Leave, or stop asking; who leads hands over first. Again changes nothing."""
    effect = acting(actor, asked, "volunteer_team.left", volunteering.leave_team, team_id)
    return await only_once(effect, reading(actor, asked, volunteering.find_team))


@teams.post("/{team_id}/hand-over", response_model=VolunteerTeamOut)
async def hand_volunteer_team_over(
    actor: CurrentActor, only_once: OnlyOnce, team_id: PathId, asked: HandVolunteerTeamOverIn
) -> TeamSeen:
    """Let another member lead; who leads may, and the committee."""
    effect = acting(
        actor, asked, "volunteer_team.handed_over", volunteering.hand_team_over, team_id, member_id=asked.member_id
    )
    return await only_once(effect, reading(actor, asked, volunteering.find_team))


@members.post("/{member_id}/accept", response_model=VolunteerTeamOut)
async def accept_volunteer_team_member(
    actor: CurrentActor, only_once: OnlyOnce, member_id: PathId, asked: HelpIn | None = None
) -> TeamSeen:
    """Let somebody in who asked; the leader may."""
    effect = acting(
        actor, asked, "volunteer_team.member_accepted", volunteering.answer_member, member_id, accepted=True
    )
    return await only_once(effect, reading(actor, asked, volunteering.find_team))


@members.post("/{member_id}/decline", response_model=VolunteerTeamOut)
async def decline_volunteer_team_member(
    actor: CurrentActor, only_once: OnlyOnce, member_id: PathId, asked: HelpIn | None = None
) -> TeamSeen:
    """Do not let somebody in who asked; the leader may."""
    effect = acting(
        actor, asked, "volunteer_team.member_declined", volunteering.answer_member, member_id, accepted=False
    )
    return await only_once(effect, reading(actor, asked, volunteering.find_team))


@mine.get("/points", response_model=PointsOut)
async def get_my_points(actor: CurrentActor) -> Points:
    """One's own hours, given, received, spent and left; nobody else reads them."""
    return await volunteering.points(actor)


@points.post("/transfers", response_model=PointTransferOut, status_code=201)
async def spend_points(actor: CurrentActor, only_once: OnlyOnce, asked: SpendIn) -> TransferSeen:
    """Give minutes of one's own to a neighbour for his help, never more than are left."""
    effect = acting(actor, asked, "point_transfer.made", volunteering.spend, **asked.said())
    return await only_once(effect, reading(actor, asked, volunteering.find_transfer))


@points.get("/transfers", response_model=PageOf[PointTransferOut])
async def list_point_transfers(actor: CurrentActor, paging: ThePaging) -> dict[str, Any]:
    """What one spent and received, newest first."""
    return paging.of(await volunteering.transfers(actor, page=paging.page))


@mine.put("/calendar", response_model=CalendarOut)
async def renew_my_calendar(actor: CurrentActor, config: TheSettings) -> CalendarOut:
    """A new secret address for the calendar of one's shifts; the one before leads nowhere any more."""
    token = await volunteering.renew_calendar(actor)
    return CalendarOut(url=f"{config.base_url}/v1/me/calendar.ics?token={token}")


@mine.delete("/calendar", status_code=204)
async def close_my_calendar(actor: CurrentActor) -> Response:
    """Let the address of one's calendar lead nowhere; again changes nothing."""
    await volunteering.close_calendar(actor)
    return Response(status_code=204)


@mine.get("/calendar.ics", response_class=Response, responses=A_CALENDAR, openapi_extra=PUBLIC)
async def read_my_calendar(
    request: Request, token: Annotated[str, Query(min_length=1, max_length=100, description="Out of the address")]
) -> Response:
    """The shifts of whose secret address it is, for a calendar program to subscribe to."""
    await limit(request, rates.LOOKUPS, "calendars")
    return _calendar(await volunteering.own_calendar(token))


@activities.get("/{activity_id}.ics", response_class=Response, responses=A_CALENDAR)
async def get_activity_calendar(actor: CurrentActor, activity_id: PathId) -> Response:
    """The shifts of one activity as a calendar file."""
    return _calendar(await volunteering.activity_calendar(actor, activity_id))


def _calendar(text: str) -> Response:
    return Response(text, media_type=f"{ICS}; charset=utf-8", headers={"Cache-Control": "private, no-cache"})
