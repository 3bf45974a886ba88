"""The register of relatives: declared freely, read by few, struck out by officers alone."""

from collections.abc import Awaitable

import pytest

from app.core import db
from app.core.errors import Forbidden, NotFound
from models.events import Event
from models.residents import Kinship, Relative, Role
from services import residents
from services.residents import RelatedToCommittee
from tests.people import People
from tests.raising import resolution


async def allowed(deed: Awaitable[object]) -> str:
    try:
        async with db.tx():
            await deed
    except Forbidden:
        return "seen"
    except NotFound:
        return "unseen"
    return "done"


@pytest.mark.parametrize(
    ("who", "reads", "declares", "strikes"),
    [
        ("lin", "done", "done", "seen"),  # himself
        ("mei", "unseen", "unseen", "unseen"),  # the relative, but not asked about herself
        ("wang", "unseen", "unseen", "unseen"),
        ("guest", "unseen", "unseen", "unseen"),
        ("chen", "done", "seen", "seen"),  # the committee reads
        ("he", "unseen", "unseen", "unseen"),
        ("ma", "unseen", "unseen", "unseen"),
        ("sun", "done", "done", "seen"),  # supervises
        ("deng", "unseen", "unseen", "unseen"),  # sits on the committee next door
        ("qian", "done", "done", "done"),
        ("root", "done", "done", "done"),
    ],
)
async def test_who_may_read_declare_and_strike(
    people: People, who: str, reads: str, declares: str, strikes: str
) -> None:
    actor = people[who]
    await residents.declare_relative(people.qian, people.lin.id, people.wang.id, kinship=Kinship.OTHER)
    assert await allowed(residents.relatives(actor, people.lin.id)) == reads
    deed = residents.declare_relative(actor, people.lin.id, people.mei.id, kinship=Kinship.SIBLING)
    assert await allowed(deed) == declares
    strike = residents.strike_relative(actor, people.lin.id, people.wang.id, reason="登记有误")
    assert await allowed(strike) == strikes


@pytest.mark.parametrize(("said", "seen"), [("parent", "child"), ("child", "parent"), ("spouse", "spouse")])
async def test_each_sees_the_other_from_his_side(people: People, said: str, seen: str) -> None:
    await residents.declare_relative(people.mei, people.mei.id, people.lin.id, kinship=Kinship(said))
    assert await residents.relatives(people.mei, people.mei.id) == [(people.lin.id, said)]
    assert await residents.relatives(people.lin, people.lin.id) == [(people.mei.id, seen)]


async def test_saying_it_again_changes_nothing_and_otherwise_corrects_it(people: People) -> None:
    for kinship in (Kinship.SIBLING, Kinship.SIBLING, Kinship.SPOUSE):
        await residents.declare_relative(people.lin, people.lin.id, people.mei.id, kinship=kinship)
    assert await residents.relatives(people.lin, people.lin.id) == [(people.mei.id, "spouse")]
    assert await Event.filter(verb="relative.declared").count() == 2


async def test_who_was_struck_out_stays_on_record_and_may_be_declared_again(people: People) -> None:
    await residents.declare_relative(people.lin, people.lin.id, people.mei.id, kinship=Kinship.SPOUSE)
    for _ in range(2):
        await residents.strike_relative(people.qian, people.mei.id, people.lin.id, reason="已离婚")
    assert await residents.relatives(people.lin, people.lin.id) == []
    await residents.declare_relative(people.lin, people.lin.id, people.mei.id, kinship=Kinship.OTHER)
    assert [row.kinship for row in await Relative.all().order_by("id")] == ["spouse", "other"]
    assert await Event.filter(verb="relative.removed").count() == 1


async def test_nobody_is_his_own_relative_nor_one_who_does_not_exist(people: People) -> None:
    for other in (people.lin.id, 10**15):
        with pytest.raises(NotFound):
            await residents.declare_relative(people.lin, people.lin.id, other, kinship=Kinship.OTHER)
    with pytest.raises(NotFound):
        await residents.relatives(people.root, 10**15)


async def test_a_relative_of_the_committee_does_not_supervise_nor_the_other_way_round(people: People) -> None:
    await residents.declare_relative(people.lin, people.lin.id, people.chen.id, kinship=Kinship.CHILD)
    cited = await resolution(people.jy, people.chen)
    with pytest.raises(RelatedToCommittee):
        await residents.grant_role(
            people.qian, people.jy, resident_id=people.lin.id, role=Role.SUPERVISOR, resolution_id=cited
        )
    await residents.declare_relative(people.mei, people.mei.id, people.sun.id, kinship=Kinship.CHILD)
    with pytest.raises(RelatedToCommittee):
        await residents.grant_role(people.qian, people.jy, resident_id=people.mei.id, role=Role.COMMITTEE)
    await residents.strike_relative(people.qian, people.mei.id, people.sun.id, reason="登记有误")
    await residents.grant_role(people.qian, people.jy, resident_id=people.mei.id, role=Role.COMMITTEE)
