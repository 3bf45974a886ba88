"""Giving back what was paid through WeChat: asked for by its giver while he may, by the committee with a reason."""

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState
from models.crowdfunding import CampaignOver, CampaignState, Pledge, PledgeKind, PledgeState
from services import payments
from services.crowdfunding.giving import find_pledge, hold
from services.crowdfunding.reading import door
from services.payments import Progress
from services.policies import Actor, require
from services.policies import crowdfunding as policies

REASON_FIRST = ("居委会退回认捐须说明原因", "The committee gives back with a reason")
AGAIN_WHOLE = ("被微信关闭的退款须全额重退", "A refund that WeChat closed is asked for again whole")
HOLDS_MONEY = (CampaignState.OPEN, CampaignState.FUNDED, CampaignState.IMPLEMENTING, CampaignState.ACCEPTED)


@atomic()
async def take_back(
    actor: Actor, pledge_id: int, *, amount_fen: int | None = None, reason: str | None = None
) -> Pledge:
    """Refund a paid pledge, in full or in part (`amount_fen`).

    Its giver does while the campaign is open; while a change of use is announced he takes his share back, no other
    sum. The committee does with a reason until the campaign is settled, and at any time once WeChat has closed a refund
    of it: after the deadline that whole refund, since its giver is owed all of it.
    Raises NotFound, Forbidden, InvalidState, CampaignOver, Invalid, RefundTooLarge, TooManyRefunds (the
    eleventh part), and NotEnough when the money is spent.
    """
    found = await find_pledge(actor, pledge_id)
    state, over = await hold(found.campaign_id)
    left_fen, refused_fen = await payments.left_of(found.id)
    words, use_change_id, number_max = payments.ASKED, None, payments.PARTS_MAX
    if refused_fen is not None and policies.may_ask_again(actor, found):
        if state is not CampaignState.OPEN and amount_fen not in (None, refused_fen):
            raise Invalid(*AGAIN_WHOLE)
        amount_fen = amount_fen or (None if state in payments.REFUNDS_ALL else refused_fen)
        number_max = payments.CLOSED_AGAIN_MAX
    elif policies.may_give_back(actor, found):
        if found.state is not PledgeState.PAID:
            raise InvalidState(found.state)
        if state not in HOLDS_MONEY:
            raise InvalidState(state)
        require(reason is not None, *REASON_FIRST)
        words = payments.BY_COMMITTEE
    else:
        require(policies.may_take_back(actor, found))
        if state is not CampaignState.OPEN:
            words, number_max = payments.USE_CHANGED, payments.CLOSED_AGAIN_MAX
            share_fen, use_change_id = await _share(found.campaign_id, state, left_fen)
            if amount_fen not in (None, share_fen):
                raise Invalid("用途变更时只能退回自己的份额", "While the use changes, one takes back one's share")
            amount_fen = share_fen
        elif over:
            raise CampaignOver
    if (
        (found.kind is PledgeKind.ADOPTION or found.sale_item_id is not None)
        and words == payments.ASKED
        and amount_fen not in (None, left_fen, refused_fen)
    ):
        raise Invalid("整项认捐和义卖品只能全额退回", "What was adopted or bought is given back whole")
    if amount_fen in (None, left_fen):
        number_max = payments.REFUNDS_MAX
    await payments.give_back(
        actor,
        found,
        words,
        amount_fen=amount_fen,
        number_max=number_max,
        use_change_id=use_change_id,
        reason=reason,
    )
    return await find_pledge(actor, found.id)


async def refunds(actor: Actor, campaign_id: int) -> Progress:
    """How far the refunds of a campaign are. Raises NotFound."""
    return await payments.progress((await door(actor, campaign_id)).id)


ANNOUNCED = """
SELECT id, amount_fen, raised_fen FROM use_changes
WHERE campaign_id = $1 AND state = 'announced' AND refund_until > clock_now()
"""


async def _share(campaign_id: int, state: CampaignState, left_fen: int) -> tuple[int, int]:
    """What a giver may take back now that the use of his money changes, and because of which change."""
    change = await db.row(ANNOUNCED, campaign_id)
    if change is None:
        raise InvalidState(state)
    share_fen = int(left_fen * change["amount_fen"] // change["raised_fen"])  # whole fen, so that all fit in
    if share_fen == 0:
        raise Invalid("您的份额不足一分", "Your share is less than a fen")
    return share_fen, change["id"]
