"""Figures of places, and open data: public."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query

from routers.house import PUBLIC, make_router
from routers.schemas.base import PathId
from routers.schemas.statistics import ComparedOut, FiguresOut
from services import statistics
from services.statistics import By, Figures

router = make_router("/places", "places")

From = Annotated[date | None, Query(alias="from", description="The first day, by Shanghai's calendar")]
Until = Annotated[date | None, Query(alias="until", description="The day after the last")]


@router.get("/{place_id}/stats", response_model=FiguresOut, openapi_extra=PUBLIC)
async def show_statistics(place_id: PathId, from_on: From = None, until_on: Until = None, by: By = By.NONE) -> Figures:
    """What all communities of a community, street or district add up to, of all time or a period."""
    return await statistics.figures(place_id, from_on=from_on, until_on=until_on, by=by)


@router.get("/{place_id}/stats/children", response_model=ComparedOut, openapi_extra=PUBLIC)
async def compare_places(place_id: PathId, from_on: From = None, until_on: Until = None) -> dict[str, Any]:
    """The figures of each street of a district, or community of a street."""
    return {"items": await statistics.children(place_id, from_on=from_on, until_on=until_on)}
