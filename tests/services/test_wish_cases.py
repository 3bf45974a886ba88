"""What else happens to a wish: attested, given more time, disputed and heard, thanked for, claimed for others."""

from datetime import timedelta

import pytest

from app.core import db
from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound, TooLate, TooMany
from app.core.pages import Page
from models.base import Moderation
from models.residents import Assistance, ConsentKind
from models.units import UnitKind, UnitState
from models.wishes import (
    STATEMENTS_MAX,
    AlreadyAttested,
    AlreadyClaimed,
    ClaimingPaused,
    ExtensionAsked,
    NotChecked,
    NotHeard,
    Outcome,
    OwnWish,
    PhotoConsentMissing,
    TooManyClaims,
    UnitNotConfirmed,
    Wish,
    WishClaim,
    WishKind,
    WishSort,
    WishState,
)
from services import media, needs, notifications, residents, units, wishes
from services.policies import Actor
from services.residents import OnBehalfOf
from tests.passing import passed
from tests.people import People
from tests.services.test_needs import written
from tests.services.test_wishes import MoveClock, inbox, opened, posted, today


def signed(actor: Actor) -> OnBehalfOf:
    return OnBehalfOf(actor.id, ConsentKind.SIGNATURE)


async def photo(actor: Actor) -> int:
    """A picture that the actor has uploaded and nobody has checked yet."""
    uploaded: int = await db.value(
        "WITH kept AS (INSERT INTO pictures (sha256, width, height) "
        "VALUES (sha256(random()::text::bytea), 40, 30) RETURNING id) "
        "INSERT INTO media (uploader_id, picture_id, purpose, moderation) "
        "SELECT $1, id, 'photo', 'checking' FROM kept RETURNING id",
        actor.id,
    )
    return uploaded


async def reported(people: People, who: str = "lin", **more: object) -> Wish:
    """A wish of 王伯's that somebody says he fulfilled."""
    wish = await opened(people, **more)
    await wishes.claim(people[who], wish.id)
    return await passed(await wishes.fulfil(people[who], wish.id, note="已送到"))


# --- attested ---------------------------------------------------------------------------------------------------


async def test_a_wish_for_somebody_is_attested_by_another_than_who_approves_it(people: People) -> None:
    wish = await posted(people, "ma", on_behalf_of=signed(people.wang))
    assert not wish.attested
    assert (await wishes.attest(people.zhao, wish.id, ground="入户走访，独居老人")).state is WishState.IN_REVIEW
    with pytest.raises(AlreadyAttested):
        await wishes.attest(people.chen, wish.id, ground="我也去过")
    with pytest.raises(AlreadyAttested):
        await wishes.approve(people.chen, wish.id, ground="我也去过")
    assert (await wishes.approve(people.chen, wish.id)).attested
    kept = await Wish.get(id=wish.id)
    assert (kept.attested_by_id, kept.approved_by_id) == (people.zhao.id, people.chen.id)
    for who, ground in (("chen", "入户走访，独居老人"), ("wang", None), ("ma", None), ("lin", None), ("he", None)):
        seen = await wishes.detail(people[who], wish.id)
        assert (seen.wish.attested, seen.ground) == (True, ground), who
        assert all("ground" not in line.facts and line.reason is None for line in seen.timeline)


async def test_hidden_words_are_not_approved(people: People) -> None:
    wish = await posted(people)
    await Wish.filter(id=wish.id).update(moderation=Moderation.HIDDEN)
    with pytest.raises(NotChecked):
        await wishes.approve(people.zhao, wish.id)


async def test_whoever_approves_a_wish_for_somebody_attests_it_by_that(people: People) -> None:
    wish = await posted(people, "ma", on_behalf_of=signed(people.wang))
    await wishes.approve(people.zhao, wish.id, ground="低保户")
    steps = [(line.verb, line.facts["state"]) for line in (await wishes.detail(people.zhao, wish.id)).timeline]
    assert sorted(steps)[:2] == [("wish.approved", "open"), ("wish.attested", "in_review")]
    kept = await Wish.get(id=wish.id)
    assert (kept.attested_by_id, kept.attested_ground) == (people.zhao.id, "低保户")
    assert [line.verb for line in (await wishes.detail(people.lin, wish.id)).timeline] == [
        "wish.posted",
        "wish.attested",
        "wish.approved",
    ]


async def test_who_attests_what(people: People) -> None:
    helped = await posted(people, "chen", on_behalf_of=signed(people.wang))
    own = await posted(people)
    for who in ("chen", "wang"):  # who posted it, and whose it is
        with pytest.raises(Forbidden):
            await wishes.attest(people[who], helped.id, ground="我知道")
    for who in ("lin", "he", "ma"):
        with pytest.raises(NotFound):
            await wishes.attest(people[who], helped.id, ground="我知道")
    for act in (
        wishes.attest(people.zhao, own.id, ground="有困难"),
        wishes.approve(people.zhao, own.id, ground="有困难"),
    ):
        with pytest.raises(Invalid):
            await act
    await wishes.approve(people.zhao, helped.id)
    with pytest.raises(InvalidState):
        await wishes.attest(people.zhao, helped.id, ground="晚了")


async def test_the_committee_hears_of_a_wish_to_look_at(people: People) -> None:
    await posted(people)
    assert await inbox(people.chen) == await inbox(people.zhao) == ["wish.posted"]


# --- photos -----------------------------------------------------------------------------------------------------


async def test_a_photo_of_the_person_helped_needs_his_separate_consent(people: People) -> None:
    shot = await photo(people.ma)
    asked = {"photo_ids": [shot], "photo_of_person": True, "on_behalf_of": signed(people.wang)}
    with pytest.raises(PhotoConsentMissing):
        await posted(people, "ma", **asked)
    with pytest.raises(PhotoConsentMissing):
        await posted(people, "ma", **asked, photo_consent=signed(people.lin))
    wish = await opened(people, "ma", **asked, photo_consent=signed(people.wang))
    assert await Assistance.exists(subject_kind="wish", subject_id=wish.id, verb="wish.photo_consented")
    await media.settle(shot, Moderation.PASSED)
    assert [seen.id for seen in (await wishes.find(people.lin, wish.id)).photos] == [shot]
    for _ in range(2):
        assert not (await wishes.withdraw_photo_consent(people.wang, wish.id)).photo_consent
    for who, photos in (("lin", 0), ("he", 0), ("wang", 1), ("ma", 1), ("chen", 1)):
        assert len((await wishes.find(people[who], wish.id)).photos) == photos, who
    with pytest.raises(Forbidden):
        await wishes.consent_to_photo(people.ma, wish.id)
    for who in ("lin", "he"):
        with pytest.raises(Forbidden):
            await wishes.withdraw_photo_consent(people[who], wish.id)
    for _ in range(2):
        assert (await wishes.consent_to_photo(people.wang, wish.id)).photo_consent
    assert len((await wishes.find(people.lin, wish.id)).photos) == 1


async def test_other_photos_are_seen_once_they_have_passed(people: People) -> None:
    shot = await photo(people.wang)
    wish = await opened(people, photo_ids=[shot])
    assert (await wishes.find(people.lin, wish.id)).photos == []
    assert [seen.id for seen in (await wishes.find(people.wang, wish.id)).photos] == [shot]
    await media.settle(shot, Moderation.PASSED)
    listed = await wishes.listed(people.lin, community_id=people.jy, page=Page())
    assert [seen.id for seen in listed.items[0].photos] == [shot]
    with pytest.raises(Invalid):
        await wishes.consent_to_photo(people.wang, wish.id)


# --- more time --------------------------------------------------------------------------------------------------


async def test_a_claimer_asks_once_for_more_time(people: People, move_clock: MoveClock) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    held = await WishClaim.get(wish_id=wish.id)
    with pytest.raises(InvalidState):
        await wishes.extend(people.wang, wish.id, held.id)
    with pytest.raises(Forbidden):
        await wishes.ask_extension(people.mei, wish.id, days=3, reason="缺货")
    await passed(await wishes.ask_extension(people.lin, wish.id, days=3, reason="缺货"))
    with pytest.raises(ExtensionAsked):
        await wishes.ask_extension(people.lin, wish.id, days=7, reason="还是缺货")
    assert "wish.extension_asked" in await inbox(people.wang)
    assert "wish.extension_asked" in await inbox(people.chen)
    for who in ("lin", "mei", "he"):
        with pytest.raises(Forbidden):
            await wishes.extend(people[who], wish.id, held.id)
    with pytest.raises(NotFound):
        await wishes.extend(people.wang, wish.id, held.id + 1)
    await move_clock(timedelta(days=6))
    await wishes.remind_claimers()
    await wishes.extend(people.wang, wish.id, held.id)
    with pytest.raises(InvalidState):
        await wishes.extend(people.chen, wish.id, held.id)
    assert (await WishClaim.get(id=held.id)).due_at == held.due_at + timedelta(days=3)
    await move_clock(timedelta(days=2))
    await wishes.release_run_out()
    assert (await wishes.find(people.lin, wish.id)).state is WishState.CLAIMED
    await wishes.remind_claimers()
    assert await inbox(people.lin) == ["wish.due_soon", "wish.extended", "wish.due_soon"]
    await move_clock(timedelta(days=2))
    await wishes.release_run_out()
    assert (await wishes.find(people.lin, wish.id)).state is WishState.OPEN


async def test_no_more_time_after_the_time(people: People, move_clock: MoveClock) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    await wishes.ask_extension(people.lin, wish.id, days=1, reason="缺货")
    other = await opened(people)
    await wishes.claim(people.mei, other.id)
    await move_clock(timedelta(days=7))
    with pytest.raises(InvalidState):
        await wishes.extend(people.wang, wish.id, (await WishClaim.get(wish_id=wish.id)).id)
    with pytest.raises(TooLate):
        await wishes.ask_extension(people.mei, other.id, days=1, reason="缺货")
    await wishes.release_run_out()
    with pytest.raises(InvalidState):
        await wishes.ask_extension(people.mei, other.id, days=1, reason="缺货")


async def test_a_pause_is_told_and_shown_and_ends_by_the_clock(people: People, move_clock: MoveClock) -> None:
    for count in range(3):
        assert await wishes.claiming_paused_until(people.lin.id) is None
        wish = await opened(people)
        await wishes.claim(people.lin, wish.id)
        await move_clock(timedelta(days=7))
        await wishes.release_run_out()
        assert ("wish.claiming_paused" in await inbox(people.lin)) is (count == 2)
    last = (await WishClaim.filter(resident_id=people.lin.id).order_by("-id").first()).ended_at  # type: ignore[union-attr]
    assert last is not None
    assert await wishes.claiming_paused_until(people.lin.id) == last + timedelta(days=30)
    with pytest.raises(ClaimingPaused):
        await wishes.claim(people.lin, wish.id)
    await move_clock(timedelta(days=30))
    assert await wishes.claiming_paused_until(people.lin.id) is None
    assert (await wishes.claim(people.lin, wish.id)).claimed_by_me


# --- disputed ---------------------------------------------------------------------------------------------------


async def test_both_sides_are_heard_before_a_dispute_is_upheld(people: People) -> None:
    wish = await reported(people)
    with pytest.raises(InvalidState):
        await wishes.state_case(people.wang, wish.id, body="没有收到")
    await wishes.dispute(people.wang, wish.id, reason="没有收到")
    assert "wish.disputed" in await inbox(people.chen)
    await passed(await wishes.state_case(people.wang, wish.id, body="等了一天"))
    with pytest.raises(NotHeard):
        await wishes.resolve(people.chen, wish.id, outcome=Outcome.UPHELD, reason="确实没有")
    await wishes.state_case(people.lin, wish.id, body="放在门口了")
    for who in ("mei", "he", "wu"):
        with pytest.raises(Forbidden):
            await wishes.state_case(people[who], wish.id, body="我看见了")
    seen = {who: (await wishes.detail(people[who], wish.id)).statements for who in ("wang", "lin", "chen", "mei", "wu")}
    assert [line.side for line in seen["chen"]] == ["claimer", "wisher"]
    assert [line.body for line in seen["wang"]] == [None, "等了一天"]  # not yet checked
    assert [line.body for line in seen["lin"]] == ["放在门口了", "等了一天"]
    assert seen["mei"] == seen["wu"] == []
    settled = await wishes.resolve(people.chen, wish.id, outcome=Outcome.UPHELD, reason="确实没有")
    assert (settled.state, settled.outcome) == (WishState.CLOSED, Outcome.UPHELD)
    for who, outcome in (("wang", Outcome.UPHELD), ("lin", Outcome.UPHELD), ("mei", None)):
        told = await wishes.detail(people[who], wish.id)
        assert told.outcome == outcome, who
        assert "upheld" not in [value for line in told.timeline for value in line.facts.values()]
    assert (await inbox(people.wang))[0] == (await inbox(people.lin))[0] == "wish.closed"
    with pytest.raises(InvalidState):
        await wishes.resolve(people.chen, wish.id, outcome=Outcome.DISMISSED, reason="还是没有")
    with pytest.raises(InvalidState):
        await wishes.state_case(people.lin, wish.id, body="再说一句")


async def test_who_says_nothing_for_three_days_has_been_heard(people: People, move_clock: MoveClock) -> None:
    wish = await reported(people)
    await wishes.dispute(people.wang, wish.id, reason="没有收到")
    await move_clock(timedelta(days=3, seconds=-30))
    with pytest.raises(NotHeard):
        await wishes.resolve(people.chen, wish.id, outcome=Outcome.UPHELD, reason="确实没有")
    await move_clock(timedelta(seconds=30))
    await wishes.resolve(people.chen, wish.id, outcome=Outcome.UPHELD, reason="确实没有")
    assert (await WishClaim.get(wish_id=wish.id)).upheld_at is not None


async def test_nobody_settles_a_dispute_of_his_own(people: People) -> None:
    wish = await reported(people, "chen")
    await wishes.dispute(people.wang, wish.id, reason="没有收到")
    for who in ("chen", "wang", "he", "lin"):
        with pytest.raises(Forbidden):
            await wishes.resolve(people[who], wish.id, outcome=Outcome.DISMISSED, reason="算了")
    await wishes.resolve(people.zhao, wish.id, outcome=Outcome.DISMISSED, reason="已当面说清")
    assert (await WishClaim.get(wish_id=wish.id)).upheld_at is None


async def test_of_several_claimers_those_named_are_concerned(people: People) -> None:
    wish = await opened(people, claimers=2)
    for who in ("lin", "mei"):
        await wishes.claim(people[who], wish.id)
        await wishes.fulfil(people[who], wish.id, note="已送到")
    await wishes.dispute(people.wang, wish.id, reason="只收到一半")
    await wishes.state_case(people.mei, wish.id, body="我忘了")
    mine = {claim.resident_id: claim.id for claim in await WishClaim.filter(wish_id=wish.id)}
    for named in ([0], [mine[people.mei.id], 0]):
        with pytest.raises(Invalid):
            await wishes.resolve(people.chen, wish.id, outcome=Outcome.UPHELD, reason="少一半", claim_ids=named)
    await wishes.resolve(people.chen, wish.id, outcome=Outcome.UPHELD, reason="少一半", claim_ids=[mine[people.mei.id]])
    upheld = await WishClaim.filter(wish_id=wish.id, upheld_at__isnull=False)
    assert [claim.resident_id for claim in upheld] == [people.mei.id]


async def test_an_upheld_dispute_counts_as_an_abandoned_claim(people: People, move_clock: MoveClock) -> None:
    for _ in range(2):
        wish = await opened(people)
        await wishes.claim(people.lin, wish.id)
        await move_clock(timedelta(days=7))
        await wishes.release_run_out()
    wish = await reported(people)
    await wishes.dispute(people.wang, wish.id, reason="没有收到")
    await wishes.state_case(people.lin, wish.id, body="对不起")
    await wishes.resolve(people.chen, wish.id, outcome=Outcome.UPHELD, reason="确实没有")
    assert "wish.claiming_paused" in await inbox(people.lin)
    with pytest.raises(ClaimingPaused):
        await wishes.claim(people.lin, (await opened(people)).id)


async def test_one_has_said_enough_some_time(people: People) -> None:
    wish = await reported(people)
    await wishes.dispute(people.wang, wish.id, reason="没有收到")
    for _ in range(STATEMENTS_MAX):
        await wishes.state_case(people.wang, wish.id, body="没有收到")
    with pytest.raises(TooMany):
        await wishes.state_case(people.wang, wish.id, body="没有收到")


# --- thanks -----------------------------------------------------------------------------------------------------


async def test_thanks_are_public_only_when_the_wisher_says_so(people: People) -> None:
    quiet, loud = await reported(people), await reported(people, "mei")
    with pytest.raises(Invalid):
        await wishes.confirm(people.wang, loud.id, thanks_public=True)
    await passed(await wishes.confirm(people.wang, quiet.id, thanks="谢谢小林"))
    await wishes.confirm(people.wang, loud.id, thanks="谢谢阿梅", thanks_public=True)
    assert (await wishes.detail(people.he, loud.id)).thanks is not None  # the staff
    assert (await wishes.detail(people.lin, loud.id)).thanks is None  # not yet checked
    await passed(loud)
    for who in ("lin", "wu", "mei"):
        assert (await wishes.detail(people[who], loud.id)).thanks == "谢谢阿梅", who
    assert (await wishes.detail(people.lin, quiet.id)).thanks == "谢谢小林"
    assert (await wishes.detail(people.mei, quiet.id)).thanks is None
    await wishes.publish_thanks(people.wang, loud.id, public=False)
    assert (await wishes.detail(people.lin, loud.id)).thanks is None
    with pytest.raises(Forbidden):
        await wishes.publish_thanks(people.lin, quiet.id, public=True)
    with pytest.raises(InvalidState):
        await wishes.publish_thanks(people.wang, (await opened(people)).id, public=True)


# --- for somebody who is helped ---------------------------------------------------------------------------------


async def test_a_helper_claims_reports_and_gives_back_for_somebody(people: People) -> None:
    mei = await residents.stand_in(people.ma, signed(people.mei))
    wish = await opened(people)
    claimed = await wishes.claim(mei, wish.id)
    assert (claimed.state, claimed.claimed_by_me) == (WishState.CLAIMED, True)
    held = await WishClaim.get(wish_id=wish.id)
    assert (held.resident_id, held.assistant_id) == (people.mei.id, people.ma.id)
    assert (await wishes.find(people.ma, wish.id)).claimed_by_me
    assert (await wishes.detail(people.lin, wish.id)).timeline[-1].assisted
    with pytest.raises(Forbidden):
        await wishes.fulfil(people.ma, wish.id, note="我送的")
    assert (await wishes.fulfil(mei, wish.id, note="她织好了")).state is WishState.FULFILLED
    second = await opened(people)
    await wishes.claim(mei, second.id)
    assert (await wishes.release(mei, second.id)).state is WishState.OPEN


async def test_a_helper_confirms_or_disputes_for_the_wisher_but_not_what_he_did_himself(people: People) -> None:
    wang = await residents.stand_in(people.ma, signed(people.wang))
    theirs, his = await reported(people), await reported(people, "ma")
    by_his_hand = await opened(people)
    mei = await residents.stand_in(people.ma, signed(people.mei))
    await wishes.claim(mei, by_his_hand.id)
    await wishes.fulfil(mei, by_his_hand.id, note="已送到")
    assert (await wishes.confirm(wang, theirs.id, thanks="谢谢")).state is WishState.CONFIRMED
    for wish in (his, by_his_hand):
        for act in (wishes.confirm(wang, wish.id), wishes.dispute(wang, wish.id, reason="没有收到")):
            with pytest.raises(Forbidden):
                await act
    other = await residents.stand_in(people.chen, signed(people.wang))
    assert (await wishes.dispute(other, his.id, reason="没有收到")).state is WishState.DISPUTED


async def test_nobody_claims_his_own_wish_through_another(people: People) -> None:
    posted_by_ma = await opened(people, "ma", on_behalf_of=signed(people.wang))
    for helper, person in (("ma", "mei"), ("chen", "wang")):
        with pytest.raises(OwnWish):
            await wishes.claim(await residents.stand_in(people[helper], signed(people[person])), posted_by_ma.id)


# --- units ------------------------------------------------------------------------------------------------------


async def confirmed(people: People, who: str = "mei", name: str = "第二党支部") -> int:
    unit = await units.register(people[who], community_id=people.jy, kind=UnitKind.PARTY_BRANCH, name=name)
    await passed(unit)
    return (await units.confirm(people.chen, unit.id)).id


async def test_a_unit_claims_as_one_and_is_shown_by_name(people: People) -> None:
    unit_id = await confirmed(people)
    wish = await opened(people)
    await wishes.claim(people.mei, wish.id, unit_id=unit_id)
    for who in ("wu", "lin"):
        seen = await wishes.detail(people[who], wish.id)
        assert [(unit.id, unit.name) for unit in seen.units] == [(unit_id, "第二党支部")], who
        assert seen.claims == []
    [held] = (await wishes.detail(people.wang, wish.id)).claims
    assert held.unit is not None
    assert held.unit.id == unit_id
    await wishes.fulfil(people.mei, wish.id, note="支部一起做的")
    await wishes.confirm(people.wang, wish.id)


async def test_a_unit_has_three_hands_beside_those_of_its_contact(people: People) -> None:
    unit_id = await confirmed(people)
    for claimed_for in (None, unit_id):
        for _ in range(3):
            await wishes.claim(people.mei, (await opened(people)).id, unit_id=claimed_for)
        with pytest.raises(TooManyClaims):
            await wishes.claim(people.mei, (await opened(people)).id, unit_id=claimed_for)
    shared = await opened(people, claimers=2)
    await wishes.release(people.mei, (await WishClaim.filter(unit_id=unit_id).first()).wish_id)  # type: ignore[union-attr]
    await wishes.claim(people.mei, shared.id, unit_id=unit_id)
    with pytest.raises((AlreadyClaimed, TooManyClaims)):
        await wishes.claim(people.mei, shared.id)


async def test_what_a_unit_abandons_pauses_the_unit_not_its_contact(people: People, move_clock: MoveClock) -> None:
    unit_id = await confirmed(people)
    for _ in range(3):
        wish = await opened(people)
        await wishes.claim(people.mei, wish.id, unit_id=unit_id)
        await move_clock(timedelta(days=7))
        await wishes.release_run_out()
    with pytest.raises(ClaimingPaused):
        await wishes.claim(people.mei, wish.id, unit_id=unit_id)
    assert await wishes.claiming_paused_until(people.mei.id) is None
    assert (await wishes.claim(people.mei, wish.id)).claimed_by_me


async def test_only_the_contact_of_a_confirmed_unit_claims_for_it(people: People) -> None:
    wish = await opened(people)
    waiting = await units.register(people.lin, community_id=people.jy, kind=UnitKind.FIRM, name="便民超市")
    unit_id = await confirmed(people)
    with pytest.raises(UnitNotConfirmed):
        await wishes.claim(people.lin, wish.id, unit_id=waiting.id)
    with pytest.raises(UnitNotConfirmed):
        await wishes.claim(people.lin, wish.id, unit_id=unit_id)
    with pytest.raises(NotFound):
        await wishes.claim(people.mei, wish.id, unit_id=waiting.id)
    await units.end(people.mei, unit_id, reason="支部换届")
    with pytest.raises(UnitNotConfirmed):
        await wishes.claim(people.mei, wish.id, unit_id=unit_id)


async def test_a_unit_is_registered_confirmed_and_ended(people: People) -> None:
    unit = await units.register(people.lin, community_id=people.jy, kind=UnitKind.FIRM, name="便民超市")
    assert "unit.registered" in await inbox(people.chen)
    with pytest.raises(AlreadyExists):
        await units.register(people.lin, community_id=people.jy, kind=UnitKind.FIRM, name="另一家")
    with pytest.raises(Forbidden):
        await units.register(people.wu, community_id=people.jy, kind=UnitKind.FIRM, name="玉林超市")
    for who, sees in (("lin", True), ("chen", True), ("mei", False), ("wu", False), ("deng", False)):
        listed = await units.listed(people[who], community_id=people.jy, page=Page())
        assert bool(listed.items) is sees, who
    with pytest.raises(Forbidden):
        await units.confirm(people.lin, unit.id)
    await passed(unit)
    assert (await units.confirm(people.chen, unit.id)).state is UnitState.CONFIRMED
    assert (await units.find(people.wu, unit.id)).name == "便民超市"
    assert "unit.confirmed" in await inbox(people.lin)
    with pytest.raises(Forbidden):
        await units.end(people.mei, unit.id, reason="不熟")
    with pytest.raises(InvalidState):
        await units.confirm(people.zhao, unit.id)
    assert (await units.end(people.zhao, unit.id, reason="已搬走")).state is UnitState.ENDED
    assert "unit.ended" in await inbox(people.lin)


async def test_a_committee_member_confirms_no_unit_of_his_own_and_no_second_of_one_name(people: People) -> None:
    own = await units.register(people.chen, community_id=people.jy, kind=UnitKind.ORGANISATION, name="社工站")
    with pytest.raises(Forbidden):
        await units.confirm(people.chen, own.id)
    await units.confirm(people.zhao, own.id)
    twin = await units.register(people.lin, community_id=people.jy, kind=UnitKind.ORGANISATION, name="社工站")
    async with db.tx():
        with pytest.raises(AlreadyExists):
            await units.confirm(people.chen, twin.id)


# --- lists and links --------------------------------------------------------------------------------------------


async def test_lists_are_narrowed_and_sorted(people: People) -> None:
    day = await today()
    near = await opened(people, needed_by=day + timedelta(days=1), kind=WishKind.SERVICE)
    far = await opened(people, "lin", needed_by=day + timedelta(days=9))
    never = await opened(people, "ma", on_behalf_of=signed(people.mei))
    await wishes.claim(people.lin, never.id)

    async def ids(who: str, page: Page | None = None, **narrowed: object) -> list[int]:
        listed = await wishes.listed(people[who], community_id=people.jy, page=page or Page(), **narrowed)  # type: ignore[arg-type]
        return [wish.id for wish in listed.items]

    assert await ids("he") == [never.id, far.id, near.id]
    assert await ids("he", kind=WishKind.SERVICE) == [near.id]
    assert await ids("he", state=WishState.CLAIMED) == [never.id]
    assert await ids("lin", mine=True) == [far.id]
    assert (
        await ids("ma", mine=True) == await ids("mei", mine=True) == await ids("lin", claimed_by_me=True) == [never.id]
    )
    assert await ids("he", needed_before=day + timedelta(days=5)) == [near.id]
    assert await ids("he", sort=WishSort.NEEDED_BY) == [near.id, far.id]
    first = await wishes.listed(people.he, sort=WishSort.NEEDED_BY, page=Page(1))
    assert first.after is not None
    assert await ids("he", Page(1, first.after), sort=WishSort.NEEDED_BY) == [far.id]


async def test_a_need_and_its_wish_know_each_other(people: People) -> None:
    need = await written(people)
    await needs.accept(people.chen, need.id)
    wish = await opened(people, "ma", on_behalf_of=signed(people.wang), need_ids=[need.id])
    for who, known in (("chen", True), ("ma", True), ("mei", False)):
        links = (await needs.detail(people[who], need.id)).links
        assert [(link.kind, link.id) for link in links] == ([("wish", wish.id)] if known else []), who
        assert (await wishes.detail(people[who], wish.id)).need_ids == ([need.id] if known else []), who


async def test_the_notices_say_nothing_of_the_wisher(people: People) -> None:
    wish = await reported(people)
    await wishes.confirm(people.wang, wish.id, thanks="谢谢")
    for line in (await notifications.inbox(people.lin, page=Page(100))).items:
        assert "王" not in line.zh + line.en
