"""A need's dates follow the calendar, it takes one path, and whoever takes the list out is remembered."""

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from app.core import db
from app.core.pages import Page
from models.events import Event
from models.needs import AnotherPath, Need, NeedRoute
from models.wishes import WishKind
from services import audit, calendars, deliberations, jobs, needs, wishes
from services.needs.export import as_csv
from tests.conftest import as_owner
from tests.people import People
from tests.services.test_deliberations import lamp
from tests.services.test_needs import written
from tests.services.test_needs_ways import accepted, at, local


async def follow(people: People) -> None:
    """Do what the last change of a calendar owes."""
    changed = await Event.filter(verb="calendar.updated").order_by("-id").first()
    await jobs.JOBS["count_dates_anew"](None, changed)  # type: ignore[arg-type]


async def test_dates_that_lie_ahead_follow_the_calendar(people: People) -> None:
    await at("2037-09-30T09:00")
    need, handed_up = await written(people), await accepted(people)
    handed_up = await needs.escalate(people.ma, handed_up.id)
    elsewhere = await written(people, who="wu", community_id=people.yl)
    assert (local(need.due_at), local(handed_up.due_at)) == ("2037-10-06 00:00", "2037-10-08 00:00")
    await calendars.update(people.qian, people.jy, days_off=[date(2037, 10, 1), date(2037, 10, 2)], working_days=[])
    await follow(people)
    again, up = await needs.detail(people.lin, need.id), await needs.detail(people.lin, handed_up.id)
    assert local(again.need.due_at) == "2037-10-08 00:00"
    assert again.need.decision_due_at > need.decision_due_at
    assert local(up.need.due_at) == local(up.hops[0].due_at) == "2037-10-10 00:00"
    assert (await needs.find(people.wu, elsewhere.id)).due_at == elsewhere.due_at
    assert [line.verb for line in again.timeline][-1] == "need.due_moved"
    before = await Event.filter(verb="need.due_moved").count()
    await follow(people)
    assert await Event.filter(verb="need.due_moved").count() == before, "again it changes nothing"
    await calendars.update(people.qian, people.jy, days_off=[], working_days=[])
    await follow(people)
    assert (await needs.find(people.lin, need.id)).due_at == need.due_at


async def test_what_is_overdue_stays_so_and_nothing_becomes_so_today(people: People) -> None:
    days = [date(2037, 10, 1) + timedelta(days=n) for n in range(7)]
    await calendars.update(people.qian, people.jy, days_off=days, working_days=[])
    await at("2037-09-30T09:00")
    need = await written(people)
    assert local(need.due_at) == "2037-10-13 00:00"
    await at("2037-10-09T09:00")
    await calendars.update(people.qian, people.jy, days_off=[], working_days=[])
    await follow(people)
    assert local((await needs.find(people.lin, need.id)).due_at) == "2037-10-10 00:00", "not before today is over"
    await at("2037-10-12T09:00")
    await calendars.update(people.qian, people.jy, days_off=days, working_days=[])
    await follow(people)
    late = await needs.find(people.lin, need.id)
    assert (late.overdue, local(late.due_at)) == (True, "2037-10-10 00:00")


@dataclass
class Made:
    """Something made from a need, as far as a link knows it."""

    id: int
    community_id: int
    kind: str

    def noun(self) -> str:
        return self.kind


PATHS = [
    (["deliberation", "campaign", "activity"], None),
    (["deliberation", "deliberation", "activity"], None),
    (["wish", "wish"], None),
    (["wish", "campaign"], 1),
    (["deliberation", "wish"], 1),
    (["activity", "campaign", "deliberation"], None),
    (["activity", "wish"], 1),
]


@pytest.mark.parametrize(("kinds", "refused_at"), PATHS)
async def test_a_need_takes_one_path(people: People, kinds: list[str], refused_at: int | None) -> None:
    need = await accepted(people)

    for number, kind in enumerate(kinds):
        made = Made(1000 + number, people.jy, kind)
        if number == refused_at:
            with pytest.raises(AnotherPath):
                await needs.link(people.chen, [need.id], made)  # type: ignore[arg-type]
        else:
            await needs.link(people.chen, [need.id], made)  # type: ignore[arg-type]


async def test_a_need_routed_to_a_wish_becomes_nothing_else(people: People) -> None:
    need = await accepted(people)
    await needs.route(people.chen, need.id, route=NeedRoute.WISH)
    with pytest.raises(AnotherPath):
        await deliberations.propose(people.chen, await lamp(people, need_ids=[need.id]))
    assert await needs.standing([need.id], "campaign") == [], "a campaign that cited it before goes on without it"


async def made_by(people: People, who: str, need: Need, kind: str, subject_id: int = 1000) -> None:
    await needs.link(people[who], [need.id], Made(subject_id, people.jy, kind))  # type: ignore[arg-type]


async def test_a_passer_by_cites_a_need_and_settles_nothing(people: People) -> None:
    need = await written(people)
    await made_by(people, "mei", need, "wish")
    await made_by(people, "wang", need, "activity")
    await needs.accept(people.chen, need.id)
    await made_by(people, "chen", need, "deliberation")
    assert (await needs.find(people.mei, need.id)).route is NeedRoute.DELIBERATION
    with pytest.raises(AnotherPath):
        await made_by(people, "mei", need, "wish", 1001)


async def test_what_came_to_nothing_frees_the_path(people: People) -> None:
    need = await written(people)
    wish = await wishes.post(
        people.chen, community_id=people.jy, kind=WishKind.GOODS, title="声控灯", body="三只", need_ids=[need.id]
    )
    with pytest.raises(AnotherPath):
        await made_by(people, "chen", need, "deliberation")
    await wishes.withdraw(people.chen, wish.id)
    await made_by(people, "chen", need, "deliberation")


@pytest.mark.parametrize(
    ("route", "kind"), [(NeedRoute.DELIBERATION, "wish"), (NeedRoute.OFFICIAL, "wish"), (NeedRoute.WISH, "activity")]
)
async def test_the_route_is_the_one_that_was_begun(people: People, route: NeedRoute, kind: str) -> None:
    need = await written(people)
    await made_by(people, "chen", need, kind)
    await needs.accept(people.chen, need.id)
    with pytest.raises(AnotherPath):
        await needs.route(people.chen, need.id, route=route)


@pytest.mark.parametrize("route", [NeedRoute.OFFICIAL, NeedRoute.PROJECT, NeedRoute.ESCALATION])
async def test_what_the_committee_or_the_street_answers_becomes_no_wish(people: People, route: NeedRoute) -> None:
    need = await accepted(people)
    await needs.route(people.chen, need.id, route=route)
    with pytest.raises(AnotherPath):
        await made_by(people, "mei", need, "wish")


async def test_a_merge_carries_over_what_was_made_of_the_twin(people: People) -> None:
    into, twin, other = await written(people), await written(people), await written(people)
    await made_by(people, "mei", twin, "wish", 2)
    await made_by(people, "chen", twin, "deliberation", 1)
    await needs.merge(people.chen, twin.id, into_id=into.id)
    seen = await needs.detail(people.chen, into.id)
    assert [(link.kind, link.id) for link in seen.links] == [("deliberation", 1)]
    with pytest.raises(AnotherPath):
        await made_by(people, "chen", into, "wish", 3)
    await made_by(people, "chen", other, "wish", 4)
    with pytest.raises(AnotherPath):
        await needs.merge(people.chen, other.id, into_id=into.id)


async def test_whoever_takes_the_list_out_stands_in_the_audit_trail(people: People) -> None:
    await written(people)
    _ = [part async for part in await as_csv(people.qian)]
    for community_id in (people.jy, people.yl):
        found = await audit.trail(people.qian, community_id, verb="need.exported", page=Page(5, None))
        line = found.items[0]
        assert (line.actor_id, line.subject, line.facts) == (people.qian.id, f"place:{community_id}", {})


@pytest.mark.parametrize("guarded", [True, False])
async def test_two_paths_at_once_are_one(committed: str, guarded: bool) -> None:
    people = await People.load()
    need = await accepted(people)
    if not guarded:  # and without the trigger the invariant breaks
        async with db.tx():
            await as_owner(lambda: db.execute("DROP TRIGGER need_links_one_path ON need_links"))
    made = [Made(1, people.jy, "wish"), Made(2, people.jy, "deliberation")]
    done = await asyncio.gather(
        *(needs.link(people.zhao if one.id == 1 else people.chen, [need.id], one) for one in made),  # type: ignore[arg-type]
        return_exceptions=True,
    )
    kept = await db.value("SELECT count(DISTINCT kind) FROM need_links WHERE need_id = $1", need.id)
    assert kept == (1 if guarded else 2), done
