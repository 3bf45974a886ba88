"""Spending: one asks with a receipt, two others answer for it, the database counts once more when it is paid."""

from datetime import timedelta
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from app.core import db
from app.core.errors import AlreadyExists, DomainError, Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Page
from models.crowdfunding import CampaignState, ResolutionNotValid
from models.events import Event, Notice
from models.expenses import (
    AlreadyApproved,
    ApprovalsMissing,
    Expense,
    ExpensesOpen,
    ExpenseState,
    NeverPaid,
    NoApprover,
    NoSuchPayee,
    NotIndependent,
    OverBudget,
    PayeeKind,
    PayeeNotNamed,
    PaysHimself,
    ReceiptMissing,
)
from models.ledger import AccountKind, KeptForGivers, NotEnough, Transfer
from models.media import Purpose, ReceiptUsed, UnknownPhoto
from models.residents import Kinship
from models.slips import SecondPerson, Slip, SlipState
from services import crowdfunding, expenses, ledger, media, residents, statements, verification
from services.ledger import Purse
from services.media import Links, links
from services.policies import Actor
from services.rules import never_paid
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.raising import opened, paid, resolution
from tests.spending import MoveClock, approved, asked, funded, picture

NOBODY = Actor(0, "")


async def pay(actor: Actor, expense_id: int) -> expenses.ExpenseLine:
    return await expenses.pay(actor, expense_id, reference="网银 0017")


async def related(people: People, one: Actor, other: Actor) -> None:
    await residents.declare_relative(people.qian, one.id, other.id, kinship=Kinship.SIBLING)


async def limit(people: People, fen: int, *words: str) -> None:
    await expenses.set_rules(people.qian, people.jy, supervisor_above_fen=fen, never_paid=words)


async def test_from_a_receipt_to_the_books(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    made = await asked(people.ma, campaign)
    assert (made.state, made.missing) == (ExpenseState.REQUESTED, ["two_people", "committee"])
    assert made.resolution_id == campaign.resolution_id
    for who in (people.chen, people.zhao, people.sun):
        assert await Notice.exists(resident_id=who.id, kind="expense.requested"), who.nickname
    once = await expenses.approve(people.chen, made.id)
    assert (once.state, once.missing) == (ExpenseState.REQUESTED, ["two_people"])
    assert (await expenses.approve(people.sun, made.id)).state is ExpenseState.APPROVED
    done = await pay(people.zhao, made.id)
    assert (done.state, done.reference) == (ExpenseState.PAID, "网银 0017")
    assert await ledger.balance(people.jy, Purse(AccountKind.CAMPAIGN, campaign.id)) == 76_000
    assert (await ledger.fund(people.jy)).spent_fen == 24_000
    line = (await ledger.transfers(people.jy, page=Page())).items[0]
    assert (line.debit, line.credit, line.amount_fen, line.expense_id) == ("campaign", "expenses", 24_000, made.id)
    seen = await crowdfunding.find(people.lin, campaign.id)
    assert (seen.raised_fen, seen.spent_fen) == (100_000, 24_000)
    assert [line.spent_fen for line in seen.budget] == [24_000, 0]
    assert await Notice.exists(resident_id=people.ma.id, kind="expense.paid")
    verbs = await Event.filter(subject_kind="expense", subject_id=made.id).order_by("id").values_list("verb", flat=True)
    assert verbs == ["expense.requested", "expense.approved", "expense.approved", "expense.paid"]
    assert await verification.verify() == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"receipt_ids": []}, ReceiptMissing),
        ({"receipt_ids": [10**15]}, UnknownPhoto),
        ({"budget_line_id": 10**15}, Invalid),
        ({"amount_fen": 60_001}, OverBudget),
        ({"payee_resident_id": 10**15}, NoSuchPayee),
        ({"purpose": "志愿者 工资"}, NeverPaid),
        ({"payee": "大病求助"}, NeverPaid),
    ],
)
async def test_what_is_refused_at_once(
    people: People, move_clock: MoveClock, changes: dict[str, Any], error: type[DomainError]
) -> None:
    campaign = await funded(people, move_clock)
    assert (await asked(people.ma, campaign, amount_fen=60_000)).state is ExpenseState.REQUESTED
    with pytest.raises(error):
        await asked(people.ma, campaign, **changes)


async def test_a_receipt_pays_once_whoever_uploads_it(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    receipt = await picture(people.ma)
    first = await asked(people.ma, campaign, 100, receipt_ids=[receipt])
    copy = await db.value(
        "INSERT INTO media (uploader_id, picture_id, purpose, moderation) "
        "SELECT $1, picture_id, 'photo', 'passed' FROM media WHERE id = $2 RETURNING id",
        people.chen.id,
        receipt,
    )
    for who, same in ((people.ma, receipt), (people.chen, copy)):
        with pytest.raises(ReceiptUsed):
            async with db.tx():
                await asked(who, campaign, 100, receipt_ids=[same])
    await expenses.withdraw(people.ma, first.id)
    await asked(people.chen, campaign, 100, receipt_ids=[copy])


@pytest.mark.parametrize("purpose", ["志愿者·工资", "志愿者 工\u200b资", "志愿者★工资"])
def test_signs_between_its_letters_do_not_hide_what_is_never_paid(purpose: str) -> None:
    assert never_paid.find([purpose], []) is not None


async def test_receipts_are_one_s_own(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    for wrong in (await picture(people.lin), await picture(people.ma, Purpose.AVATAR)):
        with pytest.raises(UnknownPhoto):
            await asked(people.ma, campaign, receipt_ids=[wrong])


async def test_money_is_asked_for_only_once_it_is_sure_to_stay(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    await paid(people.mei, campaign, 100_000)
    with pytest.raises(InvalidState) as refused:
        await asked(people.ma, campaign)
    assert refused.value.extra == {"state": "open"}
    await move_clock(timedelta(days=7))
    await crowdfunding.advance_due()
    made = await asked(people.ma, campaign)
    assert made.state is ExpenseState.REQUESTED
    await expenses.withdraw(people.ma, made.id)
    await move_clock(timedelta(days=1))
    await crowdfunding.advance_due()
    await crowdfunding.accept(people.chen, campaign.id)
    open_one = await asked(people.ma, campaign)
    with pytest.raises(ExpensesOpen):
        async with db.tx():
            await crowdfunding.settle(people.zhao, campaign.id, resolution_id=campaign.resolution_id)
    await expenses.reject(people.chen, open_one.id, reason="重复申请")
    settled = await crowdfunding.settle(people.zhao, campaign.id, resolution_id=campaign.resolution_id)
    assert settled.state is CampaignState.SETTLED
    with pytest.raises(InvalidState):
        await asked(people.ma, campaign)


async def allowed(deed: Any) -> bool:
    try:
        async with db.tx():
            await deed
    except (Forbidden, NotFound):
        return False
    return True


@pytest.mark.parametrize(
    ("who", "asks", "approves", "pays"),
    [
        ("lin", False, False, False),
        ("mei", False, False, False),  # gave all of the money
        ("guest", False, False, False),
        ("chen", True, True, True),
        ("zhao", True, True, True),
        ("sun", False, True, False),  # supervises
        ("he", True, True, False),
        ("ma", True, False, False),  # asked for this one
        ("wu", False, False, False),
        ("deng", False, False, False),
        ("qian", False, False, False),  # sees it, but decides nothing
        ("root", False, False, False),
    ],
)
async def test_who_asks_approves_and_pays(
    people: People, move_clock: MoveClock, who: str, asks: bool, approves: bool, pays: bool
) -> None:
    campaign = await funded(people, move_clock)
    actor = people[who]
    assert await allowed(asked(actor, campaign)) is asks
    made = await asked(people.ma, campaign)
    assert await allowed(expenses.approve(actor, made.id)) is approves
    other = await asked(people.ma, campaign)
    assert await allowed(expenses.reject(actor, other.id, reason="票据不清")) is approves
    assert await allowed(expenses.withdraw(actor, (await asked(people.ma, campaign)).id)) is (who == "ma")
    ready = await approved(people, campaign)
    assert await allowed(pay(actor, ready.id)) is pays


async def test_the_author_of_a_campaign_asks_though_he_is_no_longer_staff(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await funded(people, move_clock)
    grant = await db.value("SELECT id FROM role_grants WHERE resident_id = $1", people.ma.id)
    await residents.revoke_role(people.chen, people.jy, grant)
    ma = await residents.actor(people.ma.id)
    assert (await asked(ma, campaign)).requester is not None
    with pytest.raises(Forbidden):
        await expenses.request_from_fund(
            ma, people.jy, resolution_id=1, amount_fen=1, payee="店", purpose="灯", receipt_ids=[1]
        )


async def test_whoever_asked_is_paid_or_related_to_either_does_not_approve(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await funded(people, move_clock)
    by_chen = await asked(people.chen, campaign)
    with pytest.raises(NotIndependent):
        await expenses.approve(people.chen, by_chen.id)
    to_zhao = await asked(people.ma, campaign, payee="赵委员", payee_resident_id=people.zhao.id)
    with pytest.raises(NotIndependent):
        await expenses.approve(people.zhao, to_zhao.id)
    with pytest.raises(NoApprover):
        await expenses.reject(people.zhao, to_zhao.id, reason="不行")
    await related(people, people.sun, people.chen)
    for refused in (people.sun,):
        with pytest.raises(NotIndependent):
            async with db.tx():
                await expenses.approve(refused, by_chen.id)
    await related(people, people.he, people.zhao)
    with pytest.raises(NotIndependent):
        async with db.tx():
            await expenses.approve(people.he, to_zhao.id)
    assert (await expenses.approve(people.he, by_chen.id)).missing == ["two_people", "committee"]


async def test_whoever_is_paid_does_not_pay(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    made = await asked(people.ma, campaign, payee="赵委员", payee_resident_id=people.zhao.id)
    await expenses.approve(people.chen, made.id)
    await expenses.approve(people.sun, made.id)
    with pytest.raises(Forbidden):
        await pay(people.zhao, made.id)
    with pytest.raises(PaysHimself):
        async with db.tx():
            await db.execute(
                "UPDATE expenses SET state = 'paid', paid_by_id = $2, paid_at = clock_now(), reference = '1' "
                "WHERE id = $1",
                made.id,
                people.zhao.id,
            )
    assert (await pay(people.chen, made.id)).state is ExpenseState.PAID


async def test_whoever_asked_may_pay_what_two_others_approved(people: People, move_clock: MoveClock) -> None:
    made = await asked(people.chen, await funded(people, move_clock))
    await expenses.approve(people.zhao, made.id)
    await expenses.approve(people.sun, made.id)
    assert (await pay(people.chen, made.id)).state is ExpenseState.PAID


async def test_nobody_approves_twice_and_nothing_is_approved_when_it_needs_no_more(
    people: People, move_clock: MoveClock
) -> None:
    made = await asked(people.ma, await funded(people, move_clock))
    await expenses.approve(people.chen, made.id)
    with pytest.raises(AlreadyApproved):
        async with db.tx():
            await expenses.approve(people.chen, made.id)
    await expenses.approve(people.zhao, made.id)
    with pytest.raises(InvalidState):
        await expenses.approve(people.sun, made.id)


async def test_two_who_are_not_of_the_committee_are_not_enough(people: People, move_clock: MoveClock) -> None:
    made = await asked(people.ma, await funded(people, move_clock))
    await expenses.approve(people.he, made.id)
    twice = await expenses.approve(people.sun, made.id)
    assert (twice.state, twice.missing) == (ExpenseState.REQUESTED, ["committee"])
    with pytest.raises(InvalidState):
        await pay(people.chen, made.id)
    assert (await expenses.approve(people.zhao, made.id)).state is ExpenseState.APPROVED


@pytest.mark.parametrize(("fen", "needs"), [(30_000, False), (30_001, True)])
async def test_above_the_limit_a_supervisor_approves_too(
    people: People, move_clock: MoveClock, fen: int, needs: bool
) -> None:
    campaign = await funded(people, move_clock)
    await limit(people, 30_000)
    twice = await approved(people, campaign, fen)
    assert (twice.missing, twice.state) == ((["supervisor"], "requested") if needs else ([], "approved"))
    if needs:
        assert (await expenses.approve(people.sun, twice.id)).state is ExpenseState.APPROVED
    assert (await pay(people.chen, twice.id)).state is ExpenseState.PAID
    assert await verification.verify() == []


async def test_without_rules_the_limit_is_a_thousand_yuan(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    assert (await expenses.rules(people.jy)).supervisor_above_fen == 100_000
    assert (await approved(people, campaign, 60_000)).state is ExpenseState.APPROVED


async def test_an_approver_who_becomes_a_relative_no_longer_counts(people: People, move_clock: MoveClock) -> None:
    made = await approved(people, await funded(people, move_clock))
    await related(people, people.ma, people.zhao)
    with pytest.raises(ApprovalsMissing) as refused:
        await pay(people.chen, made.id)
    assert refused.value.extra == {"missing": ["two_people"]}
    with pytest.raises(ApprovalsMissing):
        async with db.tx():
            await db.execute(
                "UPDATE expenses SET state = 'paid', paid_by_id = $2, paid_at = clock_now(), reference = '1' "
                "WHERE id = $1",
                made.id,
                people.chen.id,
            )
    assert (await expenses.approve(people.sun, made.id)).missing == []
    assert (await pay(people.chen, made.id)).state is ExpenseState.PAID
    await residents.strike_relative(people.qian, people.ma.id, people.zhao.id, reason="登记有误")
    assert await verification.verify() == []


async def test_an_approver_who_leaves_the_committee_no_longer_counts(people: People, move_clock: MoveClock) -> None:
    made = await approved(people, await funded(people, move_clock))
    grant = await db.value("SELECT id FROM role_grants WHERE resident_id = $1", people.zhao.id)
    await residents.revoke_role(people.qian, people.jy, grant)
    with pytest.raises(ApprovalsMissing):
        await pay(people.chen, made.id)


async def test_who_becomes_a_relative_after_it_was_paid_changes_nothing(people: People, move_clock: MoveClock) -> None:
    made = await approved(people, await funded(people, move_clock))
    await pay(people.chen, made.id)
    await related(people, people.ma, people.zhao)
    assert await verification.verify() == []


async def test_a_budget_line_gives_what_it_holds_and_no_fen_more(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    first, second = [await approved(people, campaign, fen) for fen in (59_999, 2)]
    await pay(people.chen, first.id)
    with pytest.raises(OverBudget):
        async with db.tx():
            await pay(people.chen, second.id)
    with pytest.raises(OverBudget) as refused:
        await asked(people.ma, campaign, 2)
    assert refused.value.extra == {"left_fen": 1}
    assert (await pay(people.chen, (await approved(people, campaign, 1)).id)).state is ExpenseState.PAID


async def test_a_campaign_does_not_spend_more_than_it_raised(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people, kind="keep_what_is_raised")
    await paid(people.mei, campaign, 30_000)
    await move_clock(timedelta(days=7))
    await crowdfunding.advance_due()
    with pytest.raises(NotEnough):
        await asked(people.ma, campaign, 30_001)
    first, second = [await approved(people, campaign, fen) for fen in (30_000, 1)]
    await pay(people.chen, first.id)
    with pytest.raises(NotEnough):
        async with db.tx():
            await pay(people.chen, second.id)
    assert (await expenses.find(people.chen, second.id)).state is ExpenseState.APPROVED


async def test_the_general_fund_spends_by_a_resolution(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    said = {
        "resolution_id": await resolution(people.jy, people.chen),
        "amount_fen": 40_000,
        "payee": "光明五金店",
        "purpose": "长椅油漆",
        "receipt_ids": [await picture(people.ma)],
    }
    with pytest.raises(NotEnough):
        await expenses.request_from_fund(people.ma, people.jy, **said)  # type: ignore[arg-type]
    await crowdfunding.accept(people.chen, campaign.id)
    await crowdfunding.settle(people.zhao, campaign.id, resolution_id=campaign.resolution_id)
    failed = await resolution(people.jy, people.chen, passed=False)
    for wrong in (10**15, failed, await resolution(people.yl, people.deng)):
        with pytest.raises(ResolutionNotValid):
            async with db.tx():
                await expenses.request_from_fund(people.ma, people.jy, **said | {"resolution_id": wrong})  # type: ignore[arg-type]
    made = await expenses.request_from_fund(people.ma, people.jy, **said)  # type: ignore[arg-type]
    for approver in (people.chen, people.zhao):
        await expenses.approve(approver, made.id)
    await pay(people.zhao, made.id)
    assert await ledger.balance(people.jy, Purse(AccountKind.GENERAL)) == 60_000
    assert await verification.verify() == []


async def test_a_line_whose_use_was_changed_cites_the_new_resolution(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    earlier = await approved(people, campaign, 60_000)
    cited = await resolution(people.jy, people.chen)
    said = {"resolution_id": cited, "title": "楼道扶手", "body": "改装扶手", "amount_fen": 50_000}
    await crowdfunding.announce(people.chen, campaign.id, **said)  # type: ignore[arg-type]
    with pytest.raises(KeptForGivers):
        async with db.tx():
            await pay(people.chen, earlier.id)
    await move_clock(timedelta(days=15))
    await crowdfunding.changes_due()
    added = (await crowdfunding.find(people.chen, campaign.id)).budget[-1]
    made = await approved(people, campaign, 50_000, budget_line_id=added.id, purpose="扶手")
    assert (added.title, made.resolution_id) == ("楼道扶手", cited)
    assert earlier.resolution_id == campaign.resolution_id
    with pytest.raises(OverBudget):  # the old line holds 500 yuan now
        async with db.tx():
            await pay(people.chen, earlier.id)
    await pay(people.chen, made.id)
    with pytest.raises(OverBudget):
        async with db.tx():
            await pay(people.chen, earlier.id)
    assert await verification.verify() == []


async def undone(people: People, expense_id: int) -> Slip:
    """The payment of an expense is undone: 陈 asks, 赵 signs."""
    transfer = await Transfer.get(source_kind="expense", source_id=expense_id)
    asked_for = await crowdfunding.correct(people.chen, transfer.id, note="转错账户，款已退回")
    return await crowdfunding.sign_slip(people.zhao, asked_for.id, SlipState.POSTED)


async def test_a_payment_that_was_wrong_is_undone_by_two_and_shown_beside_it(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await funded(people, move_clock)
    receipt = await picture(people.ma)
    made = await approved(people, campaign, 60_000, receipt_ids=[receipt])
    await pay(people.zhao, made.id)
    transfer = await Transfer.get(source_kind="expense")
    with pytest.raises(NotFound):
        await crowdfunding.correct(people.ma, transfer.id, note="错了")
    with pytest.raises(Forbidden):
        await crowdfunding.correct(people.sun, transfer.id, note="错了")
    alone = await crowdfunding.correct(people.chen, transfer.id, note="错了")
    with pytest.raises(SecondPerson):
        async with db.tx():
            await crowdfunding.sign_slip(people.chen, alone.id, SlipState.POSTED)
    await crowdfunding.sign_slip(people.chen, alone.id, SlipState.DECLINED)
    await undone(people, made.id)
    await passed(None)
    found = await expenses.detail(people.lin, made.id)
    assert found.expense.state is ExpenseState.CORRECTED
    assert (found.timeline[-1].verb, found.timeline[-1].reason) == ("expense.corrected", "转错账户，款已退回")
    counter, original, *_ = (await ledger.transfers(people.jy, page=Page())).items
    assert (counter.corrects_id, original.corrected_by_id, original.expense_id) == (original.id, counter.id, made.id)
    seen = await crowdfunding.find(people.lin, campaign.id)
    assert (seen.spent_fen, seen.budget[0].left_fen, seen.raised_fen) == (0, 60_000, 100_000)
    assert (await ledger.fund(people.jy)).spent_fen == 0
    books = await statements.accounts(people.lin, campaign.id)
    [spent] = [line for line in books.movements if line.counterpart is AccountKind.EXPENSES]
    assert (spent.in_fen, spent.out_fen, books.balance_fen) == (60_000, 60_000, 100_000)
    with pytest.raises(AlreadyExists):
        async with db.tx():
            await crowdfunding.correct(people.chen, transfer.id, note="再来一次")
    again = await approved(people, campaign, 60_000, receipt_ids=[receipt])
    assert (await pay(people.zhao, again.id)).state is ExpenseState.PAID, "the line and the receipt are free again"
    assert await verification.verify() == []


async def test_nothing_returns_to_a_campaign_that_is_settled(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    for line in campaign.budget:
        made = await approved(people, campaign, line.amount_fen, budget_line_id=line.id)
        await pay(people.zhao, made.id)
    await crowdfunding.accept(people.chen, campaign.id)
    await crowdfunding.settle(people.chen, campaign.id)
    with pytest.raises(InvalidState):
        async with db.tx():
            await undone(people, made.id)
    assert await verification.verify() == []


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"payee": "王师傅", "payee_kind": PayeeKind.PERSON}, PayeeNotNamed),
        ({"payee": "光明五金店", "payee_kind": PayeeKind.UNIT, "payee_is_no_resident": True}, Invalid),
        ({"payee": "王伯", "payee_resident_id": 1, "payee_is_no_resident": True}, Invalid),
    ],
)
async def test_a_person_who_is_paid_is_named_or_stated_to_be_no_resident(
    people: People, move_clock: MoveClock, said: dict[str, Any], error: type[Exception]
) -> None:
    campaign = await funded(people, move_clock)
    with pytest.raises(error):
        await asked(people.ma, campaign, **said)


@pytest.mark.parametrize(
    ("said", "kind", "warned"),
    [
        ({"payee": "光明五金店"}, PayeeKind.UNIT, []),
        ({"payee": "王小明", "payee_kind": PayeeKind.UNIT}, PayeeKind.UNIT, ["unit_by_word_only"]),
        ({"payee": "王师傅"}, PayeeKind.PERSON, ["payee_not_named"]),
        ({"payee": "王师傅", "payee_is_no_resident": True}, PayeeKind.PERSON, []),
        ({"payee": "王学会", "payee_is_no_resident": True}, PayeeKind.PERSON, []),
        ({"payee": "王师傅", "payee_kind": PayeeKind.PERSON, "payee_is_no_resident": True}, PayeeKind.PERSON, []),
    ],
)
async def test_approvers_read_that_nobody_said_who_is_paid(
    people: People, move_clock: MoveClock, said: dict[str, Any], kind: PayeeKind, warned: list[str]
) -> None:
    campaign = await funded(people, move_clock)
    made = await approved(people, campaign, **said)
    found = await expenses.find(people.sun, made.id)
    assert (found.payee_kind, found.warnings) == (kind, warned)
    stated = said.get("payee_is_no_resident", False)
    assert found.payee_is_no_resident is stated
    assert (await Event.get(verb="expense.requested", subject_id=made.id)).actor_id == people.ma.id
    await pay(people.zhao, made.id)
    public = await expenses.detail(people.lin, made.id)
    assert (public.expense.warnings, public.expense.payee_is_no_resident) == ([], None)
    assert "payee_is_no_resident" not in public.timeline[0].facts


async def test_what_is_rejected_says_why_and_stays_so(people: People, move_clock: MoveClock) -> None:
    made = await approved(people, await funded(people, move_clock))
    rejected = await expenses.reject(people.sun, made.id, reason="发票抬头不符")
    assert rejected.state is ExpenseState.REJECTED
    assert await Notice.exists(resident_id=people.ma.id, kind="expense.rejected")
    detail = await expenses.detail(people.ma, made.id)
    assert detail.timeline[-1].verb == "expense.rejected"
    for deed in (pay(people.chen, made.id), expenses.withdraw(people.ma, made.id)):
        with pytest.raises(InvalidState):
            await deed


async def test_before_it_is_paid_only_those_concerned_know_of_it(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    made = await approved(people, campaign, payee="王伯", payee_resident_id=people.wang.id)
    for who in ("ma", "chen", "sun", "he", "qian", "root", "wang"):
        assert (await expenses.find(people[who], made.id)).payee == "王伯", who
    for who in (people.lin, people.guest, people.wu, people.deng, NOBODY):
        with pytest.raises(NotFound):
            await expenses.find(who, made.id)
    assert (await expenses.of_community(NOBODY, people.jy, page=Page())).items == []
    with pytest.raises(NotFound):
        await expenses.of_campaign(NOBODY, campaign.id, page=Page())
    assert (await expenses.of_campaign(people.lin, campaign.id, page=Page())).items == []
    await pay(people.chen, made.id)
    for who in (people.lin, people.wu, NOBODY):
        [seen] = (await expenses.of_campaign(who, campaign.id, page=Page())).items
        assert (seen.payee, seen.payee_resident_id, seen.requester, seen.reference) == ("王**", None, None, None)
        assert [(one.role, one.approver) for one in seen.approvals] == [("committee", None), ("committee", None)]
    watched = await expenses.find(people.sun, made.id)
    assert [one.approver.nickname for one in watched.approvals if one.approver] == [
        people.chen.nickname,
        people.zhao.nickname,
    ]


@pytest.mark.parametrize(
    ("payee", "shown"),
    [
        ("光明五金店", "光明五金店"),
        ("五金店", "五金店"),
        ("王建国", "王**"),
        ("欧阳建国", "欧**"),
        ("某某物业", "某某物业"),
        ("张建国师傅（水电）", "张**"),
    ],
)
async def test_persons_are_masked_and_shops_are_not(
    people: People, move_clock: MoveClock, payee: str, shown: str
) -> None:
    campaign = await funded(people, move_clock)
    made = await approved(people, campaign, payee=payee, purpose="灯三盏，电话13800138000")
    await pay(people.chen, made.id)
    seen = await expenses.find(NOBODY, made.id)
    assert (seen.payee, seen.purpose) == (shown, "灯三盏，电话****")
    await db.execute("UPDATE expenses SET moderation = 'hidden' WHERE id = $1", made.id)
    seen = await expenses.find(NOBODY, made.id)
    assert (seen.payee, seen.purpose, seen.amount_fen) == (None, None, 24_000)


@pytest.mark.parametrize(
    ("purpose", "shown"),
    [
        ("电话 138 0013 8000", "电话 ****"),
        ("电话138-0013-8000", "电话****"),
        ("卡号 6222 0000 1111 2222 333", "卡号 ****"),
        ("3号楼2单元501室王学会修门", "**号楼**单元**室王**修门"),
        ("3-2-501 修门", "**** 修门"),
        ("感应灯 3 盏，60 元", "感应灯 3 盏，60 元"),
    ],
)
async def test_a_paid_expense_tells_nobody_who_was_paid_or_where_he_lives(
    people: People, move_clock: MoveClock, purpose: str, shown: str
) -> None:
    campaign = await funded(people, move_clock)
    made = await approved(people, campaign, payee="王学会", payee_is_no_resident=True, purpose=purpose)
    await pay(people.chen, made.id)
    seen = await expenses.find(NOBODY, made.id)
    assert (seen.payee, seen.purpose) == ("王**", shown)


async def test_a_resident_who_is_paid_is_no_unit(people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    with pytest.raises(Invalid):
        await asked(people.ma, campaign, payee_kind=PayeeKind.UNIT, payee_resident_id=people.wang.id)


async def test_the_original_stays_evidence_and_a_masked_copy_is_published(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await funded(people, move_clock)
    original, clean = await picture(people.ma), await picture(people.ma, Purpose.PHOTO)
    unchecked = await picture(people.ma, Purpose.PHOTO, "checking")
    made = await asked(people.ma, campaign, receipt_ids=[original, clean, unchecked])
    copy = await picture(people.chen, Purpose.PHOTO)
    with pytest.raises(UnknownPhoto):
        async with db.tx():
            await expenses.approve(people.chen, made.id, receipt_ids=[await picture(people.chen)])
    await expenses.approve(people.chen, made.id, receipt_ids=[copy])
    await expenses.approve(people.zhao, made.id)
    await pay(people.zhao, made.id)
    with links.bound(Links("http://linli.test", "a secret of tests")):
        seen = await expenses.find(people.sun, made.id)
        assert [photo.id for photo in seen.receipts] == [original, clean, unchecked, copy]
        assert links.current().audience(original, media.Size.FILE, seen.receipts[0].url.split("token=")[1]) == "owner"
        public = await expenses.find(NOBODY, made.id)
        assert [photo.id for photo in public.receipts] == [clean, copy]


async def test_what_the_rules_forbid_meanwhile_is_not_paid(people: People, move_clock: MoveClock) -> None:
    made = await approved(people, await funded(people, move_clock))
    await limit(people, 100_000, "感应灯")
    with pytest.raises(NeverPaid) as refused:
        await pay(people.chen, made.id)
    assert refused.value.extra == {"article": None, "word": "感应灯"}


async def test_committee_and_supervisor_set_the_rules_together(people: People) -> None:
    said: dict[str, Any] = {"supervisor_above_fen": 50_000, "never_paid": ["聚餐", "烟酒"]}
    for _ in range(2):
        waiting = await expenses.set_rules(people.chen, people.jy, **said)
        assert (waiting.supervisor_above_fen, waiting.never_paid) == (100_000, [])
        assert waiting.proposal is not None
    assert (await expenses.set_rules(people.zhao, people.jy, **said)).proposal is not None, "the committee twice"
    done = await expenses.set_rules(people.sun, people.jy, **said)
    assert (done.supervisor_above_fen, done.never_paid, done.proposal) == (50_000, ["烟酒", "聚餐"], None)
    assert await expenses.set_rules(people.chen, people.jy, **said) == done
    other = await expenses.set_rules(people.sun, people.jy, supervisor_above_fen=1, never_paid=[])
    assert (other.supervisor_above_fen, other.proposal and other.proposal.role) == (50_000, "supervisor")
    assert (await expenses.set_rules(people.chen, people.jy, **said)).proposal is not None, "against the supervisor's"
    by_officer = await expenses.set_rules(people.qian, people.jy, supervisor_above_fen=7, never_paid=[])
    assert (by_officer.supervisor_above_fen, by_officer.proposal) == (7, None)
    await expenses.set_rules(people.sun, people.jy, supervisor_above_fen=8, never_paid=[])
    agreed = await expenses.set_rules(people.chen, people.jy, supervisor_above_fen=8, never_paid=[])
    assert (agreed.supervisor_above_fen, agreed.proposal) == (8, None), "with earlier rules there"
    assert (await expenses.rules(people.yl)).supervisor_above_fen == 100_000


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("lin", False),
        ("guest", False),
        ("chen", True),
        ("sun", True),
        ("ma", False),
        ("he", False),
        ("wu", False),
        ("deng", False),
        ("qian", True),
        ("root", True),
    ],
)
async def test_who_may_say_what_the_rules_are(people: People, who: str, may: bool) -> None:
    assert await allowed(expenses.set_rules(people[who], people.jy, supervisor_above_fen=1, never_paid=[])) is may


@pytest.mark.parametrize(
    ("texts", "own", "hit"),
    [
        (("感应灯",), (), None),
        (("志愿者工资",), (), "志愿者工资"),
        (("志 愿 者\n工 资",), (), "志愿者工资"),
        (("志愿者", "工资"), (), None),
        (("ＫＴＶ 团建",), ("ktv",), "ktv"),
        (("ktv",), ("ＫＴＶ",), "ktv"),
        (("烟酒",), (" ",), None),
    ],
)
def test_words_of_the_negative_list(texts: tuple[str, ...], own: tuple[str, ...], hit: str | None) -> None:
    found = never_paid.find(texts, own)
    assert (found and found.word) == hit


PLANTED = [
    ("DELETE FROM expense_approvals WHERE approver_id = {zhao}", "was paid without two_people"),
    ("UPDATE expense_approvals SET approver_id = {ma} WHERE approver_id = {zhao}", "was paid without two_people"),
    (
        "UPDATE fund_rules SET supervisor_above_fen = 0",
        "was paid without supervisor",
    ),
    ("DELETE FROM attachments", "was paid without a receipt"),
    ("UPDATE expenses SET amount_fen = 60001", "has 60000 fen, 60001 fen were spent"),
    ("UPDATE expenses SET amount_fen = 1", "is paid with 1 fen, but 24000 fen stand in the ledger"),
    ("DELETE FROM transfers WHERE leg = 'spent'", "is paid with 24000 fen, but 0 fen stand in the ledger"),
    (
        "UPDATE expenses SET state = 'approved', paid_by_id = NULL, paid_at = NULL, reference = NULL",
        "is approved with 24000 fen, but 24000 fen stand",
    ),
    ("UPDATE transfers SET source_id = 0 WHERE leg = 'spent'", "spends for expense 0, which does not exist"),
    (
        "INSERT INTO expenses (community_id, campaign_id, budget_line_id, resolution_id, requester_id, payee, purpose, "
        "amount_fen, state, moderation) SELECT community_id, campaign_id, budget_line_id, resolution_id, requester_id, "
        "payee, purpose, 1, 'requested', 'passed' FROM expenses; UPDATE campaigns SET state = 'settled'",
        "is settled, but expense",
    ),
]


@pytest.mark.parametrize(("corruption", "says"), PLANTED)
async def test_planted_corruptions_are_found(people: People, move_clock: MoveClock, corruption: str, says: str) -> None:
    campaign = await funded(people, move_clock)
    await limit(people, 30_000)
    made = await approved(people, campaign)
    await pay(people.chen, made.id)
    assert await expenses.check_expenses() == []

    async def plant() -> None:
        tables = ("expenses", "expense_approvals", "fund_rules", "transfers", "campaigns")
        await db.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            await db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in corruption.format(zhao=people.zhao.id, ma=people.ma.id).split("; "):
            await db.execute(statement)

    await as_owner(plant)
    found = await expenses.check_expenses()
    assert any(says in line for line in found), found


@pytest.mark.parametrize(
    ("trigger", "table", "deed"),
    [
        (
            "expenses_two_approvals",
            "expenses",
            "UPDATE expenses SET state = 'approved'; UPDATE expenses SET state = 'paid', paid_by_id = "
            "(SELECT id FROM residents WHERE openid = 'chen'), paid_at = clock_now(), reference = '1'",
        ),
        (
            "transfers_spend_what_is_paid",
            "transfers",
            "INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, "
            "source_id, leg) SELECT d.community_id, d.id, c.id, 24000, 'expense', (SELECT max(id) FROM expenses), "
            "'spent' FROM accounts d, accounts c WHERE d.kind = 'campaign' AND c.kind = 'expenses'",
        ),
    ],
)
async def test_without_the_triggers_one_alone_could_spend(
    people: People, move_clock: MoveClock, trigger: str, table: str, deed: str
) -> None:
    await asked(people.ma, await funded(people, move_clock))

    async def do() -> None:
        async with db.tx():
            for statement in deed.split("; "):
                await db.execute(statement)

    with pytest.raises((DomainError, IntegrityError)):
        await do()
    await as_owner(lambda: db.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"))
    await do()
    assert await expenses.check_expenses() != [], "and `verify` tells of it"


async def test_a_list_asks_a_fixed_number_of_questions(
    people: People, move_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper

    campaign = await funded(people, move_clock)
    await pay(people.chen, (await approved(people, campaign, 1)).id)
    count = 0
    for client in (AsyncpgDBClient, TransactionWrapper):
        original = client.execute_query_dict

        async def counted(self: Any, *args: Any, _original: Any = original) -> Any:
            nonlocal count
            count += 1
            return await _original(self, *args)

        monkeypatch.setattr(client, "execute_query_dict", counted)

    async def ask() -> int:
        nonlocal count
        count = 0
        await expenses.of_campaign(people.chen, campaign.id, page=Page())
        return count

    one = await ask()
    for fen in (2, 3, 4):
        await pay(people.chen, (await approved(people, campaign, fen)).id)
    assert await ask() == one
    assert await Expense.all().count() == 4
