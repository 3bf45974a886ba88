"""The books: every movement has two sides, happens once, and no purse inside the fund goes below zero."""

from datetime import UTC, datetime, timedelta

import pytest
from tortoise.exceptions import IntegrityError

from app.core import clock, db
from app.core.errors import AlreadyExists
from app.core.pages import Page
from models.crowdfunding import Campaign, PledgeKind
from models.ledger import AccountKind, Leg, NotEnough, Transfer
from services import crowdfunding, ledger
from services.ledger import Purse
from tests.conftest import as_owner
from tests.people import People
from tests.raising import draft, opened, paid

CLEARING, GENERAL = Purse(AccountKind.WECHAT_CLEARING), Purse(AccountKind.GENERAL)


def purse(campaign: Campaign) -> Purse:
    return Purse(AccountKind.CAMPAIGN, campaign.id)


async def test_money_in_is_seen_on_both_sides_and_the_books_agree(people: People) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 5_000)
    await paid(people.mei, campaign, 7_050)
    assert await ledger.balance(people.jy, purse(campaign)) == 12_050
    assert await ledger.balance(people.jy, CLEARING) == -12_050
    assert await ledger.raised([campaign.id]) == {campaign.id: 12_050}
    fund = await ledger.fund(people.jy)
    assert (fund.received_fen, fund.balances[AccountKind.CAMPAIGN]) == (12_050, 12_050)
    assert sum(fund.balances.values()) == 0
    assert await ledger.check_books() == []


async def test_a_cause_has_each_leg_once(people: People) -> None:
    campaign = await opened(people)
    pledge = await paid(people.lin, campaign)
    with pytest.raises(AlreadyExists):
        async with db.tx():
            await ledger.post(
                people.jy, debit=CLEARING, credit=purse(campaign), amount_fen=1, cause=pledge, leg=Leg.CAPTURE
            )


async def test_a_debit_is_one_statement(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 5_000)
    asked: list[str] = []
    original = db.value

    async def counted(sql: str, *values: object) -> object:
        asked.append(sql)
        return await original(sql, *values)

    monkeypatch.setattr(db, "value", counted)
    await ledger.post(people.jy, debit=purse(campaign), credit=GENERAL, amount_fen=1, cause=campaign, leg=Leg.SURPLUS)
    assert len(asked) == 1


async def test_an_account_is_summed_up_from_its_indexes_alone(people: People) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 5_000)
    await db.execute(
        "INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, "
        "leg) SELECT community_id, debit_account_id, credit_account_id, 1, 'test', n, leg "
        "FROM transfers, generate_series(1, 2000) AS n"
    )
    await as_owner(lambda: db.execute("ANALYZE transfers"))  # now reading the whole table looks cheaper
    scans = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'transfers'"
    before = await db.value(scans)
    await ledger.post(people.jy, debit=purse(campaign), credit=GENERAL, amount_fen=1, cause=campaign, leg=Leg.SURPLUS)
    assert await db.value(scans) == before


@pytest.mark.parametrize(("fen", "enough"), [(4_999, True), (5_000, True), (5_001, False)])
async def test_an_inside_purse_gives_what_it_holds_and_no_fen_more(people: People, fen: int, enough: bool) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 5_000)

    async def spend() -> int:
        async with db.tx():
            return await ledger.post(
                people.jy, debit=purse(campaign), credit=GENERAL, amount_fen=fen, cause=campaign, leg=Leg.SET_ASIDE
            )

    if enough:
        await spend()
        assert await ledger.balance(people.jy, purse(campaign)) == 5_000 - fen
    else:
        with pytest.raises(NotEnough):
            await spend()


async def test_the_database_itself_refuses_an_overdraft(people: People) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 5_000)
    raw = (
        "INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, "
        "leg) SELECT $1, d.id, c.id, $3, 'test', 1, 'set_aside' FROM accounts d, accounts c "
        "WHERE d.campaign_id = $2 AND c.community_id = $1 AND c.kind = 'general'"
    )
    with pytest.raises(NotEnough):
        async with db.tx():
            await db.execute(raw, people.jy, campaign.id, 5_001)
    await as_owner(lambda: db.execute("ALTER TABLE transfers DISABLE TRIGGER transfers_no_overdraft"))
    await db.execute(raw, people.jy, campaign.id, 5_001)
    assert await ledger.balance(people.jy, purse(campaign)) == -1, "without the trigger the purse is overdrawn"
    assert [line for line in await ledger.check_books() if "below zero" in line]


async def test_transfers_never_change(people: People) -> None:
    await paid(people.lin, await opened(people))
    for deed in ("UPDATE transfers SET amount_fen = 1", "DELETE FROM transfers", "TRUNCATE transfers"):
        with pytest.raises(IntegrityError, match="append-only"):
            await tried(deed)


async def tried(deed: str) -> None:
    async with db.tx():
        await as_owner(lambda: db.execute(deed))


async def test_the_public_ledger_names_pledges_and_never_residents(people: People) -> None:
    campaign = await opened(people)
    pledge = await paid(people.lin, campaign)
    [line] = (await ledger.transfers(people.jy, page=Page())).items
    assert (line.debit, line.credit, line.credit_campaign_id) == ("wechat_clearing", "campaign", campaign.id)
    assert (line.amount_fen, line.pledge_id) == (5_000, pledge.id)
    assert not {"giver_id", "resident_id"} & set(vars(line))
    assert (await ledger.transfers(people.yl, page=Page())).items == []


async def test_a_statement_has_an_opening_a_movement_and_a_closing(people: People) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 5_000)
    now = await clock.now()
    day = timedelta(days=1)
    this = {line.kind: line for line in await ledger.statement(people.jy, begins_at=now - day, ends_at=now + day)}
    line = this[AccountKind.CAMPAIGN]
    assert (line.opening_fen, line.in_fen, line.out_fen, line.closing_fen) == (0, 5_000, 0, 5_000)
    later = {line.kind: line for line in await ledger.statement(people.jy, begins_at=now + day, ends_at=now + 2 * day)}
    line = later[AccountKind.WECHAT_CLEARING]
    assert (line.opening_fen, line.in_fen, line.out_fen, line.closing_fen) == (-5_000, 0, 0, -5_000)
    longago = datetime(2020, 1, 1, tzinfo=UTC)
    before = await ledger.statement(people.jy, begins_at=longago, ends_at=longago + day)
    assert all(line.closing_fen == 0 for line in before)


async def test_a_fund_without_movements_is_all_zeros(people: People) -> None:
    assert set((await ledger.fund(people.yl)).balances.values()) == {0}
    campaign = await draft(people)
    assert await ledger.raised([campaign.id]) == {campaign.id: 0}
    assert await Transfer.all().count() == 0


ANOTHER = (
    "INSERT INTO pledges (community_id, campaign_id, giver_id, kind, state, amount_fen, anonymous, moderation, late) "
    "SELECT community_id, campaign_id, giver_id, 'money', '{}', 777, true, 'passed', false FROM pledges LIMIT 1"
)
SWEPT = (
    "INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, "
    "leg) SELECT d.community_id, d.id, c.id, 5000, 'campaign', d.campaign_id, 'surplus' FROM accounts d, accounts c "
    "WHERE d.kind = 'campaign' AND c.kind = 'general'"
)
PLANTED = [
    ("UPDATE orders SET refund_reserved_fen = 1 WHERE captured_fen > 0", "reserved for refunds"),
    ("UPDATE pledges SET state = 'awaiting_payment' WHERE state = 'paid'", "order is not paid"),
    (
        "UPDATE orders SET state = 'closed', captured_fen = 0, transaction_id = NULL, paid_at = NULL "
        "WHERE captured_fen > 0",
        "captured",
    ),
    ("DELETE FROM transfers", "fen in the ledger"),
    ("UPDATE transfers SET amount_fen = amount_fen + 1", "raised"),
    ("UPDATE campaigns SET state = 'failed' WHERE state = 'open'", "not set aside"),
    (
        "INSERT INTO refunds (community_id, order_id, number, out_refund_no, amount_fen, reason, state, tries, "
        "refund_id) SELECT community_id, id, 1, 'X', 1, '', 'succeeded', 1, 'Y' FROM orders WHERE captured_fen > 0",
        "went back through the ledger",
    ),
    (
        "INSERT INTO refunds (community_id, order_id, number, out_refund_no, amount_fen, reason, state, tries) "
        "SELECT community_id, id, 1, 'X', 1, '', 'requested', 1 FROM orders WHERE captured_fen > 0",
        "are owed",
    ),
    (ANOTHER.format("paid"), "order is not paid"),
    (ANOTHER.format("awaiting_payment"), "does not wait for a payment"),
    ("UPDATE transfers SET amount_fen = 1 WHERE leg = 'received'", "200 fen received in kind, 1 fen in the ledger"),
    ("UPDATE pledges SET state = 'promised' WHERE kind = 'in_kind'", "0 fen received in kind, 200 fen in the ledger"),
    ("DELETE FROM transfers WHERE leg = 'received'", "200 fen received in kind, 0 fen in the ledger"),
    (
        "UPDATE transfers SET credit_account_id = (SELECT id FROM accounts WHERE kind = 'expenses') "
        "WHERE leg = 'capture'",
        "goes from wechat_clearing to expenses",
    ),
    (SWEPT, "is open and has given 5000 fen to the general fund"),
    ("UPDATE campaigns SET state = 'settled' WHERE state = 'open'", "is settled, but holds 5000 fen"),
]


async def test_sums_are_told_without_an_exponent(people: People) -> None:
    await paid(people.lin, await opened(people), 40_000)
    await db.execute("SET LOCAL ROLE linli_owner")
    await db.execute("ALTER TABLE campaigns DISABLE TRIGGER USER")
    await db.execute("UPDATE campaigns SET state = 'settled' WHERE state = 'open'")
    await db.execute("RESET ROLE")
    assert [line for line in await ledger.check_books() if "is settled, but holds 40000 fen" in line]


@pytest.mark.parametrize(("corruption", "says"), PLANTED)
async def test_planted_corruptions_are_found(people: People, corruption: str, says: str) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign)
    goods = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.IN_KIND, item="灯", amount_fen=200)
    await crowdfunding.receive(people.ma, goods.id)
    assert await ledger.check_books() == []
    await db.execute("SET LOCAL ROLE linli_owner")
    for table in ("transfers", "orders", "pledges", "campaigns", "refunds"):
        await db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await db.execute(corruption)
    await db.execute("RESET ROLE")
    found = await ledger.check_books()
    assert any(says in line for line in found), found
