"""One attempt to break each constraint on leaving, by raw SQL as the owner."""

from models.residents import OWN_ROWS

GUEST = "(SELECT id FROM residents WHERE openid = 'guest')"
GONE = (
    "UPDATE residents SET left_at = clock_now(), openid = NULL, birth_year = NULL WHERE id = "
    "(SELECT id FROM residents WHERE nickname = '过客')"
)
WHO = "(SELECT id FROM residents WHERE left_at IS NOT NULL)"
JY = "(SELECT id FROM places WHERE name = '锦阳社区')"
BUILDING = f"(SELECT min(id) FROM places WHERE kind = 'building' AND community_id = {JY})"
# The guards come before all else: a row needs to say no more than whose it is, and that it is by his own hand.
BY_HIS_OWN_HAND = {"attendances": {"entered_by_id": WHO}, "events": {"subject_kind": "'need'"}}
ROWS = {table: {column: WHO} | BY_HIS_OWN_HAND.get(table, {}) for table, column in OWN_ROWS.items()}

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    (
        "residents_who_left_are_nobody",
        "leaving and keeping one's openid",
        [f"UPDATE residents SET left_at = clock_now() WHERE id = {GUEST}"],
    ),
    (
        "household_claims_say_when_born",
        "a claim to be decided without a year of birth",
        [
            "INSERT INTO household_claims (community_id, building_id, resident_id, unit, room, capacity, state, "
            f"moderation) VALUES ({JY}, {BUILDING}, {GUEST}, '1', '1', 'owner', 'pending', 'passed')"
        ],
    ),
    *(
        (
            f"{table}_not_of_who_left",
            f"a row of who has left in {table}",
            [GONE, f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"],
        )
        for table, row in ROWS.items()
    ),
]
