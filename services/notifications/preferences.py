"""How residents want to be told."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core import db
from app.core.db import atomic
from models.notifications import MessageTemplate, NoticePreference
from services.policies import Actor


@dataclass(frozen=True)
class Preferences:
    """Which messages somebody does not want, and whether nights are quiet (22:00–07:00)."""

    quiet: bool = True
    switched_off: frozenset[str] = frozenset()

    def wants(self, template: MessageTemplate) -> bool:
        """Whether messages of a template are welcome."""
        return template not in self.switched_off


async def preferences(actor: Actor) -> Preferences:
    """The actor's wishes; by default everything, and quiet nights."""
    kept = await NoticePreference.get_or_none(resident_id=actor.id)
    return Preferences(kept.quiet, frozenset(kept.switched_off)) if kept else Preferences()


@atomic()
async def update_preferences(
    actor: Actor, *, quiet: bool | None = None, enabled: Mapping[MessageTemplate, bool]
) -> Preferences:
    """Replace what is named: templates wanted or not, and whether nights are quiet."""
    await db.execute(
        "INSERT INTO notice_preferences (resident_id, quiet, switched_off) VALUES ($1, true, '[]') "
        "ON CONFLICT ON CONSTRAINT notice_preferences_one_per_resident DO NOTHING",
        actor.id,
    )
    kept = await NoticePreference.filter(resident_id=actor.id).select_for_update().get()
    kept.quiet = kept.quiet if quiet is None else quiet
    unwanted = {template.value for template, wanted in enabled.items() if not wanted}
    kept.switched_off = sorted(set(kept.switched_off) - {template.value for template in enabled} | unwanted)
    await kept.save(update_fields=["quiet", "switched_off"])
    return Preferences(kept.quiet, frozenset(kept.switched_off))
