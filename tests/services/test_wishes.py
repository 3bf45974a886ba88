"""A wish finds its claimer: looked at first, claimed by as many as asked for, reported, confirmed; never left lying."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from app.core import clock
from app.core.errors import Forbidden, Invalid, InvalidState, NotFound, NotVerified, TooLate
from app.core.pages import Page
from models.base import Moderation
from models.media import UnknownPhoto
from models.residents import Assistance, ConsentKind, RoleGrant
from models.wishes import (
    AlreadyClaimed,
    ClaimingPaused,
    NotChecked,
    Outcome,
    OwnWish,
    TooManyClaims,
    Wish,
    WishClaim,
    WishClaimState,
    WishKind,
    WishState,
)
from services import assistances, notifications, residents, wishes
from services.policies import Actor
from services.residents import OnBehalfOf
from tests.passing import passed
from tests.people import People

MoveClock = Callable[[timedelta], Awaitable[None]]


async def posted(people: People, who: str = "wang", on_behalf_of: OnBehalfOf | None = None, **more: object) -> Wish:
    asked: dict[str, object] = {
        "community_id": people.jy,
        "kind": WishKind.GOODS,
        "title": "想要一台收音机",
        "body": "想听戏",
    }
    asked |= more
    return await passed(await assistances.act(people[who], on_behalf_of, "wish.posted", wishes.post, **asked))  # type: ignore[arg-type]


async def opened(people: People, who: str = "wang", **more: object) -> Wish:
    wish = await posted(people, who, **more)
    return await wishes.approve(people.zhao, wish.id)


async def inbox(actor: Actor) -> list[str]:
    return [line.kind for line in (await notifications.inbox(actor, page=Page(100))).items]


async def today() -> date:
    return (await clock.now()).astimezone(clock.SHANGHAI).date()


async def test_a_wish_comes_true(people: People) -> None:
    wish = await posted(people, value_fen=80_00, needed_by=await today())
    assert wish.state is WishState.IN_REVIEW
    assert (await wishes.approve(people.chen, wish.id)).state is WishState.OPEN
    claimed = await wishes.claim(people.lin, wish.id)
    assert (claimed.state, claimed.free_slots, claimed.claimed_by_me) == (WishState.CLAIMED, 0, True)
    assert (await wishes.fulfil(people.lin, wish.id, note="已送到")).state is WishState.FULFILLED
    assert (await wishes.confirm(people.wang, wish.id, thanks="谢谢小林")).state is WishState.CONFIRMED
    with pytest.raises(InvalidState):
        await wishes.dispute(people.wang, wish.id, reason="后悔了")
    assert await inbox(people.wang) == ["wish.fulfilled", "wish.claimed", "wish.approved"]
    assert await inbox(people.lin) == ["wish.confirmed"]


async def test_a_helper_posts_and_confirms_for_somebody(people: People) -> None:
    wish = await opened(people, "ma", on_behalf_of=OnBehalfOf(people.wang.id, ConsentKind.SIGNATURE))
    assert (wish.author_id, wish.assistant_id) == (people.wang.id, people.ma.id)
    assert await Assistance.exists(subject_kind="wish", subject_id=wish.id, verb="wish.posted")
    with pytest.raises(OwnWish):
        await wishes.claim(people.ma, wish.id)
    await wishes.claim(people.lin, wish.id)
    await wishes.fulfil(people.lin, wish.id, note="已送到")
    await wishes.confirm(people.ma, wish.id)
    assert (await wishes.detail(people.lin, wish.id)).timeline[-1].assisted


async def test_a_colleague_confirms_when_the_helper_no_longer_serves(people: People) -> None:
    wish = await opened(people, "ma", on_behalf_of=OnBehalfOf(people.wang.id, ConsentKind.SIGNATURE))
    await wishes.claim(people.he, wish.id)
    await wishes.fulfil(people.he, wish.id, note="已送到")
    grant = await RoleGrant.get(resident_id=people.ma.id, until_at=None)
    await residents.revoke_role(people.chen, grant.place_id, grant.id)
    for who in (await residents.actor(people.ma.id), people.he, people.lin):
        with pytest.raises(Forbidden):
            await wishes.confirm(who, wish.id)
    assert (await wishes.confirm(people.chen, wish.id)).state is WishState.CONFIRMED


async def test_nobody_approves_a_wish_he_posted_for_another(people: People) -> None:
    wish = await posted(people, "chen", on_behalf_of=OnBehalfOf(people.wang.id, ConsentKind.SIGNATURE))
    with pytest.raises(Forbidden):
        await wishes.approve(people.chen, wish.id)


async def test_the_day_it_is_needed_by_is_not_yesterday(people: People) -> None:
    with pytest.raises(Invalid):
        await posted(people, needed_by=await today() - timedelta(days=1))


async def test_before_approval_only_the_wishers_side_and_the_committee_see_it(people: People) -> None:
    wish = await posted(people)
    withdrawn = await posted(people)
    await wishes.withdraw(people.wang, withdrawn.id)
    for hidden in (wish.id, withdrawn.id):
        for who in ("wang", "chen", "zhao"):
            assert (await wishes.find(people[who], hidden)).id == hidden
        for who in ("lin", "he", "ma", "sun", "guest", "wu", "deng", "qian"):
            for act in (wishes.find, wishes.claim, wishes.approve, wishes.withdraw):
                with pytest.raises(NotFound):
                    await act(people[who], hidden)
            listed = await wishes.listed(people[who], community_id=people.jy, page=Page())
            assert hidden not in [found.id for found in listed.items]


async def test_a_hidden_wish_is_not_found(people: People) -> None:
    wish = await opened(people)
    await Wish.filter(id=wish.id).update(moderation=Moderation.HIDDEN)
    with pytest.raises(NotFound):
        await wishes.claim(people.lin, wish.id)


@pytest.mark.parametrize("moderation", [Moderation.CHECKING, Moderation.QUEUED, Moderation.HIDDEN])
async def test_who_holds_a_claim_keeps_his_way_out_when_the_words_are_not_shown(
    people: People, moderation: Moderation
) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    await Wish.filter(id=wish.id).update(moderation=moderation)
    seen = (await wishes.detail(people.lin, wish.id)).wish
    assert (seen.title, seen.body, seen.photos, seen.claimed_by_me) == ("微心愿", "", [], True)
    listed = await wishes.listed(people.lin, claimed_by_me=True, page=Page())
    assert [(found.id, found.title) for found in listed.items] == [(wish.id, "微心愿")]
    for who in ("wang", "zhao"):
        assert (await wishes.find(people[who], wish.id)).title == "想要一台收音机"
    released = await wishes.release(people.lin, wish.id)
    assert (released.state, released.title) == (WishState.OPEN, "微心愿")
    for who in ("lin", "chen"):
        with pytest.raises(NotChecked):
            await wishes.claim(people[who], wish.id)
    with pytest.raises(NotFound):
        await wishes.claim(people.mei, wish.id)


async def test_whoever_may_not_read_a_wish_does_not_abandon_it(people: People, move_clock: MoveClock) -> None:
    made = [await opened(people, who) for who in ("wang", "mei", "sun")]
    for wish in made:
        await wishes.claim(people.lin, wish.id)
    await Wish.filter(id=made[0].id).update(moderation=Moderation.HIDDEN)
    await move_clock(timedelta(days=7))
    await wishes.release_run_out()
    assert await WishClaim.filter(resident_id=people.lin.id, state=WishClaimState.RELEASED).count() == 3
    assert await wishes.claiming_paused_until(people.lin.id) is None


async def test_the_wisher_is_masked_to_all_but_his_own_side(people: People) -> None:
    wish = await opened(people, "ma", on_behalf_of=OnBehalfOf(people.wang.id, ConsentKind.SIGNATURE))
    await wishes.claim(people.lin, wish.id)
    for who, name, known in (
        ("wang", "王伯", True),
        ("ma", "王伯", True),
        ("chen", "王伯", True),
        ("lin", "王**", False),
        ("he", "王**", False),
        ("wu", "王**", False),
    ):
        seen = await wishes.find(people[who], wish.id)
        assert (seen.wisher_name, seen.wisher_id is not None) == (name, known), who


async def test_thanks_notes_and_quarrels_are_for_those_concerned(people: People) -> None:
    thanked, disputed = await opened(people), await opened(people)
    for wish in (thanked, disputed):
        await wishes.claim(people.lin, wish.id)
        await wishes.fulfil(people.lin, wish.id, note="已送到")
    await wishes.confirm(people.wang, thanked.id, thanks="谢谢小林")
    await passed(await wishes.dispute(people.wang, disputed.id, reason="没有收到"))
    for who, concerned in (("wang", True), ("lin", True), ("chen", True), ("mei", False), ("wu", False)):
        seen = await wishes.detail(people[who], thanked.id)
        assert seen.thanks == ("谢谢小林" if concerned else None), who
        assert [claim.note for claim in seen.claims] == (["已送到"] if concerned else []), who
        quarrel = await wishes.detail(people[who], disputed.id)
        assert quarrel.timeline[-1].reason == ("没有收到" if concerned else None), who


async def test_a_dispute_is_settled_by_the_committee(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    await wishes.fulfil(people.lin, wish.id, note="已送到")
    for act in (wishes.confirm(people.lin, wish.id), wishes.dispute(people.mei, wish.id, reason="没有")):
        with pytest.raises(Forbidden):
            await act
    await wishes.dispute(people.wang, wish.id, reason="没有收到")
    with pytest.raises(Forbidden):
        await wishes.resolve(people.wang, wish.id, outcome=Outcome.DISMISSED, reason="算了")
    settled = await wishes.resolve(people.chen, wish.id, outcome=Outcome.DISMISSED, reason="已当面说清")
    assert (settled.state, settled.outcome) == (WishState.CLOSED, Outcome.DISMISSED)


@pytest.mark.parametrize("who", ["wang", "lin", "he", "ma"])
async def test_only_the_committee_approves(people: People, who: str) -> None:
    wish = await posted(people, "ma", on_behalf_of=OnBehalfOf(people.wang.id, ConsentKind.SIGNATURE))
    with pytest.raises((Forbidden, NotFound)):
        await wishes.approve(people[who], wish.id)
    assert (await Wish.get(id=wish.id)).state is WishState.IN_REVIEW


async def test_approving_again_is_a_wrong_state(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    with pytest.raises(InvalidState):
        await wishes.approve(people.chen, wish.id)


@pytest.mark.parametrize(
    ("who", "error"), [("guest", NotVerified), ("qian", NotVerified), ("wu", Forbidden), ("wang", OwnWish)]
)
async def test_who_may_not_claim(people: People, who: str, error: type[Exception]) -> None:
    wish = await opened(people)
    with pytest.raises(error):
        await wishes.claim(people[who], wish.id)


async def test_a_claimed_wish_is_already_claimed_for_everybody(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    for who in ("lin", "mei"):
        with pytest.raises(AlreadyClaimed):
            await wishes.claim(people[who], wish.id)


async def test_a_shared_wish_takes_exactly_as_many_as_it_asks_for(people: People) -> None:
    wish = await opened(people, claimers=2)
    first = await wishes.claim(people.lin, wish.id)
    assert (first.state, first.free_slots) == (WishState.OPEN, 1)
    with pytest.raises(AlreadyClaimed):
        await wishes.claim(people.lin, wish.id)
    assert (await wishes.fulfil(people.lin, wish.id, note="买了一半")).state is WishState.OPEN
    assert (await wishes.claim(people.mei, wish.id)).state is WishState.CLAIMED
    with pytest.raises(AlreadyClaimed):
        await wishes.claim(people.he, wish.id)
    assert (await wishes.release(people.mei, wish.id)).state is WishState.OPEN
    assert (await wishes.claim(people.he, wish.id)).state is WishState.CLAIMED
    assert (await wishes.fulfil(people.he, wish.id, note="买了另一半")).state is WishState.FULFILLED


async def test_three_wishes_at_a_time(people: People) -> None:
    made = [await opened(people) for _ in range(4)]
    for wish in made[:3]:
        await wishes.claim(people.lin, wish.id)
    with pytest.raises(TooManyClaims):
        await wishes.claim(people.lin, made[3].id)
    await wishes.fulfil(people.lin, made[1].id, note="已送到")
    assert (await wishes.claim(people.lin, made[3].id)).claimed_by_me


async def test_a_claimer_gives_back_and_another_takes_it(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    with pytest.raises(Forbidden):
        await wishes.release(people.mei, wish.id)
    back = await wishes.release(people.lin, wish.id)
    assert (back.state, back.free_slots, back.claimed_by_me) == (WishState.OPEN, 1, False)
    with pytest.raises(InvalidState):
        await wishes.release(people.lin, wish.id)
    await wishes.claim(people.mei, wish.id)
    await wishes.fulfil(people.mei, wish.id, note="已送到")
    with pytest.raises(InvalidState):
        await wishes.release(people.mei, wish.id)
    with pytest.raises(InvalidState):
        await wishes.fulfil(people.lin, wish.id, note="我也送了")


async def test_a_photo_that_is_not_there_is_refused(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    with pytest.raises(UnknownPhoto):
        await wishes.fulfil(people.lin, wish.id, note="已送到", photo_ids=[1])


async def test_reminded_after_five_days_released_after_seven(people: People, move_clock: MoveClock) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    await move_clock(timedelta(days=5, seconds=-30))
    await wishes.remind_claimers()
    assert await inbox(people.lin) == []
    await move_clock(timedelta(seconds=30))
    for _ in range(2):
        await wishes.remind_claimers()
    assert await inbox(people.lin) == ["wish.due_soon"]
    await move_clock(timedelta(days=2, seconds=-30))
    await wishes.release_run_out()
    assert (await wishes.find(people.lin, wish.id)).state is WishState.CLAIMED
    await move_clock(timedelta(seconds=30))
    with pytest.raises(TooLate):
        await wishes.fulfil(people.lin, wish.id, note="晚了一步")
    for _ in range(2):
        await wishes.release_run_out()
    back = await wishes.find(people.lin, wish.id)
    assert (back.state, back.free_slots, back.claimed_by_me) == (WishState.OPEN, 1, False)
    assert (await WishClaim.get(wish_id=wish.id)).state is WishClaimState.RELEASED
    assert await inbox(people.lin) == ["wish.released", "wish.due_soon"]
    assert (await wishes.detail(people.lin, wish.id)).timeline[-1].by == "system"


async def test_every_third_claim_that_runs_out_pauses_for_thirty_days(people: People, move_clock: MoveClock) -> None:
    wish = await opened(people)

    async def let_run_out() -> None:
        await wishes.claim(people.lin, wish.id)
        await move_clock(timedelta(days=7))
        await wishes.release_run_out()

    for _ in range(3):
        await wishes.claim(people.lin, wish.id)
        await wishes.release(people.lin, wish.id)  # given back in time: never held against anybody
    await let_run_out()
    await move_clock(timedelta(days=40))
    await let_run_out()
    await let_run_out()
    with pytest.raises(ClaimingPaused):
        await wishes.claim(people.lin, wish.id)
    await wishes.claim(people.mei, wish.id)
    await wishes.release(people.mei, wish.id)
    await move_clock(timedelta(days=30, seconds=-30))
    with pytest.raises(ClaimingPaused):
        await wishes.claim(people.lin, wish.id)
    await move_clock(timedelta(seconds=30))
    await let_run_out()
    await wishes.claim(people.lin, wish.id)


async def test_giving_back_too_late_counts_as_run_out(people: People, move_clock: MoveClock) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    await move_clock(timedelta(days=7))
    await wishes.release(people.lin, wish.id)
    assert (await WishClaim.get(wish_id=wish.id)).ran_out


async def test_an_open_wish_ends_after_its_day_a_claimed_one_does_not(people: People, move_clock: MoveClock) -> None:
    day = await today() + timedelta(days=1)
    left, shared, claimed = [await opened(people, needed_by=day, claimers=k) for k in (1, 2, 1)]
    await wishes.claim(people.lin, shared.id)
    await wishes.claim(people.lin, claimed.id)
    await wishes.expire_due()
    assert (await wishes.find(people.mei, left.id)).state is WishState.OPEN
    await move_clock(timedelta(days=2))
    for _ in range(2):
        await wishes.expire_due()
    assert (await wishes.find(people.mei, left.id)).state is WishState.EXPIRED
    assert (await wishes.find(people.lin, shared.id)).state is WishState.EXPIRED
    assert (await WishClaim.get(wish_id=shared.id)).state is WishClaimState.RELEASED
    assert (await wishes.find(people.lin, claimed.id)).state is WishState.CLAIMED
    assert await inbox(people.lin) == ["wish.expired"]


async def test_withdrawing_ends_the_claims(people: People) -> None:
    wish = await opened(people, claimers=2)
    await wishes.claim(people.lin, wish.id)
    for who in ("lin", "mei", "he"):
        with pytest.raises(Forbidden):
            await wishes.withdraw(people[who], wish.id)
    assert (await wishes.withdraw(people.chen, wish.id)).state is WishState.WITHDRAWN
    assert (await WishClaim.get(wish_id=wish.id)).state is WishClaimState.RELEASED
    assert await inbox(people.lin) == ["wish.withdrawn"]
    with pytest.raises(InvalidState):
        await wishes.claim(people.mei, wish.id)
    taken = await opened(people)
    await wishes.claim(people.lin, taken.id)
    with pytest.raises(InvalidState):
        await wishes.withdraw(people.wang, taken.id)


async def test_the_list_is_narrowed_and_paged(people: People) -> None:
    made = [(await opened(people)).id for _ in range(3)]
    await wishes.claim(people.lin, made[1])
    page = await wishes.listed(people.wu, community_id=people.jy, page=Page(2))
    assert [wish.id for wish in page.items] == [made[2], made[1]]
    rest = await wishes.listed(people.wu, community_id=people.jy, page=Page(2, page.after))
    assert ([wish.id for wish in rest.items], rest.after) == ([made[0]], None)
    still_open = await wishes.listed(people.wu, state=WishState.OPEN, page=Page())
    assert [wish.id for wish in still_open.items] == [made[2], made[0]]
