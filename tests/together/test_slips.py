"""Slips, matches and changes of use with everybody at once; and what happens without what holds them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.core import db
from models.crowdfunding import BudgetLine, CampaignKind, CampaignState, Pledge, PledgeState
from models.ledger import Transfer
from models.payments import Refund
from models.slips import MatchState, SlipState, Via
from services import crowdfunding, ledger, payments
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.raising import cash, evidence, funded, opened, paid, refund_notice, resolution
from tests.together.crowd import outcomes

MoveClock = Callable[[timedelta], Awaitable[None]]
POSTED = SlipState.POSTED


async def given(people: People, campaign: Any, fen: int = 5_000) -> Any:
    return await crowdfunding.give_offline(
        people.chen,
        campaign.id,
        via=Via.CASH,
        amount_fen=fen,
        note="收据",
        evidence_ids=[await evidence(people.chen)],
    )


async def test_a_slip_signed_five_times_at_once_moves_money_once(committed: str) -> None:
    people = await People.load()
    slip = await given(people, await opened(people))
    ended = await outcomes(crowdfunding.sign_slip(people.zhao, slip.id, POSTED) for _ in range(5))
    assert ended == Counter(ok=1, InvalidState=4)
    assert await Transfer.all().count() == 1
    assert await ledger.check_books() == []


async def test_signing_cash_and_the_end_race_and_no_fen_is_left_behind(committed: str, move_clock: MoveClock) -> None:
    people = await People.load()
    campaign = await opened(people)
    slips = [await given(people, campaign, 100) for _ in range(6)]
    await asyncio.gather(
        *(crowdfunding.sign_slip(people.zhao, slip.id, POSTED) for slip in slips[:3]),
        crowdfunding.cancel(people.chen, campaign.id),
        *(crowdfunding.sign_slip(people.zhao, slip.id, POSTED) for slip in slips[3:]),
        return_exceptions=True,
    )
    assert (await ledger.raised([campaign.id]))[campaign.id] == 0
    assert await ledger.check_books() == []


async def test_a_match_is_never_paid_above_what_it_owes_also_at_once(committed: str, move_clock: MoveClock) -> None:
    people = await People.load()
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    match = await passed(
        await crowdfunding.promise_match(
            people.chen, campaign.id, unit="物业", for_each_fen=1, adds_fen=1, cap_fen=9_999
        )
    )
    await crowdfunding.sign_match(people.zhao, match.id, MatchState.PROMISED)
    await paid(people.lin, campaign, 1_000)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    proofs = [await evidence(people.chen) for _ in range(6)]
    slips = [
        await crowdfunding.pay_match(people.chen, match.id, amount_fen=300, note="回单", evidence_ids=[proof])
        for proof in proofs
    ]
    ended = await outcomes(crowdfunding.sign_slip(people.zhao, slip.id, POSTED) for slip in slips)
    assert ended == Counter(ok=3, MoreThanOwed=3)
    assert await ledger.check_books() == []


async def test_parts_taken_back_at_once_never_exceed_what_was_paid(committed: str) -> None:
    people = await People.load()
    campaign = await opened(people)
    pledge = await paid(people.lin, campaign, 1_000)
    ended = await outcomes(crowdfunding.take_back(people.lin, pledge.id, amount_fen=400) for _ in range(4))
    assert ended == Counter(ok=1, InvalidState=3), "one after the other, each once the one before has arrived"
    await payments.hear(await refund_notice(await Refund.get()))
    assert (await Pledge.get(id=pledge.id)).state is PledgeState.PAID
    assert await ledger.check_books() == []


async def test_a_share_taken_back_and_the_change_coming_into_force_race(committed: str, move_clock: MoveClock) -> None:
    people = await People.load()
    campaign = await funded(people, move_clock, lin=60_000, mei=40_000)
    assert campaign.state is CampaignState.FUNDED
    cited = await resolution(people.jy, people.chen)
    await crowdfunding.announce(
        people.chen, campaign.id, resolution_id=cited, title="坡道", body="改建", amount_fen=50_000
    )
    await move_clock(timedelta(days=15) - timedelta(seconds=1))
    pledge = await Pledge.get(giver_id=people.lin.id)

    async def force() -> None:
        await asyncio.sleep(1)
        await crowdfunding.changes_due()

    await asyncio.gather(
        force(), *(crowdfunding.take_back(people.lin, pledge.id) for _ in range(2)), return_exceptions=True
    )
    await crowdfunding.changes_due()
    line = await BudgetLine.filter(campaign_id=campaign.id).order_by("-id").first()
    claimed = sum(refund.amount_fen for refund in await Refund.all())
    assert line is not None
    assert (line.title, line.amount_fen + claimed) == ("坡道", 50_000)
    assert await ledger.check_books() == []


UNSIGNED = """
INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, leg)
SELECT community_id, debit_account_id, credit_account_id, 5000, 'slip', $1::bigint, 'capture' FROM transfers LIMIT 1
"""


async def test_without_its_trigger_an_unsigned_slip_would_move_money(committed: str) -> None:
    people = await People.load()
    campaign = await opened(people)
    await cash(people, campaign)
    slip = await given(people, campaign)
    with pytest.raises(asyncpg.CheckViolationError):
        await committed_by_hand(UNSIGNED, slip.id, committed)
    async with db.tx():
        await as_owner(lambda: db.execute("DROP TRIGGER transfers_signed_slip ON transfers"))
    await committed_by_hand(UNSIGNED, slip.id, committed)
    assert [line for line in await ledger.check_books() if f"slip {slip.id} (gift) is entered" in line]


async def committed_by_hand(sql: str, value: int, url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql, value)
    finally:
        await connection.close()
