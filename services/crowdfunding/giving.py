"""What residents pledge: money on the road of payments, goods, time and skills on that of promises."""

from contextlib import suppress

from tortoise.expressions import Q

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from app.gateways.wechat_pay import WechatPay
from models.base import Moderation
from models.crowdfunding import (
    MONEY_ROAD,
    BudgetLine,
    CampaignOver,
    CampaignState,
    LegalPath,
    MoneyIsHisOwn,
    NoPaymentHere,
    Pledge,
    PledgeKind,
    PledgeState,
)
from models.homes import NotForChildren
from models.ledger import AccountKind, Leg
from models.volunteering import AlreadyCheckedIn
from services import checks, events, ledger, notifications, payments, residents, volunteering
from services.crowdfunding.reading import door
from services.crowdfunding.selling import price
from services.ledger import Purse
from services.policies import Actor, require, require_resident
from services.policies import crowdfunding as policies

OTHER_STAFF_ONLY = ("由本社区其他工作人员确认收到", "Another member of the community's staff notes this")
GIVEN = (PledgeState.PAID, PledgeState.PROMISED, PledgeState.RECEIVED)
RECEIVES = (CampaignState.OPEN, CampaignState.FUNDED, CampaignState.IMPLEMENTING)


# What a pledge of each kind must say, and what it may say besides.
SAYS: dict[PledgeKind, tuple[set[str], set[str]]] = {
    PledgeKind.MONEY: ({"amount_fen"}, set()),
    PledgeKind.SALE: ({"amount_fen"}, {"item"}),
    PledgeKind.ADOPTION: ({"budget_line_id"}, {"amount_fen"}),
    PledgeKind.IN_KIND: ({"amount_fen", "item"}, set()),
    PledgeKind.TIME: ({"hours"}, {"item", "shift_id"}),
    PledgeKind.SKILL: ({"item"}, {"hours"}),
}
OF_AN_ITEM: tuple[set[str], set[str]] = ({"sale_item_id"}, {"quantity", "amount_fen"})


# The campaign is held open while the pledge is written; its deadline is read after the lock.
PLEDGE = """
WITH c AS MATERIALIZED (SELECT id, community_id, state, deadline FROM campaigns WHERE id = $1 FOR SHARE)
INSERT INTO pledges (community_id, campaign_id, giver_id, kind, state, amount_fen, item, hours, budget_line_id, team_id,
    anonymous, message, moderation, late, shift_id, sale_item_id, quantity)
SELECT c.community_id, c.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, false, $13, $14, $15
FROM c WHERE c.state = 'open' AND c.deadline > clock_now() RETURNING id
"""


@atomic()
async def pledge(
    actor: Actor,
    campaign_id: int,
    *,
    kind: PledgeKind,
    amount_fen: int | None = None,
    item: str | None = None,
    hours: int | None = None,
    budget_line_id: int | None = None,
    team_id: int | None = None,
    shift_id: int | None = None,
    sale_item_id: int | None = None,
    quantity: int | None = None,
    anonymous: bool = True,
    message: str | None = None,
) -> Pledge:
    """Promise something to an open campaign; money (and adoptions and sales) with an order to pay within 15 minutes.

    Time for a shift is a sign-up there; a sale may be of `quantity` (1) of an item. Verified residents of the community
    do. Raises NotFound, NotVerified, Forbidden, Invalid (fields that do not fit the kind), InvalidState, CampaignOver,
    LineAdopted, NoSuchTeam, NotChecked, NoSuchShift, NoSuchItem, SoldOut, NoPaymentHere on the paths where others take
    the money, MoneyIsHisOwn by a helper's hand, NotForChildren for money under 14, and what `volunteering.sign_up`
    raises.
    """
    campaign = await door(actor, campaign_id)
    require_resident(actor, campaign.community_id)
    if kind in MONEY_ROAD and actor.help is not None:
        raise MoneyIsHisOwn
    if kind in MONEY_ROAD and actor.child:
        raise NotForChildren
    if kind in MONEY_ROAD and campaign.legal_path is not LegalPath.COMMUNITY:
        raise NoPaymentHere
    given = {
        "amount_fen": amount_fen,
        "item": item,
        "hours": hours,
        "budget_line_id": budget_line_id,
        "shift_id": shift_id,
        "sale_item_id": sale_item_id,
        "quantity": quantity,
    }
    _check_says(kind, {name for name, value in given.items() if value is not None})
    if budget_line_id is not None:
        amount_fen = await _line_amount(campaign_id, budget_line_id, amount_fen)
    if sale_item_id is not None:
        quantity = quantity or 1
        amount_fen = await price(campaign_id, sale_item_id, quantity, amount_fen)
    paying, worded = kind in MONEY_ROAD, message is not None or item is not None
    pledge_id = await db.value(
        PLEDGE,
        campaign_id,
        actor.id,
        kind.value,
        PledgeState.AWAITING_PAYMENT.value if paying else PledgeState.PROMISED.value,
        amount_fen,
        item,
        hours,
        budget_line_id,
        team_id,
        anonymous,
        message,
        Moderation.CHECKING.value if worded else Moderation.PASSED.value,
        shift_id,
        sale_item_id,
        quantity,
    )
    if pledge_id is None:
        await campaign.refresh_from_db(fields=["state"])
        raise CampaignOver if campaign.state is CampaignState.OPEN else InvalidState(campaign.state)
    made = await Pledge.get(id=pledge_id)
    if shift_id is not None:
        await volunteering.sign_up(actor, shift_id)
    if worded:
        await checks.expect(actor, made)
    if paying:
        assert actor.openid is not None, "whoever logs in has one"  # noqa: S101
        await payments.open_order(made, openid=actor.openid, title=campaign.title, deadline=campaign.deadline)
    await events.record(actor, "pledge.made", made, kind=kind.value, amount_fen=amount_fen)
    return made


async def find_pledge(actor: Actor, pledge_id: int) -> Pledge:
    """One pledge, for its giver and the staff of the community. Raises NotFound."""
    found = await Pledge.get_or_none(id=pledge_id).select_related("campaign", "giver")
    if found is None or not policies.may_look_into(actor, found):
        raise NotFound("没有找到这笔认捐", "No such pledge")
    found.refunded_fen = (await payments.refunded([found.id]))[found.id]
    return found


async def with_payment(pay: WechatPay, made: Pledge) -> Pledge:
    """The pledge just made, with what its giver's telephone needs to pay. Calls WeChat, outside any transaction.

    Raises Unavailable when WeChat refuses the order for good; the pledge stands.
    """
    made.payment = await payments.payment_for(pay, made.id)
    return made


async def look_at_pledge(actor: Actor, pay: WechatPay, pledge_id: int) -> Pledge:
    """One pledge. For its giver, while it waits for payment, a fresh payment is signed.

    WeChat is asked first whether he has paid, but not again within 5 s.
    """
    found = await find_pledge(actor, pledge_id)
    if found.state is PledgeState.AWAITING_PAYMENT and found.giver_id == actor.id:
        payment = await payments.payment_for(pay, found.id, looking=True)
        found = await find_pledge(actor, pledge_id)
        found.payment = payment if found.state is PledgeState.AWAITING_PAYMENT else None
    return found


async def pledges(actor: Actor, campaign_id: int, *, page: Page) -> Listed[Pledge]:
    """What a campaign was given, and the actor's own pledges to it in any state; newest first.

    A gift whose words have not passed is shown without them, but to its giver and the staff. Its giver is `named` if he
    wants to be and has consented to it; withdrawing the consent hides him at once.
    """
    campaign = await door(actor, campaign_id)
    shown = Q(state__in=GIVEN) | Q(giver_id=actor.id)
    found = await newest(Pledge.filter(shown, campaign_id=campaign.id).select_related("giver"), page)
    refunded = await payments.refunded([gift.id for gift in found.items])
    consenting = await residents.named([gift.giver_id for gift in found.items if not gift.anonymous])
    for gift in found.items:
        gift.refunded_fen = refunded[gift.id]
        gift.named = not gift.anonymous and gift.giver_id in consenting
        if gift.moderation is not Moderation.PASSED and not policies.may_look_into(actor, gift):
            gift.item = gift.message = None
    return found


@atomic()
async def choose_shift(actor: Actor, pledge_id: int, *, shift_id: int) -> Pledge:
    """Sign up for a shift with time promised before; another shift only when the sign-up for the first is over.

    Raises NotFound, Forbidden, InvalidState, AlreadyExists, NoSuchShift, and what `volunteering.sign_up` raises.
    """
    found = await find_pledge(actor, pledge_id)
    require(found.giver_id == actor.id)
    await hold(found.campaign_id)
    if await db.value(CHOOSE, found.id, shift_id) is None:
        raise InvalidState(found.state)
    await volunteering.sign_up(actor, shift_id)
    await events.record(actor, "pledge.shift_chosen", found, shift_id=shift_id)
    return await find_pledge(actor, pledge_id)


CHOOSE = """
UPDATE pledges SET shift_id = $2 WHERE id = $1 AND kind = 'time' AND state = 'promised' AND (
    shift_id IS NULL OR shift_id = $2 OR NOT EXISTS (
        SELECT FROM signups s WHERE s.shift_id = pledges.shift_id AND s.resident_id = giver_id
            AND s.state <> 'cancelled'))
RETURNING id
"""


@atomic()
async def free_promises(kind: str, about_id: int) -> None:
    """Time promised for a `shift` that is called off, or for those of an `activity`, is promised for any shift again.

    Its givers are told that they may choose another, or withdraw. Again changes nothing.
    """
    freed = await db.rows(FREE[kind], about_id)
    for promised in (
        await Pledge.filter(id__in=[line["id"] for line in freed]).select_related("campaign").order_by("id")
    ):
        await events.record(None, "pledge.shift_called_off", promised)
        title = promised.campaign.title
        await notifications.tell([promised.giver_id], "pledge.shift_called_off", promised, title=title)


FREE = {
    kind: "UPDATE pledges p SET shift_id = NULL FROM shifts s WHERE s.id = p.shift_id AND s.state = 'cancelled' "
    f"AND p.state = 'promised' AND {column} = $1 RETURNING p.id"
    for kind, column in (("shift", "s.id"), ("activity", "s.activity_id"))
}


@atomic()
async def hand_over(actor: Actor, pledge_id: int) -> Pledge:
    """The giver's hand: he says that he gave what he promised; the first time counts. The staff are the other hand.

    Raises NotFound, Forbidden, InvalidState.
    """
    found = await find_pledge(actor, pledge_id)
    require(found.giver_id == actor.id)
    given = await db.value(
        "UPDATE pledges SET handed_over_at = coalesce(handed_over_at, clock_now()) "
        "WHERE id = $1 AND state = 'promised' RETURNING id",
        found.id,
    )
    if given is None:
        raise InvalidState(found.state)
    if found.handed_over_at is None:
        await events.record(actor, "pledge.handed_over", found)
    return await find_pledge(actor, pledge_id)


@atomic()
async def receive(actor: Actor, pledge_id: int) -> Pledge:
    """Note that goods, time or a skill promised were given; goods enter the books at their estimated value.

    While the campaign is open, funded or carried out. Raises NotFound, Forbidden, InvalidState.
    """
    found = await find_pledge(actor, pledge_id)
    require(policies.may_receive(actor, found), *OTHER_STAFF_ONLY)
    state, _ = await hold(found.campaign_id)
    if state not in RECEIVES:
        raise InvalidState(state)
    await found.move_to(PledgeState.RECEIVED, received_by_id=actor.id)
    if found.kind is PledgeKind.IN_KIND:
        assert found.amount_fen is not None, "pledges_complete"  # noqa: S101
        await ledger.post(
            found.community_id,
            debit=Purse(AccountKind.IN_KIND_GIVERS),
            credit=Purse(AccountKind.IN_KIND),
            amount_fen=found.amount_fen,
            cause=found,
            leg=Leg.RECEIVED,
        )
    await events.record(actor, "pledge.received", found, amount_fen=found.amount_fen)
    await notifications.tell([found.giver_id], "pledge.received", found, title=found.campaign.title)
    return found


@atomic()
async def withdraw(actor: Actor, pledge_id: int) -> Pledge:
    """Take back a promise of goods, time or a skill that was not given yet, and the sign-up with it; its giver does.

    Raises NotFound, Forbidden, InvalidState, and what `volunteering.cancel` raises.
    """
    found = await find_pledge(actor, pledge_id)
    require(found.giver_id == actor.id)
    if found.state is not PledgeState.PROMISED:
        raise InvalidState(found.state)
    if found.shift_id is not None:
        await volunteering.cancel(actor, found.shift_id)
    await found.move_to(PledgeState.WITHDRAWN)
    await events.record(actor, "pledge.withdrawn", found)
    return found


@atomic()
async def withdraw_all(actor: Actor) -> None:
    """Take back what somebody who leaves has promised, also of what he may not see any more. Too late stays."""
    for promised in await Pledge.filter(giver_id=actor.id, state=PledgeState.PROMISED).order_by("id"):
        with suppress(volunteering.ShiftStarted, volunteering.CancelClosed, AlreadyCheckedIn):
            if promised.shift_id is not None:
                await volunteering.give_up(actor, promised.shift_id)
            await promised.move_to(PledgeState.WITHDRAWN)
            await events.record(actor, "pledge.withdrawn", promised)


async def hold(campaign_id: int) -> tuple[CampaignState, bool]:
    """The campaign's state and whether its deadline has passed; neither its closer nor the committee moves it on."""
    held = await db.row(
        "SELECT state, deadline <= clock_now() AS over FROM campaigns WHERE id = $1 FOR SHARE", campaign_id
    )
    assert held is not None, "a pledge has a campaign"  # noqa: S101
    return CampaignState(held["state"]), held["over"]


def _check_says(kind: PledgeKind, given: set[str]) -> None:
    of_an_item = kind is PledgeKind.SALE and "sale_item_id" in given
    needed, optional = OF_AN_ITEM if of_an_item else SAYS[kind]
    if not needed <= given <= needed | optional:
        names = "、".join(sorted(needed))
        raise Invalid(f"这类认捐须填写且只填写：{names}", f"A pledge of this kind says {', '.join(sorted(needed))}")


async def _line_amount(campaign_id: int, budget_line_id: int, amount_fen: int | None) -> int:
    line = await BudgetLine.get_or_none(id=budget_line_id, campaign_id=campaign_id)
    if line is None:
        raise Invalid("这个项目没有这一项预算", "This campaign has no such budget line")
    if amount_fen not in (None, line.amount_fen):
        raise Invalid("认捐整项须与该项预算金额一致", "Adopting a line means paying all of it")
    return int(line.amount_fen)
