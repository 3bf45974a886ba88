"""Terms of roles: they end by the clock, with a word before; and nobody supervises his own kin."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.core import clock, db
from app.core.errors import Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Page
from models.events import Event
from models.places import Place, PlaceKind
from models.residents import Kinship, Role, RoleGrant
from services import neighbours, notifications, residents
from services.policies import Actor
from services.residents import RelatedToCommittee
from tests.people import People
from tests.raising import resolution

Move = Callable[[timedelta], Awaitable[None]]


async def head_for(people: People, days: float) -> RoleGrant:
    """阿梅 heads building 5 for so many days."""
    five = await Place.get(name="5号楼", community_id=people.jy, kind=PlaceKind.BUILDING)
    return await residents.grant_role(
        people.chen,
        five.id,
        resident_id=people.mei.id,
        role=Role.BUILDING_HEAD,
        until_at=await clock.now() + timedelta(days=days),
    )


async def told(actor: Actor) -> list[str]:
    found = await notifications.inbox(actor, page=Page(100))
    return [line.kind for line in found.items if line.kind.startswith("role.e")]


async def test_a_role_ends_by_the_clock_with_a_word_before_and_at_the_end(people: People, move_clock: Move) -> None:
    await head_for(people, 30)
    await neighbours.remind_of_terms()
    assert await told(people.mei) == []
    await move_clock(timedelta(days=23))
    await neighbours.remind_of_terms()
    await neighbours.remind_of_terms()
    assert (await told(people.mei), await told(people.chen)) == (["role.ending"], ["role.ending"])
    assert (await residents.actor(people.mei.id)).is_staff(people.jy)
    await move_clock(timedelta(days=7))
    assert not (await residents.actor(people.mei.id)).is_staff(people.jy)
    await neighbours.remind_of_terms()
    await neighbours.remind_of_terms()
    assert await told(people.mei) == ["role.ended", "role.ending"]


async def test_a_renewed_role_goes_on_and_is_announced_anew(people: People, move_clock: Move) -> None:
    grant = await head_for(people, 5)
    await neighbours.remind_of_terms()
    until = await clock.now() + timedelta(days=30)
    assert (await residents.renew_role(people.zhao, grant.place_id, grant.id, until_at=until)).until_at == until
    await move_clock(timedelta(days=6))
    assert (await residents.actor(people.mei.id)).is_staff(people.jy)
    await move_clock(timedelta(days=18))
    await neighbours.remind_of_terms()
    assert await told(people.mei) == ["role.ending", "role.ending"]


async def test_what_a_renewal_is_refused_for(people: People, move_clock: Move) -> None:
    grant = await head_for(people, 5)
    later = await clock.now() + timedelta(days=30)
    for who in ("mei", "lin", "he", "deng"):
        with pytest.raises(Forbidden):
            await residents.renew_role(people[who], grant.place_id, grant.id, until_at=later)
    with pytest.raises(Invalid):
        await residents.renew_role(people.chen, grant.place_id, grant.id, until_at=await clock.now())
    with pytest.raises(NotFound):
        await residents.renew_role(people.chen, people.jy, grant.id, until_at=later)
    unlimited = await RoleGrant.get(resident_id=people.ma.id)
    with pytest.raises(InvalidState):
        await residents.renew_role(people.chen, unlimited.place_id, unlimited.id, until_at=later)
    await move_clock(timedelta(days=6))
    with pytest.raises(InvalidState):
        await residents.renew_role(people.chen, grant.place_id, grant.id, until_at=later)


async def test_a_supervisor_is_renewed_with_a_new_resolution(people: People) -> None:
    until = await clock.now() + timedelta(days=30)
    asked = {"resident_id": people.mei.id, "role": Role.SUPERVISOR, "until_at": until}
    grant = await residents.grant_role(
        people.qian, people.jy, **asked, resolution_id=await resolution(people.jy, people.chen)
    )
    later = until + timedelta(days=365)
    with pytest.raises(Invalid):
        await residents.renew_role(people.qian, people.jy, grant.id, until_at=later)
    with pytest.raises(Forbidden):
        await residents.renew_role(people.chen, people.jy, grant.id, until_at=later, resolution_id=1)
    again = await resolution(people.jy, people.chen)
    renewed = await residents.renew_role(people.qian, people.jy, grant.id, until_at=later, resolution_id=again)
    assert renewed.resolution_id == again


async def test_relatives_declared_later_are_flagged_to_the_street(people: People) -> None:
    await residents.declare_relative(people.sun, people.sun.id, people.chen.id, kinship=Kinship.SIBLING)
    found = await Event.get(verb="role.conflict_found")
    news = await neighbours.news(found)
    assert (news.kind, list(news.to)) == ("role.conflict_found", [people.qian.id])


async def test_a_supervisors_relative_joins_the_committee_only_once_that_is_over(people: People) -> None:
    await residents.declare_relative(people.sun, people.sun.id, people.mei.id, kinship=Kinship.SPOUSE)
    assert not await Event.exists(verb="role.conflict_found")
    with pytest.raises(RelatedToCommittee):
        await residents.grant_role(people.qian, people.jy, resident_id=people.mei.id, role=Role.COMMITTEE)
    with pytest.raises(RelatedToCommittee):
        async with db.tx():
            await RoleGrant.create(resident_id=people.mei.id, role=Role.COMMITTEE, place_id=people.jy)
    supervision = await RoleGrant.get(resident_id=people.sun.id, role=Role.SUPERVISOR)
    await residents.revoke_role(people.qian, people.jy, supervision.id)
    await residents.grant_role(people.qian, people.jy, resident_id=people.mei.id, role=Role.COMMITTEE)


@pytest.mark.parametrize(
    ("who", "allowed"),
    [("lin", True), ("chen", True), ("qian", True), ("guest", False), ("wu", False), ("deng", False)],
)
async def test_who_lives_or_serves_there_knows_who_holds_what(people: People, who: str, allowed: bool) -> None:
    if allowed:
        found = await residents.holders_at(people[who], people.jy, page=Page())
        assert [(one.nickname, one.role) for one in found.items] == [
            ("马社工", Role.SOCIAL_WORKER),
            ("孙监督", Role.SUPERVISOR),
            ("赵委员", Role.COMMITTEE),
            ("陈主任", Role.COMMITTEE),
        ]
    else:
        with pytest.raises(Forbidden):
            await residents.holders_at(people[who], people.jy, page=Page())
