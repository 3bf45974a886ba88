"""Figures and open data over HTTP: for everybody, without a token."""

import csv
import io
import sys
from datetime import timedelta

import httpx
import pytest

from services import needs, statistics
from services.rules.tables import BOM
from services.statistics import OpenTable
from services.statistics.facts import today
from tests.people import People
from tests.raising import opened, paid
from tests.services.test_figures import raised


async def test_anybody_reads_a_period_and_its_months(anonymous: httpx.AsyncClient, people: People) -> None:
    await raised(people)
    first = await today()
    period = {"from": first.isoformat(), "until": (first + timedelta(days=1)).isoformat()}
    found = (await anonymous.get(f"/v1/places/{people.jy}/stats", params={**period, "by": "month"})).json()
    assert (found["needs"], found["from_on"], found["until_on"]) == (1, period["from"], period["until"])
    assert [(month["month"], month["needs"]) for month in found["months"]] == [(str(first.replace(day=1)), 1)]
    assert found["people"]["wrote"] == {"count": None, "suppressed": True}
    assert (await anonymous.get(f"/v1/places/{people.jy}/stats")).json()["months"] is None


async def test_communities_stand_side_by_side(anonymous: httpx.AsyncClient, people: People) -> None:
    await raised(people)
    street = (await anonymous.get(f"/v1/places/{people.jy}")).json()["parent_id"]
    items = (await anonymous.get(f"/v1/places/{street}/stats/children")).json()["items"]
    assert [(item["place_id"], item["kind"], item["needs"]) for item in items] == [
        (people.jy, "community", 1),
        (people.yl, "community", 0),
    ]
    assert items[0]["name"] == "锦阳社区"


@pytest.mark.parametrize("asked", ["from=2026-13-01", "until=yesterday", "by=week", "from=2026-11-02&until=2026-11-01"])
async def test_a_period_that_cannot_be_is_refused(anonymous: httpx.AsyncClient, people: People, asked: str) -> None:
    answer = await anonymous.get(f"/v1/places/{people.jy}/stats?{asked}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_no_figures_of_a_building_nor_of_nowhere(anonymous: httpx.AsyncClient, people: People) -> None:
    building = (await anonymous.get("/v1/places?kind=building&limit=1")).json()["items"][0]["id"]
    for path in ("stats", "stats/children", "open-data/needs.json", "open-data/needs.csv"):
        assert (await anonymous.get(f"/v1/places/{building}/{path}")).status_code == 422
        assert (await anonymous.get(f"/v1/places/999999/{path}")).status_code == 404
    assert (await anonymous.get(f"/v1/places/{people.jy}/stats/children")).status_code == 422
    for table in ("residents.csv", "needs.xlsx", "needs"):
        assert (await anonymous.get(f"/v1/places/{people.jy}/open-data/{table}")).status_code in (404, 422)


@pytest.mark.parametrize("table", list(OpenTable))
async def test_each_table_is_the_same_as_csv_and_json(
    anonymous: httpx.AsyncClient, people: People, table: OpenTable
) -> None:
    need_id = await raised(people)
    await needs.endorse(people.mei, need_id)
    await paid(people.mei, await opened(people), 700)
    path = f"/v1/places/{people.jy}/open-data/{table}"
    found = (await anonymous.get(f"{path}.json")).json()
    answer = await anonymous.get(f"{path}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith(BOM)
    lines = list(csv.reader(io.StringIO(answer.text.removeprefix(BOM))))
    assert lines[0] == found["columns"]
    assert len(lines) - 1 == len(found["rows"])
    assert found["complete"] is True
    assert not any("resident" in column or "author" in column for column in found["columns"])
    unchanged = await anonymous.get(f"{path}.csv", headers={"If-None-Match": answer.headers["etag"]})
    assert unchanged.status_code == 304


async def test_tables_say_what_happened_and_nothing_of_few(anonymous: httpx.AsyncClient, people: People) -> None:
    need_id = await raised(people)
    await needs.endorse(people.mei, need_id)
    campaign = await opened(people)
    await paid(people.mei, campaign, 700)

    async def row(table: str) -> dict[str, object]:
        found = (await anonymous.get(f"/v1/places/{people.jy}/open-data/{table}.json")).json()
        return dict(zip(found["columns"], found["rows"][0], strict=True))

    need = await row("needs")
    assert (need["id"], need["field"], need["endorsements"]) == (need_id, "safety", None)
    assert (await row("campaigns"))["raised_fen"] == 700
    money = await row("money")
    assert (money["legal_path"], money["raised_fen"], money["spent_fen"]) == ("community", 700, 0)


async def test_at_most_so_many_rows_are_given_and_it_says_so(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["services.statistics.open_data"], "ROWS_MAX", 1)
    for _ in range(2):
        await raised(people)
    found = await statistics.open_data(people.jy, OpenTable.NEEDS)
    assert (len(found.rows), found.complete) == (1, False)
