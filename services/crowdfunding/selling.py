"""Charity sales (义卖): a list of what is sold for a campaign, never more of it than there is."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.crowdfunding import CampaignState, LegalPath, NoPaymentHere, NoSuchItem, NotChecked, SaleItem
from services import checks, events
from services.crowdfunding.changing import lock_campaign
from services.crowdfunding.drafting import STAFF_ONLY
from services.crowdfunding.reading import door
from services.policies import Actor, require
from services.policies import crowdfunding as policies

SOLD_UNTIL = (CampaignState.DRAFT, CampaignState.IN_REVIEW, CampaignState.PUBLISHED, CampaignState.OPEN)


@dataclass(frozen=True)
class Offer:
    """What is to be sold: so many, at so much each."""

    title: str
    price_fen: int
    quantity: int


OFFER = """
INSERT INTO sale_items (community_id, campaign_id, title, price_fen, quantity, taken, offered, moderation)
VALUES ($1, $2, $3, $4, $5, 0, true, 'checking')
ON CONFLICT ON CONSTRAINT sale_items_one_title DO UPDATE
    SET price_fen = excluded.price_fen, quantity = excluded.quantity, offered = true
RETURNING id, xmax = 0 AS made
"""
TAKE_OFF = "UPDATE sale_items SET offered = false WHERE campaign_id = $1 AND offered AND id <> ALL ($2::bigint[])"


@atomic()
async def offer(actor: Actor, campaign_id: int, offers: Sequence[Offer]) -> list[SaleItem]:
    """Say what is sold for a campaign, known by its title; what is left out is not sold any more. The staff do.

    Orders keep their price. Raises NotFound, Forbidden, NoPaymentHere, InvalidState once it is decided, Invalid (a
    title twice), SoldOut (fewer than are ordered).
    """
    campaign = await door(actor, campaign_id)
    require(policies.may_propose(actor, campaign.community_id), *STAFF_ONLY)
    if campaign.legal_path is not LegalPath.COMMUNITY:
        raise NoPaymentHere
    if len({one.title for one in offers}) < len(offers):
        raise Invalid("同一件义卖品只列一次", "List each item once")
    await lock_campaign(campaign)
    if campaign.state not in SOLD_UNTIL:
        raise InvalidState(campaign.state)
    kept = []
    for one in offers:
        item = await db.row(OFFER, campaign.community_id, campaign.id, one.title, one.price_fen, one.quantity)
        assert item is not None, "it is there now"  # noqa: S101
        kept.append(item["id"])
        if item["made"]:
            await checks.expect(actor, await SaleItem.get(id=item["id"]))
    await db.execute(TAKE_OFF, campaign.id, kept)
    await events.record(actor, "campaign.sale_offered", campaign, items=len(kept))
    return await offered(campaign.id)


async def offered(campaign_id: int) -> list[SaleItem]:
    """All that is sold for a campaign, in the order it came."""
    return await SaleItem.filter(campaign_id=campaign_id, offered=True).order_by("id")


async def sale_items(actor: Actor, campaign_id: int, *, page: Page) -> Listed[SaleItem]:
    """What is sold for a campaign, newest first. Raises NotFound."""
    campaign = await door(actor, campaign_id)
    query = SaleItem.filter(campaign_id=campaign.id, offered=True)
    if not actor.is_staff(campaign.community_id):
        query = query.filter(moderation=Moderation.PASSED)
    return await newest(query, page)


async def price(campaign_id: int, sale_item_id: int, quantity: int, said_fen: int | None) -> int:
    """What so many of an item cost, in fen; the database counts the stock. Raises NoSuchItem, NotChecked."""
    item = await SaleItem.get_or_none(id=sale_item_id, campaign_id=campaign_id, offered=True)
    if item is None:
        raise NoSuchItem
    if item.moderation is not Moderation.PASSED:
        raise NotChecked
    cost_fen = int(item.price_fen * quantity)
    if said_fen not in (None, cost_fen):
        raise NoSuchItem
    return cost_fen
