"""Units that help as one: organisations, party branches, firms, teams of volunteers."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query

from models.units import Unit, UnitState
from routers.deps import CurrentActor, OnlyOnce, ThePaging, acting, reading
from routers.house import make_router
from routers.schemas.base import PageOf, PathId
from routers.schemas.residents import HelpedReasoned
from routers.schemas.units import UnitIn, UnitOut
from services import units

router = make_router("/units", "units")


@router.post("", response_model=UnitOut, status_code=201)
async def register_unit(actor: CurrentActor, only_once: OnlyOnce, asked: UnitIn) -> Unit:
    """Register a unit one acts for; it claims wishes once the committee has confirmed it."""
    effect = acting(actor, asked, "unit.registered", units.register, **asked.said())
    return await only_once(effect, reading(actor, asked, units.find))


@router.get("", response_model=PageOf[UnitOut])
async def list_units(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    state: UnitState | None = None,
    mine: bool = False,
) -> dict[str, Any]:
    """Units, newest first; `mine` are those one acts for."""
    return paging.of(await units.listed(actor, community_id=community_id, state=state, mine=mine, page=paging.page))


@router.get("/{unit_id}", response_model=UnitOut)
async def get_unit(actor: CurrentActor, unit_id: PathId) -> Unit:
    """One unit."""
    return await units.find(actor, unit_id)


@router.post("/{unit_id}/confirm", response_model=UnitOut)
async def confirm_unit(actor: CurrentActor, only_once: OnlyOnce, unit_id: PathId) -> Unit:
    """Confirm that its contact acts for a unit; another committee member than he."""
    return await only_once(partial(units.confirm, actor, unit_id), partial(units.find, actor))


@router.post("/{unit_id}/end", response_model=UnitOut)
async def end_unit(actor: CurrentActor, only_once: OnlyOnce, unit_id: PathId, asked: HelpedReasoned) -> Unit:
    """Decline or end a unit; its contact or the committee."""
    effect = acting(actor, asked, "unit.ended", units.end, unit_id, reason=asked.reason)
    return await only_once(effect, reading(actor, asked, units.find))
