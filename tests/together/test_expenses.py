"""Spending at once: two approvals both count, one payment is made, a line is not overspent; and what would be else."""

import asyncio
from collections.abc import Awaitable
from unittest.mock import AsyncMock

import pytest

from app.core import db
from models.crowdfunding import Campaign
from models.expenses import ExpenseState
from models.ledger import AccountKind
from models.residents import Kinship
from services import crowdfunding, expenses, ledger, residents
from services.expenses import deciding, reading, ruling
from services.ledger import Purse
from services.policies import Actor
from tests.conftest import as_owner
from tests.people import People
from tests.spending import MoveClock, approved, asked, funded, picture
from tests.together.crowd import outcomes, outcomes_neck_and_neck

ALL_EXPENSES = "SELECT id FROM expenses FOR NO KEY UPDATE"
ALL_CAMPAIGNS = "SELECT id FROM campaigns FOR NO KEY UPDATE"


@pytest.fixture
async def campaign(committed: str, people: People, move_clock: MoveClock) -> Campaign:
    """A campaign of 1,000 yuan, 600 of them for lamps, whose clock has run; everything is committed."""
    return await funded(people, move_clock)


async def as_table_owner(statement: str) -> None:
    async with db.tx():
        await as_owner(lambda: db.execute(statement))


def pay(actor: Actor, expense_id: int, reference: str = "1") -> Awaitable[object]:
    return expenses.pay(actor, expense_id, reference=reference)


async def spent(people: People) -> int:
    return await ledger.balance(people.jy, Purse(AccountKind.EXPENSES))


async def test_two_approvals_at_once_both_count(people: People, campaign: Campaign) -> None:
    for _ in range(5):
        made = await asked(people.ma, campaign, 1)
        approvals = [expenses.approve(who, made.id) for who in (people.chen, people.zhao)]
        assert await outcomes_neck_and_neck(approvals, behind=ALL_EXPENSES, at_once=2) == {"ok": 2}
        assert (await expenses.find(people.ma, made.id)).state is ExpenseState.APPROVED


async def test_one_who_approves_twice_at_once_counts_once(people: People, campaign: Campaign) -> None:
    made = await asked(people.ma, campaign)
    ended = await outcomes(expenses.approve(people.chen, made.id) for _ in range(8))
    assert ended == {"ok": 1, "AlreadyApproved": 7}
    assert (await expenses.find(people.ma, made.id)).missing == ["two_people"]


async def test_without_the_key_one_would_be_two(people: People, campaign: Campaign) -> None:
    await as_table_owner("ALTER TABLE expense_approvals DROP CONSTRAINT expense_approvals_once")
    made = await asked(people.ma, campaign)
    ended = await outcomes(expenses.approve(people.chen, made.id) for _ in range(8))
    assert ended["ok"] == 2
    assert (await expenses.find(people.ma, made.id)).state is ExpenseState.APPROVED


async def test_an_expense_is_paid_once(people: People, campaign: Campaign) -> None:
    made = await approved(people, campaign)
    payments = [pay(who, made.id, str(n)) for n in range(4) for who in (people.chen, people.zhao)]
    ended = await outcomes_neck_and_neck(payments, behind=ALL_EXPENSES, at_once=8)
    assert ended == {"ok": 1, "InvalidState": 7}
    assert await spent(people) == 24_000
    assert await expenses.check_expenses() == await ledger.check_books() == []


def ask_with(receipt: int, actor: Actor, campaign: Campaign) -> Awaitable[object]:
    said = {"budget_line_id": campaign.budget[0].id, "amount_fen": 100, "payee": "光明五金店", "purpose": "灯"}
    return expenses.request(actor, campaign.id, receipt_ids=[receipt], **said)  # type: ignore[arg-type]


@pytest.mark.parametrize("kept", [True, False])
async def test_a_receipt_that_is_handed_in_five_times_at_once_counts_once(
    people: People, campaign: Campaign, kept: bool
) -> None:
    if not kept:
        await as_table_owner("DROP TRIGGER attachments_receipt_once ON attachments")
    receipt = await picture(people.ma)
    handed_in = [ask_with(receipt, people.ma, campaign) for _ in range(5)]
    ended = await outcomes_neck_and_neck(handed_in, behind="SELECT id FROM media FOR UPDATE", at_once=5)
    assert ended == ({"ok": 1, "ReceiptUsed": 4} if kept else {"ok": 5})


async def test_without_its_lock_a_receipt_would_count_twice(people: People, campaign: Campaign) -> None:
    source: str = await db.value("SELECT pg_get_functiondef('refuse_used_receipt'::regproc)")
    await as_table_owner(source.replace("FOR NO KEY UPDATE OF p", ""))
    receipt = await picture(people.ma)
    handed_in = [ask_with(receipt, people.ma, campaign) for _ in range(5)]
    ended = await outcomes_neck_and_neck(handed_in, behind="SELECT id FROM media FOR UPDATE", at_once=5)
    assert ended["ok"] > 1


async def test_of_five_that_fit_the_line_one_by_one_as_many_are_paid_as_fit(people: People, campaign: Campaign) -> None:
    made = [await approved(people, campaign, 25_000) for _ in range(5)]
    payments = [pay(people.chen, one.id) for one in made]
    ended = await outcomes_neck_and_neck(payments, behind=ALL_CAMPAIGNS, at_once=5)
    assert ended == {"ok": 2, "OverBudget": 3}
    assert await spent(people) == 50_000
    assert await expenses.check_expenses() == []


async def test_without_the_trigger_the_line_would_be_overspent(people: People, campaign: Campaign) -> None:
    made = [await approved(people, campaign, 25_000) for _ in range(5)]
    for trigger in ("expenses_two_approvals", "expenses_within_line"):
        await as_table_owner(f"ALTER TABLE expenses DISABLE TRIGGER {trigger}")
    ended = await outcomes(pay(people.chen, one.id) for one in made)
    assert ended == {"ok": 4, "NotEnough": 1}
    [line] = await expenses.check_expenses()
    assert "has 60000 fen, 100000 fen were spent" in line


async def test_without_the_lock_two_approvals_at_once_would_not_see_each_other(
    people: People, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "_held", reading.door)
    for _ in range(20):
        made = await asked(people.ma, campaign, 1)
        assert await outcomes(expenses.approve(who, made.id) for who in (people.chen, people.zhao)) == {"ok": 2}
        if (await expenses.find(people.ma, made.id)).state is ExpenseState.REQUESTED:
            return
    raise AssertionError("they never met")


async def paid_beside_a_relative(people: People, campaign: Campaign) -> str:
    """How a payment ends during which somebody's declaration is under way that an approver is a relative."""
    made = await approved(people, campaign, 1)
    written, go = asyncio.Event(), asyncio.Event()

    async def declare() -> None:
        async with db.tx():
            await residents.declare_relative(people.qian, people.ma.id, people.zhao.id, kinship=Kinship.OTHER)
            written.set()
            await go.wait()

    declaring = asyncio.create_task(declare())
    await written.wait()
    asyncio.get_running_loop().call_later(0.5, go.set)
    [ended] = await outcomes([pay(people.chen, made.id)])
    await declaring
    return ended


async def test_a_payment_waits_for_a_declaration_under_way(people: People, campaign: Campaign) -> None:
    assert await paid_beside_a_relative(people, campaign) == "ApprovalsMissing"
    assert await expenses.check_expenses() == []


async def test_without_waiting_it_would_be_paid_on_a_relative_s_word(people: People, campaign: Campaign) -> None:
    await as_table_owner("ALTER TABLE relatives DISABLE TRIGGER relatives_beside_no_payment")
    assert await paid_beside_a_relative(people, campaign) == "ok"
    assert "was paid without two_people" in (await expenses.check_expenses())[0]


STRICTER = """
INSERT INTO fund_rules (community_id, proposer_id, role, supervisor_above_fen, never_paid, in_force_at)
VALUES ($1, $2, 'street_officer', 0, '[]', clock_now())
"""


@pytest.mark.parametrize("kept", [True, False])
async def test_a_payment_waits_for_rules_under_way(people: People, campaign: Campaign, kept: bool) -> None:
    if not kept:
        await as_table_owner("ALTER TABLE fund_rules DISABLE TRIGGER fund_rules_beside_no_payment")
    made = await approved(people, campaign, 1)
    written = asyncio.Event()

    async def rule() -> None:
        async with db.tx():
            await db.execute(STRICTER, people.jy, people.qian.id)
            written.set()
            await asyncio.sleep(0.5)

    setting = asyncio.create_task(rule())
    await written.wait()
    assert await outcomes([pay(people.chen, made.id)]) == ({"ApprovalsMissing": 1} if kept else {"ok": 1})
    await setting
    assert (await expenses.check_expenses() == []) is kept


@pytest.mark.parametrize("kept", [True, False])
async def test_rules_wait_for_payments_under_way_before_they_say_since_when(
    people: People, campaign: Campaign, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kept:
        monkeypatch.setattr(ruling.db, "advisory_lock", AsyncMock())
    first, second = await approved(people, campaign, 1), await approved(people, campaign, 1)
    written = asyncio.Event()

    async def pay_both() -> None:
        async with db.tx():
            await pay(people.chen, first.id)
            written.set()
            await asyncio.sleep(0.5)
            await pay(people.chen, second.id)

    paying = asyncio.create_task(pay_both())
    await written.wait()
    await expenses.set_rules(people.qian, people.jy, supervisor_above_fen=0, never_paid=[])
    await paying
    assert (await expenses.check_expenses() == []) is kept


async def test_what_is_paid_past_the_books_is_refused_when_it_is_committed(people: People, campaign: Campaign) -> None:
    made = await approved(people, campaign)
    with pytest.raises(Exception, match="is not in the ledger"):
        async with db.tx():
            await db.execute(
                "UPDATE expenses SET state = 'paid', paid_by_id = $2, paid_at = clock_now(), reference = '1' "
                "WHERE id = $1",
                made.id,
                people.chen.id,
            )
    assert (await expenses.find(people.chen, made.id)).state is ExpenseState.APPROVED


async def test_a_campaign_is_not_settled_over_an_expense_asked_for_at_once(people: People, campaign: Campaign) -> None:

    await crowdfunding.accept(people.chen, campaign.id)
    deeds = [asked(people.ma, campaign), crowdfunding.settle(people.zhao, campaign.id)]
    ended = await outcomes_neck_and_neck(deeds, behind=ALL_CAMPAIGNS, at_once=2)
    assert sorted(ended.values()) == [1, 1], ended
    assert set(ended) in ({"ok", "ExpensesOpen"}, {"ok", "InvalidState"})
    assert await expenses.check_expenses() == []
