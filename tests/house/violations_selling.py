"""One attempt to break each constraint on charity sales, by raw SQL as the owner of the tables."""

from tests.house.violations_fund import CAMPAIGN, JY, PLEDGE, RAISING, YL, insert, last, made, update

ITEM = {
    "community_id": JY,
    "campaign_id": last("campaigns"),
    "title": "'香囊'",
    "price_fen": "50",
    "quantity": "3",
    "taken": "0",
    "offered": "true",
    "moderation": "'passed'",
}
OFFERED = [*RAISING, insert("sale_items", ITEM)]
BOUGHT = PLEDGE | {"kind": "'sale'", "sale_item_id": last("sale_items"), "quantity": "2"}
SOLD = [*OFFERED, insert("pledges", BOUGHT)]

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("sale_items_one_title", "one thing at two prices", made(OFFERED, "sale_items", ITEM, price_fen="60")),
    ("sale_items_same_community", "sold elsewhere", made(RAISING, "sale_items", ITEM, community_id=YL)),
    ("sale_items_price", "sold for nothing", made(RAISING, "sale_items", ITEM, price_fen="0")),
    ("sale_items_quantity", "selling none", made(RAISING, "sale_items", ITEM, quantity="0")),
    ("sale_items_stock", "more than there is", made(SOLD, "pledges", BOUGHT)),
    ("sale_items_stock", "fewer than were ordered", [*SOLD, update("sale_items", {"quantity": "1"})]),
    ("sale_items_terms", "another thing than was bought", [*OFFERED, update("sale_items", {"title": "'旧书'"})]),
    ("sale_items_terms", "a thing that vanishes", [*OFFERED, "DELETE FROM sale_items"]),
    (
        "pledges_item_of_campaign",
        "buying what another campaign sells",
        made([*OFFERED, insert("campaigns", CAMPAIGN)], "pledges", BOUGHT),
    ),
    ("pledges_sale", "buying none", made(OFFERED, "pledges", BOUGHT, quantity="NULL")),
    ("pledges_sale", "a gift that is a purchase", made(OFFERED, "pledges", BOUGHT, kind="'money'")),
    ("pledges_sale_price", "cheaper than it is", made(OFFERED, "pledges", BOUGHT, amount_fen="99")),
    (
        "pledges_sale_price",
        "what is not sold any more",
        made([*OFFERED, update("sale_items", {"offered": "false"})], "pledges", BOUGHT),
    ),
    ("pledges_terms", "fewer after all", [*SOLD, update("pledges", {"quantity": "1"})]),
]
