"""Volunteers' teams (志愿队): who leads, who belongs; their hours are counted from the service records."""

from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, refuses
from models.base import RESTRICT, Moderation, Record, Stateful
from models.places import OfCommunity
from models.residents import Resident


class TeamMemberState(StrEnum):
    ASKED = "asked"
    MEMBER = "member"
    DECLINED = "declined"
    LEFT = "left"


refuses("volunteer_team_members_one_live", AlreadyExists)


class VolunteerTeam(OfCommunity, Record):
    """Neighbours who volunteer together; one of them leads, nobody when all have left."""

    name = fields.CharField(60)
    body = fields.CharField(1000)
    founder: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "volunteer_teams_founded", on_delete=RESTRICT
    )
    founder_id: int
    leader: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "volunteer_teams_led", on_delete=RESTRICT, null=True
    )
    leader_id: int | None
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "volunteer_teams"


class VolunteerTeamMember(Stateful):
    """Somebody asks to join a team, belongs to it, left it."""

    FLOW = {
        TeamMemberState.ASKED: {TeamMemberState.MEMBER, TeamMemberState.DECLINED, TeamMemberState.LEFT},
        TeamMemberState.MEMBER: {TeamMemberState.LEFT},
        TeamMemberState.DECLINED: set(),
        TeamMemberState.LEFT: set(),
    }

    community_id = fields.BigIntField()
    team: fields.ForeignKeyRelation[VolunteerTeam] = fields.ForeignKeyField(
        "models.VolunteerTeam", "members", on_delete=RESTRICT
    )
    team_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "volunteer_team_memberships", on_delete=RESTRICT
    )
    resident_id: int
    state = fields.CharEnumField(TeamMemberState, max_length=16)

    class Meta:
        table = "volunteer_team_members"
