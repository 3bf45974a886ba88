"""Expenses as the tests of spending need them."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from app.core import db
from models.crowdfunding import Campaign
from models.media import Purpose
from services import crowdfunding, expenses
from services.expenses import ExpenseLine
from services.policies import Actor
from tests.passing import passed
from tests.people import People
from tests.raising import opened, paid

MoveClock = Callable[[timedelta], Awaitable[None]]
_numbers = itertools.count(1)


async def picture(actor: Actor, purpose: Purpose = Purpose.EVIDENCE, moderation: str = "passed") -> int:
    """A picture that somebody has uploaded."""
    made: int = await db.value(
        "WITH p AS (INSERT INTO pictures (sha256, width, height) VALUES (sha256($2::text::bytea), 40, 30) "
        "RETURNING id) INSERT INTO media (uploader_id, picture_id, purpose, moderation) "
        "SELECT $1, id, $3, $4 FROM p RETURNING id",
        actor.id,
        f"picture {next(_numbers)}",
        purpose.value,
        moderation,
    )
    return made


async def funded(people: People, move_clock: MoveClock, **changes: Any) -> Campaign:
    """A campaign of 1,000 yuan that 阿梅 has paid and that is being carried out; 马社工 drew it up."""
    campaign = await opened(people, **changes)
    await paid(people.mei, campaign, 100_000)
    for days in (7, 1):
        await move_clock(timedelta(days=days))
        await crowdfunding.advance_due()
    return await crowdfunding.find(people.chen, campaign.id)


async def asked(actor: Actor, campaign: Campaign, amount_fen: int = 24_000, **changes: Any) -> ExpenseLine:
    """An expense for lamps out of the campaign's first line of 600 yuan, whose words have passed."""
    said: dict[str, Any] = {
        "budget_line_id": campaign.budget[0].id,
        "amount_fen": amount_fen,
        "payee": "光明五金店",
        "purpose": "感应灯三盏",
    } | changes
    if "receipt_ids" not in said:
        said["receipt_ids"] = [await picture(actor)]
    made = await expenses.request(actor, campaign.id, **said)
    await passed(None)
    return made


async def approved(people: People, campaign: Campaign, amount_fen: int = 24_000, **changes: Any) -> ExpenseLine:
    """Asked by 马社工, approved by 陈 and 赵."""
    made = await asked(people.ma, campaign, amount_fen, **changes)
    for approver in (people.chen, people.zhao):
        made = await expenses.approve(approver, made.id)
    return made
