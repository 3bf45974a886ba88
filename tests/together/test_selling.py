"""A charity sale with fifty buyers at once: never more is sold than there is."""

import pytest

from app.core import db
from models.crowdfunding import PledgeKind, SaleItem
from services import crowdfunding
from services.crowdfunding import Offer
from services.policies import Actor
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.raising import opened
from tests.together.crowd import neighbours, outcomes


async def buyers(people: People, count: int) -> list[Actor]:
    crowd = await neighbours(people, count)
    await db.execute("UPDATE residents SET openid = 'buyer-' || id WHERE openid IS NULL AND nickname LIKE '邻居%'")
    return [Actor(**vars(one) | {"openid": f"buyer-{one.id}"}) for one in crowd]


@pytest.mark.parametrize("kept", [True, False])
async def test_fifty_buyers_take_twenty(people: People, committed: str, kept: bool) -> None:
    campaign = await opened(people)
    [item] = await crowdfunding.offer(people.ma, campaign.id, [Offer("手工香囊", 1_500, 20)])
    await passed(None)
    if not kept:
        async with db.tx():
            await as_owner(lambda: db.execute("ALTER TABLE sale_items DROP CONSTRAINT sale_items_stock"))
    ended = await outcomes(
        crowdfunding.pledge(buyer, campaign.id, kind=PledgeKind.SALE, sale_item_id=item.id)
        for buyer in await buyers(people, 50)
    )
    assert ended == ({"ok": 20, "SoldOut": 30} if kept else {"ok": 50})
    assert (await SaleItem.get(id=item.id)).left == (0 if kept else -30)
