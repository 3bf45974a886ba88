"""What somebody offers as a volunteer. Only he reads it; a shift that asks for skills compares."""

import json
from collections.abc import Sequence

from app.core import db
from app.core.db import atomic
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


async def skills(actor: Actor) -> list[Skill]:
    """What the actor said he can do."""
    volunteer = await Volunteer.get_or_none(resident_id=actor.id)
    return [Skill(skill) for skill in volunteer.skills] if volunteer else []
