"""One attempt to break each constraint on the bills, by raw SQL as the owner of the tables."""

from tests.house.violations_fund import JY, ORDERED, YL, insert, last, made

BILL = {
    "bill_date": "'2026-11-22'",
    "state": "'awaited'",
    "trade_rows": "0",
    "fund_flow_rows": "0",
    "paid_fen": "0",
    "refunded_fen": "0",
    "fee_fen": "0",
    "tries": "0",
}
DIFFERENCE = {
    "bill_id": last("bills"),
    "community_id": JY,
    "source": "'trade'",
    "kind": "'wrong_amount'",
    "number": "'CF1'",
    "ours_fen": "100",
    "theirs_fen": "101",
}
BILLED = [insert("bills", BILL)]
DIFFERING = [*BILLED, insert("bill_differences", DIFFERENCE)]

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("bills_day_once", "the same day twice", made(BILLED, "bills", BILL)),
    ("bills_state", "a bill in no state", made([], "bills", BILL, state="'lost'")),
    ("bills_compared_once", "compared at no time", made([], "bills", BILL, state="'compared'")),
    ("bill_differences_once", "the same difference twice", made(DIFFERING, "bill_differences", DIFFERENCE)),
    (
        "bill_differences_once",
        "the same difference twice, of no community",
        made(
            [*BILLED, insert("bill_differences", DIFFERENCE, community_id="NULL")],
            "bill_differences",
            DIFFERENCE,
            community_id="NULL",
        ),
    ),
    (
        "bill_differences_same_community",
        "an order of another community",
        made([*ORDERED, *BILLED], "bill_differences", DIFFERENCE, order_id=last("orders"), community_id=YL),
    ),
    (
        "bill_differences_order_has_community",
        "an order of no community",
        made([*ORDERED, *BILLED], "bill_differences", DIFFERENCE, order_id=last("orders"), community_id="NULL"),
    ),
    ("bill_differences_source", "of no bill", made(BILLED, "bill_differences", DIFFERENCE, source="'rumour'")),
    ("bill_differences_kind", "of no kind", made(BILLED, "bill_differences", DIFFERENCE, kind="'odd'")),
    ("bill_differences_differ", "no difference at all", made(BILLED, "bill_differences", DIFFERENCE, theirs_fen="100")),
    (
        "bill_differences_settled",
        "settled without a reason",
        [*DIFFERING, "UPDATE bill_differences SET settled_at = clock_now()"],
    ),
    ("bill_differences_terms", "other numbers afterwards", [*DIFFERING, "UPDATE bill_differences SET ours_fen = 1"]),
    ("bill_differences_terms", "a difference that vanishes", [*DIFFERING, "DELETE FROM bill_differences"]),
]
