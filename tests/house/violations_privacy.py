"""One attempt to break each constraint on leaving, by raw SQL as the owner."""

GUEST = "(SELECT id FROM residents WHERE openid = 'guest')"
GONE = (
    "UPDATE residents SET left_at = clock_now(), openid = NULL, birth_year = NULL WHERE id = "
    "(SELECT id FROM residents WHERE nickname = '过客')"
)
WHO = "(SELECT id FROM residents WHERE left_at IS NOT NULL)"
JY = "(SELECT id FROM places WHERE name = '锦阳社区')"
HOME = f"(SELECT min(id) FROM households WHERE community_id = {JY})"
BUILDING = f"(SELECT min(id) FROM places WHERE kind = 'building' AND community_id = {JY})"
WISH = (
    "INSERT INTO wishes (community_id, author_id, approved_by_id, state, moderation, kind, title, body, claimers, "
    f"thanks_moderation) SELECT {JY}, min(id), max(id), 'open', 'passed', 'goods', 'w', 'w', 1, 'passed' "
    "FROM residents WHERE openid IN ('lin', 'chen')"
)
ACTIVITY = (
    "WITH a AS (INSERT INTO activities (community_id, kind, title, body, author_id, leader_id, cancel_hours, "
    f"moderation) SELECT {JY}, 'task', 't', 't', id, id, 2, 'passed' FROM residents WHERE openid = 'ma' RETURNING id) "
    f"INSERT INTO shifts (community_id, activity_id, capacity, taken, place_text) SELECT {JY}, id, 1, 0, 'p' FROM a"
)

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
    (
        "sessions_not_of_who_left",
        "logging in as who has left",
        [
            GONE,
            "INSERT INTO sessions (resident_id, token_hash, expires_at, ends_at) "
            f"VALUES ({WHO}, sha256('left'::bytea), clock_now(), clock_now())",
        ],
    ),
    (
        "memberships_not_of_who_left",
        "moving in as who has left",
        [
            GONE,
            "INSERT INTO memberships (community_id, household_id, resident_id, capacity) "
            f"VALUES ({JY}, {HOME}, {WHO}, 'owner')",
        ],
    ),
    (
        "role_grants_not_of_who_left",
        "a role for who has left",
        [GONE, f"INSERT INTO role_grants (resident_id, role, place_id) VALUES ({WHO}, 'committee', {JY})"],
    ),
    (
        "wish_claims_not_of_who_left",
        "a claim of who has left",
        [
            GONE,
            WISH,
            "INSERT INTO wish_claims (community_id, wish_id, wisher_id, resident_id, claimers, slot, hand, state, "
            f"due_at, reminded, ran_out, moderation) SELECT community_id, id, author_id, {WHO}, 1, 1, 1, 'held', "
            "clock_now(), false, false, 'passed' FROM wishes ORDER BY wishes.id DESC LIMIT 1",
        ],
    ),
    (
        "signups_not_of_who_left",
        "a seat of who has left",
        [
            GONE,
            ACTIVITY,
            "INSERT INTO signups (community_id, shift_id, resident_id, period, state, moderation) "
            f"SELECT community_id, id, {WHO}, 'empty', 'confirmed', 'passed' FROM shifts "
            "ORDER BY shifts.id DESC LIMIT 1",
        ],
    ),
]
