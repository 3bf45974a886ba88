"""One attempt to break each constraint on the fund, by raw SQL as the owner of the tables."""

from tests.deciding import decided, resolved

JY = "(SELECT id FROM places WHERE name = '锦阳社区')"
YL = "(SELECT id FROM places WHERE name = '玉林社区')"
LIN = "(SELECT id FROM residents WHERE openid = 'lin')"
CHEN = "(SELECT id FROM residents WHERE openid = 'chen')"
ZHAO = "(SELECT id FROM residents WHERE openid = 'zhao')"


def last(table: str) -> str:
    """The id of the newest row of a table."""
    return f"(SELECT max(id) FROM {table})"


def insert(table: str, columns: dict[str, str], **changes: str) -> str:
    """Insert a row of SQL expressions, some of them changed."""
    row = columns | changes
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"


DELIBERATED = decided(JY, CHEN)
RESOLVED = resolved("2026-901")
CAMPAIGN = {
    "community_id": JY,
    "author_id": CHEN,
    "legal_path": "'community'",
    "kind": "'all_or_nothing'",
    "title": "'照明'",
    "body": "'换灯'",
    "goal_fen": "1000",
    "minimum_fen": "1000",
    "deadline": "clock_now() + interval '7 days'",
    "resolution_id": last("resolutions"),
    "state": "'draft'",
    "moderation": "'passed'",
}
CITED_NEED = {"community_id": JY, "campaign_id": last("campaigns"), "need_id": last("needs")}
LINE = {"community_id": JY, "campaign_id": last("campaigns"), "title": "'灯'", "amount_fen": "1000"}
TEAM = {
    "community_id": JY,
    "campaign_id": last("campaigns"),
    "founder_id": LIN,
    "name": "'点灯队'",
    "moderation": "'passed'",
}
MEMBER = {"community_id": JY, "campaign_id": last("campaigns"), "team_id": last("teams"), "resident_id": LIN}
PLEDGE = {
    "community_id": JY,
    "campaign_id": last("campaigns"),
    "giver_id": LIN,
    "kind": "'money'",
    "state": "'awaiting_payment'",
    "amount_fen": "100",
    "anonymous": "true",
    "moderation": "'passed'",
    "late": "false",
}
ORDER = {
    "community_id": JY,
    "pledge_id": last("pledges"),
    "out_trade_no": "'CF1'",
    "amount_fen": "100",
    "openid": "'lin'",
    "description": "'照明'",
    "state": "'created'",
    "expires_at": "clock_now()",
    "captured_fen": "0",
    "refund_reserved_fen": "0",
    "queries": "0",
}
CAPTURED = {"state": "'paid'", "captured_fen": "100", "transaction_id": "'T1'", "paid_at": "clock_now()"}
WRITTEN = (
    "INSERT INTO needs (community_id, author_id, state, service_class, field, title, body, endorsements, moderation) "
    f"VALUES ({JY}, {LIN}, 'submitted', 'care', 'safety', '灯', '灯坏了', 0, 'passed')"
)
REFUND = {
    "community_id": JY,
    "order_id": last("orders"),
    "number": "1",
    "out_refund_no": "'CF1-R1'",
    "amount_fen": "100",
    "reason": "'退'",
    "state": "'requested'",
    "tries": "0",
}
ACCOUNT = {"community_id": JY, "kind": "'general'"}
TRANSFER = {
    "community_id": JY,
    "debit_account_id": f"(SELECT id FROM accounts WHERE kind = 'bank' AND community_id = {JY})",
    "credit_account_id": f"(SELECT id FROM accounts WHERE kind = 'general' AND community_id = {JY})",
    "amount_fen": "100",
    "source_kind": "'pledge'",
    "source_id": "1",
    "leg": "'capture'",
}
HEARD = {"provider": "'wechat_pay'", "event_id": "'EV-1'"}


def capture(**changes: str) -> str:
    """Let the newest order be paid, in some way."""
    return update("orders", CAPTURED | changes)


def update(table: str, changes: dict[str, str]) -> str:
    """Set columns of the newest row of a table."""
    said = ", ".join(f"{name} = {value}" for name, value in changes.items())
    return f"UPDATE {table} SET {said} WHERE id = {last(table)}"


CITED = [DELIBERATED, RESOLVED]
RAISING = [*CITED, insert("campaigns", CAMPAIGN)]
PLEDGED = [*RAISING, insert("pledges", PLEDGE)]
ORDERED = [*PLEDGED, insert("orders", ORDER)]
PAID = [*ORDERED, capture()]
SECOND = insert("orders", ORDER, out_trade_no="'CF2'")
OWED = [*PAID, insert("refunds", REFUND)]
TEAMED = [*RAISING, insert("teams", TEAM)]
JOINED = [*TEAMED, insert("team_members", MEMBER)]
BUDGETED = [*RAISING, insert("budget_lines", LINE)]
SUBMITTED = [*RAISING, update("campaigns", {"state": "'in_review'", "submitted_by_id": CHEN})]
OPEN = [*SUBMITTED, update("campaigns", {"state": "'open'", "published_by_id": ZHAO})]
NEEDED = [*RAISING, WRITTEN, insert("campaign_needs", CITED_NEED)]
BANKED = [insert("accounts", ACCOUNT, kind="'bank'"), insert("accounts", ACCOUNT)]
MOVED = [*BANKED, insert("transfers", TRANSFER)]

ADOPTED = insert("pledges", PLEDGE, kind="'adoption'", budget_line_id=last("budget_lines"))
ANOTHER_CAMPAIGN = [*BUDGETED, insert("teams", TEAM), insert("campaigns", CAMPAIGN)]
FIRST_LINE, FIRST_TEAM = "(SELECT max(id) FROM budget_lines)", "(SELECT max(id) FROM teams)"


def made(before: list[str], table: str, columns: dict[str, str], **changes: str) -> list[str]:
    """The rows before, then a row that must be refused."""
    return [*before, insert(table, columns, **changes)]


VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("campaigns_resolution", "citing a resolution that is not", made(CITED, "campaigns", CAMPAIGN, resolution_id="0")),
    (
        "campaigns_resolution",
        "citing another community's resolution",
        made(CITED, "campaigns", CAMPAIGN, community_id=YL),
    ),
    ("campaigns_legal_path", "a path that is none", made(CITED, "campaigns", CAMPAIGN, legal_path="'lottery'")),
    ("campaigns_kind", "a kind that is none", made(CITED, "campaigns", CAMPAIGN, kind="'loan'")),
    ("campaigns_goal", "a goal of nothing", made(CITED, "campaigns", CAMPAIGN, goal_fen="0", minimum_fen="0")),
    ("campaigns_minimum", "a minimum above the goal", made(CITED, "campaigns", CAMPAIGN, minimum_fen="1001")),
    (
        "campaigns_period",
        "raising for longer than a year",
        made(CITED, "campaigns", CAMPAIGN, deadline="clock_now() + interval '366 days'"),
    ),
    (
        "campaigns_opens_before_deadline",
        "opening after the deadline",
        made(CITED, "campaigns", CAMPAIGN, opens_at="clock_now() + interval '8 days'"),
    ),
    (
        "campaigns_published_by_another",
        "publishing what one submitted",
        [*SUBMITTED, update("campaigns", {"state": "'open'", "published_by_id": CHEN})],
    ),
    ("campaigns_published_once_open", "open unpublished", [*SUBMITTED, update("campaigns", {"state": "'open'"})]),
    ("campaigns_published_once_open", "a published draft", made(CITED, "campaigns", CAMPAIGN, published_by_id=ZHAO)),
    ("campaigns_road_begins", "open from the beginning", made(CITED, "campaigns", CAMPAIGN, state="'open'")),
    ("campaigns_road_steps", "settled at once", [*OPEN, "UPDATE campaigns SET state = 'settled'"]),
    ("campaigns_road_steps", "open, then a draft again", [*OPEN, "UPDATE campaigns SET state = 'draft'"]),
    ("campaigns_terms", "a goal that moves", [*RAISING, "UPDATE campaigns SET goal_fen = 5000"]),
    (
        "campaigns_terms",
        "a deadline that moves",
        [*RAISING, "UPDATE campaigns SET deadline = deadline + interval '1 s'"],
    ),
    ("budget_lines_amount", "a line of nothing", made(RAISING, "budget_lines", LINE, amount_fen="0")),
    (
        "budget_lines_of_change",
        "a line by a change of use that is not",
        made(RAISING, "budget_lines", LINE, use_change_id="0"),
    ),
    (
        "budget_lines_same_community",
        "a line of another community",
        made(RAISING, "budget_lines", LINE, community_id=YL),
    ),
    ("budget_lines_append_only", "changing the budget", [*BUDGETED, "UPDATE budget_lines SET amount_fen = 1"]),
    ("budget_lines_append_only", "emptying the budgets", ["TRUNCATE budget_lines CASCADE"]),
    ("campaign_needs_once", "citing a need twice", made(NEEDED, "campaign_needs", CITED_NEED)),
    (
        "campaign_needs_same_community",
        "citing for another community's campaign",
        made([*RAISING, WRITTEN], "campaign_needs", CITED_NEED, community_id=YL),
    ),
    (
        "campaign_needs_of_community",
        "citing another community's need",
        made([*RAISING, WRITTEN.replace(JY, YL)], "campaign_needs", CITED_NEED),
    ),
    ("campaign_needs_append_only", "citing another need after all", [*NEEDED, "UPDATE campaign_needs SET need_id = 1"]),
    ("campaign_needs_append_only", "forgetting what was cited", ["TRUNCATE campaign_needs"]),
    ("teams_one_name", "two teams of one name", made(TEAMED, "teams", TEAM)),
    ("teams_same_community", "a team of another community", made(RAISING, "teams", TEAM, community_id=YL)),
    (
        "team_members_one_team",
        "in two teams of a campaign",
        [*JOINED, insert("teams", TEAM, name="'又一队'"), insert("team_members", MEMBER)],
    ),
    (
        "team_members_same_campaign",
        "in a team of another campaign",
        made([*TEAMED, insert("campaigns", CAMPAIGN)], "team_members", MEMBER),
    ),
    (
        "team_members_same_community",
        "helping from another community",
        made(TEAMED, "team_members", MEMBER, community_id=YL),
    ),
    ("pledges_same_community", "a pledge in another community", made(RAISING, "pledges", PLEDGE, community_id=YL)),
    (
        "pledges_line_of_campaign",
        "adopting a line of another campaign",
        made(ANOTHER_CAMPAIGN, "pledges", PLEDGE, kind="'adoption'", budget_line_id=FIRST_LINE),
    ),
    (
        "pledges_team_of_campaign",
        "brought by a team of another campaign",
        made(ANOTHER_CAMPAIGN, "pledges", PLEDGE, team_id=FIRST_TEAM),
    ),
    (
        "pledges_kind",
        "a kind that is none",
        made(RAISING, "pledges", PLEDGE, kind="'points'", state="'promised'", amount_fen="NULL"),
    ),
    ("pledges_amount", "a pledge of nothing", made(RAISING, "pledges", PLEDGE, amount_fen="0")),
    ("pledges_amount", "more than 10^12 fen", made(RAISING, "pledges", PLEDGE, amount_fen="1000000000001")),
    (
        "pledges_hours",
        "less than no time",
        made(RAISING, "pledges", PLEDGE, kind="'time'", state="'promised'", amount_fen="NULL", hours="0"),
    ),
    ("pledges_complete", "money without an amount", made(RAISING, "pledges", PLEDGE, amount_fen="NULL")),
    ("pledges_road", "money that is only promised", made(RAISING, "pledges", PLEDGE, state="'promised'")),
    ("pledges_road_begins", "paid from the beginning", made(RAISING, "pledges", PLEDGE, state="'paid'")),
    (
        "pledges_road_begins",
        "received from the beginning",
        made(RAISING, "pledges", PLEDGE, kind="'in_kind'", item="'灯'", state="'received'"),
    ),
    ("pledges_road_begins", "late from the beginning", made(RAISING, "pledges", PLEDGE, late="true")),
    ("pledges_one_adopter", "two adopters of a line", [*BUDGETED, ADOPTED, ADOPTED]),
    ("pledges_road_steps", "refunded before it was paid", [*PLEDGED, "UPDATE pledges SET state = 'refunded'"]),
    ("pledges_terms", "an amount that changes", [*PLEDGED, "UPDATE pledges SET amount_fen = 1"]),
    ("pledges_terms", "a pledge that vanishes", [*PLEDGED, "DELETE FROM pledges"]),
    ("orders_number_once", "two orders of one number", made(ORDERED, "orders", ORDER)),
    (
        "orders_transaction_once",
        "one payment for two orders",
        [*PAID, insert("pledges", PLEDGE), SECOND, capture()],
    ),
    (
        "orders_one_capture_per_pledge",
        "a pledge captured twice",
        [*PAID, SECOND, capture(transaction_id="'T2'")],
    ),
    ("orders_same_community", "an order in another community", made(PLEDGED, "orders", ORDER, community_id=YL)),
    ("orders_amount", "an order of nothing", made(PLEDGED, "orders", ORDER, amount_fen="0")),
    ("orders_paid_is_captured", "paid without a payment", [*ORDERED, update("orders", {"state": "'paid'"})]),
    ("orders_paid_is_captured", "captured in another amount", [*ORDERED, capture(captured_fen="99")]),
    ("orders_road_begins", "paid from the beginning", made(PLEDGED, "orders", ORDER, **CAPTURED)),
    (
        "orders_refunds_within_captured",
        "more back than came in",
        [*PAID, "UPDATE orders SET refund_reserved_fen = 101"],
    ),
    ("orders_prepaid_has_prepay_id", "prepaid without an id", [*ORDERED, update("orders", {"state": "'prepaid'"})]),
    ("orders_road_steps", "unpaying an order", [*PAID, "UPDATE orders SET state = 'closed'"]),
    ("orders_terms", "another payer", [*ORDERED, "UPDATE orders SET openid = 'mei'"]),
    ("orders_terms", "an order that vanishes", [*ORDERED, "DELETE FROM orders"]),
    ("refunds_number_once", "two refunds of one number", made(OWED, "refunds", REFUND, number="2")),
    (
        "refunds_one_number_per_order",
        "the same refund under another number",
        made(OWED, "refunds", REFUND, out_refund_no="'CF1-R9'"),
    ),
    (
        "refunds_refund_id_once",
        "one refund of WeChat's for two of ours",
        [
            *PAID,
            insert("refunds", REFUND, refund_id="'50'"),
            insert("refunds", REFUND, refund_id="'50'", number="2", out_refund_no="'CF1-R2'"),
        ],
    ),
    ("refunds_same_community", "a refund in another community", made(PAID, "refunds", REFUND, community_id=YL)),
    ("refunds_amount", "a refund of nothing", made(PAID, "refunds", REFUND, amount_fen="0")),
    ("refunds_at_most_fifty", "the fifty-first refund", made(PAID, "refunds", REFUND, number="51")),
    ("refunds_succeeded_has_refund_id", "succeeded by itself", [*OWED, update("refunds", {"state": "'succeeded'"})]),
    (
        "refunds_road_begins",
        "succeeded from the beginning",
        made(PAID, "refunds", REFUND, state="'succeeded'", refund_id="'50'"),
    ),
    (
        "refunds_road_steps",
        "asking again what has been closed",
        [*OWED, "UPDATE refunds SET state = 'closed'", "UPDATE refunds SET state = 'requested'"],
    ),
    ("refunds_terms", "another sum than was asked", [*OWED, "UPDATE refunds SET amount_fen = 1"]),
    ("refunds_terms", "a refund that vanishes", [*OWED, "DELETE FROM refunds"]),
    (
        "wechat_inbox_once",
        "hearing a notification twice",
        made([insert("wechat_inbox", HEARD)], "wechat_inbox", HEARD),
    ),
    ("accounts_kind", "an account of no kind", made([], "accounts", ACCOUNT, kind="'pocket'")),
    ("accounts_campaign", "a campaign's account of no campaign", made([], "accounts", ACCOUNT, kind="'campaign'")),
    (
        "accounts_same_community",
        "a campaign's account in another fund",
        made(RAISING, "accounts", ACCOUNT, community_id=YL, kind="'campaign'", campaign_id=last("campaigns")),
    ),
    ("accounts_one_of_a_kind", "two general accounts", made([insert("accounts", ACCOUNT)], "accounts", ACCOUNT)),
    ("accounts_terms", "an account that becomes another", [*BANKED, "UPDATE accounts SET kind = 'cash'"]),
    ("accounts_terms", "an account that vanishes", [*BANKED, "DELETE FROM accounts"]),
    ("transfers_once", "the same effect twice", made(MOVED, "transfers", TRANSFER)),
    ("transfers_amount", "moving nothing", made(BANKED, "transfers", TRANSFER, amount_fen="0")),
    (
        "transfers_from_one_to_another",
        "from a purse into itself",
        made(BANKED, "transfers", TRANSFER, credit_account_id=TRANSFER["debit_account_id"]),
    ),
    (
        "transfers_debit_in_fund",
        "out of another community's fund",
        made(
            [*BANKED, insert("accounts", ACCOUNT, community_id=YL)],
            "transfers",
            TRANSFER,
            debit_account_id=last("accounts"),
        ),
    ),
    (
        "transfers_credit_in_fund",
        "into another community's fund",
        made(
            [*BANKED, insert("accounts", ACCOUNT, community_id=YL)],
            "transfers",
            TRANSFER,
            credit_account_id=last("accounts"),
        ),
    ),
    (
        "transfers_no_overdraft",
        "spending what is not there",
        made(
            BANKED,
            "transfers",
            TRANSFER,
            debit_account_id=TRANSFER["credit_account_id"],
            credit_account_id=TRANSFER["debit_account_id"],
        ),
    ),
    ("transfers_append_only", "changing what was booked", [*MOVED, "UPDATE transfers SET amount_fen = 1"]),
    ("transfers_append_only", "deleting what was booked", [*MOVED, "DELETE FROM transfers"]),
    ("transfers_append_only", "emptying the books", ["TRUNCATE transfers"]),
]
