"""The human queue of content that WeChat did not decide about."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query

from routers.deps import CurrentActor, OnlyOnce, ThePaging
from routers.house import make_router
from routers.schemas.base import PageOf, PathId, Reasoned
from routers.schemas.moderation import QueuedOut
from services import media, moderation
from services.moderation import Queued

router = make_router("/moderation", "moderation")


@router.get("/queue", response_model=PageOf[QueuedOut])
async def list_moderation_queue(
    actor: CurrentActor, paging: ThePaging, community_id: Annotated[PathId | None, Query()] = None
) -> dict[str, Any]:
    """What waits for a human, newest first; for the committee and the social workers of the community."""
    return paging.of((await moderation.queue(actor, community_id=community_id, page=paging.page)).map(_queued))


@router.post("/{check_id}/approve", response_model=QueuedOut)
async def approve_content(actor: CurrentActor, only_once: OnlyOnce, check_id: PathId) -> QueuedOut:
    """Show it to everybody; its author is told. Nobody decides about his own."""
    effect = partial(moderation.approve, actor, check_id)
    return _queued(await only_once(effect, partial(moderation.find, actor)))


@router.post("/{check_id}/hide", response_model=QueuedOut)
async def hide_content(actor: CurrentActor, only_once: OnlyOnce, check_id: PathId, asked: Reasoned) -> QueuedOut:
    """Hide it from everybody but its author, who is told the reason. Nobody decides about his own."""
    effect = partial(moderation.hide, actor, check_id, reason=asked.reason)
    return _queued(await only_once(effect, partial(moderation.find, actor)))


def _queued(found: Queued) -> QueuedOut:
    shown = {name: getattr(found, name) for name in QueuedOut.model_fields if name not in ("subject", "media_url")}
    media_url = media.judged_url(found.subject_id) if found.subject_kind == "media" else None
    return QueuedOut(**shown, subject=f"{found.subject_kind}:{found.subject_id}", media_url=media_url)
