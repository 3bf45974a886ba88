"""Figures of a period, of closed days and of places side by side; small groups stay unsaid."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from app.core import db
from app.core.errors import Invalid, NotFound
from app.scale import seed_district
from models.needs import NeedField, NeedRoute, ServiceClass
from models.places import Place
from services import moderation, needs, statistics
from services.statistics import By, Figures, OpenTable
from services.statistics.facts import today
from tests.conftest import as_owner
from tests.people import People
from tests.raising import cash, opened, paid

MoveClock = Callable[[timedelta], Awaitable[None]]
DAY = timedelta(days=1)


async def raised(people: People, field: NeedField = NeedField.SAFETY) -> int:
    """小林 raises a need that everybody may see."""
    need = await needs.submit(
        people.lin, community_id=people.jy, service_class=ServiceClass.CARE, field=field, title="灯", body="坏了"
    )
    await moderation.trust("need", need.id)
    return need.id


async def test_a_need_is_followed_through_the_figures(people: People, move_clock: MoveClock) -> None:
    need_id = await raised(people)
    await raised(people, NeedField.ELDERLY)
    await move_clock(timedelta(hours=5))
    await needs.accept(people.chen, need_id)
    await move_clock(timedelta(hours=25))
    await needs.route(people.chen, need_id, route=NeedRoute.OFFICIAL)
    await needs.finish(people.chen, need_id)
    found = await statistics.figures(people.jy)
    assert (found.needs, found.needs_done) == (2, 1)
    assert found.needs_by_field == {"elderly": 1, "safety": 1}
    assert found.needs_by_state == {"done": 1, "submitted": 1}
    assert found.needs_by_route == {"official": 1}
    assert (found.first_answer.count, found.first_answer.median_hours, found.first_answer.in_time) == (1, 5, 1)
    assert (found.decision.count, found.decision.p90_hours, found.decision.late) == (1, 30, 0)
    assert found.overdue == 0
    await move_clock(timedelta(days=40))
    assert (await statistics.figures(people.jy)).overdue == 1
    await needs.decline(people.chen, need_id + 1, reason="不是社区的事")
    late = await statistics.figures(people.jy)
    assert (late.first_answer.late, late.decision.late, late.overdue) == (1, 1, 0)


async def test_a_folded_day_says_the_same_and_later_changes_are_facts_of_their_day(
    people: People, move_clock: MoveClock
) -> None:
    first = await today()
    need_id = await raised(people)
    campaign = await opened(people)
    await paid(people.mei, campaign, 700)
    await cash(people, campaign, 300)
    before = await statistics.figures(people.jy)
    await move_clock(2 * DAY)
    await statistics.fold_due()
    await statistics.fold_due()
    assert await statistics.figures(people.jy) == before
    assert await statistics.figures(people.jy, from_on=first, until_on=first + DAY) == Figures(
        **{**vars(before), "from_on": first, "until_on": first + DAY}
    )
    await db.execute("UPDATE needs SET moderation = 'hidden' WHERE id = $1", need_id)
    assert (await statistics.figures(people.jy)).needs == 0
    assert (await statistics.figures(people.jy, until_on=first + DAY)).needs == 1, "that day it was shown"
    assert (await statistics.figures(people.jy, from_on=first + DAY)).needs == -1, "taken back on the day it was"
    await move_clock(40 * DAY)
    await statistics.fold_due()
    found = await statistics.figures(people.jy, by=By.MONTH)
    assert (found.needs, found.raised_fen) == (0, 1000)
    assert found.months is not None
    assert sum(month.raised_fen for month in found.months) == 1000
    assert found.months[0].month == first.replace(day=1)
    assert await statistics.check_figures() == []


async def test_nothing_is_folded_before_its_day_is_over_for_an_hour(people: People, move_clock: MoveClock) -> None:
    await statistics.fold_due()
    mark = "SELECT until_on FROM figure_marks WHERE community_id = $1"
    assert await db.value(mark, people.jy) <= await today()
    await move_clock(400 * DAY)
    await statistics.fold_due()
    assert await today() - DAY <= await db.value(mark, people.jy) <= await today()


async def test_verify_names_a_figure_that_is_not_its_rows(people: People, move_clock: MoveClock) -> None:
    await raised(people)
    await move_clock(2 * DAY)
    await statistics.fold_due()
    assert await statistics.check_figures() == []

    async def tamper() -> None:
        await db.execute("ALTER TABLE figures DISABLE TRIGGER USER")
        await db.execute("UPDATE figures SET amount = 7 WHERE measure = 'needs'")
        await db.execute("ALTER TABLE figure_entries DISABLE TRIGGER USER")
        await db.execute("DELETE FROM figure_entries WHERE measure = 'needs_by_field'")
        await db.execute("DELETE FROM participations")

    await as_owner(tamper)
    said = "\n".join(await statistics.check_figures())
    assert "figure needs  of community" in said
    assert "says 7, its rows say 1" in said
    assert "needs_by_field safety" in said
    assert "wrote in community" in said


async def test_few_people_are_not_told_of_and_many_are(people: People) -> None:
    need_id = await raised(people)
    for neighbour in (people.mei, people.wang, people.he, people.sun):
        await needs.endorse(neighbour, need_id)
    found = await statistics.figures(people.jy)
    assert (found.people["wrote"].count, found.people["wrote"].suppressed) == (None, True)
    assert (found.people["endorsed"].count, found.people["endorsed"].suppressed) == (None, True)
    assert (found.people["voted"].count, found.people["voted"].suppressed) == (0, False)
    assert (found.people["active"].count, found.people["active"].suppressed) == (5, False)
    await needs.endorse(people.zhao, need_id)
    assert (await statistics.figures(people.jy)).people["endorsed"].count == 5


async def test_who_took_part_counts_once_and_by_month(people: People, move_clock: MoveClock) -> None:
    first = (await today()).replace(day=1)
    need_id = await raised(people)
    for neighbour in (people.mei, people.wang, people.he, people.sun, people.zhao):
        await needs.endorse(neighbour, need_id)
    await move_clock(70 * DAY)
    await statistics.fold_due()
    again = await raised(people)
    for neighbour in (people.mei, people.wang, people.he, people.sun, people.zhao, people.ma):
        await needs.endorse(neighbour, again)
    ever = await statistics.figures(people.jy)
    then = await statistics.figures(people.jy, until_on=first + DAY)
    between = await statistics.figures(people.jy, from_on=first + 35 * DAY, until_on=first + 36 * DAY)
    assert [found.people["endorsed"].count for found in (ever, then, between)] == [6, 5, 0]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 11, 2), date(2026, 11, 2)),
        (date(2026, 11, 2), date(2026, 11, 1)),
        (date(1999, 12, 31), date(2026, 1, 1)),
        (date(2000, 1, 1), date(2200, 1, 1)),
    ],
)
async def test_a_period_that_cannot_be_is_refused(people: People, first: date, last: date) -> None:
    with pytest.raises(Invalid):
        await statistics.figures(people.jy, from_on=first, until_on=last)
    with pytest.raises(Invalid):
        await statistics.children(people.jy, from_on=first, until_on=last)
    with pytest.raises(Invalid):
        await statistics.open_data(people.jy, OpenTable.NEEDS, from_on=first, until_on=last)


async def test_figures_are_kept_for_communities_and_above(people: People) -> None:
    building = await Place.get(kind="building", path__contains=f"/{people.jy}/", name="7号楼")
    for ask in (statistics.figures, statistics.children, lambda id_: statistics.open_data(id_, OpenTable.HOURS)):
        with pytest.raises(Invalid):
            await ask(building.id)
        with pytest.raises(NotFound):
            await ask(999_999)
    with pytest.raises(Invalid):
        await statistics.children(people.jy)


RECOUNT = """
SELECT n.community_id AS id, count(*) AS needs, count(*) FILTER (WHERE field = 'safety') AS safety,
    count(*) FILTER (WHERE state = 'accepted') AS accepted,
    count(*) FILTER (WHERE (n.created_at AT TIME ZONE 'Asia/Shanghai')::date >= $1
        AND (n.created_at AT TIME ZONE 'Asia/Shanghai')::date < $2) AS in_period
FROM needs n JOIN places p ON p.id = n.community_id WHERE p.path LIKE '/' || $3::text || '/%'
    AND n.moderation = 'passed' GROUP BY 1
"""
ACTIVE = """
SELECT community_id AS id, count(DISTINCT resident_id) AS people FROM (
    SELECT community_id, author_id AS resident_id FROM needs UNION SELECT community_id, author_id FROM comments
    UNION SELECT community_id, resident_id FROM endorsements) AS t GROUP BY 1
"""


async def test_a_district_of_64_communities_is_what_its_rows_are(committed: str) -> None:
    district = await seed_district(1_280, over=timedelta(days=400))
    await statistics.fold_due()
    assert await db.value("SELECT count(*) FROM figures WHERE span = 'year'") > 0
    first, last = await today() - timedelta(days=200), await today() - timedelta(days=20)
    rows = {line["id"]: line for line in await db.rows(RECOUNT, first, last, str(district))}
    assert len(rows) == 64
    whole, part = (
        await statistics.figures(district),
        await statistics.figures(district, from_on=first, until_on=last),
    )
    assert (whole.communities, whole.needs) == (64, 1_280)
    assert whole.needs_by_field["safety"] == sum(line["safety"] for line in rows.values())
    assert whole.needs_by_state["accepted"] == sum(line["accepted"] for line in rows.values())
    assert part.needs == sum(line["in_period"] for line in rows.values())
    active = {line["id"]: line["people"] for line in await db.rows(ACTIVE)}
    assert whole.people["active"].count == sum(active[id_] for id_ in rows)
    streets = await statistics.children(district, from_on=first, until_on=last)
    assert [street.kind for street in streets] == ["street"] * 8
    assert sum(street.needs for street in streets) == part.needs
    each = [one for street in streets for one in await statistics.children(street.place_id)]
    assert {one.place_id: one.needs for one in each} == {id_: line["needs"] for id_, line in rows.items()}
    assert {one.place_id: one.people["active"].count for one in each} == {id_: active[id_] for id_ in rows}
    assert await statistics.check_figures() == []
