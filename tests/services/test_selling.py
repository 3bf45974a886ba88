"""Charity sales: a list with prices, orders that take stock, and stock that comes back."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core import db
from app.core.errors import Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Page
from models.base import Moderation
from models.crowdfunding import (
    Campaign,
    LegalPath,
    NoPaymentHere,
    NoSuchItem,
    NotChecked,
    Pledge,
    PledgeKind,
    PledgeState,
    SaleItem,
    SoldOut,
)
from models.payments import Order, Refund
from services import crowdfunding, ledger, payments, verification
from services.crowdfunding import Offer
from services.payments import orders
from services.policies import Actor
from tests.passing import passed
from tests.people import People
from tests.raising import draft, notice, opened, refund_notice

MoveClock = Callable[[timedelta], Awaitable[None]]
SACHETS = Offer("手工香囊", 1_500, 3)


async def selling(people: People, *offers: Offer) -> tuple[Campaign, SaleItem]:
    """A campaign that sells three sachets, or what it is said to; the first of it."""
    campaign = await opened(people)
    items = await crowdfunding.offer(people.ma, campaign.id, offers or [SACHETS])
    await passed(None)
    return campaign, items[0]


async def bought(giver: Actor, campaign: Campaign, item: SaleItem, **said: Any) -> Pledge:
    return await crowdfunding.pledge(giver, campaign.id, kind=PledgeKind.SALE, sale_item_id=item.id, **said)


async def left(item: SaleItem) -> int:
    return (await SaleItem.get(id=item.id)).left


async def test_an_order_takes_from_the_stock_and_what_is_paid_stays_taken(people: People) -> None:
    campaign, item = await selling(people)
    order = await bought(people.lin, campaign, item, quantity=2)
    assert (order.amount_fen, order.state) == (3_000, PledgeState.AWAITING_PAYMENT)
    [shown] = (await crowdfunding.sale_items(people.lin, campaign.id, page=Page())).items
    assert (shown.title, shown.left) == ("手工香囊", 1)
    with pytest.raises(SoldOut):
        async with db.tx():
            await bought(people.mei, campaign, item, quantity=2)
    await payments.hear(await notice(order))
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 3_000
    assert (await bought(people.mei, campaign, item)).quantity == 1
    assert await left(item) == 0
    assert await verification.verify() == []


async def test_an_order_that_is_not_paid_and_one_refunded_give_the_stock_back(people: People) -> None:
    campaign, item = await selling(people)
    unpaid, paid_one = await bought(people.lin, campaign, item), await bought(people.mei, campaign, item, quantity=2)
    await orders._expire((await Order.get(pledge_id=unpaid.id)).id)
    assert await left(item) == 1
    await payments.hear(await notice(paid_one))
    with pytest.raises(Invalid):
        await crowdfunding.take_back(people.mei, paid_one.id, amount_fen=1_500)
    await crowdfunding.take_back(people.mei, paid_one.id)
    assert await left(item) == 1, "on its way, not there yet"
    await payments.hear(await refund_notice(await Refund.get()))
    assert await left(item) == 3
    assert await ledger.check_books() == []


async def test_money_that_comes_late_buys_nothing_and_is_sent_back(people: People) -> None:
    campaign, item = await selling(people)
    late = await bought(people.lin, campaign, item, quantity=3)
    await orders._expire((await Order.get(pledge_id=late.id)).id)
    await bought(people.mei, campaign, item, quantity=3)
    await payments.hear(await notice(late))
    assert (await Pledge.get(id=late.id)).state is PledgeState.REFUNDING
    await payments.hear(await refund_notice(await Refund.get()))
    assert await left(item) == 0
    assert await verification.verify() == []


async def test_a_sale_without_an_item_stays_as_it_was(people: People) -> None:
    campaign, _ = await selling(people)
    made = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.SALE, amount_fen=700, item="旧书一摞")
    assert (made.amount_fen, made.sale_item_id, made.quantity) == (700, None, None)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"amount_fen": 1_499}, NoSuchItem),
        ({"quantity": 2, "amount_fen": 1_500}, NoSuchItem),
        ({"item": "香囊"}, Invalid),
        ({"kind": PledgeKind.MONEY, "amount_fen": 1_500}, Invalid),
        ({"sale_item_id": 999_999}, NoSuchItem),
        ({"quantity": 4}, SoldOut),
    ],
)
async def test_what_does_not_fit_the_list_is_refused(
    people: People, said: dict[str, Any], error: type[Exception]
) -> None:
    campaign, item = await selling(people)
    with pytest.raises(error):
        async with db.tx():
            await crowdfunding.pledge(
                people.lin, campaign.id, **{"kind": PledgeKind.SALE, "sale_item_id": item.id} | said
            )
    assert await left(item) == 3


async def test_the_list_says_all_that_is_sold_and_orders_keep_their_price(people: People) -> None:
    campaign, item = await selling(people, SACHETS, Offer("旧书", 500, 10))
    order = await bought(people.lin, campaign, item, quantity=2)
    await crowdfunding.offer(people.ma, campaign.id, [Offer("手工香囊", 2_000, 5)])
    [shown] = (await crowdfunding.sale_items(people.lin, campaign.id, page=Page())).items
    assert (shown.id, shown.price_fen, shown.left) == (item.id, 2_000, 3)
    assert (await Pledge.get(id=order.id)).amount_fen == 3_000
    with pytest.raises(SoldOut):
        async with db.tx():
            await crowdfunding.offer(people.ma, campaign.id, [Offer("手工香囊", 2_000, 1)])
    books = await SaleItem.get(title="旧书")
    with pytest.raises(NoSuchItem):
        await bought(people.lin, campaign, books)
    again = await crowdfunding.offer(people.ma, campaign.id, [SACHETS, Offer("旧书", 500, 10)])
    assert [one.id for one in again] == [item.id, books.id]
    assert (await bought(people.lin, campaign, books)).amount_fen == 500


async def test_what_nobody_has_checked_is_neither_shown_nor_sold(people: People) -> None:
    campaign, item = await selling(people)
    await SaleItem.filter(id=item.id).update(moderation=Moderation.HIDDEN)
    assert (await crowdfunding.sale_items(people.lin, campaign.id, page=Page())).items == []
    assert len((await crowdfunding.sale_items(people.ma, campaign.id, page=Page())).items) == 1
    with pytest.raises(NotChecked):
        await bought(people.lin, campaign, item)


async def test_who_offers_and_when(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    for who, error in (("lin", Forbidden), ("sun", Forbidden), ("wu", NotFound)):
        with pytest.raises(error):
            await crowdfunding.offer(people[who], campaign.id, [SACHETS])
    with pytest.raises(Invalid):
        await crowdfunding.offer(people.ma, campaign.id, [SACHETS, SACHETS])
    await crowdfunding.offer(people.he, (await draft(people)).id, [SACHETS])
    with pytest.raises(NoPaymentHere):
        await crowdfunding.offer(people.ma, (await opened(people, legal_path=LegalPath.GOVERNMENT)).id, [SACHETS])
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    with pytest.raises(InvalidState):
        await crowdfunding.offer(people.ma, campaign.id, [SACHETS])
