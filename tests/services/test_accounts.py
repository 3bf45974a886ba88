"""Two accounts of one person: each is settled by himself and, apart from him, the committee."""

from typing import Any

import pytest

from app.core.errors import AlreadyExists, Forbidden, InvalidState, NotFound
from app.core.pages import Page
from models.events import Event
from models.homes import AlreadyActive, PhoneMove, RequestState, ResidentLink
from models.residents import Capacity, HouseholdClaim, PhoneTaken, Resident
from services import assistances, needs, neighbours, residents
from services.policies import Actor
from services.residents.accounts import PhoneFree, StillPhoneless
from services.residents.phones import keep_phone
from services.residents.sessions import open_session
from tests.homing import KEYS, agreed, joined, newcomer, registered
from tests.people import People
from tests.services.test_helping import need_of


class Telephone:
    """WeChat, of which every phone code is of this number."""

    def __init__(self, number: str) -> None:
        self.number = number

    async def phone_number(self, code: str, openid: str) -> str:
        return self.number


def holding(number: str) -> Any:
    return Telephone(number)


# --- somebody on record begins to use WeChat --------------------------------------------------------------------


async def test_the_person_on_record_logs_in_and_has_all_she_did(people: People) -> None:
    person, need = await registered(people), await need_of(people)
    await assistances.act(people.he, agreed(person, people.mei), "need.endorsed", needs.endorse, need.id)
    token = (await open_session("grandma")).token
    guest = await newcomer("grandma")
    link = await residents.ask_to_link(people.chen, person.id, newcomer_id=guest.id)
    assert link.state is RequestState.PENDING
    with pytest.raises(Forbidden):
        await residents.confirm_link(people.chen, link.id)
    assert (await residents.confirm_link(guest, link.id)).state is RequestState.CONFIRMED
    now = await residents.actor_by_token(token)
    assert now is not None
    assert (now.id, now.openid, now.household_id) == (person.id, "grandma", people.lin.household_id)
    assert (await needs.find(now, need.id)).endorsed_by_me
    assert (await Resident.get(id=guest.id)).openid is None
    assert (await newcomer("grandma")).id == person.id
    objected = (await residents.assistances(now, page=Page())).items[0]
    assert (await assistances.object_to(now, objected.id)).objected_at is not None


async def test_where_she_said_she_lives_goes_with_her(people: People) -> None:
    person, guest = await registered(people), await newcomer("grandma")
    home = await residents.find_household(people.lin, people.lin.household_id or 0)
    claim = await residents.claim_household(
        guest,
        building_id=home.household.building_id,
        unit="1",
        room="101",
        capacity=Capacity.FAMILY,
        birth_year=1940,
        secret=KEYS,
    )
    link = await residents.ask_to_link(people.chen, person.id, newcomer_id=guest.id)
    await residents.confirm_link(guest, link.id)
    assert (await HouseholdClaim.get(id=claim.id)).resident_id == person.id


async def test_an_account_with_a_history_of_its_own_is_not_linked(people: People) -> None:
    person = await registered(people)
    with pytest.raises(AlreadyActive):
        await residents.ask_to_link(people.chen, person.id, newcomer_id=people.wang.id)
    guest = await newcomer("grandma")
    link = await residents.ask_to_link(people.chen, person.id, newcomer_id=guest.id)
    await joined(people, "grandma")
    with pytest.raises(AlreadyActive):
        await residents.confirm_link(await newcomer("grandma"), link.id)
    assert (await Resident.get(id=person.id)).openid is None


async def test_who_may_not_link_and_what_cannot_be(people: People) -> None:
    person, guest = await registered(people), await newcomer("grandma")
    for who, refusal in (("lin", NotFound), ("deng", NotFound), ("he", Forbidden), ("ma", Forbidden)):
        with pytest.raises(refusal):
            await residents.ask_to_link(people[who], person.id, newcomer_id=guest.id)
    with pytest.raises(StillPhoneless):
        await residents.ask_to_link(people.chen, people.lin.id, newcomer_id=guest.id)
    with pytest.raises(NotFound):
        await residents.ask_to_link(people.chen, person.id, newcomer_id=person.id)
    link = await residents.ask_to_link(people.chen, person.id, newcomer_id=guest.id)
    with pytest.raises(AlreadyExists):
        await residents.ask_to_link(people.zhao, person.id, newcomer_id=guest.id)
    with pytest.raises(NotFound):
        await residents.find_link(people.mei, link.id)
    assert (await residents.decline_link(guest, link.id)).state is RequestState.DECLINED
    with pytest.raises(InvalidState):
        await residents.confirm_link(guest, link.id)


# --- a number whose account was lost ----------------------------------------------------------------------------


async def bound(actor: Actor, number: str = "13800000001") -> None:
    await residents.bind_phone(holding(number), actor, "code", secret=KEYS)


async def asked(actor: Actor, number: str = "13800000001") -> PhoneMove:
    return await residents.ask_to_move_phone(holding(number), actor, "code", secret=KEYS)


async def test_the_committee_frees_a_number_for_whoever_holds_it(people: People) -> None:
    await bound(people.lin)
    guest = await newcomer("lin-again")
    with pytest.raises(PhoneTaken):
        await bound(guest)
    move = await asked(guest)
    assert [one.id for one in (await residents.phone_moves(people.chen, community_id=people.jy, page=Page())).items]
    assert (await residents.confirm_phone_move(people.chen, move.id)).state is RequestState.CONFIRMED
    assert (await Resident.get(id=people.lin.id)).phone_index is None
    await bound(guest)
    with pytest.raises(InvalidState):
        await residents.confirm_phone_move(people.zhao, move.id)


async def test_what_a_phone_move_is_refused_for(people: People) -> None:
    guest = await newcomer("lin-again")
    with pytest.raises(PhoneFree):
        await asked(guest)
    await bound(people.chen)
    with pytest.raises(PhoneFree):
        await asked(people.chen)
    move = await asked(guest)
    with pytest.raises(AlreadyExists):
        await asked(guest)
    with pytest.raises(Forbidden):
        await residents.confirm_phone_move(people.chen, move.id)
    for who in ("lin", "he", "deng"):
        with pytest.raises(NotFound):
            await residents.confirm_phone_move(people[who], move.id)
    with pytest.raises(Forbidden):
        await residents.phone_moves(people.he, community_id=people.jy, page=Page())
    declined = await residents.decline_phone_move(people.zhao, move.id, reason="不是本人")
    assert declined.state is RequestState.DECLINED
    with pytest.raises(PhoneTaken):
        await bound(guest)


async def test_a_number_of_an_account_that_lives_nowhere_is_nobodys_to_confirm(people: People) -> None:
    await bound(people.guest)
    with pytest.raises(PhoneTaken):
        await asked(await newcomer("guest-again"))


# --- a telephone number that is on record -----------------------------------------------------------------------


async def proving(people: People, number: str = "13911112222") -> tuple[Actor, Actor]:
    """王淑芬 as she was registered with her number, and a newcomer who has just proved it."""
    person, guest = await registered(people), await newcomer("grandma")
    await keep_phone(await Resident.get(id=person.id), number, KEYS)
    with pytest.raises(PhoneTaken):
        await residents.bind_phone(holding(number), guest, "code", secret=KEYS)
    return person, guest


async def test_a_number_on_record_asks_the_committee_and_then_her(people: People) -> None:
    person, guest = await proving(people)
    link = await ResidentLink.get()
    assert (link.recorded_id, link.newcomer_id, link.asked_by_id) == (person.id, guest.id, None)
    matched = await Event.get(verb="resident_link.matched")
    assert sorted((await neighbours.news(matched)).to) == sorted([people.chen.id, people.zhao.id])
    for act in (residents.find_link, residents.confirm_link, residents.decline_link):
        with pytest.raises(NotFound):
            await act(guest, link.id)
    with pytest.raises(Forbidden):
        await residents.links(people.he, community_id=people.jy, page=Page())
    (listed,) = (await residents.links(people.chen, community_id=people.jy, page=Page())).items
    asked = await residents.confirm_link(people.chen, listed.id)
    assert (asked.state, asked.asked_by_id) == (RequestState.PENDING, people.chen.id)
    told = await Event.get(verb="resident_link.asked")
    assert list((await neighbours.news(told)).to) == [guest.id]
    assert (await residents.confirm_link(guest, link.id)).state is RequestState.CONFIRMED
    assert (await newcomer("grandma")).id == person.id


async def test_what_the_committee_declined_no_number_asks_again(people: People) -> None:
    person, guest = await proving(people)
    link = await ResidentLink.get()
    assert (await residents.decline_link(people.chen, link.id)).state is RequestState.DECLINED
    with pytest.raises(PhoneTaken):
        await residents.bind_phone(holding("13911112222"), guest, "code", secret=KEYS)
    assert await ResidentLink.all().count() == 1
    assert (await residents.ask_to_link(people.chen, person.id, newcomer_id=guest.id)).asked, "by hand it may"


async def test_the_committee_may_ask_before_it_reads_of_the_number(people: People) -> None:
    person, guest = await proving(people)
    link = await residents.ask_to_link(people.chen, person.id, newcomer_id=guest.id)
    assert (link.asked_by_id, await ResidentLink.all().count()) == (people.chen.id, 1)


async def test_a_number_of_somebody_who_uses_wechat_or_of_an_account_in_use_asks_nobody(people: People) -> None:
    await keep_phone(await Resident.get(id=people.lin.id), "13911113333", KEYS)
    with pytest.raises(PhoneTaken):
        await residents.bind_phone(holding("13911113333"), await newcomer("other"), "code", secret=KEYS)
    person = await registered(people)
    await keep_phone(await Resident.get(id=person.id), "13911112222", KEYS)
    with pytest.raises(PhoneTaken):
        await residents.bind_phone(holding("13911112222"), people.mei, "code", secret=KEYS)
    assert not await ResidentLink.exists()


# --- suspended by whoever runs the server -----------------------------------------------------------------------


async def test_who_is_suspended_reads_only_and_is_told_both_times(people: People) -> None:
    need = await need_of(people)
    for suspended, verb in ((True, "resident.suspended"), (False, "resident.reinstated")):
        for _ in range(2):
            await residents.suspend(people.lin.id, suspended=suspended)
        event = await Event.get(verb=verb)
        assert list((await neighbours.news(event)).to) == [people.lin.id]
        lin = await residents.actor(people.lin.id)
        assert lin.suspended is suspended
        if suspended:
            with pytest.raises(Forbidden):
                await needs.endorse(lin, need.id)
    await needs.endorse(lin, need.id)
    with pytest.raises(NotFound):
        await residents.suspend(10**9, suspended=True)
