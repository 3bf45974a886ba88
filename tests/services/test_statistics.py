"""Figures of a place follow from rows, and count what people could see."""

from app.core.pages import Page
from models.crowdfunding import LegalPath, PledgeKind
from models.payments import Refund
from models.slips import SlipState, Via
from services import crowdfunding, ledger, payments, statistics
from tests.people import People
from tests.raising import cash, draft, evidence, opened, paid, refund_notice


async def test_only_campaigns_that_were_published_count(people: People) -> None:
    for step in ("draft", "in_review", "cancelled"):
        made = await draft(people)
        if step == "in_review":
            await crowdfunding.submit(people.chen, made.id)
        if step == "cancelled":
            await crowdfunding.cancel(people.chen, made.id)
    assert (await statistics.figures(people.jy)).campaigns == 0
    campaign = await opened(people)
    await crowdfunding.cancel(people.chen, campaign.id)
    assert (await statistics.figures(people.jy)).campaigns == 1


async def test_raised_is_the_same_wherever_it_is_shown(people: People) -> None:
    campaign = await opened(people)
    await paid(people.mei, campaign, 700)
    taken_back = [await paid(people.lin, campaign, fen) for fen in (10, 200)]
    for pledge, said in zip(taken_back, ("SUCCESS", "CLOSED"), strict=True):
        await crowdfunding.take_back(people.lin, pledge.id)
        await payments.hear(await refund_notice(await Refund.get(order__pledge_id=pledge.id), said))
    assert await ledger.raised([campaign.id]) == {campaign.id: 900}
    assert (await statistics.figures(people.jy)).raised_fen == 900
    assert await ledger.check_books() == []


async def test_a_place_adds_up_what_its_campaigns_show(people: People) -> None:
    campaign = await opened(people)
    await cash(people, campaign, 700)
    outside = await opened(people, legal_path=LegalPath.GOVERNMENT)
    noted = await crowdfunding.note_income(people.chen, outside.id, amount_fen=4_000, document_number="第1号")
    await crowdfunding.sign_slip(people.zhao, noted.slip.id, SlipState.POSTED)
    to_the_fund = await crowdfunding.give_to_the_fund(
        people.chen,
        people.jy,
        via=Via.CASH,
        amount_fen=90,
        note="收据",
        evidence_ids=[await evidence(people.chen)],
    )
    await crowdfunding.sign_slip(people.zhao, to_the_fund.id, SlipState.POSTED)
    for fen in (30, 500):
        lamp = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.IN_KIND, item="灯", amount_fen=fen)
        await crowdfunding.receive(people.ma, lamp.id)
    mistaken = (await ledger.transfers(people.jy, page=Page())).items[0]
    undone = await crowdfunding.correct(people.chen, mistaken.id, note="没有收到")
    await crowdfunding.sign_slip(people.zhao, undone.id, SlipState.POSTED)
    found = await statistics.figures(people.jy)
    seen = [await crowdfunding.find(people.chen, one.id) for one in (campaign, outside)]
    assert (found.raised_fen, found.in_kind_fen) == (4_700, 30)
    assert found.raised_fen == sum(one.raised_fen for one in seen)
    assert found.in_kind_fen == sum(one.in_kind_fen for one in seen)
