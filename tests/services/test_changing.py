"""What may change after people have given: part of a gift goes back, the deadline moves, the money's use changes."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock, db
from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Page
from models.crowdfunding import (
    BudgetLine,
    Campaign,
    CampaignKind,
    CampaignOver,
    CampaignState,
    ExtendedBefore,
    Pledge,
    PledgeKind,
    PledgeState,
    ResolutionNotValid,
    UseChange,
    UseChangeAnnounced,
    UseChangeState,
)
from models.events import Event, Notice, Reason
from models.expenses import OverBudget
from models.ledger import AccountKind, KeptForGivers, NotEnough
from models.payments import Refund, RefundState, RefundTooLarge
from models.slips import MatchState, SlipState
from services import crowdfunding, expenses, ledger, payments, statements
from services.ledger import Purse
from tests.passing import passed
from tests.people import People
from tests.raising import cash, evidence, funded, money, notice, opened, paid, refund_notice, resolution
from tests.spending import approved

MoveClock = Callable[[timedelta], Awaitable[None]]
DAY = timedelta(days=1)


async def heard(state: str = "SUCCESS") -> None:
    """WeChat tells what became of the refunds asked for."""
    for refund in await Refund.filter(state=RefundState.REQUESTED):
        await payments.hear(await refund_notice(refund, state))


async def state(pledge: Pledge) -> PledgeState:
    return PledgeState((await Pledge.get(id=pledge.id)).state)


async def raised(campaign: Campaign) -> int:
    return (await ledger.raised([campaign.id]))[campaign.id]


# --- in part ----------------------------------------------------------------------------------------------------


async def test_a_giver_takes_a_part_back_and_then_the_rest(people: People) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign, 5_000)
    await crowdfunding.take_back(people.lin, given.id, amount_fen=2_000)
    assert (await state(given), await raised(campaign)) == (PledgeState.REFUNDING, 3_000)
    await heard()
    assert await state(given) is PledgeState.PAID
    assert await ledger.check_books() == []
    with pytest.raises(RefundTooLarge):
        async with db.tx():
            await crowdfunding.take_back(people.lin, given.id, amount_fen=3_001)
    await crowdfunding.take_back(people.lin, given.id)
    await heard()
    assert (await state(given), await raised(campaign)) == (PledgeState.REFUNDED, 0)
    assert [refund.amount_fen for refund in await Refund.all().order_by("id")] == [2_000, 3_000]
    assert await ledger.check_books() == []


@pytest.mark.parametrize("reason", [None, "重复付款"])
async def test_a_giver_may_say_why_and_need_not(people: People, reason: str | None) -> None:
    given = await paid(people.lin, await opened(people))
    await crowdfunding.take_back(people.lin, given.id, reason=reason)
    event = await Event.get(verb="pledge.refunding")
    assert event.actor_id == people.lin.id
    told = await Reason.get_or_none(id=event.facts.get("reason_id"))
    assert (told and told.text) == reason


async def test_what_wechat_closes_of_a_part_comes_back_and_is_asked_for_again(people: People) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign, 5_000)
    await crowdfunding.take_back(people.lin, given.id, amount_fen=2_000)
    await heard("CLOSED")
    assert (await state(given), await raised(campaign)) == (PledgeState.PAID, 5_000)
    await crowdfunding.take_back(people.chen, given.id)
    assert (await Refund.get(state="requested")).amount_fen == 2_000, "as much as was closed"
    await heard()
    assert (await state(given), await raised(campaign)) == (PledgeState.PAID, 3_000)
    assert await ledger.check_books() == []


@pytest.mark.parametrize("answer", ["SUCCESS", "CLOSED"])
async def test_a_part_under_way_when_the_campaign_fails_does_not_keep_the_rest(
    people: People, move_clock: MoveClock, answer: str
) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign, 5_000)
    await crowdfunding.take_back(people.lin, given.id, amount_fen=2_000)
    await move_clock(7 * DAY)
    await crowdfunding.end_due()
    await heard(answer)
    if answer == "CLOSED":  # a human asks again, for everything
        assert [line for line in await ledger.check_books() if f"pledge {given.id} is owed" in line]
        await crowdfunding.take_back(people.chen, given.id)
    assert await state(given) is PledgeState.REFUNDING
    await heard()
    assert await state(given) is PledgeState.REFUNDED
    assert await ledger.check_books() == []


async def test_the_committee_gives_back_with_a_reason_but_never_to_itself(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    of_lin, of_chen = await paid(people.lin, campaign, 5_000), await paid(people.chen, campaign, 5_000)
    await move_clock(7 * DAY)
    await crowdfunding.end_due()
    with pytest.raises(InvalidState):
        await crowdfunding.take_back(people.chen, of_chen.id, reason="我后悔了")
    with pytest.raises(Forbidden):
        await crowdfunding.take_back(people.chen, of_lin.id)
    with pytest.raises(Forbidden):
        await crowdfunding.take_back(people.ma, of_lin.id, reason="多付")
    await crowdfunding.take_back(people.chen, of_lin.id, amount_fen=1_000, reason="多付")
    await heard()
    assert (await state(of_lin), await raised(campaign)) == (PledgeState.PAID, 9_000)
    assert await Notice.exists(resident_id=people.lin.id, kind="pledge.refunded")
    assert await ledger.check_books() == []


async def test_a_line_adopted_whole_is_given_back_whole(people: People) -> None:
    campaign = await opened(people)
    line = campaign.budget[0]
    adopted = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.ADOPTION, budget_line_id=line.id)
    await payments.hear(await notice(adopted))
    with pytest.raises(Invalid):
        await crowdfunding.take_back(people.lin, adopted.id, amount_fen=1)
    await crowdfunding.take_back(people.lin, adopted.id)


async def test_the_progress_of_refunds(people: People) -> None:
    campaign = await opened(people)
    for giver, fen in ((people.lin, 100), (people.mei, 250), (people.wang, 33)):
        await paid(giver, campaign, fen)
    await crowdfunding.cancel(people.chen, campaign.id)
    first, second, _ = await Refund.all().order_by("id")
    await payments.hear(await refund_notice(first))
    await payments.hear(await refund_notice(second, "ABNORMAL"))
    seen = await crowdfunding.refunds(people.lin, campaign.id)
    assert (seen.total.refunds, seen.total.amount_fen, seen.unfinished) == (3, 383, 2)
    assert {state.value: tally.refunds for state, tally in seen.states.items() if tally.refunds} == {
        "requested": 1,
        "succeeded": 1,
        "abnormal": 1,
    }
    with pytest.raises(NotFound):
        await crowdfunding.refunds(people.wu, campaign.id)


# --- the deadline -----------------------------------------------------------------------------------------------


async def test_a_deadline_is_put_off_once_and_givers_are_told(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    given, old = await paid(people.lin, campaign), campaign.deadline
    later = await crowdfunding.extend(people.chen, campaign.id, deadline=old + 7 * DAY, reason="再募一周")
    assert (later.deadline, later.extended_from) == (old + 7 * DAY, old)
    told = await Notice.get(resident_id=people.lin.id, kind="campaign.extended")
    assert told.params["until"] == f"{(old + 7 * DAY).astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}"
    with pytest.raises(ExtendedBefore):
        await crowdfunding.extend(people.chen, campaign.id, deadline=old + 8 * DAY, reason="再来")
    await move_clock(8 * DAY)
    await crowdfunding.end_due()
    assert (await Campaign.get(id=campaign.id)).state is CampaignState.OPEN
    await crowdfunding.take_back(people.lin, given.id)
    await move_clock(6 * DAY)
    await crowdfunding.end_due()
    assert (await Campaign.get(id=campaign.id)).state is CampaignState.FAILED


@pytest.mark.parametrize(
    ("who", "by", "error"),
    [
        ("chen", -DAY, Invalid),
        ("chen", timedelta(0), Invalid),
        ("chen", 365 * DAY, Invalid),
        ("ma", DAY, Forbidden),
        ("lin", DAY, Forbidden),
        ("wu", DAY, NotFound),
    ],
)
async def test_a_deadline_moves_only_later_and_by_the_committee(
    people: People, who: str, by: timedelta, error: type[Exception]
) -> None:
    campaign = await opened(people)
    with pytest.raises(error):
        await crowdfunding.extend(people[who], campaign.id, deadline=campaign.deadline + by, reason="再募")


async def test_a_deadline_that_has_passed_is_not_put_off(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    await move_clock(7 * DAY)
    with pytest.raises(CampaignOver):
        await crowdfunding.extend(people.chen, campaign.id, deadline=campaign.deadline + DAY, reason="再募")
    await crowdfunding.end_due()
    with pytest.raises(InvalidState):
        await crowdfunding.extend(people.chen, campaign.id, deadline=campaign.deadline + DAY, reason="再募")


# --- the use ----------------------------------------------------------------------------------------------------


async def announced(people: People, campaign: Campaign, amount_fen: int, **changes: Any) -> UseChange:
    cited = changes.pop("resolution_id", None) or await resolution(people.jy, people.chen)
    said = {"title": "无障碍坡道", "body": "余款改建坡道", "amount_fen": amount_fen} | changes
    return await passed(await crowdfunding.announce(people.chen, campaign.id, resolution_id=cited, **said))


async def test_givers_take_their_share_back_and_the_rest_becomes_a_budget_line(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await funded(people, move_clock, lin=60_001, mei=39_999)
    change = await announced(people, campaign, 40_000)
    assert await Notice.exists(resident_id=people.mei.id, kind="campaign.use_change_announced")
    assert [line.id for line in (await crowdfunding.changes(people.lin, campaign.id, page=Page())).items] == [change.id]
    given = await Pledge.get(giver_id=people.lin.id)
    with pytest.raises(Invalid):
        await crowdfunding.take_back(people.lin, given.id, amount_fen=1)
    await crowdfunding.take_back(people.lin, given.id)
    assert (await Refund.get()).amount_fen == 24_000, "two fifths, rounded down"
    await heard()
    assert await state(given) is PledgeState.PAID
    with pytest.raises(AlreadyExists):
        async with db.tx():
            await crowdfunding.take_back(people.lin, given.id)
    await move_clock(15 * DAY)
    of_mei = await Pledge.get(giver_id=people.mei.id)
    with pytest.raises(InvalidState):
        await crowdfunding.take_back(people.mei, of_mei.id)
    await crowdfunding.advance_due()
    assert (await UseChange.get()).state is UseChangeState.IN_FORCE
    line = await BudgetLine.filter(campaign_id=campaign.id).order_by("-id").first()
    assert line is not None
    assert (line.title, line.amount_fen) == ("无障碍坡道", 16_000)
    assert await ledger.check_books() == []


async def test_nobody_spends_what_givers_may_still_take_back(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock, lin=100_000)
    await move_clock(DAY)
    await crowdfunding.begin_due()
    await announced(people, campaign, 40_000)
    await crowdfunding.accept(people.chen, campaign.id)
    with pytest.raises(KeptForGivers):
        async with db.tx():
            await crowdfunding.settle(people.zhao, campaign.id)
    await crowdfunding.take_back(people.lin, (await Pledge.get()).id)
    await move_clock(15 * DAY)
    await crowdfunding.changes_due()
    await crowdfunding.settle(people.zhao, campaign.id, resolution_id=campaign.resolution_id)
    assert await ledger.balance(people.jy, Purse(AccountKind.GENERAL)) == 60_000
    assert await ledger.check_books() == []


async def test_what_the_committee_gives_back_is_not_taken_from_what_is_kept_for_others(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await funded(people, move_clock, lin=50_000, mei=50_000)
    await announced(people, campaign, 80_000)
    given = await Pledge.get(giver_id=people.lin.id)
    with pytest.raises(KeptForGivers):
        async with db.tx():
            await crowdfunding.take_back(people.chen, given.id, amount_fen=20_001, reason="退回")
    await crowdfunding.take_back(people.chen, given.id, amount_fen=20_000, reason="退回")
    assert await ledger.check_books() == []


async def test_a_second_change_takes_at_most_what_the_first_has_left(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock, lin=100_000)
    for amount_fen in (80_000, 60_000):
        await announced(people, campaign, amount_fen)
        await move_clock(15 * DAY)
        await crowdfunding.changes_due()
    lines = await BudgetLine.filter(campaign_id=campaign.id, use_change_id__not_isnull=True).order_by("id")
    assert [line.amount_fen for line in lines] == [80_000, 20_000]


async def test_only_a_new_resolution_changes_what_money_is_for(people: People, move_clock: MoveClock) -> None:
    old = await resolution(people.jy, people.chen)
    campaign = await funded(people, move_clock, lin=100_000)
    for cited in (
        campaign.resolution_id,
        old,
        await resolution(people.jy, people.chen, passed=False),
        await resolution(people.yl, people.deng),
        999_999,
    ):
        with pytest.raises(ResolutionNotValid):
            async with db.tx():
                await announced(people, campaign, 100, resolution_id=cited)
    await announced(people, campaign, 100)
    with pytest.raises(UseChangeAnnounced):
        async with db.tx():
            await announced(people, campaign, 100)


@pytest.mark.parametrize(
    ("who", "error"), [("ma", Forbidden), ("lin", Forbidden), ("sun", Forbidden), ("wu", NotFound)]
)
async def test_the_committee_announces(people: People, move_clock: MoveClock, who: str, error: type[Exception]) -> None:
    campaign = await funded(people, move_clock, lin=100_000)
    cited = await resolution(people.jy, people.chen)
    with pytest.raises(error):
        await crowdfunding.announce(
            people[who], campaign.id, resolution_id=cited, title="坡道", body="改", amount_fen=1
        )


async def test_a_use_changes_only_of_what_is_there_and_decided(people: People, move_clock: MoveClock) -> None:
    still_open = await opened(people)
    await paid(people.lin, still_open, 100)
    with pytest.raises(InvalidState):
        await announced(people, still_open, 1)
    campaign = await funded(people, move_clock, mei=100_000)
    with pytest.raises(NotEnough):
        await announced(people, campaign, 100_001)


async def test_a_use_changes_of_no_more_than_the_campaign_still_holds(people: People, move_clock: MoveClock) -> None:
    campaign = await crowdfunding.find(people.chen, (await funded(people, move_clock, mei=100_000)).id)
    lamps = await approved(people, campaign, 30_000)
    await expenses.pay(people.chen, lamps.id, reference="网银")
    with pytest.raises(NotEnough):
        await announced(people, campaign, 70_001)
    assert (await announced(people, campaign, 70_000)).raised_fen == 100_000


async def test_what_a_unit_added_is_not_its_givers_to_take_back(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    match = await crowdfunding.promise_match(
        people.chen, campaign.id, unit="锦阳物业", for_each_fen=1, adds_fen=1, cap_fen=50_000
    )
    await crowdfunding.sign_match(people.zhao, match.id, MatchState.PROMISED)
    await paid(people.mei, campaign, 50_000)
    await move_clock(7 * DAY)
    await crowdfunding.end_due()
    slip = await crowdfunding.pay_match(
        people.chen, match.id, amount_fen=50_000, note="回单", evidence_ids=[await evidence(people.chen)]
    )
    await crowdfunding.sign_slip(people.zhao, slip.id, SlipState.POSTED)
    assert await ledger.balance(people.jy, Purse(AccountKind.CAMPAIGN, campaign.id)) == 100_000
    with pytest.raises(NotEnough):
        await announced(people, campaign, 50_001)


# --- the end ----------------------------------------------------------------------------------------------------


async def carried_out(people: People, move_clock: MoveClock, campaign: Campaign) -> None:
    await move_clock(DAY)
    await crowdfunding.begin_due()
    await crowdfunding.accept(people.chen, campaign.id)


async def test_a_surplus_goes_to_another_campaign_by_a_resolution(people: People, move_clock: MoveClock) -> None:
    first = await funded(people, move_clock, lin=100_000)
    await carried_out(people, move_clock, first)
    over = await funded(people, move_clock, mei=50_000)
    cited = await resolution(people.jy, people.chen)
    for wrong in (
        {"to_campaign_id": over.id},
        {"to_campaign_id": first.id, "resolution_id": cited},
    ):
        with pytest.raises(Invalid):
            await crowdfunding.settle(people.zhao, first.id, **wrong)
    with pytest.raises(ResolutionNotValid):
        await crowdfunding.settle(people.zhao, first.id, to_campaign_id=over.id, resolution_id=999_999)
    still_open = await opened(people)
    with pytest.raises(InvalidState):
        await crowdfunding.settle(people.zhao, first.id, to_campaign_id=still_open.id, resolution_id=cited)
    await crowdfunding.settle(people.zhao, first.id, to_campaign_id=over.id, resolution_id=cited)
    assert await ledger.balance(people.jy, Purse(AccountKind.CAMPAIGN, over.id)) == 150_000
    assert (await crowdfunding.find(people.lin, over.id)).raised_fen == 50_000
    assert await ledger.check_books() == []


@pytest.mark.parametrize("by_resolution", [False, True])
async def test_whoever_accepted_settles_and_all_that_is_left_goes_to_the_fund(
    people: People, move_clock: MoveClock, by_resolution: bool
) -> None:
    campaign = await funded(people, move_clock, lin=100_000)
    await carried_out(people, move_clock, campaign)
    for wrong in (999_999, await resolution(people.jy, people.chen, passed=False)):
        with pytest.raises(ResolutionNotValid):
            await crowdfunding.settle(people.chen, campaign.id, resolution_id=wrong)
    cited = await resolution(people.jy, people.chen) if by_resolution else None
    settled = await crowdfunding.settle(people.chen, campaign.id, resolution_id=cited)
    assert (settled.state, settled.surplus_resolution_id) == (CampaignState.SETTLED, cited)
    assert await ledger.balance(people.jy, Purse(AccountKind.GENERAL)) == 100_000
    assert await Notice.exists(resident_id=people.lin.id, kind="campaign.surplus_to_fund")
    assert await ledger.check_books() == []


async def lines_of(people: People, campaign: Campaign) -> list[tuple[str, int, int]]:
    budget = (await crowdfunding.find(people.lin, campaign.id)).budget
    assert sum(line.amount_fen - line.released_fen for line in budget) == 100_000, "the goal, as ever"
    return [(line.title, line.released_fen, line.left_fen) for line in budget]


async def test_old_lines_show_what_a_change_of_use_has_left_of_them(people: People, move_clock: MoveClock) -> None:
    campaign = await crowdfunding.find(people.chen, (await funded(people, move_clock, lin=100_000)).id)
    await announced(people, campaign, 50_000)
    assert await lines_of(people, campaign) == [("灯具", 0, 60_000), ("安装", 0, 40_000)]
    await move_clock(15 * DAY)
    await crowdfunding.changes_due()
    assert await lines_of(people, campaign) == [
        ("灯具", 30_000, 30_000),
        ("安装", 20_000, 20_000),
        ("无障碍坡道", 0, 50_000),
    ]
    lamps = await approved(people, campaign, 30_000)
    await expenses.pay(people.chen, lamps.id, reference="网银")
    with pytest.raises(OverBudget):
        await approved(people, campaign, 1)
    books = await statements.accounts(people.lin, campaign.id)
    assert [(line.released_fen, line.spent_fen) for line in books.budget] == [(30_000, 30_000), (20_000, 0), (0, 0)]


async def test_a_change_of_use_may_say_from_which_line(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock, lin=100_000)
    of_another = (await crowdfunding.find(people.chen, (await opened(people)).id)).budget[0]
    fitting = (await crowdfunding.find(people.chen, campaign.id)).budget[1]
    with pytest.raises(Invalid):
        async with db.tx():
            await announced(people, campaign, 50_000, budget_line_id=of_another.id)
    await announced(people, campaign, 50_000, budget_line_id=fitting.id)
    await move_clock(15 * DAY)
    await crowdfunding.changes_due()
    assert await lines_of(people, campaign) == [
        ("灯具", 10_000, 50_000),
        ("安装", 40_000, 0),
        ("无障碍坡道", 0, 50_000),
    ]
    await announced(people, campaign, 100_000, title="长椅")
    await move_clock(15 * DAY)
    await crowdfunding.changes_due()
    assert await lines_of(people, campaign) == [
        ("灯具", 60_000, 0),
        ("安装", 40_000, 0),
        ("无障碍坡道", 0, 50_000),
        ("长椅", 0, 50_000),
    ]


async def test_cash_counts_for_the_goal(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    await cash(people, campaign, 60_000)
    await paid(people.lin, campaign, 40_000)
    await money(people.mei, campaign)
    await move_clock(7 * DAY + timedelta(hours=1))
    await crowdfunding.end_due()
    assert (await Campaign.get(id=campaign.id)).state is CampaignState.FUNDED
    assert (await clock.now()) > campaign.deadline


@pytest.mark.parametrize("turn", ["cancelled", "failed", "funded", "extended"])
async def test_who_promised_is_told_like_who_paid(people: People, move_clock: MoveClock, turn: str) -> None:
    kind = CampaignKind.KEEP_WHAT_IS_RAISED if turn == "funded" else CampaignKind.ALL_OR_NOTHING
    campaign = await opened(people, kind=kind)
    await paid(people.lin, campaign)
    await crowdfunding.pledge(people.mei, campaign.id, kind=PledgeKind.TIME, hours=2)
    promised = await crowdfunding.pledge(people.wang, campaign.id, kind=PledgeKind.SKILL, item="理发")
    await crowdfunding.withdraw(people.wang, promised.id)
    if turn == "cancelled":
        await crowdfunding.cancel(people.chen, campaign.id)
    elif turn == "extended":
        await crowdfunding.extend(people.chen, campaign.id, deadline=campaign.deadline + DAY, reason="再等等")
    else:
        await move_clock(7 * DAY)
        await crowdfunding.end_due()
    told = await Notice.filter(kind=f"campaign.{turn}").order_by("resident_id").values_list("resident_id", flat=True)
    assert told == sorted([people.lin.id, people.mei.id])
