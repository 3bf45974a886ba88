"""How to reach a wisher: told to who holds a claim, while he consents, and each time logged."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest

from app.core import db
from app.core.crypto import Keys
from app.core.errors import Forbidden, NotFound
from app.core.pages import Page
from models.events import Event
from models.residents import Assistance, Household, Resident
from models.wishes import ContactConsent, ContactNotShared, Wish, WishClaim, WishContact, WishDisclosure
from services import assistances, residents, wishes
from services.policies import Actor
from services.residents.phones import keep_phone
from services.wishes import Contact
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.services.test_wish_cases import signed
from tests.services.test_wishes import MoveClock, inbox, opened

KEYS = Keys.of("k" * 32)
WORDS, PHONE = "晚上七点后在家，敲门要久一点", "13800001234"
Act = Callable[[], Awaitable[object]]


async def reachable(people: People, consent: ContactConsent = ContactConsent.ON_CLAIM, **more: object) -> Wish:
    """An open wish of 王伯's who has said how he may be reached."""
    await keep_phone(await Resident.get(id=people.wang.id), PHONE, KEYS)
    wish = await opened(people, **more)
    await say(people.wang, wish, consent)
    return wish


async def say(who: Actor, wish: Wish, consent: ContactConsent = ContactConsent.ON_CLAIM) -> Contact:
    return await wishes.record_contact(who, wish.id, consent=consent, phone=True, address=True, words=WORDS, keys=KEYS)


async def read(who: Actor, wish: Wish) -> Contact:
    return await wishes.read_contact(who, wish.id, keys=KEYS)


async def claim_of(who: Actor, wish: Wish) -> WishClaim:
    return await WishClaim.get(wish_id=wish.id, resident_id=who.id)


async def refused(who: Actor, wish: Wish) -> None:
    """The reading fails, and the log does not grow by it."""
    before = await WishDisclosure.filter(wish_id=wish.id).count()
    with pytest.raises(ContactNotShared):
        async with db.tx():
            await read(who, wish)
    assert await WishDisclosure.filter(wish_id=wish.id).count() == before


async def test_who_holds_a_claim_reads_it_and_the_wisher_sees_that_he_did(people: People) -> None:
    wish = await reachable(people)
    await wishes.claim(people.lin, wish.id)
    told = await read(people.lin, wish)
    home = await Household.get(id=people.wang.household_id).select_related("building")
    assert (told.name, told.phone, told.words) == ("王伯", PHONE, WORDS)
    assert told.address == f"{home.building.name} {home.unit} {home.room}"
    await read(people.lin, wish)
    for who in ("wang", "chen"):
        log = (await wishes.disclosures(people[who], wish.id, page=Page())).items
        assert [(line.nickname, line.told) for line in log] == [("小林", ["name", "phone", "address", "words"])] * 2
    for who in ("lin", "he", "mei"):
        with pytest.raises(Forbidden):
            await wishes.disclosures(people[who], wish.id, page=Page())


async def test_nobody_else_reads_it(people: People) -> None:
    wish = await reachable(people)
    await wishes.claim(people.lin, wish.id)
    for who in ("mei", "he", "ma", "chen", "wu", "qian"):
        with pytest.raises(Forbidden):
            await read(people[who], wish)
    assert (await read(people.wang, wish)).words == WORDS  # his own, which is no disclosure
    assert not await WishDisclosure.exists()


async def test_it_is_told_only_while_the_claim_is_held(people: People, move_clock: MoveClock) -> None:
    ended, run_out, late = [await reachable(people) for _ in range(3)]
    for wish in (ended, run_out, late):
        await wishes.claim(people.lin, wish.id)
        await read(people.lin, wish)
    await passed(await wishes.fulfil(people.lin, ended.id, note="已送到"))
    await refused(people.lin, ended)
    await wishes.release(people.lin, late.id)
    with pytest.raises(Forbidden):
        await read(people.lin, late)
    await move_clock(timedelta(days=7))
    await refused(people.lin, run_out)


async def test_the_wisher_may_be_asked_for_each_claimer(people: People) -> None:
    wish = await reachable(people, ContactConsent.ASK, claimers=2)
    for who in ("lin", "mei"):
        await wishes.claim(people[who], wish.id)
        await refused(people[who], wish)
    claim = await claim_of(people.lin, wish)
    for who in ("lin", "mei", "chen", "he"):
        with pytest.raises(Forbidden):
            await wishes.share_contact(people[who], wish.id, claim.id)
    with pytest.raises(NotFound):
        await wishes.share_contact(people.wang, wish.id, 0)
    for _ in range(2):
        await wishes.share_contact(people.wang, wish.id, claim.id)
    assert (await inbox(people.lin)).count("wish.contact_shared") == 1
    assert (await read(people.lin, wish)).phone == PHONE
    await refused(people.mei, wish)
    shared = {line.resident_id: line.contact_shared for line in (await wishes.detail(people.wang, wish.id)).claims}
    assert shared == {people.lin.id: True, people.mei.id: False}
    for _ in range(2):
        await wishes.unshare_contact(people.wang, wish.id, claim.id)
    await refused(people.lin, wish)


async def test_a_consent_withdrawn_is_over_at_once_and_its_words_are_gone(people: People) -> None:
    wish = await reachable(people)
    await wishes.claim(people.lin, wish.id)
    for _ in range(2):
        await wishes.withdraw_contact(people.wang, wish.id)
    await refused(people.lin, wish)
    with pytest.raises(NotFound):
        await read(people.wang, wish)
    with pytest.raises(NotFound):
        await wishes.share_contact(people.wang, wish.id, (await claim_of(people.lin, wish)).id)
    assert (await WishContact.get(wish_id=wish.id)).words_sealed is None
    for who in ("lin", "chen", "he"):
        with pytest.raises(Forbidden):
            await wishes.withdraw_contact(people[who], wish.id)
    await say(people.wang, wish)
    assert (await read(people.lin, wish)).words == WORDS


async def test_without_anything_recorded_nothing_is_told(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    await refused(people.lin, wish)


async def test_only_what_he_says_is_told(people: People) -> None:
    wish = await reachable(people)
    await wishes.record_contact(
        people.wang, wish.id, consent=ContactConsent.ON_CLAIM, phone=False, address=False, words=None, keys=KEYS
    )
    await wishes.claim(people.lin, wish.id)
    told = await read(people.lin, wish)
    assert (told.phone, told.address, told.words) == (None, None, None)
    assert (await WishDisclosure.get(wish_id=wish.id)).told == ["name"]


async def test_nobody_but_the_wisher_consents_and_by_anothers_hand_it_is_on_record(people: People) -> None:
    wish = await opened(people, "ma", on_behalf_of=signed(people.wang))
    for who in ("ma", "chen", "lin"):
        with pytest.raises(Forbidden):
            await say(people[who], wish)
    said = partial(wishes.record_contact, consent=ContactConsent.ON_CLAIM, phone=True, address=True, words=WORDS)
    await assistances.act(people.ma, signed(people.wang), "wish.contact_recorded", said, wish.id, keys=KEYS)
    agreed = await Assistance.get(resident_id=people.wang.id, verb="wish.contact_recorded")
    assert (agreed.assistant_id, agreed.subject_id) == (people.ma.id, wish.id)
    mei = await residents.stand_in(people.he, signed(people.mei))
    await wishes.claim(mei, wish.id)
    assert (await read(people.he, wish)).words == WORDS  # who helps the claimer brings it
    assert (await read(people.mei, wish)).words == WORDS
    await assistances.object_to(people.wang, agreed.id)
    await refused(people.mei, wish)


async def test_nothing_of_it_stands_anywhere_else(people: People) -> None:
    wish = await reachable(people)
    await wishes.claim(people.lin, wish.id)
    await read(people.lin, wish)
    seen = [await wishes.detail(people[who], wish.id) for who in ("lin", "chen", "mei")]
    listed = await wishes.listed(people.lin, page=Page())
    kept = [
        await db.rows("SELECT facts::text FROM events"),
        await db.rows("SELECT params::text FROM notices"),
        await db.rows("SELECT told::text FROM wish_disclosures"),
        await db.rows("SELECT encode(words_sealed, 'escape') FROM wish_contacts"),
    ]
    for place in (repr(seen), repr([vars(one) for one in listed.items]), repr(kept)):
        assert WORDS not in place
        assert PHONE not in place
    verbs = {event.verb for event in await Event.filter(subject_kind__in=["wish_contact", "wish_disclosure"])}
    assert verbs == {"wish_contact.recorded", "wish_disclosure.made"}


async def test_without_its_trigger_the_log_would_take_what_nobody_may_be_told(people: People) -> None:
    wish = await reachable(people, ContactConsent.ASK)
    await wishes.claim(people.lin, wish.id)
    await refused(people.lin, wish)
    await as_owner(lambda: db.execute("DROP TRIGGER wish_disclosures_guard ON wish_disclosures"))
    assert (await read(people.lin, wish)).phone == PHONE
