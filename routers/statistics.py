"""Figures of places, and open data: public."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response

from routers.house import PUBLIC, make_router
from routers.schemas.base import PathId
from routers.schemas.statistics import ComparedOut, FiguresOut, OpenDataOut
from services import statistics
from services.rules.tables import plain_csv
from services.statistics import By, Figures, OpenData, OpenTable

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


@router.get("/{place_id}/open-data/{table}.json", response_model=OpenDataOut, openapi_extra=PUBLIC)
async def read_open_data(place_id: PathId, table: OpenTable, from_on: From = None, until_on: Until = None) -> OpenData:
    """A table of open data, newest rows first; at most 10,000 of a period."""
    return await statistics.open_data(place_id, table, from_on=from_on, until_on=until_on)


@router.get(
    "/{place_id}/open-data/{table}.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    openapi_extra=PUBLIC,
)
async def download_open_data(
    place_id: PathId, table: OpenTable, from_on: From = None, until_on: Until = None
) -> Response:
    """The same as CSV: UTF-8 with its mark, RFC 4180, no cell that a spreadsheet would run."""
    found = await statistics.open_data(place_id, table, from_on=from_on, until_on=until_on)
    headers = {"Content-Disposition": f'attachment; filename="{table}-{found.place_id}.csv"'}
    return Response(plain_csv(found.columns, found.rows), media_type="text/csv; charset=utf-8", headers=headers)
