"""The books at size: checked in seconds, paid by thousands at once, and everyone refunded exactly once."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core import db
from app.gateways.wechat_pay import PaymentNotice
from models.crowdfunding import Campaign, CampaignKind, CampaignState, Pledge, PledgeState
from models.ledger import AccountKind, Transfer
from models.payments import Order
from services import crowdfunding, ledger, payments
from tests.conftest import as_owner
from tests.people import People
from tests.raising import money, opened
from tests.together.books import backed
from tests.together.conftest import Town, until

MoveClock = Callable[[timedelta], Awaitable[None]]
REFUNDS = "/v3/refund/domestic/refunds"


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.prove)])
async def test_clean_books_are_checked_within_fifteen_seconds(committed: str, count: int) -> None:
    people = await People.load()
    campaign = await opened(people)
    await backed(campaign, count)
    async with db.tx():
        await as_owner(lambda: db.execute("ANALYZE"))
    began = time.perf_counter()
    async with db.tx(limit_s=60):
        assert await ledger.check_books() == []
    assert time.perf_counter() - began < 15
    assert await Transfer.all().count() == count


# What no reader may ever see: a sum that is on one side only, an order paid without its transfer, or the reverse.
SEEN = """
SELECT (SELECT coalesce(sum(captured_fen), 0) FROM orders)
        = (SELECT coalesce(sum(amount_fen), 0) FROM transfers WHERE leg = 'capture')
    AND (SELECT count(*) FROM orders WHERE state = 'paid')
        = (SELECT count(*) FROM pledges WHERE state <> 'awaiting_payment')
    AND (SELECT count(*) FROM orders WHERE state = 'paid') = (SELECT count(*) FROM events WHERE verb = 'pledge.paid')
"""


@asynccontextmanager
async def reading() -> AsyncIterator[list[bool]]:
    """Somebody who reads the books all the while; what he saw."""
    seen: list[bool] = []

    async def keep_reading() -> None:
        while True:
            seen.append(bool(await db.value(SEEN)))
            await asyncio.sleep(0.02)

    reader = asyncio.create_task(keep_reading())
    try:
        yield seen
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader


async def said(pledge: Pledge, dice: random.Random) -> list[PaymentNotice]:
    """A payment told one to four times, now and then forged as well: another amount, payer or order."""
    order = await Order.get(pledge_id=pledge.id)
    true: dict[str, Any] = {
        "notification_id": f"EV-{pledge.id}",
        "transaction_id": f"42{pledge.id:018}",
        "out_trade_no": order.out_trade_no,
        "openid": order.openid,
        "amount_fen": order.amount_fen,
        "success_at": datetime.now(UTC),
    }
    told = [PaymentNotice(**true) for _ in range(dice.randint(1, 4))]
    for wrong in ({"amount_fen": 1}, {"openid": "somebody"}, {"out_trade_no": "CFnowhere"}):
        if dice.random() < 0.05:
            told.append(PaymentNotice(**true | wrong | {"notification_id": f"EV-{pledge.id}-{next(iter(wrong))}"}))
    return told


async def test_two_thousand_pledges_at_once_with_callbacks_doubled_reordered_and_forged(committed: str) -> None:
    people, dice = await People.load(), random.Random(7)
    campaign = await opened(people, goal_fen=10**10, budget=[crowdfunding.BudgetItem("灯", 10**10)])
    givers = [people.lin, people.mei, people.wang, people.he, people.ma]
    paid: set[int] = set()
    backlog: list[PaymentNotice] = []
    turns = iter(range(2_000))

    async def pair() -> None:
        """Pledges, some of which are paid, and callbacks of this and of earlier ones in any order."""
        for turn in turns:
            pledge = await money(givers[turn % 5], campaign, dice.randint(1, 100_000))
            if dice.random() < 0.9:
                paid.add(pledge.id)
                backlog.extend(await said(pledge, dice))
            if turn % 20 == 0:
                dice.shuffle(backlog)
            for told in [backlog.pop() for _ in range(min(3, len(backlog)))]:
                await payments.hear(told)

    async with reading() as seen:
        await asyncio.gather(*(pair() for _ in range(18)))
        while backlog:
            await asyncio.gather(*(payments.hear(backlog.pop()) for _ in range(min(18, len(backlog)))))
    assert await Pledge.all().count() == 2_000
    captured = Counter(transfer.source_id for transfer in await Transfer.filter(leg="capture"))
    assert captured == dict.fromkeys(paid, 1)
    total = sum(pledge.amount_fen or 0 for pledge in await Pledge.filter(id__in=list(paid)))
    assert (await ledger.raised([campaign.id]))[campaign.id] == total
    balances = (await ledger.fund(people.jy)).balances
    assert (balances[AccountKind.CAMPAIGN], balances[AccountKind.WECHAT_CLEARING]) == (total, -total)
    assert len(seen) > 20
    assert all(seen)
    assert await ledger.check_books() == []


async def backers(town: Town, campaign: Campaign, count: int) -> list[int]:
    """So many backers who have paid with their telephones; their pledges, once all were heard of."""
    givers = [town.people.lin, town.people.mei, town.people.wang]
    for giver in givers:
        await town.sandbox("login-code", openid=giver.openid)
    turns = iter(range(count))

    async def pay() -> None:
        for turn in turns:
            giver = givers[turn % 3]
            pledge = await crowdfunding.with_payment(town.pay, await money(giver, campaign, 100 + turn))
            await town.sandbox("pay", openid=giver.openid, payment=pledge.payment)

    await asyncio.gather(*(pay() for _ in range(8)))
    return [pledge.id for pledge in await Pledge.filter(campaign_id=campaign.id)]


async def count_of(state: PledgeState) -> int:
    return await Pledge.filter(state=state).count()


@asynccontextmanager
async def worker_process(town: Town) -> AsyncIterator[Any]:
    """A worker as an operator starts it, on this town's database and sandbox."""
    settings = town.app.state.settings
    environment = {
        name.upper(): value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        for name in settings.model_fields_set
        if (value := getattr(settings, name)) is not None
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "worker"),
        env=os.environ | environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.prove)])
async def test_a_failure_refunds_everyone_exactly_once_whatever_happens_meanwhile(
    town: Town, move_clock: MoveClock, count: int
) -> None:
    campaign = await opened(
        town.people, kind=CampaignKind.ALL_OR_NOTHING, goal_fen=10**9, budget=[crowdfunding.BudgetItem("灯", 10**9)]
    )
    ids = await backers(town, campaign, count)

    async def all_paid() -> bool:
        return await count_of(PledgeState.PAID) == count

    await until(all_paid)
    for effect in ("before", "after"):
        trouble = {"path": REFUNDS, "method": "POST", "status": 500, "body": {"code": "SYSTEM_ERROR"}}
        await town.sandbox("faults", effect=effect, probability=0.16, **trouble)
    await move_clock(timedelta(days=7, hours=1))
    await crowdfunding.end_due()
    assert (await Campaign.get(id=campaign.id)).state is CampaignState.FAILED
    async with worker_process(town) as worker:
        async with asyncio.timeout(60):
            while await count_of(PledgeState.REFUNDED) < count // 4:
                assert worker.returncode is None, "the worker ended by itself"
                await asyncio.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
    assert await count_of(PledgeState.REFUNDED) < count, "killed in the middle"
    await town._control.delete("/_sandbox/faults")
    async with asyncio.timeout(240):
        while await count_of(PledgeState.REFUNDED) < count:
            await move_clock(timedelta(minutes=31))
            await asyncio.gather(*(payments.follow_refunds(town.pay) for _ in range(2)))
    there = await town.seen("refunds", state="SUCCESS")
    assert Counter(refund["out_trade_no"] for refund in there) == dict.fromkeys(
        [order.out_trade_no for order in await Order.filter(pledge_id__in=ids)], 1
    )
    assert sum(refund["amount"] for refund in there) == sum(100 + turn for turn in range(count))
    assert await Transfer.filter(leg="refunded").count() == count
    assert set((await ledger.fund(town.people.jy)).balances.values()) == {0}
    assert await ledger.check_books() == []
