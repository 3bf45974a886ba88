"""Money beside WeChat: two committee members and a picture of the paper, or the books do not move."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core import db
from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Page
from models.crowdfunding import CampaignKind, CampaignOver, CampaignState, Pledge, PledgeKind, PledgeState
from models.events import Notice
from models.ledger import AccountKind, Leg, NotEnough, Transfer
from models.media import ReceiptUsed, UnknownPhoto
from models.slips import MatchState, MoreThanOwed, NoEvidence, SecondPerson, Slip, SlipState, Via
from services import crowdfunding, ledger, verification
from services.ledger import Purse
from tests.passing import passed
from tests.people import People
from tests.raising import cash, evidence, funded, opened, paid

MoveClock = Callable[[timedelta], Awaitable[None]]
POSTED, DECLINED = SlipState.POSTED, SlipState.DECLINED


async def balances(community_id: int) -> dict[str, int]:
    return {kind.value: fen for kind, fen in (await ledger.fund(community_id)).balances.items() if fen}


async def said(people: People, **changes: Any) -> dict[str, Any]:
    return {
        "via": Via.CASH,
        "amount_fen": 5_000,
        "note": "收据",
        "evidence_ids": [await evidence(people.chen)],
    } | changes


async def test_cash_counts_once_a_second_committee_member_has_signed(people: People) -> None:
    campaign = await opened(people)
    entered = await crowdfunding.give_offline(people.chen, campaign.id, **await said(people, giver_id=people.lin.id))
    assert (entered.state, await balances(people.jy)) == (SlipState.ENTERED, {})
    posted = await crowdfunding.sign_slip(people.zhao, entered.id, POSTED)
    assert (posted.state, len(posted.evidence_ids)) == (POSTED, 1)
    assert await balances(people.jy) == {"cash": -5_000, "campaign": 5_000}
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 5_000
    assert await Notice.exists(resident_id=people.lin.id, kind="slip.posted")
    assert await ledger.check_books() == []


async def test_one_paper_is_evidence_once_unless_its_slip_was_turned_down(people: People) -> None:
    campaign = await opened(people)
    paper = await said(people)
    slip = await crowdfunding.give_offline(people.chen, campaign.id, **paper)
    with pytest.raises(ReceiptUsed):
        async with db.tx():
            await crowdfunding.give_to_the_fund(people.chen, people.jy, **paper)
    await crowdfunding.sign_slip(people.chen, slip.id, DECLINED)
    again = await crowdfunding.give_offline(people.chen, campaign.id, **paper)
    assert again.evidence_ids == paper["evidence_ids"]


async def test_a_giver_who_is_named_lives_here(people: People) -> None:
    campaign = await opened(people)
    for stranger in (people.wu.id, 10**15):
        with pytest.raises(Invalid):
            await crowdfunding.give_offline(people.chen, campaign.id, **await said(people, giver_id=stranger))
        with pytest.raises(Invalid):
            await crowdfunding.give_to_the_fund(people.chen, people.jy, **await said(people, giver_id=stranger))


async def test_nobody_countersigns_himself_and_nothing_is_posted_twice(people: People) -> None:
    campaign = await opened(people)
    slip = await crowdfunding.give_offline(people.chen, campaign.id, **await said(people))
    with pytest.raises(SecondPerson):
        async with db.tx():
            await crowdfunding.sign_slip(people.chen, slip.id, POSTED)
    await crowdfunding.sign_slip(people.zhao, slip.id, POSTED)
    with pytest.raises(InvalidState):
        await crowdfunding.sign_slip(people.zhao, slip.id, POSTED)
    mistaken = await crowdfunding.give_offline(people.chen, campaign.id, **await said(people))
    assert (await crowdfunding.sign_slip(people.chen, mistaken.id, DECLINED)).state is DECLINED
    assert await Transfer.all().count() == 1


async def test_a_slip_has_evidence_of_its_writers_own(people: People) -> None:
    campaign = await opened(people)
    with pytest.raises(UnknownPhoto):
        await crowdfunding.give_offline(
            people.chen, campaign.id, **await said(people, evidence_ids=[await evidence(people.zhao)])
        )
    bare = await crowdfunding.give_offline(people.chen, campaign.id, **await said(people, evidence_ids=[]))
    with pytest.raises(NoEvidence):
        async with db.tx():
            await crowdfunding.sign_slip(people.zhao, bare.id, POSTED)


WHO = [  # who · may enter · sees slips
    ("chen", True, True),
    ("zhao", True, True),
    ("sun", False, True),
    ("qian", False, True),
    ("ma", False, False),
    ("he", False, False),
    ("lin", False, False),
    ("deng", False, False),
]


@pytest.mark.parametrize(("who", "enters", "sees"), WHO)
async def test_who_keeps_the_books_and_who_watches(people: People, who: str, enters: bool, sees: bool) -> None:
    campaign = await opened(people)
    slip = await cash(people, campaign)
    transfer = await Transfer.get()
    if not sees:
        with pytest.raises(NotFound):
            await crowdfunding.find_slip(people[who], slip.id)
        with pytest.raises(Forbidden):
            await crowdfunding.slips(people[who], people.jy, page=Page())
    else:
        assert [line.id for line in (await crowdfunding.slips(people[who], people.jy, page=Page())).items] == [slip.id]
    if not enters:
        with pytest.raises((Forbidden, NotFound)):
            await crowdfunding.give_offline(people[who], campaign.id, **await said(people))
        with pytest.raises((Forbidden, NotFound)):
            await crowdfunding.promise_match(
                people[who], campaign.id, unit="物业", for_each_fen=1, adds_fen=1, cap_fen=9
            )
        with pytest.raises((Forbidden, NotFound)):
            await crowdfunding.correct(people[who], transfer.id, note="错了")
        with pytest.raises((Forbidden, NotFound)):
            await crowdfunding.sign_slip(people[who], slip.id, DECLINED)


async def test_cash_comes_in_only_while_the_campaign_is_open(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    slip = await crowdfunding.give_offline(people.chen, campaign.id, **await said(people))
    await move_clock(timedelta(days=7))
    with pytest.raises(CampaignOver):
        async with db.tx():
            await crowdfunding.sign_slip(people.zhao, slip.id, POSTED)
    await crowdfunding.end_due()
    with pytest.raises(InvalidState):
        await crowdfunding.give_offline(people.chen, campaign.id, **await said(people))


async def test_a_failed_campaign_owes_its_cash_back_too(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    gift = await cash(people, campaign, 7_000)
    await paid(people.lin, campaign, 1_000)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 0
    assert await balances(people.jy) == {"cash": -7_000, "wechat_clearing": -1_000, "refunds": 8_000}
    progress = await crowdfunding.refunds(people.lin, campaign.id)
    assert (progress.by_hand.refunds, progress.by_hand.amount_fen, progress.unfinished) == (1, 7_000, 1)
    back = await crowdfunding.hand_back(people.zhao, gift.id, note="签收单", evidence_ids=[await evidence(people.zhao)])
    with pytest.raises(AlreadyExists):
        async with db.tx():
            await crowdfunding.hand_back(people.zhao, gift.id, note="再来", evidence_ids=[])
    await crowdfunding.sign_slip(people.chen, back.id, POSTED)
    assert (await Slip.get(id=gift.id)).state is SlipState.REFUNDED
    assert await balances(people.jy) == {"wechat_clearing": -1_000, "refunds": 1_000}
    assert await ledger.check_books() == []
    with pytest.raises(InvalidState):
        await crowdfunding.hand_back(people.zhao, gift.id, note="再来", evidence_ids=[])


async def test_a_gift_is_handed_back_while_the_campaign_is_open(people: People) -> None:
    campaign = await opened(people)
    gift = await cash(people, campaign, 7_000)
    back = await crowdfunding.hand_back(
        people.chen, gift.id, note="本人要求", evidence_ids=[await evidence(people.chen)]
    )
    await crowdfunding.sign_slip(people.zhao, back.id, POSTED)
    assert await balances(people.jy) == {}
    assert await ledger.check_books() == []


async def test_a_gift_to_the_general_fund(people: People) -> None:
    slip = await crowdfunding.give_to_the_fund(people.deng, people.yl, **await said(people, evidence_ids=[]))
    assert slip.campaign_id is None
    slip = await crowdfunding.give_to_the_fund(people.chen, people.jy, **await said(people, via=Via.BANK))
    await crowdfunding.sign_slip(people.zhao, slip.id, POSTED)
    assert await balances(people.jy) == {"bank": -5_000, "general": 5_000}
    assert (await ledger.fund(people.jy)).received_fen == 5_000
    assert await ledger.check_books() == []


async def test_a_wrong_sum_is_undone_by_its_mirror_image_and_entered_anew(people: People) -> None:
    campaign = await opened(people)
    wrong = await cash(people, campaign, 20_000)
    transfer = await Transfer.get()
    asked = await crowdfunding.correct(people.chen, transfer.id, note="应为 200 元")
    with pytest.raises(AlreadyExists):
        async with db.tx():
            await crowdfunding.correct(people.zhao, transfer.id, note="我也看到了")
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 20_000
    await crowdfunding.sign_slip(people.zhao, asked.id, POSTED)
    await cash(people, campaign, 200)
    assert (await Slip.get(id=wrong.id)).state is SlipState.CORRECTED
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 200
    [_, counter, _] = (await ledger.transfers(people.jy, page=Page())).items
    assert (counter.leg, counter.corrects_id) == (Leg.COUNTER_CAPTURE, transfer.id)
    assert [line.corrected_by_id for line in (await ledger.transfers(people.jy, page=Page())).items][-1] == counter.id
    assert (await ledger.fund(people.jy)).received_fen == 200
    assert await ledger.check_books() == []


@pytest.mark.parametrize("end", ["cancelled", "failed"])
async def test_cash_noted_wrongly_is_undone_though_its_campaign_has_come_to_nothing(
    people: People, move_clock: MoveClock, end: str
) -> None:
    campaign = await opened(people)
    wrong, right = await cash(people, campaign, 50_000), await cash(people, campaign, 700)
    transfer = await Transfer.get(source_id=wrong.id)
    if end == "cancelled":
        await crowdfunding.cancel(people.chen, campaign.id, reason="不办了")
    else:
        await move_clock(timedelta(days=8))
        await crowdfunding.end_due()
    assert (await crowdfunding.refunds(people.lin, campaign.id)).by_hand.amount_fen == 50_700
    asked = await crowdfunding.correct(people.chen, transfer.id, note="实收 500 元，已退还本人")
    await crowdfunding.sign_slip(people.zhao, asked.id, POSTED)
    assert (await Slip.get(id=wrong.id)).state is SlipState.CORRECTED
    assert (await crowdfunding.refunds(people.lin, campaign.id)).by_hand.amount_fen == 700
    assert await balances(people.jy) == {"cash": -700, "refunds": 700}
    with pytest.raises(InvalidState):
        await crowdfunding.hand_back(people.chen, wrong.id, note="退", evidence_ids=[await evidence(people.chen)])
    back = await crowdfunding.hand_back(people.chen, right.id, note="退", evidence_ids=[await evidence(people.chen)])
    await crowdfunding.sign_slip(people.zhao, back.id, POSTED)
    assert await balances(people.jy) == {}
    assert await verification.verify() == []


async def test_whoever_gives_in_cash_is_a_backer_too(people: People) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign)
    for giver_id in (people.lin.id, people.mei.id, None, None):
        await cash(people, campaign, giver_id=giver_id)
    undone = await cash(people, campaign, giver_id=people.wang.id)
    assert (await crowdfunding.find(people.lin, campaign.id)).backers == 5, "小林 once, 阿梅, 王伯, two unknown"
    back = await crowdfunding.hand_back(people.chen, undone.id, note="退", evidence_ids=[await evidence(people.chen)])
    await crowdfunding.sign_slip(people.zhao, back.id, POSTED)
    assert (await crowdfunding.find(people.lin, campaign.id)).backers == 4


async def test_what_wechat_proves_is_not_undone_by_hand(people: People) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign)
    with pytest.raises(Invalid):
        await crowdfunding.correct(people.chen, (await Transfer.get()).id, note="错了")


async def test_goods_noted_by_mistake_were_never_given(people: People) -> None:
    campaign = await opened(people)
    goods = await passed(
        await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.IN_KIND, item="灯", amount_fen=200)
    )
    await crowdfunding.receive(people.ma, goods.id)
    with pytest.raises(InvalidState):
        await crowdfunding.withdraw(people.lin, goods.id)
    asked = await crowdfunding.correct(people.chen, (await Transfer.get()).id, note="没有收到")
    await crowdfunding.sign_slip(people.zhao, asked.id, POSTED)
    assert (await Pledge.get(id=goods.id)).state is PledgeState.WITHDRAWN
    assert await balances(people.jy) == {}
    assert await ledger.check_books() == []


async def test_what_has_been_spent_cannot_be_undone(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    await cash(people, campaign, 5_000)
    transfer = await Transfer.get()
    await move_clock(timedelta(days=8))
    for _ in range(2):
        await crowdfunding.advance_due()
    await crowdfunding.accept(people.chen, campaign.id)
    await crowdfunding.settle(people.zhao, campaign.id, resolution_id=campaign.resolution_id)
    asked = await crowdfunding.correct(people.chen, transfer.id, note="错了")
    with pytest.raises(NotEnough):
        async with db.tx():
            await crowdfunding.sign_slip(people.zhao, asked.id, POSTED)
    assert await ledger.check_books() == []


async def promised(people: People, campaign_id: int, **changes: Any) -> Any:
    said = {"unit": "锦阳物业", "for_each_fen": 1, "adds_fen": 2, "cap_fen": 100_000} | changes
    made = await passed(await crowdfunding.promise_match(people.chen, campaign_id, **said))
    return await crowdfunding.sign_match(people.zhao, made.id, MatchState.PROMISED)


async def test_a_match_owes_so_much_for_each_fen_up_to_its_cap(people: People) -> None:
    campaign = await opened(people)
    double = await promised(people, campaign.id)
    third = await promised(people, campaign.id, unit="锦阳小学", for_each_fen=3, adds_fen=1, cap_fen=500)
    given = await paid(people.lin, campaign, 1_000)
    await cash(people, campaign, 1)
    found = {match.id: match for match in (await crowdfunding.matches(people.lin, campaign.id, page=Page())).items}
    assert (found[double.id].owed_fen, found[third.id].owed_fen) == (2_002, 333)
    shown = await crowdfunding.find(people.lin, campaign.id)
    assert shown.raised_fen == 1_001, "matches are shown apart"
    await paid(people.mei, campaign, 60_000)
    found = {match.id: match for match in (await crowdfunding.matches(people.lin, campaign.id, page=Page())).items}
    assert (found[double.id].owed_fen, found[third.id].owed_fen) == (100_000, 500)
    await crowdfunding.take_back(people.lin, given.id)
    assert (await crowdfunding.find_match(people.lin, double.id)).owed_fen == 100_000
    assert await ledger.check_books() == []


async def test_residents_see_a_promise_once_it_is_signed(people: People) -> None:
    campaign = await opened(people)
    made = await crowdfunding.promise_match(
        people.chen, campaign.id, unit="物业", for_each_fen=1, adds_fen=1, cap_fen=100
    )
    with pytest.raises(NotFound):
        await crowdfunding.find_match(people.lin, made.id)
    with pytest.raises(SecondPerson):
        async with db.tx():
            await crowdfunding.sign_match(people.chen, made.id, MatchState.PROMISED)
    await crowdfunding.sign_match(people.zhao, made.id, MatchState.PROMISED)
    assert (await crowdfunding.matches(people.lin, campaign.id, page=Page())).items == [], "its words are not checked"
    await passed(made)
    assert (await crowdfunding.find_match(people.lin, made.id)).state is MatchState.PROMISED
    with pytest.raises(NotFound):
        await crowdfunding.find_match(people.wu, made.id)
    with pytest.raises(InvalidState):
        await crowdfunding.sign_match(people.zhao, made.id, MatchState.DECLINED)


async def test_a_match_is_paid_when_it_is_decided_and_never_more_than_is_owed(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    match = await promised(people, campaign.id)
    await paid(people.lin, campaign, 1_000)

    async def pay(fen: int) -> Slip:
        proof = [await evidence(people.chen)]
        return await crowdfunding.pay_match(people.chen, match.id, amount_fen=fen, note="回单", evidence_ids=proof)

    with pytest.raises(InvalidState):
        await pay(1)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    with pytest.raises(MoreThanOwed):
        await pay(2_001)
    whole, more = await pay(2_000), await pay(1)
    await crowdfunding.sign_slip(people.zhao, whole.id, POSTED)
    with pytest.raises(MoreThanOwed):
        async with db.tx():
            await crowdfunding.sign_slip(people.zhao, more.id, POSTED)
    found = await crowdfunding.find_match(people.lin, match.id)
    assert (found.owed_fen, found.paid_fen) == (2_000, 2_000)
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 1_000
    assert await balances(people.jy) == {
        "wechat_clearing": -1_000,
        "matching_receivable": -2_000,
        "campaign": 3_000,
    }
    assert (await ledger.fund(people.jy)).matched_fen == 2_000
    transfer = await Transfer.get(leg=Leg.MATCHED)
    undo = await crowdfunding.correct(people.chen, transfer.id, note="退票")
    await crowdfunding.sign_slip(people.zhao, undo.id, POSTED)
    assert (await crowdfunding.find_match(people.lin, match.id)).paid_fen == 0
    assert await ledger.check_books() == []


async def test_refunds_lower_what_is_owed(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    match = await promised(people, campaign.id)
    given = await paid(people.lin, campaign, 1_000)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    await crowdfunding.take_back(people.chen, given.id, amount_fen=400, reason="多付")
    assert (await crowdfunding.find_match(people.lin, match.id)).owed_fen == 1_200


async def test_promises_come_before_the_decision(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock, lin=1_000)
    assert campaign.state is CampaignState.FUNDED
    with pytest.raises(InvalidState):
        await promised(people, campaign.id)


async def test_the_purses_of_two_communities_stay_apart(people: People) -> None:
    await ledger.open_accounts(people.yl)
    campaign = await opened(people)
    await cash(people, campaign)
    assert await balances(people.yl) == {}
    assert await ledger.balance(people.jy, Purse(AccountKind.CASH)) == -5_000
