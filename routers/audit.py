"""The audit trail of a community."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import StringConstraints

from routers.deps import CurrentActor, ThePaging
from routers.house import make_router
from routers.schemas.audit import TraceOut
from routers.schemas.base import PageOf, PathId, When
from routers.schemas.moderation import Reference
from services import audit

router = make_router("/places", "places")

Verb = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,30}\.[a-z_]{1,29}$")]


@router.get("/{place_id}/audit", response_model=PageOf[TraceOut])
async def list_audit_trail(
    actor: CurrentActor,
    paging: ThePaging,
    place_id: PathId,
    subject: Annotated[Reference | None, Query()] = None,
    actor_id: Annotated[PathId | None, Query()] = None,
    verb: Annotated[Verb | None, Query()] = None,
    from_at: Annotated[When | None, Query(alias="from")] = None,
    to_at: Annotated[When | None, Query(alias="to")] = None,
) -> dict[str, Any]:
    """Who did what in a community, newest first; for its committee, its supervisors and the officers above."""
    return paging.of(
        await audit.trail(
            actor,
            place_id,
            subject=subject,
            actor_id=actor_id,
            verb=verb,
            from_at=from_at,
            to_at=to_at,
            page=paging.page,
        )
    )
