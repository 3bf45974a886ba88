"""One attempt to break each constraint on expenses and relatives, by raw SQL as the owner of the tables."""

from tests.deciding import decided
from tests.house.violations_fund import BUDGETED, CHEN, JY, LIN, LINE, YL, ZHAO, insert, last, made, update
from tests.house.violations_giving import BY_CHARITY
from tests.house.violations_money import CHANGE, RELEASE, RESOLVED_AGAIN

SUN = "(SELECT id FROM residents WHERE openid = 'sun')"
MEI = "(SELECT id FROM residents WHERE openid = 'mei')"
HIGH, LOW = f"greatest({LIN}, {CHEN})", f"least({LIN}, {CHEN})"
RELATIVE = {"low_id": LOW, "high_id": HIGH, "kinship": "'sibling'", "declared_by_id": LIN}
RULES = {
    "community_id": JY,
    "supervisor_above_fen": "500",
    "never_paid": "'[]'",
    "proposer_id": CHEN,
    "role": "'committee'",
}
EXPENSE = {
    "community_id": JY,
    "campaign_id": last("campaigns"),
    "budget_line_id": last("budget_lines"),
    "resolution_id": last("resolutions"),
    "requester_id": LIN,
    "payee": "'五金店'",
    "purpose": "'灯'",
    "amount_fen": "1000",
    "state": "'requested'",
    "moderation": "'passed'",
}
APPROVAL = {"community_id": JY, "expense_id": last("expenses"), "approver_id": CHEN, "role": "'committee'"}
RECEIPT = [
    "INSERT INTO pictures (sha256, width, height) VALUES (sha256('receipt'), 1, 1)",
    "INSERT INTO media (uploader_id, picture_id, purpose, moderation) "
    f"VALUES ({LIN}, {last('pictures')}, 'evidence', 'passed')",
    "INSERT INTO attachments (community_id, media_id, subject_kind, subject_id, position) "
    f"VALUES ({JY}, {last('media')}, 'expense', {last('expenses')}, 1)",
]
APPROVED = update("expenses", {"state": "'approved'"})
PAID = update("expenses", {"state": "'paid'", "paid_by_id": CHEN, "paid_at": "clock_now()", "reference": "'1'"})
FUNDED = [
    update("campaigns", {"state": "'in_review'", "submitted_by_id": CHEN}),
    update("campaigns", {"state": "'open'", "published_by_id": ZHAO}),
    update("campaigns", {"state": "'funded'"}),
]
ACCOUNTS = (
    "INSERT INTO accounts (community_id, kind, campaign_id) SELECT c.community_id, k.kind, "
    "CASE k.kind WHEN 'campaign' THEN c.id END FROM unnest(ARRAY['bank', 'campaign', 'expenses']) AS k (kind), "
    f"campaigns c WHERE c.id = {last('campaigns')}"
)
RAISED = (
    "INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, "
    "leg) SELECT d.community_id, d.id, c.id, 9000, 'pledge', 1, 'capture' FROM accounts d, accounts c "
    "WHERE d.kind = 'bank' AND c.kind = 'campaign'"
)


def spend(amount_fen: int = 1000, leg: str = "spent", source: str = "expense") -> str:
    """Move money from the campaign to the expenses."""
    return (
        "INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, "
        f"leg) SELECT d.community_id, d.id, c.id, {amount_fen}, '{source}', {last('expenses')}, '{leg}' "
        "FROM accounts d, accounts c WHERE d.kind = 'campaign' AND c.kind = 'expenses'"
    )


ASKED = [*BUDGETED, insert("expenses", EXPENSE)]
RECEIPTED = [*ASKED, *RECEIPT]
ONCE = [*RECEIPTED, insert("expense_approvals", APPROVAL)]
TWICE = [*ONCE, insert("expense_approvals", APPROVAL, approver_id=ZHAO)]
READY = [*TWICE, APPROVED]
SPENDING = [*READY, *FUNDED, ACCOUNTS, RAISED]
FIRST_LINE = "(SELECT min(id) FROM budget_lines)"
OTHER_CAMPAIGN = [*BUDGETED, *[step for step in BUDGETED if step.startswith("INSERT INTO campaigns")]]
FAILED = [decided(JY, CHEN, passed="false"), *BUDGETED[1:]]

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("relatives_in_order", "the higher first", made([], "relatives", RELATIVE, low_id=HIGH, high_id=LOW)),
    ("relatives_in_order", "one's own relative", made([], "relatives", RELATIVE, high_id=LOW)),
    ("relatives_kinship", "a kinship that is none", made([], "relatives", RELATIVE, kinship="'boss'")),
    ("relatives_one_live", "related twice", made([insert("relatives", RELATIVE)], "relatives", RELATIVE)),
    (
        "relatives_ended_by_somebody",
        "struck out by nobody",
        [insert("relatives", RELATIVE), update("relatives", {"ended_at": "clock_now()"})],
    ),
    (
        "relatives_terms",
        "another relative after all",
        [insert("relatives", RELATIVE), update("relatives", {"created_at": "created_at - interval '1 day'"})],
    ),
    ("relatives_terms", "forgetting a relative", [insert("relatives", RELATIVE), "DELETE FROM relatives"]),
    ("fund_rules_limit", "less than no limit", made([], "fund_rules", RULES, supervisor_above_fen="-1")),
    ("fund_rules_never_paid", "words that are no list", made([], "fund_rules", RULES, never_paid="'{}'")),
    ("fund_rules_role", "rules by a building head", made([], "fund_rules", RULES, role="'building_head'")),
    (
        "fund_rules_agreed_by_another",
        "agreeing with oneself",
        made([], "fund_rules", RULES, agreed_by_id=CHEN, in_force_at="clock_now()"),
    ),
    ("fund_rules_in_force", "in force by one alone", made([], "fund_rules", RULES, in_force_at="clock_now()")),
    (
        "fund_rules_terms",
        "another limit than was agreed to",
        [insert("fund_rules", RULES), update("fund_rules", {"supervisor_above_fen": "1"})],
    ),
    ("fund_rules_terms", "forgetting rules", [insert("fund_rules", RULES), "DELETE FROM fund_rules"]),
    ("expenses_same_community", "out of another community's", made(BUDGETED, "expenses", EXPENSE, community_id=YL)),
    (
        "expenses_line_of_campaign",
        "out of another campaign's line",
        made(OTHER_CAMPAIGN, "expenses", EXPENSE, budget_line_id=FIRST_LINE),
    ),
    ("expenses_resolution", "by no resolution", made(BUDGETED, "expenses", EXPENSE, resolution_id="0")),
    ("expenses_resolution_passed", "by a resolution that failed", made(FAILED, "expenses", EXPENSE)),
    ("expenses_from_a_line", "from no line", made(BUDGETED, "expenses", EXPENSE, budget_line_id="NULL")),
    ("expenses_amount", "paying nothing", made(BUDGETED, "expenses", EXPENSE, amount_fen="0")),
    (
        "expenses_paid_by_another",
        "paying oneself",
        [
            *BUDGETED,
            insert("expenses", EXPENSE, payee_resident_id=MEI),
            *RECEIPT,
            insert("expense_approvals", APPROVAL),
            insert("expense_approvals", APPROVAL, approver_id=ZHAO),
            APPROVED,
            *FUNDED,
            PAID.replace(CHEN, MEI),
        ],
    ),
    (
        "expenses_paid_by_no_requester",
        "paying what one asked for",
        [*SPENDING, PAID.replace(CHEN, LIN)],
    ),
    ("expenses_paid_says_how", "paid by nobody", [*SPENDING, update("expenses", {"state": "'paid'"})]),
    ("expenses_paid_says_how", "a reference before it is paid", [*ASKED, update("expenses", {"reference": "'1'"})]),
    ("expenses_road_begins", "approved from the beginning", made(BUDGETED, "expenses", EXPENSE, state="'approved'")),
    (
        "expenses_road_steps",
        "rejected, then asked again",
        [*ASKED, update("expenses", {"state": "'rejected'"}), update("expenses", {"state": "'requested'"})],
    ),
    ("expenses_terms", "another sum than was approved", [*READY, update("expenses", {"amount_fen": "2"})]),
    (
        "expenses_payee_kind",
        "a resident as a unit",
        made(BUDGETED, "expenses", EXPENSE, payee_kind="'unit'", payee_resident_id=MEI),
    ),
    (
        "expenses_terms",
        "a person who becomes a unit",
        [*READY, update("expenses", {"payee_kind": "'unit'"})],
    ),
    (
        "expenses_beside_changed_use",
        "spending what was set apart for another use",
        [
            *SPENDING,
            *RESOLVED_AGAIN,
            insert("use_changes", CHANGE),
            insert("budget_lines", LINE, amount_fen="8001", use_change_id=last("use_changes")),
            PAID,
        ],
    ),
    (
        "expenses_payee_no_resident",
        "a resident who is stated to be none",
        made(BUDGETED, "expenses", EXPENSE, payee_is_no_resident="true", payee_resident_id=MEI),
    ),
    (
        "expenses_on_path",
        "spending what a charity holds",
        [
            *BY_CHARITY,
            insert("budget_lines", LINE),
            insert("expenses", EXPENSE),
        ],
    ),
    (
        "expenses_undone",
        "undone past the books",
        [*SPENDING, PAID, spend(), update("expenses", {"state": "'corrected'"})],
    ),
    ("expenses_terms", "another payee", [*READY, update("expenses", {"payee_resident_id": CHEN})]),
    ("expenses_terms", "an expense that vanishes", [*ASKED, "DELETE FROM expenses"]),
    ("expenses_receipt", "approved without a receipt", [*ASKED, APPROVED]),
    ("attachments_receipt_once", "paid twice by one receipt", [*RECEIPTED, insert("expenses", EXPENSE), RECEIPT[2]]),
    ("expenses_two_approvals", "approved by one", [*ONCE, APPROVED]),
    (
        "expenses_two_approvals",
        "paid after an approver became a relative",
        [*SPENDING, insert("relatives", RELATIVE), PAID],
    ),
    (
        "expenses_two_approvals",
        "paid without a supervisor above the limit",
        [
            *SPENDING,
            insert("fund_rules", RULES, agreed_by_id=SUN, in_force_at="clock_now()"),
            PAID,
        ],
    ),
    ("expenses_campaign_spends", "out of what is not raised yet", [*READY, ACCOUNTS, RAISED, PAID]),
    (
        "expenses_within_budget",
        "more than the line",
        [step.replace("'灯', 1000)", "'灯', 999)") for step in [*SPENDING, PAID]],
    ),
    (
        "expenses_within_line",
        "more than a change of use has left of the line",
        [
            *SPENDING,
            *RESOLVED_AGAIN,
            insert("use_changes", CHANGE),
            insert("line_releases", RELEASE),
            PAID,
        ],
    ),
    ("expenses_posted", "paid past the books", [*SPENDING, PAID]),
    ("expense_approvals_once", "approving twice", made(ONCE, "expense_approvals", APPROVAL)),
    (
        "expense_approvals_same_community",
        "approving from another community",
        made(
            RECEIPTED,
            "expense_approvals",
            APPROVAL,
            community_id=YL,
            approver_id="(SELECT id FROM residents WHERE openid = 'deng')",
        ),
    ),
    ("expense_approvals_independent", "one's own", made(RECEIPTED, "expense_approvals", APPROVAL, approver_id=LIN)),
    (
        "expense_approvals_independent",
        "a relative's",
        made([*RECEIPTED, insert("relatives", RELATIVE)], "expense_approvals", APPROVAL),
    ),
    ("expense_approvals_eligible", "a neighbour", made(RECEIPTED, "expense_approvals", APPROVAL, approver_id=MEI)),
    ("expense_approvals_eligible", "as a reviewer", made(RECEIPTED, "expense_approvals", APPROVAL, role="'reviewer'")),
    (
        "expense_approvals_append_only",
        "taking an approval back",
        [*ONCE, "UPDATE expense_approvals SET role = 'supervisor'"],
    ),
    ("expense_approvals_append_only", "emptying the approvals", ["TRUNCATE expense_approvals CASCADE"]),
    ("transfers_spend_what_is_paid", "spending what is only approved", [*SPENDING, spend()]),
    ("transfers_spend_what_is_paid", "spending more than was approved", [*SPENDING, PAID, spend(1001)]),
    ("transfers_spend_what_is_paid", "spending by another name", [*SPENDING, spend(leg="surplus", source="campaign")]),
    (
        "campaigns_expenses_closed",
        "settled over an open expense",
        [
            *SPENDING,
            update("campaigns", {"state": "'implementing'"}),
            update("campaigns", {"state": "'accepted'"}),
            update("campaigns", {"state": "'settled'"}),
        ],
    ),
]
