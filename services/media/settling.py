"""What became of the check of a picture, whoever made it."""

from app.core import db
from app.core.db import atomic
from models.base import Moderation
from models.media import Media
from models.moderation import Why
from models.residents import Resident
from services import checks, events
from services.policies import Actor

DUE_MAX = 50
HAD_CHECK = (Moderation.PASSED, Moderation.QUEUED, Moderation.HIDDEN)


async def due_checks() -> list[Media]:
    """Pictures whose check is to be asked for now, the longest waiting first, each with its `uploader`.

    Whoever asks sets `next_check_at` (and `trace_id`, `check_sent_at`, `check_tries`) so that it is not due again.
    """
    due = await db.rows(
        "SELECT id FROM media WHERE moderation = 'checking' AND next_check_at <= clock_now() "
        f"ORDER BY next_check_at LIMIT {DUE_MAX}"
    )
    return await Media.filter(id__in=[line["id"] for line in due]).order_by("next_check_at").select_related("uploader")


@atomic()
async def settle(
    media_id: int,
    moderation: Moderation,
    *,
    by: Actor | None = None,
    label: int | None = None,
    why: Why = Why.REVIEW,
) -> bool:
    """End the check of a picture: it is `passed`, `queued` for a person, or `hidden`. Whether that changed anything.

    A machine (`by` is None) settles only what is still `checking`, so a verdict that comes twice, or after a person's,
    changes nothing; a person settles anything. `label` is what WeChat saw, `why` says why a human has to look. An
    avatar that passed is shown from now on; who uploaded what was hidden is told.
    """
    assert moderation in HAD_CHECK, "a check ends in a verdict"  # noqa: S101
    media = await Media.filter(id=media_id).select_for_update(no_key=True).get_or_none()
    if media is None or media.moderation is moderation:
        return False
    if by is None and media.moderation is not Moderation.CHECKING:
        return False
    before = media.moderation
    media.moderation, media.next_check_at = moderation, None
    await media.save(update_fields=["moderation", "next_check_at"])
    await _follow_avatar(media)
    if moderation is Moderation.QUEUED:
        await checks.ask_a_human(media, media.uploader_id, why, label=label)
    await events.record(by, f"media.{moderation}", media, before=before.value, label=label)
    return True


async def _follow_avatar(media: Media) -> None:
    """What was wanted is shown once it passed; what is hidden is neither shown nor wanted."""
    if media.moderation is Moderation.PASSED:
        await Resident.filter(wanted_avatar_id=media.id).update(avatar_id=media.id, wanted_avatar_id=None)
    elif media.moderation is Moderation.HIDDEN:
        await Resident.filter(wanted_avatar_id=media.id).update(wanted_avatar_id=None)
        await Resident.filter(avatar_id=media.id).update(avatar_id=None)
    else:
        await Resident.filter(avatar_id=media.id).update(avatar_id=None, wanted_avatar_id=media.id)
