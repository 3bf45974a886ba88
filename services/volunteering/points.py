"""Points (时间银行): hours given, which may be spent on a neighbour's help. Never money, never compulsory, no ranking.

Hours come from service records alone; what is spent goes to who helped. There is no expiry.
"""

from dataclasses import dataclass
from datetime import datetime

from app.core import db
from app.core.db import atomic
from app.core.errors import NotFound
from app.core.pages import Listed, Page, cut
from models.residents import Membership
from models.volunteering import OwnHours, PointTransfer
from services import events, notifications
from services.policies import Actor, require_resident


@dataclass(frozen=True)
class Points:
    """Minutes: given in service, received for help, spent on help, and what is left to spend.

    The balance is never below zero: hours that were spent and struck out later are made up for by hours to come.
    """

    given_minutes: int
    received_minutes: int
    spent_minutes: int

    @property
    def balance_minutes(self) -> int:
        """What may be spent."""
        return max(0, self.given_minutes + self.received_minutes - self.spent_minutes)


@dataclass(frozen=True)
class TransferSeen:
    """Minutes that went to a neighbour (`spent`), or came from one."""

    id: int
    minutes: int
    spent: bool
    other_id: int
    other: str
    created_at: datetime


POINTS = """
SELECT
    (SELECT coalesce(sum(minutes), 0)::bigint FROM hours_served WHERE resident_id = $1) AS given_minutes,
    (SELECT coalesce(sum(minutes), 0)::bigint FROM point_transfers WHERE helper_id = $1) AS received_minutes,
    (SELECT coalesce(sum(minutes), 0)::bigint FROM point_transfers WHERE giver_id = $1) AS spent_minutes
"""
TRANSFERS = """
SELECT t.id, t.minutes, t.giver_id = $1 AS spent, o.id AS other_id, o.nickname AS other, t.created_at
FROM point_transfers t JOIN residents o ON o.id = CASE WHEN t.giver_id = $1 THEN t.helper_id ELSE t.giver_id END
WHERE (t.giver_id = $1 OR t.helper_id = $1)
"""


async def points(actor: Actor) -> Points:
    """The actor's own hours; nobody else reads them."""
    found = await db.row(POINTS, actor.id)
    assert found is not None  # noqa: S101 - one row of scalar subqueries
    return Points(**found)


async def transfers(actor: Actor, *, page: Page) -> Listed[TransferSeen]:
    """What the actor spent and received, newest first."""
    found = await db.rows(
        f"{TRANSFERS} AND ($2::bigint IS NULL OR t.id < $2) ORDER BY t.id DESC LIMIT $3",
        actor.id,
        page.after[0] if page.after else None,
        page.limit + 1,
    )
    return cut([TransferSeen(**line) for line in found], page)


async def find_transfer(actor: Actor, transfer_id: int) -> TransferSeen:
    """One of the actor's own transfers. Raises NotFound."""
    found = await db.row(f"{TRANSFERS} AND t.id = $2", actor.id, transfer_id)
    if found is None:
        raise NotFound("没有找到这笔记录", "No such transfer")
    return TransferSeen(**found)


@atomic()
async def spend(actor: Actor, *, helper_id: int, minutes: int) -> TransferSeen:
    """Give minutes of one's own to a neighbour for help received: by that one confirms his help. Never more than left.

    Raises NotVerified, NotFound for whoever does not live in the actor's community, OwnHours, NotEnoughHours.
    """
    community_id = actor.community_id or 0
    require_resident(actor, community_id)
    if helper_id in (actor.id, actor.hand_id):
        raise OwnHours("不能给自己支付时长，代办人也不能", "Nobody spends hours on himself, nor do who helps")
    if not await Membership.exists(resident_id=helper_id, community_id=community_id, until_at=None):
        raise NotFound("没有找到这位邻居", "No such neighbour")
    transfer = await PointTransfer.create(
        community_id=community_id, giver_id=actor.id, helper_id=helper_id, minutes=minutes
    )
    await events.record(actor, "points.spent", transfer, helper_id=helper_id, minutes=minutes)
    await notifications.tell([helper_id], "points.received", transfer, name_id=actor.id, minutes=minutes)
    return await find_transfer(actor, transfer.id)
