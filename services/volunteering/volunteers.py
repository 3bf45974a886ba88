"""What somebody offers as a volunteer. Only he reads it; a shift that asks for skills compares."""

import json
from collections.abc import Sequence

from app.core import db
from app.core.db import atomic
from app.core.errors import InvalidState
from models.volunteering import Skill, Volunteer
from services import events
from services.policies import Actor

KEEP = """
INSERT INTO volunteers (resident_id, skills) VALUES ($1, $2)
ON CONFLICT (resident_id) DO UPDATE SET skills = excluded.skills
"""


@atomic()
async def set_skills(actor: Actor, offered: Sequence[Skill]) -> list[Skill]:
    """Replace what the actor says he can do; seats that he has already stay his."""
    await db.execute(KEEP, actor.id, json.dumps(sorted(set(offered))))
    await events.record(actor, "volunteer.skills_set", await Volunteer.get(resident_id=actor.id))
    return await skills(actor)


@atomic()
async def forget_skills(actor: Actor) -> None:
    """Take back what was said last of what the actor can do, if it was not he who said it. Raises InvalidState."""
    said_by = await db.value(
        "SELECT e.actor_id FROM events e JOIN volunteers v ON v.id = e.subject_id "
        "WHERE e.subject_kind = 'volunteer' AND e.verb = 'volunteer.skills_set' AND v.resident_id = $1 "
        "ORDER BY e.id DESC LIMIT 1",
        actor.id,
    )
    if said_by == actor.id:
        raise InvalidState("said_since")
    await set_skills(actor, [])


async def skills(actor: Actor) -> list[Skill]:
    """What the actor said he can do."""
    volunteer = await Volunteer.get_or_none(resident_id=actor.id)
    return [Skill(skill) for skill in volunteer.skills] if volunteer else []
