"""One attempt to break each constraint of messages and credits, by raw SQL as the owner of the tables."""

LIN = "(SELECT id FROM residents WHERE openid = 'lin')"
NOTICE = (
    "INSERT INTO notices (id, resident_id, kind, subject_kind, subject_id, params) "
    f"VALUES (9001, {LIN}, 'need.accepted', 'need', 1, '{{}}')"
)
DELIVERY = (
    "INSERT INTO deliveries (id, resident_id, notice_id, day, counts, template, state, due_at) "
    f"VALUES (%s, {LIN}, %s, %s, 'digest', '%s', clock_now())"
)
OF_A_NOTICE = DELIVERY % (9001, "9001", "NULL, NULL", "waiting")
OF_A_DAY = DELIVERY % ("%s", "NULL", "'2026-11-23', '{}'", "waiting")
CREDIT = f"INSERT INTO message_credits (resident_id, template_id, amount) VALUES ({LIN}, 't', %s)"
ENTRY = (
    "INSERT INTO credit_entries (id, resident_id, template_id, cause, change, matches_id) "
    f"VALUES (%s, {LIN}, 't', '%s', %s, %s)"
)
PREFERENCE = f"INSERT INTO notice_preferences (resident_id, quiet, switched_off) VALUES ({LIN}, true, '[]')"

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    (
        "deliveries_one_per_notice",
        "a notice sent twice",
        [NOTICE, OF_A_NOTICE, DELIVERY % (9002, "9001", "NULL, NULL", "waiting")],
    ),
    (
        "deliveries_one_digest_a_day",
        "two digests of one day",
        [OF_A_DAY % 9001, OF_A_DAY % 9002],
    ),
    (
        "deliveries_of_a_notice_or_a_day",
        "a message about nothing",
        [DELIVERY % (9001, "NULL", "NULL, NULL", "waiting")],
    ),
    ("deliveries_state", "a state that is none", [DELIVERY % (9001, "NULL", "'2026-11-23', '{}'", "flying")]),
    (
        "deliveries_sending",
        "sent, nobody knows when nor as what",
        [DELIVERY % (9001, "NULL", "'2026-11-23', '{}'", "sent")],
    ),
    (
        "deliveries_never_again",
        "what may have arrived waits again",
        [
            OF_A_DAY % 9001,
            "UPDATE deliveries SET state = 'unknown', sending_at = clock_now(), template_id = 't' WHERE id = 9001",
            "UPDATE deliveries SET state = 'waiting' WHERE id = 9001",
        ],
    ),
    ("message_credits_one_per_template", "two credits of one template", [CREDIT % 0, CREDIT % 0]),
    ("message_credits_amount", "a credit below zero", [CREDIT % -1]),
    ("message_credits_amount", "a credit beyond all measure", [CREDIT % 101]),
    (
        "credit_entries_matched_once",
        "one tap matched twice",
        [
            ENTRY % (9001, "reported", 1, "NULL"),
            ENTRY % (9002, "confirmed", 0, "9001"),
            ENTRY % (9003, "confirmed", 0, "9001"),
        ],
    ),
    ("credit_entries_change", "two messages for one consent", [ENTRY % (9001, "confirmed", 2, "NULL")]),
    (
        "credit_entries_change",
        "a tap counted again",
        [ENTRY % (9001, "reported", 1, "NULL"), ENTRY % (9002, "confirmed", 1, "9001")],
    ),
    ("credit_entries_change", "a ban that gives", [ENTRY % (9001, "banned", 1, "NULL")]),
    ("credit_entries_delivery", "spent on nothing", [ENTRY % (9001, "spent", -1, "NULL")]),
    (
        "credit_entries_append_only",
        "a consent undone",
        [ENTRY % (9001, "reported", 1, "NULL"), "UPDATE credit_entries SET change = 0 WHERE id = 9001"],
    ),
    ("notice_preferences_one_per_resident", "two wishes of one resident", [PREFERENCE, PREFERENCE]),
]
