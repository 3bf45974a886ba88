"""The contest is loaded through the services and its figures follow from rows; benchmarks get their needs fast."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.contest import DISTRICT, seed_contest
from app.core import db
from app.scale import seed_scale
from models.places import Place
from models.residents import Role
from services import residents, statistics
from services.statistics import OpenTable
from services.transparency import sequence_pending
from services.verification import verify
from tests.conftest import as_owner
from tests.people import People

As = Callable[[str], Awaitable[httpx.AsyncClient]]
CONTEST = {"campaigns": 51, "teams": 156, "team_members": 1672, "raised_fen": 620_120_00, "communities": 17}


class Interrupted(Exception):
    """Somebody stopped the command."""


def interrupt(_: str) -> None:
    raise Interrupted


async def by_http(anonymous: httpx.AsyncClient, officer: httpx.AsyncClient, district: Place) -> dict[str, int]:
    """What the district raised as it is read: by campaign, by community, and in one sum."""

    async def stats(place_id: int) -> int:
        return int((await anonymous.get(f"/v1/places/{place_id}/stats")).json()["raised_fen"])

    sums = {"campaign": 0, "community": 0, "district": await stats(district.id)}
    for street in (await anonymous.get(f"/v1/places?parent_id={district.id}&kind=street")).json()["items"]:
        of_street = f"/v1/places?parent_id={street['id']}&kind=community"
        for community in (await anonymous.get(of_street)).json()["items"]:
            sums["community"] += await stats(community["id"])
            seen = (await officer.get(f"/v1/campaigns?community_id={community['id']}")).json()["items"]
            sums["campaign"] += sum(campaign["raised_fen"] for campaign in seen)
    return sums


async def test_the_contest_adds_up_to_the_fen_and_a_second_run_changes_nothing(
    committed: str, anonymous: httpx.AsyncClient, as_: As
) -> None:
    with pytest.raises(Interrupted):
        await seed_contest(interrupt)
    assert await Place.filter(name__startswith="大赛社区").count() == 1
    assert await seed_contest(), "it goes on where it was interrupted"
    district = await Place.get(name=DISTRICT)
    figures = await statistics.figures(district.id)
    assert {name: getattr(figures, name) for name in CONTEST} == CONTEST
    streets = [await statistics.figures(street.id) for street in await Place.filter(parent_id=district.id)]
    assert sum(street.raised_fen for street in streets) == CONTEST["raised_fen"]
    communities = [place.id for place in await Place.filter(kind="community", path__startswith=district.path)]
    each = {id_: (await statistics.figures(id_)).raised_fen for id_ in communities}
    assert sum(each.values()) == CONTEST["raised_fen"]
    paid = "SELECT community_id, sum(captured_fen)::bigint AS fen FROM orders GROUP BY community_id"
    assert {line["community_id"]: line["fen"] for line in await db.rows(paid)} == each, "to the fen, by the rows"
    campaigns = await statistics.open_data(district.id, OpenTable.CAMPAIGNS)
    of = campaigns.columns.index
    for measure in ("raised_fen", "teams", "team_members"):
        by_campaign = [row[of(measure)] for row in campaigns.rows]
        assert sum(cell for cell in by_campaign if isinstance(cell, int)) == CONTEST[measure], measure
    sizes = await db.rows("SELECT count(*) AS size FROM team_members GROUP BY team_id")
    assert len({line["size"] for line in sizes}) > 5, "teams are not all alike"
    await residents.grant_from_command_line("judge", Role.DISTRICT_OFFICER, district.id)
    by_place = await by_http(anonymous, await as_("judge"), district)
    assert by_place == dict.fromkeys(("campaign", "community", "district"), 620_120_00), "620,120.00 yuan each way"
    await sequence_pending()  # seeding takes its time, and no worker runs beside it
    assert await verify() == []
    before = await db.value("SELECT count(*) FROM events")
    assert not await seed_contest()
    assert await db.value("SELECT count(*) FROM events") == before


async def test_a_scaled_community_is_like_one_that_grew(people: People) -> None:
    community = await seed_scale(300)
    figures = await statistics.figures(community)
    assert figures.needs == 300
    assert figures.residents == 30
    assert await db.value("SELECT count(*) FROM endorsements WHERE community_id = $1", community) > 300
    assert await verify() == []


async def test_anybody_reads_the_figures_of_a_place(anonymous: httpx.AsyncClient, people: People) -> None:
    figures = (await anonymous.get(f"/v1/places/{people.jy}/stats")).json()
    assert figures["residents"] == 8
    assert figures["raised_fen"] == 0
    building = (await anonymous.get("/v1/places?kind=building&limit=1")).json()["items"][0]["id"]
    assert (await anonymous.get(f"/v1/places/{building}/stats")).status_code == 422
    assert (await anonymous.get("/v1/places/999999/stats")).status_code == 404


async def test_verify_names_what_was_tampered_with(people: People) -> None:
    community = await seed_scale(20)
    need = await db.value("SELECT id FROM needs WHERE community_id = $1 AND endorsements > 0 LIMIT 1", community)
    await as_owner(lambda: db.execute("UPDATE needs SET endorsements = endorsements + 1 WHERE id = $1", need))
    await db.execute(
        "INSERT INTO pgqueuer (priority, status, entrypoint, payload) VALUES (0, 'failed', 'tell_claimant', '{}')"
    )
    said = await verify()
    assert any(line.startswith(f"need {need} counts") for line in said)
    assert any("is held" in line for line in said)
    assert len(said) == 2
