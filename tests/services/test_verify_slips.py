"""What `linli verify` finds when somebody reaches into the books with the triggers off: each kind by its sentence."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.core import db
from models.crowdfunding import CampaignKind
from models.ledger import Transfer
from models.slips import MatchState, SlipState
from services import crowdfunding, ledger
from tests.passing import passed
from tests.people import People
from tests.raising import cash, evidence, opened, paid, resolution

MoveClock = Callable[[timedelta], Awaitable[None]]
TABLES = ("transfers", "orders", "pledges", "campaigns", "refunds", "slips", "matches", "use_changes", "accounts")


async def busy(people: People, move_clock: MoveClock) -> None:
    """Everything once: cash kept, corrected and handed back, a match paid, a part refunded, a use that changes."""
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    match = await passed(
        await crowdfunding.promise_match(people.chen, campaign.id, unit="物业", for_each_fen=1, adds_fen=1, cap_fen=900)
    )
    await crowdfunding.sign_match(people.zhao, match.id, MatchState.PROMISED)
    await cash(people, campaign, 1_000)
    wrong = await cash(people, campaign, 2_000)
    transfer = await Transfer.get(source_kind="slip", source_id=wrong.id)
    undo = await crowdfunding.correct(people.chen, transfer.id, note="错了")
    await crowdfunding.sign_slip(people.zhao, undo.id, SlipState.POSTED)
    gift = await cash(people, campaign, 3_000)
    proof = [await evidence(people.chen)]
    back = await crowdfunding.hand_back(people.chen, gift.id, note="退", evidence_ids=proof)
    await crowdfunding.sign_slip(people.zhao, back.id, SlipState.POSTED)
    given = await paid(people.lin, campaign, 5_000)
    await crowdfunding.take_back(people.lin, given.id, amount_fen=1_000)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    slip = await crowdfunding.pay_match(
        people.chen, match.id, amount_fen=900, note="回单", evidence_ids=[await evidence(people.chen)]
    )
    await crowdfunding.sign_slip(people.zhao, slip.id, SlipState.POSTED)
    cited = await resolution(people.jy, people.chen)
    await crowdfunding.announce(
        people.chen, campaign.id, resolution_id=cited, title="坡道", body="改建", amount_fen=4_000
    )


SLIP_OF = "(SELECT min(id) FROM slips WHERE kind = '{}')"
PLANTED = [
    (f"UPDATE slips SET amount_fen = 1001 WHERE id = {SLIP_OF.format('gift')}", "1000 of 1001 fen moved"),
    ("DELETE FROM transfers WHERE leg = 'matched'", "slip {match} (match) is posted, but 0 of 900 fen moved"),
    ("DELETE FROM transfers WHERE leg = 'counter_capture'", "0 of 2000 fen moved"),
    (
        "UPDATE transfers SET source_id = 987654 WHERE leg = 'matched'",
        "moves money for slip 987654, which does not exist",
    ),
    (
        "UPDATE transfers SET amount_fen = 1999 WHERE leg = 'counter_capture'",
        "is not its mirror image",
    ),
    (
        "ALTER TABLE slips DROP CONSTRAINT slips_two_people; UPDATE slips SET decided_by_id = entered_by_id",
        "without two different signatures",
    ),
    ("UPDATE slips SET state = 'posted' WHERE state = 'corrected'", "what it is about is posted"),
    ("UPDATE slips SET state = 'refunding' WHERE state = 'refunded'", "what it is about is refunding"),
    ("UPDATE matches SET cap_fen = 899", "was paid 900 fen, its cap is 899 fen"),
    ("UPDATE use_changes SET amount_fen = 6000, raised_fen = 6000", "6000 fen are kept for givers"),
    ("UPDATE pledges SET state = 'refunded'", "is refunded with 1 refunds under way"),
    ("UPDATE refunds SET tries = 101", "is requested after 101 tries"),
    ("UPDATE slips SET state = 'declined' WHERE kind = 'match'", "900 of 900 fen moved"),
    ("UPDATE slips SET state = 'corrected' WHERE kind = 'gift' AND state = 'posted'", "fen by its orders and slips"),
    (
        "UPDATE transfers SET credit_account_id = (SELECT id FROM accounts WHERE kind = 'general') "
        "WHERE leg = 'matched'",
        "goes from matching_receivable to general",
    ),
]


@pytest.mark.parametrize(("corruption", "says"), PLANTED)
async def test_planted_corruptions_are_found(people: People, move_clock: MoveClock, corruption: str, says: str) -> None:
    await busy(people, move_clock)
    assert await ledger.check_books() == []
    match = await db.value("SELECT id FROM slips WHERE kind = 'match'")
    await db.execute("SET LOCAL ROLE linli_owner")
    for table in TABLES:
        await db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in corruption.split("; "):
        await db.execute(statement)
    await db.execute("RESET ROLE")
    found = await ledger.check_books()
    assert any(says.format(match=match) in line for line in found), found
