"""One attempt to break each constraint on slips, matches, changes of use and corrections, by raw SQL as the owner."""

from tests.deciding import decided, resolved
from tests.house.violations_fund import (
    BANKED,
    CAMPAIGN,
    CHEN,
    DELIBERATED,
    JY,
    LINE,
    OPEN,
    PAID,
    RAISING,
    REFUND,
    TRANSFER,
    YL,
    ZHAO,
    insert,
    last,
    made,
    update,
)

FIRST_CAMPAIGN = "(SELECT min(id) FROM campaigns)"
MATCH = {
    "community_id": JY,
    "campaign_id": last("campaigns"),
    "unit": "'物业'",
    "for_each_fen": "1",
    "adds_fen": "2",
    "cap_fen": "1000",
    "state": "'entered'",
    "entered_by_id": CHEN,
    "moderation": "'passed'",
}
SLIP = {
    "community_id": JY,
    "kind": "'gift'",
    "state": "'entered'",
    "campaign_id": last("campaigns"),
    "via": "'cash'",
    "amount_fen": "100",
    "note": "'收据'",
    "entered_by_id": CHEN,
}
CHANGE = {
    "community_id": JY,
    "campaign_id": last("campaigns"),
    "resolution_id": last("resolutions"),
    "title": "'坡道'",
    "body": "'改建'",
    "amount_fen": "50",
    "raised_fen": "100",
    "refund_until": "clock_now() + interval '15 days'",
    "state": "'announced'",
    "announced_by_id": CHEN,
    "moderation": "'passed'",
}
ACCOUNT_CAMPAIGN = (
    "INSERT INTO accounts (community_id, kind, campaign_id) SELECT community_id, 'campaign', id FROM campaigns"
)
SIGNED = {"state": "'posted'", "decided_by_id": ZHAO, "decided_at": "clock_now()"}
UPLOADED = [
    "INSERT INTO pictures (sha256, width, height) VALUES (sha256('x'), 1, 1)",
    f"INSERT INTO media (uploader_id, picture_id, purpose, moderation) SELECT {CHEN}, max(id), 'evidence', 'passed' "
    "FROM pictures",
]
KEPT = (
    "INSERT INTO attachments (community_id, media_id, subject_kind, subject_id, position) "
    f"VALUES ({JY}, {last('media')}, 'slip', {last('slips')}, 1)"
)
MATCHED = [*RAISING, insert("matches", MATCH)]
GIVEN = [*RAISING, insert("slips", SLIP)]
POSTED = [*BANKED, *GIVEN, *UPLOADED, KEPT, update("slips", SIGNED)]
BY_SLIP = {"source_kind": "'slip'", "source_id": last("slips")}
# A gift of 100 fen to the general fund, in the books.
BOOKED = [*POSTED, insert("transfers", TRANSFER, **BY_SLIP)]
COUNTER = TRANSFER | {
    "debit_account_id": TRANSFER["credit_account_id"],
    "credit_account_id": TRANSFER["debit_account_id"],
    "leg": "'counter_capture'",
    "corrects_id": last("transfers"),
}
UNDOING = {"kind": "'correction'", "via": "NULL", "transfer_id": last("transfers")}
RESOLVED_AGAIN = [DELIBERATED, resolved("2026-902")]
CHANGING = [*PAID, *RESOLVED_AGAIN, insert("use_changes", CHANGE)]
HANDED_BACK = {"kind": "'hand_back'", "gift_id": last("slips")}
FOR_CHANGE = {"use_change_id": last("use_changes")}

RELEASE = {
    "community_id": JY,
    "budget_line_id": last("budget_lines"),
    "campaign_id": last("campaigns"),
    "use_change_id": last("use_changes"),
    "amount_fen": "5",
}
RELEASING = [*CHANGING, insert("budget_lines", LINE)]
RELEASED = [*RELEASING, insert("line_releases", RELEASE)]

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    (
        "campaigns_extended_later",
        "a deadline put off to before the old one",
        [
            *OPEN,
            "ALTER TABLE campaigns DISABLE TRIGGER campaigns_terms",
            update("campaigns", {"extended_from": "deadline"}),
        ],
    ),
    ("campaigns_terms", "a deadline brought forward", [*OPEN, update("campaigns", {"deadline": "clock_now()"})]),
    (
        "campaigns_terms",
        "a deadline put off without the old one kept",
        [*OPEN, update("campaigns", {"deadline": "deadline + interval '1 day'"})],
    ),
    (
        "campaigns_terms",
        "a deadline put off twice",
        [
            *OPEN,
            update("campaigns", {"deadline": "deadline + interval '1 day'", "extended_from": "deadline"}),
            update("campaigns", {"deadline": "deadline + interval '1 day'", "extended_from": "deadline"}),
        ],
    ),
    (
        "campaigns_terms",
        "a deadline put off once it was decided",
        [
            *OPEN,
            update("campaigns", {"state": "'failed'"}),
            update("campaigns", {"deadline": "deadline + interval '1 day'", "extended_from": "deadline"}),
        ],
    ),
    (
        "campaigns_surplus_by_resolution",
        "a surplus to another campaign without a resolution",
        [*RAISING, insert("campaigns", CAMPAIGN), update("campaigns", {"surplus_campaign_id": FIRST_CAMPAIGN})],
    ),
    (
        "campaigns_surplus_to",
        "a surplus to a campaign that is not",
        [*RAISING, update("campaigns", {"surplus_campaign_id": "0", "surplus_resolution_id": last("resolutions")})],
    ),
    (
        "campaigns_surplus_resolution",
        "a surplus by a resolution that is not",
        [
            *RAISING,
            insert("campaigns", CAMPAIGN),
            update("campaigns", {"surplus_campaign_id": FIRST_CAMPAIGN, "surplus_resolution_id": "0"}),
        ],
    ),
    ("matches_same_community", "a match in another community", made(RAISING, "matches", MATCH, community_id=YL)),
    ("matches_ratio", "a match that adds nothing", made(RAISING, "matches", MATCH, adds_fen="0")),
    ("matches_cap", "a match without a cap", made(RAISING, "matches", MATCH, cap_fen="0")),
    (
        "matches_two_people",
        "countersigning one's own entry",
        [*MATCHED, update("matches", SIGNED | {"state": "'promised'", "decided_by_id": CHEN})],
    ),
    ("matches_decided", "promised by nobody", [*MATCHED, update("matches", {"state": "'promised'"})]),
    ("matches_road_begins", "promised from the beginning", made(RAISING, "matches", MATCH, state="'promised'")),
    (
        "matches_road_steps",
        "a promise taken back",
        [*MATCHED, update("matches", SIGNED | {"state": "'promised'"}), update("matches", {"state": "'declined'"})],
    ),
    ("matches_terms", "another cap than was promised", [*MATCHED, update("matches", {"cap_fen": "1"})]),
    ("matches_terms", "a promise that vanishes", [*MATCHED, "DELETE FROM matches"]),
    ("slips_of_campaign", "a slip for another community", made(RAISING, "slips", SLIP, community_id=YL)),
    (
        "slips_of_gift",
        "handing back another community's gift",
        made(GIVEN, "slips", SLIP | HANDED_BACK, community_id=YL, campaign_id="NULL"),
    ),
    (
        "slips_of_match",
        "paying the match of another campaign",
        made([*MATCHED, insert("campaigns", CAMPAIGN)], "slips", SLIP, kind="'match'", match_id=last("matches")),
    ),
    ("slips_amount", "a gift of nothing", made(RAISING, "slips", SLIP, amount_fen="0")),
    ("slips_via", "a gift in shells", made(RAISING, "slips", SLIP, via="'shells'")),
    (
        "slips_two_people",
        "countersigning one's own slip",
        [*GIVEN, update("slips", SIGNED | {"decided_by_id": CHEN})],
    ),
    ("slips_decided", "posted by nobody", [*GIVEN, update("slips", {"state": "'posted'"})]),
    ("slips_complete", "a gift that came no way", made(RAISING, "slips", SLIP, via="NULL")),
    ("slips_complete", "a slip of no kind", made(RAISING, "slips", SLIP, kind="'loan'")),
    ("slips_evidence", "posted without evidence", [*GIVEN, update("slips", SIGNED)]),
    ("slips_road_begins", "posted from the beginning", made(RAISING, "slips", SLIP | SIGNED)),
    (
        "slips_road_steps",
        "posted after it was turned down",
        [*GIVEN, update("slips", SIGNED | {"state": "'declined'"}), update("slips", {"state": "'posted'"})],
    ),
    ("slips_terms", "another sum than was signed", [*GIVEN, update("slips", {"amount_fen": "1"})]),
    ("slips_terms", "a slip that vanishes", [*GIVEN, "DELETE FROM slips"]),
    (
        "slips_one_hand_back",
        "handing a gift back twice",
        [
            *GIVEN,
            insert("slips", SLIP | HANDED_BACK),
            insert("slips", SLIP | HANDED_BACK, gift_id="(SELECT max(gift_id) FROM slips)"),
        ],
    ),
    (
        "slips_one_correction",
        "undoing a transfer twice",
        made([*BOOKED, insert("slips", SLIP | UNDOING)], "slips", SLIP | UNDOING),
    ),
    ("transfers_signed_slip", "moving money unsigned", made([*BANKED, *GIVEN], "transfers", TRANSFER | BY_SLIP)),
    (
        "transfers_signed_slip",
        "moving another sum than was signed",
        made(POSTED, "transfers", TRANSFER | BY_SLIP, amount_fen="99"),
    ),
    (
        "transfers_counter_corrects",
        "a correction of nothing",
        made(BOOKED, "transfers", COUNTER, corrects_id="NULL"),
    ),
    ("transfers_mirror", "undoing a half", made(BOOKED, "transfers", COUNTER, amount_fen="50", source_id="2")),
    (
        "transfers_corrected_once",
        "undoing the same transfer again",
        [
            *BOOKED,
            insert("transfers", TRANSFER, source_id="2"),
            insert("transfers", COUNTER, source_id="3", corrects_id="(SELECT min(id) FROM transfers)"),
            insert("transfers", COUNTER, source_id="4", corrects_id="(SELECT min(id) FROM transfers)"),
        ],
    ),
    (
        "transfers_reserved",
        "spending what givers may still take back",
        [
            *CHANGING,
            *BANKED,
            ACCOUNT_CAMPAIGN,
            insert("transfers", TRANSFER, credit_account_id=last("accounts")),
            insert(
                "transfers",
                TRANSFER,
                debit_account_id=last("accounts"),
                credit_account_id=TRANSFER["credit_account_id"],
                amount_fen="51",
                leg="'surplus'",
            ),
        ],
    ),
    (
        "budget_lines_one_per_change",
        "two lines by one change of use",
        [
            *CHANGING,
            *made([insert("budget_lines", LINE, **FOR_CHANGE)], "budget_lines", LINE, **FOR_CHANGE),
        ],
    ),
    (
        "use_changes_same_community",
        "a change of use in another community",
        [
            *PAID,
            *(statement.replace("锦阳社区", "玉林社区") for statement in RESOLVED_AGAIN),
            insert("use_changes", CHANGE, community_id=YL),
        ],
    ),
    (
        "use_changes_resolution",
        "a change of use by another community's resolution",
        [
            *PAID,
            *(statement.replace("锦阳社区", "玉林社区") for statement in RESOLVED_AGAIN),
            insert("use_changes", CHANGE),
        ],
    ),
    ("use_changes_new_resolution", "a change of use by the resolution it has", made(PAID, "use_changes", CHANGE)),
    (
        "use_changes_new_resolution",
        "a change of use by a resolution that failed",
        [
            *PAID,
            decided(JY, CHEN, passed="false"),
            resolved("2026-902"),
            insert("use_changes", CHANGE),
        ],
    ),
    (
        "use_changes_one_per_resolution",
        "two changes of use by one resolution",
        [*CHANGING, update("use_changes", {"state": "'in_force'"}), insert("use_changes", CHANGE)],
    ),
    (
        "use_changes_one_at_a_time",
        "two changes of use at once",
        [
            *CHANGING,
            DELIBERATED,
            resolved("2026-903"),
            insert("use_changes", CHANGE),
        ],
    ),
    (
        "use_changes_amount",
        "changing the use of more than was raised",
        made([*PAID, *RESOLVED_AGAIN], "use_changes", CHANGE, amount_fen="101"),
    ),
    (
        "use_changes_window",
        "fourteen days to take one's share back",
        made([*PAID, *RESOLVED_AGAIN], "use_changes", CHANGE, refund_until="clock_now() + interval '14 days'"),
    ),
    (
        "use_changes_road_begins",
        "in force from the beginning",
        made([*PAID, *RESOLVED_AGAIN], "use_changes", CHANGE, state="'in_force'"),
    ),
    (
        "use_changes_road_steps",
        "announced again",
        [*CHANGING, update("use_changes", {"state": "'in_force'"}), update("use_changes", {"state": "'announced'"})],
    ),
    ("use_changes_terms", "another sum than was announced", [*CHANGING, update("use_changes", {"amount_fen": "1"})]),
    ("use_changes_terms", "a change of use that vanishes", [*CHANGING, "DELETE FROM use_changes"]),
    (
        "use_changes_of_line",
        "a change of use of no line",
        made([*PAID, *RESOLVED_AGAIN], "use_changes", CHANGE, budget_line_id="0"),
    ),
    ("line_releases_once", "two parts of one line by one change", made(RELEASED, "line_releases", RELEASE)),
    ("line_releases_amount", "nothing taken from a line", made(RELEASING, "line_releases", RELEASE, amount_fen="0")),
    ("line_releases_of_line", "a part of no line", made(RELEASING, "line_releases", RELEASE, campaign_id="0")),
    (
        "line_releases_same_community",
        "a part for another community",
        made(RELEASING, "line_releases", RELEASE, community_id=YL),
    ),
    (
        "line_releases_within_line",
        "more than the line holds",
        made(RELEASING, "line_releases", RELEASE, amount_fen="1000001"),
    ),
    ("line_releases_append_only", "a part given back", [*RELEASED, update("line_releases", {"amount_fen": "1"})]),
    ("refunds_of_change", "a refund for no change of use", made(PAID, "refunds", REFUND, use_change_id="0")),
    (
        "refunds_once_per_change",
        "taking one's share back twice",
        [
            *CHANGING,
            insert("refunds", REFUND | FOR_CHANGE, amount_fen="10"),
            insert("refunds", REFUND | FOR_CHANGE, amount_fen="10", number="2", out_refund_no="'CF1-R2'"),
        ],
    ),
]
