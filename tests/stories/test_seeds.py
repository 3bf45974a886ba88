"""The contest is loaded through the services and its figures follow from rows; benchmarks get their needs fast."""

import httpx

from app.contest import DISTRICT, seed_contest
from app.core import db
from app.scale import seed_scale
from models.places import Place
from services import statistics
from services.statistics import OpenTable
from services.verification import verify
from tests.conftest import as_owner
from tests.people import People

CONTEST = {"campaigns": 51, "teams": 156, "team_members": 1672, "raised_fen": 620_120_00, "communities": 17}


async def test_the_contest_adds_up_to_the_fen_and_a_second_run_changes_nothing(committed: str) -> None:
    assert await seed_contest()
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
