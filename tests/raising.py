"""Campaigns and payments as the tests of the fund need them."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core import clock, db
from app.gateways import wechat_pay
from app.gateways.wechat_pay import PaymentNotice, RefundNotice
from models.crowdfunding import Campaign, CampaignKind, LegalPath, Pledge, PledgeKind
from models.payments import Order, Refund
from models.slips import Slip, SlipState, Via
from services import crowdfunding, payments
from services.crowdfunding import BudgetItem
from services.policies import Actor
from tests.deciding import decided, resolved
from tests.passing import passed
from tests.people import People

_numbers = itertools.count(1)


class FakePay:
    """WeChat Pay as a test wants it; `asked` keeps what it was asked for, in order.

    Nobody has paid unless `orders` says so, refunds are under way, and a number in `failing` raises its error.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.orders: dict[str, wechat_pay.Order] = {}
        self.failing: dict[str, Exception] = {}

    async def prepay(self, *, out_trade_no: str, **_: Any) -> str:
        self._hear("prepay", out_trade_no)
        return f"wx{out_trade_no}"

    def sign_for_client(self, prepay_id: str) -> dict[str, str]:
        return {"package": f"prepay_id={prepay_id}"}

    async def query(self, out_trade_no: str) -> wechat_pay.Order | None:
        self._hear("query", out_trade_no)
        return self.orders.get(out_trade_no)

    async def close(self, out_trade_no: str) -> bool:
        self._hear("close", out_trade_no)
        return out_trade_no not in self.orders

    async def refund(
        self, *, out_trade_no: str, out_refund_no: str, refund_fen: int, total_fen: int, reason: str
    ) -> wechat_pay.Refund:
        self._hear("refund", out_refund_no)
        return wechat_pay.Refund(f"50{out_refund_no}", out_refund_no, out_trade_no, "PROCESSING", refund_fen, None)

    async def query_refund(self, out_refund_no: str) -> wechat_pay.Refund | None:
        self._hear("query_refund", out_refund_no)
        return None

    async def knows(self, pledge: Pledge, state: str = "SUCCESS", **changes: Any) -> None:
        """WeChat knows the order of a pledge in this state: paid, unless it says otherwise."""
        order = await Order.get(pledge_id=pledge.id)
        said = {
            "transaction_id": f"42{pledge.id:018}",
            "openid": order.openid,
            "amount_fen": order.amount_fen,
        } | changes
        self.orders[order.out_trade_no] = wechat_pay.Order(
            out_trade_no=order.out_trade_no, state=state, success_at=None, **said
        )

    def _hear(self, deed: str, number: str) -> None:
        self.asked.append((deed, number))
        if number in self.failing:
            raise self.failing[number]


async def resolution(community_id: int, author: Actor, passed: bool | None = True) -> int:
    """A resolution of a community, decided long ago."""
    said = "NULL" if passed is None else str(passed)
    async with db.tx():
        await db.driver_connection().execute(decided(str(community_id), str(author.id), passed=said))
        made: int = await db.value(f"{resolved(f'2026-{900 + next(_numbers)}')} RETURNING id")
    return made


async def wanted(people: People, **changes: Any) -> dict[str, Any]:
    """What a campaign of 1,000 yuan in 锦阳 says, but for the changes."""
    said = {
        "community_id": people.jy,
        "legal_path": LegalPath.COMMUNITY,
        "kind": CampaignKind.ALL_OR_NOTHING,
        "title": "7号楼楼道照明",
        "body": "更换六层楼道的感应灯",
        "goal_fen": 100_000,
        "deadline": await clock.now() + timedelta(days=7),
        "budget": [BudgetItem("灯具", 60_000), BudgetItem("安装", 40_000)],
    } | changes
    if "resolution_id" not in said:
        said["resolution_id"] = await resolution(people.jy, people.chen)
    return said


async def draft(people: People, **changes: Any) -> Campaign:
    """A campaign that 马社工 has drawn up."""
    return await passed(await crowdfunding.create(people.ma, **await wanted(people, **changes)))


async def opened(people: People, **changes: Any) -> Campaign:
    """A campaign submitted by 陈 and published by 赵."""
    made = await draft(people, **changes)
    await crowdfunding.submit(people.chen, made.id)
    return await crowdfunding.publish(people.zhao, made.id)


async def money(giver: Actor, campaign: Campaign, amount_fen: int = 5_000, **more: Any) -> Pledge:
    """A pledge of money, not yet paid."""
    return await crowdfunding.pledge(giver, campaign.id, kind=PledgeKind.MONEY, amount_fen=amount_fen, **more)


async def notice(pledge: Pledge, **changes: Any) -> PaymentNotice:
    """What WeChat says when the pledge has been paid."""
    order = await Order.get(pledge_id=pledge.id)
    said = {
        "notification_id": f"EV-{pledge.id}",
        "transaction_id": f"42{pledge.id:018}",
        "out_trade_no": order.out_trade_no,
        "openid": order.openid,
        "amount_fen": order.amount_fen,
        "success_at": datetime.now(UTC),
    } | changes
    return PaymentNotice(**said)


async def paid(giver: Actor, campaign: Campaign, amount_fen: int = 5_000) -> Pledge:
    """A pledge that has been paid."""
    made = await money(giver, campaign, amount_fen)
    await payments.hear(await notice(made))
    return await Pledge.get(id=made.id)


async def refund_notice(refund: Refund, status: Any = "SUCCESS", **changes: Any) -> RefundNotice:
    """What WeChat says of a refund."""
    order = await Order.get(id=refund.order_id)
    said = {
        "notification_id": f"EV-{refund.id}-{status}",
        "refund_id": f"50{refund.id:018}",
        "out_refund_no": refund.out_refund_no,
        "out_trade_no": order.out_trade_no,
        "transaction_id": order.transaction_id,
        "status": status,
        "refund_fen": refund.amount_fen,
        "total_fen": order.amount_fen,
        "success_at": datetime.now(UTC) if status == "SUCCESS" else None,
    } | changes
    return RefundNotice(**said)


async def evidence(actor: Actor) -> int:
    """A picture of a receipt that somebody uploaded."""
    number = next(_numbers)
    uploaded: int = await db.value(
        "WITH p AS (INSERT INTO pictures (sha256, width, height) VALUES (sha256($2::text::bytea), 1, 1) RETURNING id) "
        "INSERT INTO media (uploader_id, picture_id, purpose, moderation) SELECT $1, id, 'evidence', 'passed' FROM p "
        "RETURNING id",
        actor.id,
        f"receipt {number}",
    )
    return uploaded


async def cash(people: People, campaign: Campaign, amount_fen: int = 5_000, **more: Any) -> Slip:
    """A gift in cash that 陈 has entered and 赵 has countersigned."""
    said = {"via": Via.CASH, "amount_fen": amount_fen, "note": "收据", "evidence_ids": [await evidence(people.chen)]}
    slip = await crowdfunding.give_offline(people.chen, campaign.id, **said | more)
    return await crowdfunding.sign_slip(people.zhao, slip.id, SlipState.POSTED)


async def funded(people: People, move_clock: Callable[[timedelta], Awaitable[None]], **gifts: int) -> Campaign:
    """A campaign that the clock has found funded; `lin=60_000` is what 小林 paid."""
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    for openid, fen in gifts.items():
        await paid(people[openid], campaign, fen)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    return await Campaign.get(id=campaign.id)
