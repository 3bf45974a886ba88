"""Children under 14 look; with a guardian's consent they take part, but never with money or a name of their own."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from app.core import clock
from app.core.errors import AlreadyExists, Forbidden, Invalid, NotFound
from app.core.pages import Page
from models.crowdfunding import PledgeKind
from models.homes import NotAChild, NotAGuardian, NotForChildren
from models.residents import Capacity, ConsentKind, ConsentPurpose, Resident
from services import crowdfunding, moderation, needs, residents
from services.policies import Actor, NeedsGuardian
from services.residents import NewResident, OnBehalfOf
from tests import raising
from tests.homing import KEYS, joined, newcomer
from tests.people import People
from tests.services.test_helping import need_of

Move = Callable[[timedelta], Awaitable[None]]


async def child(people: People, years: int = 10, openid: str = "kid") -> Actor:
    """小林's child, born so many calendar years ago."""
    return await joined(people, openid, birth_year=(await clock.now()).astimezone(clock.SHANGHAI).year - years)


async def guarded(people: People) -> Actor:
    kid = await child(people)
    await residents.consent_for_child(people.lin, child_id=kid.id)
    return await residents.actor(kid.id)


async def test_a_child_looks_but_does_not_act(people: People) -> None:
    kid, need = await child(people), await need_of(people)
    assert (kid.verified, kid.needs_guardian) == (True, True)
    assert (await needs.find(kid, need.id)).id == need.id
    with pytest.raises(NeedsGuardian):
        await needs.endorse(kid, need.id)


async def test_with_a_guardians_consent_it_takes_part_and_without_it_no_more(people: People) -> None:
    kid, need = await guarded(people), await need_of(people)
    await needs.endorse(kid, need.id)
    await needs.comment(kid, need.id, body="我也怕黑")
    made = (await residents.guardianships(kid, page=Page())).items[0]
    ended = await residents.withdraw_guardianship(people.lin, made.id)
    assert ended.ended_by_id == people.lin.id
    assert (await residents.withdraw_guardianship(people.lin, made.id)).ended_at == ended.ended_at
    with pytest.raises(NeedsGuardian):
        await needs.comment(await residents.actor(kid.id), need.id, body="还是怕黑")


@pytest.mark.parametrize(("years", "is_child"), [(13, True), (14, True), (15, False)])
async def test_exactly_14_years_count_as_less_without_a_date(people: People, years: int, is_child: bool) -> None:
    assert (await child(people, years)).child is is_child


@pytest.mark.parametrize(("days", "is_child"), [(0, False), (1, True)])
async def test_a_birth_date_shows_fourteen_to_the_day(people: People, days: int, is_child: bool) -> None:
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    born = date(today.year - 14, today.month, 28 if today.day > 28 else today.day) + timedelta(days=days)
    assert people.lin.household_id is not None
    made = await residents.invite(people.lin, people.lin.household_id, capacity=Capacity.FAMILY)
    assert made.code is not None
    kid = await newcomer("kid")
    await residents.accept_invitation(kid, made.code, NewResident(born.year, born), secret=KEYS)
    assert (await residents.actor(kid.id)).child is (is_child and today.day <= 28)


async def test_the_consent_is_over_at_fourteen_by_the_clock(people: People, move_clock: Move) -> None:
    kid, need = await child(people, 13), await need_of(people)
    await move_clock(timedelta(days=2 * 366))
    grown = await residents.actor(kid.id)
    assert not grown.child
    await needs.comment(grown, need.id, body="我长大了")
    with pytest.raises(NotAChild):
        await residents.consent_for_child(people.lin, child_id=kid.id)


async def test_a_child_never_pledges_money_but_may_give_time(people: People) -> None:
    kid, campaign = await guarded(people), await raising.opened(people)
    with pytest.raises(NotForChildren):
        await crowdfunding.pledge(kid, campaign.id, kind=PledgeKind.MONEY, amount_fen=100)
    await crowdfunding.pledge(kid, campaign.id, kind=PledgeKind.TIME, hours=2)


async def test_a_childs_name_and_picture_are_not_published(people: People) -> None:
    guest = await newcomer("kid")
    await Resident.filter(id=guest.id).update(nickname="林小宝")
    kid = await guarded(people)
    assert kid.nickname == "小朋友"
    with pytest.raises(NotForChildren):
        await residents.update_profile(kid, nickname="林小宝")
    with pytest.raises(NotForChildren):
        await residents.consent(kid, ConsentPurpose.PUBLISHING, policy_version="2026-11")


async def test_a_nickname_still_being_checked_does_not_come_through(people: People) -> None:
    guest = await newcomer("kid")
    await residents.update_profile(guest, nickname="林小宝")
    await guarded(people)
    await moderation.trust("nickname", guest.id)
    assert (await residents.actor(guest.id)).nickname == "小朋友"


async def test_the_committee_names_a_guardian_with_evidence(people: People) -> None:
    kid = await child(people)
    asked = {"child_id": kid.id, "guardian_id": people.mei.id}
    proof = OnBehalfOf(people.mei.id, ConsentKind.WITNESS, witness_id=people.wang.id)
    with pytest.raises(Invalid):
        await residents.consent_for_child(people.chen, **asked)
    with pytest.raises(Invalid):
        await residents.consent_for_child(people.chen, **asked, consent=OnBehalfOf(people.mei.id, ConsentKind.WITNESS))
    made = await residents.consent_for_child(people.chen, **asked, consent=proof)
    assert (made.guardian_id, made.named_by_id, made.witness_id) == (people.mei.id, people.chen.id, people.wang.id)
    assert not (await residents.actor(kid.id)).needs_guardian
    with pytest.raises(AlreadyExists):
        await residents.consent_for_child(people.chen, **asked, consent=proof)


async def test_who_may_not_consent(people: People) -> None:
    kid, minor = await child(people), await child(people, 16, "minor")
    with pytest.raises(NotAGuardian):
        await residents.consent_for_child(minor, child_id=kid.id)
    with pytest.raises(NotAGuardian):
        await residents.consent_for_child(people.chen, child_id=kid.id)
    for who in ("mei", "he", "deng", "qian"):
        with pytest.raises(NotFound):
            await residents.consent_for_child(people[who], child_id=kid.id)
    with pytest.raises(Forbidden):
        await residents.consent_for_child(
            people.lin,
            child_id=kid.id,
            guardian_id=people.mei.id,
            consent=OnBehalfOf(people.mei.id, ConsentKind.VOICE),
        )
    with pytest.raises(NotAChild):
        await residents.consent_for_child(people.lin, child_id=people.lin.id)


@pytest.mark.parametrize(("who", "sees", "ends"), [("chen", True, True), ("mei", False, False), ("deng", False, False)])
async def test_who_else_ends_it(people: People, who: str, sees: bool, ends: bool) -> None:
    kid = await guarded(people)
    made = (await residents.guardianships(kid, page=Page())).items[0]
    with pytest.raises(Forbidden):
        await residents.withdraw_guardianship(kid, made.id)
    if ends:
        assert (await residents.withdraw_guardianship(people[who], made.id)).ended_at is not None
    else:
        with pytest.raises(NotFound):
            await residents.withdraw_guardianship(people[who], made.id)
