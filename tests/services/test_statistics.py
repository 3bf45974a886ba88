"""Figures of a place follow from rows, and count what people could see."""

from models.payments import Refund
from services import crowdfunding, ledger, payments, statistics
from tests.people import People
from tests.raising import draft, opened, paid, refund_notice


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
