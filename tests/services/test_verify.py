"""Whoever has the database itself, with its safeguards off: whatever he changes about money, `linli verify` names it.

One fund in which everything has happened once, sealed in the log; then each kind of corruption by itself, undone again.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

from app.core import db
from models.crowdfunding import CampaignKind, LegalPath, Pledge, PledgeKind
from models.ledger import Transfer
from models.payments import Order, Refund, RefundState
from models.slips import MatchState, SlipState
from services import crowdfunding, disclosures, expenses, payments, transparency
from services.crowdfunding import BudgetItem, Charity
from services.payments import orders
from services.verification import verify
from tests.conftest import Undo, as_owner
from tests.passing import passed
from tests.people import People
from tests.raising import cash, evidence, money, notice, opened, paid, refund_notice, resolution
from tests.spending import approved

MoveClock = Callable[[timedelta], Awaitable[None]]
TABLES = (
    *("transfers", "orders", "pledges", "campaigns", "refunds", "slips", "matches", "use_changes", "accounts"),
    *("budget_lines", "incomes", "expenses", "expense_approvals", "fund_rules", "events", "disclosures", "displays"),
    *("line_releases", "attachments", "log_entries", "log_heads", "log_nodes", "resolutions"),
)


async def a_year(people: People, move_clock: MoveClock) -> dict[str, int]:
    """Everything once; the ids of what the corruptions are about."""
    await expenses.set_rules(people.qian, people.jy, supervisor_above_fen=50_000, never_paid=[])
    lamps = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    failed = await opened(people, kind=CampaignKind.ALL_OR_NOTHING, budget=[BudgetItem("坡道", 100_000)])
    charity = await opened(
        people, legal_path=LegalPath.CHARITY, charity=Charity("锦城基金会", "5351", "A26001", "https://charity.example")
    )
    income = await crowdfunding.note_income(
        people.chen, charity.id, amount_fen=7_000, document_number="26-1", evidence_ids=[await evidence(people.chen)]
    )
    match = await passed(
        await crowdfunding.promise_match(people.chen, lamps.id, unit="物业", for_each_fen=1, adds_fen=1, cap_fen=900)
    )
    await crowdfunding.sign_match(people.zhao, match.id, MatchState.PROMISED)
    gift = await cash(people, lamps, 1_000, giver_id=people.wang.id)
    wrong = await cash(people, lamps, 2_000)
    transfer = await Transfer.get(source_kind="slip", source_id=wrong.id)
    undo = await crowdfunding.correct(people.chen, transfer.id, note="错了")
    await crowdfunding.sign_slip(people.zhao, undo.id, SlipState.POSTED)
    goods = await crowdfunding.pledge(people.lin, lamps.id, kind=PledgeKind.IN_KIND, item="灯", amount_fen=200)
    await passed(goods)
    await crowdfunding.receive(people.ma, goods.id)
    adopted = await crowdfunding.pledge(
        people.mei, lamps.id, kind=PledgeKind.ADOPTION, budget_line_id=lamps.budget[1].id
    )
    await payments.hear(await notice(adopted))
    given = await paid(people.lin, lamps, 5_000)
    other = await paid(people.wang, lamps, 6_000)
    lost = await money(people.wang, lamps, 70)
    await orders._expire((await Order.get(pledge_id=lost.id)).id)
    back = await _refunded(people.lin, given, 1_000, "SUCCESS")
    closed = await _refunded(people.wang, other, 2_000, "CLOSED")
    await _refunded(people.wang, other, 2_000, "SUCCESS")
    await paid(people.wang, failed, 3_000)
    await crowdfunding.extend(people.chen, lamps.id, deadline=lamps.deadline + timedelta(days=1), reason="再等一天")
    await move_clock(timedelta(days=8))
    await crowdfunding.advance_due()
    slip = await crowdfunding.pay_match(
        people.chen, match.id, amount_fen=900, note="回单", evidence_ids=[await evidence(people.chen)]
    )
    await crowdfunding.sign_slip(people.zhao, slip.id, SlipState.POSTED)
    await move_clock(timedelta(days=1))
    await crowdfunding.advance_due()
    lamps = await crowdfunding.find(people.chen, lamps.id)
    spent = await approved(people, lamps, 24_000)
    await expenses.pay(people.chen, spent.id, reference="网银 0017")
    cited = await resolution(people.jy, people.chen)
    change = await crowdfunding.announce(
        people.chen, lamps.id, resolution_id=cited, title="坡道", body="改建", amount_fen=4_000
    )
    await passed(change)
    await move_clock(timedelta(days=16))
    await crowdfunding.advance_due()
    await crowdfunding.accept(people.chen, lamps.id)
    await crowdfunding.settle(people.zhao, lamps.id, resolution_id=cited)
    await move_clock(timedelta(days=32))
    for _ in range(3):
        await disclosures.disclose_due()
    await disclosures.note_displays()
    while await transparency.sequence_pending():
        pass
    ended = await Refund.get(order__pledge__campaign_id=failed.id)
    found = {"general": "SELECT id FROM accounts WHERE kind = 'general'"} | {
        leg: f"SELECT max(id) FROM transfers WHERE leg = '{leg}'" for leg in ("spent", "surplus", "matched", "refunded")
    }
    found["change_line"] = "SELECT id FROM budget_lines WHERE use_change_id IS NOT NULL"
    found["capture"] = (
        f"SELECT id FROM transfers WHERE leg = 'capture' AND (source_kind, source_id) = ('pledge', {given.id})"
    )
    found["shown"] = "SELECT max(id) FROM disclosures WHERE kind = 'statement'"
    ids = {name: await db.value(question) for name, question in found.items()}
    cast = {who: people[who].id for who in ("lin", "mei", "wang", "chen", "zhao", "sun", "ma")}
    made = {"lamps": lamps, "failed": failed, "charity": charity, "income": income, "match": match, "gift": gift}
    made |= {"slip": slip, "goods": goods, "adopted": adopted, "given": given, "other": other, "lost": lost}
    made |= {"back": back, "closed": closed, "expense": spent, "change": change, "ended": ended}
    return ids | cast | {name: row.id for name, row in made.items()} | {"line": lamps.budget[0].id, "cited": cited}


async def _refunded(giver: Any, pledge: Pledge, fen: int, status: str) -> Refund:
    await crowdfunding.take_back(giver, pledge.id, amount_fen=fen)
    refund = await Refund.get(order__pledge_id=pledge.id, state=RefundState.REQUESTED)
    await payments.conclude_refund(await refund_notice(refund, status))
    return refund


CHECKS = """
SELECT conrelid::regclass::text AS table, conname AS name FROM pg_constraint
WHERE contype = 'c' AND conrelid::regclass::text = ANY ($1::text[])
"""
COPY = """
INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE id = {{{which}}}
"""
PLANTED: dict[str, tuple[str, str]] = {
    # what givers gave
    "a pledge of more": ("UPDATE pledges SET amount_fen = 5001 WHERE id = {given}", "pledge {given} is of 5001 fen"),
    "a pledge of another giver": (
        "UPDATE pledges SET giver_id = {mei} WHERE id = {given}",
        'pledge {given} says {{"kind": "money", "amount_fen": 5000}} of resident {mei}, and no event',
    ),
    "a giver swapped in the event as well": (
        "UPDATE pledges SET giver_id = {mei} WHERE id = {given}; UPDATE events SET actor_id = {mei} "
        "WHERE subject_kind = 'pledge' AND subject_id = {given} AND verb = 'pledge.made'",
        "pledge {given} was made by resident {mei}, its order",
    ),
    "a giver swapped everywhere but in the log": (
        "UPDATE pledges SET giver_id = {mei} WHERE id = {given}; UPDATE events SET actor_id = {mei} "
        "WHERE subject_kind = 'pledge' AND subject_id = {given} AND verb = 'pledge.made'; "
        "UPDATE orders SET openid = 'mei' WHERE pledge_id = {given}",
        "transfer {capture} is not what log entry",
    ),
    "a pledge moved to another campaign": (
        "UPDATE pledges SET campaign_id = {failed} WHERE id = {given}",
        "transfer {capture} (capture) moves money of campaign {lamps}, pledge {given} is of {failed}",
    ),
    "an adoption for less": (
        "UPDATE pledges SET amount_fen = 39999 WHERE id = {adopted}",
        "pledge {adopted} of 39999 fen adopts budget line",
    ),
    "a pledge gone": (
        "DELETE FROM orders WHERE pledge_id = {lost}; DELETE FROM pledges WHERE id = {lost}",
        "(pledge.made) is about pledge {lost}, which does not exist",
    ),
    "a pledge nobody made": (
        COPY.format(
            table="pledges",
            which="goods",
            columns="community_id, campaign_id, giver_id, kind, state, "
            "amount_fen, item, anonymous, moderation, late, received_by_id",
        ),
        "fen received in kind, 0 fen in the ledger",
    ),
    "goods received by their giver": (
        "UPDATE pledges SET giver_id = received_by_id WHERE id = {goods}",
        "pledge {goods} was received by its own giver",
    ),
    "goods of more value": (
        "UPDATE pledges SET amount_fen = 900 WHERE id = {goods}",
        "pledge {goods}: 900 fen received in kind, 200 fen in the ledger",
    ),
    "a paid pledge called expired": (
        "UPDATE pledges SET state = 'expired' WHERE id = {other}",
        "pledge {other} is expired but its order is not",
    ),
    "an expired pledge called paid": (
        "UPDATE pledges SET state = 'paid' WHERE id = {lost}",
        "pledge {lost} is paid but its order is not paid",
    ),
    # orders and captures
    "an order for more": (
        "UPDATE orders SET captured_fen = 4000 WHERE pledge_id = {given}",
        "pledge {given}: 4000 fen captured, 5000 fen in the ledger",
    ),
    "an order that gives back more than it took": (
        "UPDATE orders SET refund_reserved_fen = 5001 WHERE pledge_id = {given}",
        "is paid with 5000 fen captured, 5001 to go back",
    ),
    "one payment for two orders": (
        "ALTER TABLE orders DROP CONSTRAINT orders_transaction_once; UPDATE orders SET transaction_id = '42'",
        "were paid by one transaction 42",
    ),
    "WeChat's number of a payment": (
        "UPDATE orders SET transaction_id = '42' WHERE pledge_id = {given}",
        "transfer {capture} is not what log entry",
    ),
    # transfers
    "a transfer of more": (
        "UPDATE transfers SET amount_fen = 5001 WHERE id = {capture}",
        "pledge {given}: 5000 fen captured, 5001 fen in the ledger",
    ),
    "a transfer gone": ("DELETE FROM transfers WHERE id = {capture}", "is about transfer {capture}, which"),
    "a transfer backdated": (
        "UPDATE transfers SET created_at = created_at - interval '1 day' WHERE id = {spent}",
        "transfer {spent} is not what log entry",
    ),
    "a transfer doubled": (
        "ALTER TABLE transfers DROP CONSTRAINT transfers_once; "
        + COPY.format(
            table="transfers",
            which="spent",
            columns="community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, leg",
        ),
        "are all the spent of expense {expense}",
    ),
    "a transfer that no refund caused": (
        "UPDATE transfers SET source_id = 987654 WHERE id = {refunded}",
        "transfer {refunded} (refunded) moves money for refund 987654, which is not there",
    ),
    "a transfer that nothing caused": (
        "UPDATE transfers SET source_kind = 'whim' WHERE id = {matched}",
        "transfer {matched} (matched) moves money for whim",
    ),
    "a transfer of nothing": (
        "UPDATE transfers SET amount_fen = 0 WHERE id = {spent}",
        "transfer {spent} of 0 fen does not go from one account to another",
    ),
    "a transfer to somewhere else": (
        "UPDATE transfers SET credit_account_id = {general} WHERE id = {capture}",
        "transfer {capture} (capture of pledge {given}) goes from wechat_clearing to general",
    ),
    "a transfer nobody logs": (
        "DELETE FROM log_pending; DELETE FROM log_entries WHERE kind = 'transfer' AND row_id = {spent}",
        "transfer {spent} is not in the log",
    ),
    "an account of two": (
        "DROP INDEX accounts_one_of_a_kind; "
        + COPY.format(table="accounts", which="general", columns="community_id, kind, campaign_id"),
        "has 2 accounts general",
    ),
    # refunds
    "a refund of less": (
        "UPDATE refunds SET amount_fen = 999 WHERE id = {back}",
        "refund {back} of 999 fen: 1000 fen were set aside for it",
    ),
    "a refund gone": ("DELETE FROM refunds WHERE id = {closed}", "(pledge.refunding) is about refund {closed}, which"),
    "a refund called closed": (
        "UPDATE refunds SET state = 'closed' WHERE id = {back}",
        "refund {back} is closed: 0 of 1000 fen returned to its campaign",
    ),
    "a refund called succeeded": (
        "UPDATE refunds SET state = 'succeeded', refund_id = 'x' WHERE id = {ended}",
        "refund {ended} is succeeded, but 0 of 3000 fen went back",
    ),
    "a failed campaign that owes less": (
        "UPDATE refunds SET amount_fen = 2000 WHERE id = {ended}",
        "campaign {failed} set 3000 fen aside when it ended, 2000 fen had to go back",
    ),
    # campaigns
    "a goal": (
        "UPDATE campaigns SET minimum_fen = 1, goal_fen = 100001 WHERE id = {lamps}",
        "campaign {lamps} asks for 100001 fen, its budget comes to 100000 fen",
    ),
    "a minimum": ("UPDATE campaigns SET minimum_fen = 1 WHERE id = {lamps}", "transfer {spent} is not what log entry"),
    "a deadline": (
        "UPDATE campaigns SET deadline = deadline + interval '1 hour' WHERE id = {lamps}",
        'campaign {lamps} says {{"seconds": 90000}} of resident None, and no event campaign.extended does',
    ),
    "a budget line": (
        "UPDATE budget_lines SET amount_fen = 60001 WHERE id = {line}",
        "campaign {lamps} asks for 100000 fen, its budget comes to 100001 fen",
    ),
    "what a budget line is for": (
        "UPDATE budget_lines SET title = '宴请' WHERE id = {line}",
        "transfer {surplus} is not what log entry",
    ),
    "a line of a change of use": (
        "UPDATE budget_lines SET amount_fen = 5000 WHERE id = {change_line}",
        "budget line {change_line} holds 5000 fen, change of use {change} left 4000 fen",
    ),
    "what a change of use took from older lines": (
        "UPDATE line_releases SET amount_fen = 1 WHERE budget_line_id = {line}",
        "change of use {change} took",
    ),
    "a line that was spent and released": (
        "UPDATE line_releases SET amount_fen = 60000 WHERE budget_line_id = {line}",
        "budget line {line} of campaign {lamps} has 0 fen, 24000 fen were spent",
    ),
    "the minimum of a campaign without gifts": (
        "UPDATE campaigns SET minimum_fen = 1 WHERE id = {charity}",
        "campaign {charity} asks for at least 1 fen (",
    ),
    "the deadline of a campaign without gifts": (
        "UPDATE campaigns SET deadline = deadline + interval '1 day' WHERE id = {charity}",
        "it was drafted otherwise",
    ),
    "a change of use by another resolution": (
        "UPDATE use_changes SET resolution_id = (SELECT min(id) FROM resolutions) WHERE id = {change}",
        "of resident {chen}, and no event campaign.use_change_announced does",
    ),
    "a campaign by another resolution": (
        "UPDATE campaigns SET resolution_id = {cited} WHERE id = {lamps}",
        "of resident {ma}, and no event campaign.drafted does",
    ),
    "a campaign published by its submitter": (
        "UPDATE campaigns SET published_by_id = submitted_by_id WHERE id = {lamps}",
        "campaign {lamps} was submitted and published by resident {chen}",
    ),
    "a campaign's state": (
        "UPDATE campaigns SET state = 'accepted' WHERE id = {lamps}",
        "campaign {lamps} is accepted, its last event (campaign.settled) says settled",
    ),
    "a surplus that went elsewhere": (
        "UPDATE campaigns SET surplus_campaign_id = {failed}, surplus_resolution_id = {cited} WHERE id = {lamps}",
        "of resident None, and no event campaign.settled does",
    ),
    # what was entered by hand
    "an income doubled": (
        "DROP INDEX incomes_one_per_document; "
        + COPY.format(
            table="incomes",
            which="income",
            columns="community_id, campaign_id, amount_fen, document_number, entered_by_id, moderation",
        ),
        "document 26-1 was noted 2 times for campaign {charity}",
    ),
    "an income of more": (
        "UPDATE incomes SET amount_fen = 70000 WHERE id = {income}",
        'campaign {charity} says {{"income_id": {income}, "amount_fen": 70000}} of resident {chen}, and no',
    ),
    "a slip of more": ("UPDATE slips SET amount_fen = 1001 WHERE id = {gift}", "1000 of 1001 fen moved"),
    "a slip signed by another": (
        "UPDATE slips SET decided_by_id = {sun} WHERE id = {gift}",
        "of resident {sun}, and no event slip.posted does",
    ),
    "the giver of a slip": ("UPDATE slips SET giver_id = {lin} WHERE id = {gift}", "says of it: cause_sha256"),
    "the evidence of a slip": (
        "DELETE FROM attachments WHERE subject_kind = 'slip' AND subject_id = {slip}",
        "transfer {matched} is not what log entry",
    ),
    "a match of more": ("UPDATE matches SET cap_fen = 9000", 'match {match} says {{"cap_fen": 9000}} of resident'),
    "the ratio of a match": ("UPDATE matches SET adds_fen = 2", "transfer {matched} is not what log entry"),
    "a match paid above its cap": ("UPDATE matches SET cap_fen = 899", "was paid 900 fen, its cap is 899 fen"),
    # spending
    "a payee": ("UPDATE expenses SET payee = '表弟商店'", "transfer {spent} is not what log entry"),
    "a purpose": ("UPDATE expenses SET purpose = '宴请'", "transfer {spent} is not what log entry"),
    "an expense of more": (
        "UPDATE expenses SET amount_fen = 25000",
        "expense {expense} is paid with 25000 fen, but 24000 fen stand in the ledger",
    ),
    "an expense from another line": (
        "UPDATE expenses SET budget_line_id = {change_line}",
        "of resident {ma}, and no event expense.requested does",
    ),
    "a receipt gone": (
        "DELETE FROM attachments WHERE subject_kind = 'expense'",
        "{expense} was paid without a receipt",
    ),
    "a receipt swapped": (
        "UPDATE attachments SET media_id = (SELECT max(media_id) FROM attachments WHERE subject_kind = 'slip') "
        "WHERE subject_kind = 'expense'",
        "transfer {spent} is not what log entry",
    ),
    "an approval gone": ("DELETE FROM expense_approvals WHERE approver_id = {zhao}", "was paid without two_people"),
    "another approver": (
        "UPDATE expense_approvals SET approver_id = {sun} WHERE approver_id = {zhao}",
        "of resident {sun}, and no event expense.approved does",
    ),
    "another payer": ("UPDATE expenses SET paid_by_id = {zhao}", "of resident {zhao}, and no event expense.paid does"),
    "a payer who was paid": (
        "UPDATE expenses SET paid_by_id = {wang}, payee_resident_id = {wang}",
        "expense {expense} was paid by resident {wang}, who was paid",
    ),
    "an expense back to approved": (
        "UPDATE expenses SET state = 'approved', paid_by_id = NULL, paid_at = NULL, reference = NULL",
        "expense {expense} is approved, its last event (expense.paid) says paid",
    ),
    "the limit above which a supervisor approves": (
        "UPDATE fund_rules SET supervisor_above_fen = 10000000",
        "and no event fund_rules.set does",
    ),
    # events
    "the event of a payment gone": (
        "DELETE FROM events WHERE verb = 'pledge.paid' AND subject_id = {given}",
        "of resident None, and no event pledge.paid does",
    ),
    "the event of a refund gone": (
        "DELETE FROM events WHERE verb = 'pledge.refunded'",
        "no event pledge.refunded does",
    ),
    "a step of a campaign gone": (
        "DELETE FROM events WHERE verb = 'campaign.funded'",
        "campaign {lamps} was funded before campaign.implementing, but no event says how it came from open to that",
    ),
    "an event rewritten": (
        "UPDATE events SET facts = jsonb_set(facts, '{{amount_fen}}', '1') WHERE verb = 'expense.paid'",
        "and no event expense.paid does",
    ),
    # what is published and sealed
    "a disclosure's document": (
        "UPDATE disclosures SET document = '{{}}' WHERE id = {shown}",
        "disclosure {shown} does not have the hash of",
    ),
    "a disclosure with its hash": (
        "UPDATE disclosures SET document = '{{}}', document_hash = encode(sha256('{{}}'), 'hex') WHERE id = {shown}",
        "disclosure {shown} is not what log entry",
    ),
    "a disclosure that hung otherwise": (
        "UPDATE displays SET document_hash = repeat('0', 64) WHERE disclosure_id = {shown}",
        "disclosure {shown} hung otherwise on",
    ),
    "a disclosure gone": (
        "DELETE FROM displays WHERE disclosure_id = {shown}; DELETE FROM disclosures WHERE id = {shown}",
        "is about disclosure {shown}, which does not exist",
    ),
    "a resolution's words": (
        "UPDATE resolutions SET title = '不换灯' WHERE id = {cited}",
        "resolution {cited} is not what log entry",
    ),
    "a resolution's figures": (
        """UPDATE resolutions SET counts = '{{"yes": 9}}' WHERE id = {cited}""",
        "resolution {cited} is not what log entry",
    ),
    "a head of the log": ("UPDATE log_heads SET root = sha256('other')", "does not have their root"),
    "an entry of the log": (
        "UPDATE log_entries SET text = replace(text, '5000', '6')",
        "is not the hash of what is under it",
    ),
}


async def test_every_kind_of_corruption_is_named_and_a_clean_fund_is_not(people: People, move_clock: MoveClock) -> None:
    ids = await a_year(people, move_clock)
    assert await verify() == []
    await as_owner(_disarm)
    unnamed = {}
    for what, (statements, says) in PLANTED.items():
        found: list[str] = []
        try:
            async with db.tx():
                await as_owner(partial(_plant, [statement.format(**ids) for statement in statements.split("; ")]))
                found = await verify()
                raise Undo
        except Undo:
            pass
        if not any(says.format(**ids) in line for line in found):
            unnamed[what] = (says.format(**ids), found)
    assert unnamed == {}
    assert len(PLANTED) >= 40
    assert await verify() == []


async def _disarm() -> None:
    await db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in TABLES:
        await db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for check in await db.rows(CHECKS, list(TABLES)):
        await db.execute("ALTER TABLE {table} DROP CONSTRAINT {name}".format(**check))


async def _plant(statements: list[str]) -> None:
    for statement in statements:
        await db.execute(statement)
