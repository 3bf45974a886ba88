"""One attempt to break each constraint of the house's own tables, by raw SQL as the owner of the tables."""

LIN = "(SELECT id FROM residents WHERE openid = 'lin')"
MEI = "(SELECT id FROM residents WHERE openid = 'mei')"
GUEST = "(SELECT id FROM residents WHERE openid = 'guest')"
QIAN = "(SELECT id FROM residents WHERE openid = 'qian')"
JY = "(SELECT id FROM places WHERE name = '锦阳社区')"
YL = "(SELECT id FROM places WHERE name = '玉林社区')"
BUILDING = "(SELECT id FROM places WHERE kind = 'building' ORDER BY id LIMIT 1)"
HOME = f"(SELECT household_id FROM memberships WHERE resident_id = {LIN} AND until_at IS NULL)"
CLAIM = (
    "INSERT INTO household_claims (community_id, building_id, resident_id, unit, room, capacity, birth_year, state, "
    f"decided_by_id) VALUES ({JY}, {BUILDING}, {GUEST}, '1', '1', 'owner', %s, 'pending', %s)"
)
GRANT = "INSERT INTO role_grants (resident_id, role, place_id, granted_by_id, until_at) VALUES "
HELP = (
    "INSERT INTO assistances (community_id, resident_id, assistant_id, consent_kind, witness_id, verb, subject_kind, "
    f"subject_id) VALUES ({JY}, {LIN}, %s, 'witness', %s, 'need.submitted', 'need', 1)"
)
EVENT = "INSERT INTO events (verb, subject_kind, subject_id, facts) VALUES ('x', 'need', 1, '{}')"
REASON = f"INSERT INTO reasons (author_id, text) VALUES ({LIN}, 'why')"
COMMENT = (
    "INSERT INTO comments (id, community_id, subject_kind, subject_id, author_id, parent_id, body, moderation) "
    f"VALUES (%s, {JY}, 'need', %s, {LIN}, %s, 'b', 'passed')"
)
SESSION = (
    "INSERT INTO sessions (resident_id, token_hash, expires_at, ends_at) "
    f"VALUES ({LIN}, %s, clock_now(), clock_now() %s)"
)
HASH = "sha256('a'::bytea)"
KEY = f"INSERT INTO idempotency_keys (resident_id, key, request_hash) VALUES ({LIN}, 'k', '')"

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("places_path_key", "two places on one path", [f"UPDATE places SET path = '/1/' WHERE id = {JY}"]),
    (
        "places_one_name_per_parent",
        "two communities of one name in a street",
        [f"UPDATE places SET name = '玉林社区' WHERE id = {JY}"],
    ),
    ("places_kind", "a kind of place that is none", [f"UPDATE places SET kind = 'planet' WHERE id = {JY}"]),
    (
        "places_only_districts_at_the_top",
        "a community above all",
        [f"UPDATE places SET parent_id = NULL WHERE id = {JY}"],
    ),
    (
        "places_community",
        "a community that does not know itself",
        [f"UPDATE places SET community_id = NULL WHERE id = {JY}"],
    ),
    ("residents_openid_key", "two people of one openid", [f"UPDATE residents SET openid = 'mei' WHERE id = {LIN}"]),
    (
        "residents_phone_index_key",
        "two people of one phone",
        [
            f"UPDATE residents SET phone_index = 'x', phone_sealed = {HASH} WHERE id = {LIN}",
            f"UPDATE residents SET phone_index = 'x', phone_sealed = {HASH} WHERE id = {MEI}",
        ],
    ),
    ("residents_birth_year", "born in the year 1800", [f"UPDATE residents SET birth_year = 1800 WHERE id = {LIN}"]),
    (
        "residents_phone_is_sealed",
        "a phone that can be found but not opened",
        [f"UPDATE residents SET phone_index = 'x' WHERE id = {LIN}"],
    ),
    (
        "residents_sealed_is_ciphertext",
        "a real name in the clear",
        [f"UPDATE residents SET name_sealed = '小林' WHERE id = {LIN}"],
    ),
    (
        "sessions_token_hash_key",
        "one token, two sessions",
        [SESSION % (HASH, ""), SESSION % (HASH, "")],
    ),
    ("sessions_token_is_hashed", "a token in the clear", [SESSION % ("'token'", "")]),
    ("sessions_end", "a session that outlives its end", [SESSION % (HASH, "- interval '1 day'")]),
    (
        "households_one_per_room",
        "two households in one room",
        [
            "INSERT INTO households (community_id, building_id, unit, room) "
            f"SELECT community_id, building_id, unit, room FROM households WHERE id = {HOME}"
        ],
    ),
    (
        "households_one_per_room",
        "a room that is there, typed otherwise",
        [
            "INSERT INTO households (community_id, building_id, unit, room) "
            f"SELECT community_id, building_id, '０' || unit || '单元', room || ' 室' FROM households WHERE id = {HOME}"
        ],
    ),
    ("households_area", "a room of no area", [f"UPDATE households SET area_cm2 = 0 WHERE id = {HOME}"]),
    (
        "memberships_one_live",
        "at home in two households",
        [
            "INSERT INTO memberships (community_id, household_id, resident_id, capacity) "
            f"VALUES ({JY}, {HOME}, {MEI}, 'owner')"
        ],
    ),
    (
        "memberships_same_community",
        "a member of a household in another community",
        [
            "INSERT INTO memberships (community_id, household_id, resident_id, capacity) "
            f"VALUES ({YL}, {HOME}, {GUEST}, 'owner')"
        ],
    ),
    (
        "memberships_period",
        "gone before he came",
        [f"UPDATE memberships SET until_at = from_at - interval '1 s' WHERE resident_id = {LIN}"],
    ),
    ("household_claims_not_by_oneself", "confirming oneself", [CLAIM % (1990, GUEST)]),
    ("household_claims_birth_year", "a claimant born in 1800", [CLAIM % (1800, "NULL")]),
    ("household_claims_one_pending", "two claims at once", [CLAIM % (1990, "NULL"), CLAIM % (1990, "NULL")]),
    ("role_grants_not_to_oneself", "making oneself committee", [GRANT + f"({LIN}, 'committee', {JY}, {LIN}, NULL)"]),
    (
        "role_grants_period",
        "a role that ended before it began",
        [GRANT + f"({LIN}, 'committee', {JY}, {QIAN}, clock_now() - interval '1 day')"],
    ),
    (
        "role_grants_supervisor_has_resolution",
        "a supervisor without a resolution",
        [GRANT + f"({LIN}, 'supervisor', {JY}, {QIAN}, NULL)"],
    ),
    (
        "role_grants_one_live",
        "the same role twice",
        [GRANT + f"({LIN}, 'committee', {JY}, {QIAN}, NULL)", GRANT + f"({LIN}, 'committee', {JY}, {QIAN}, NULL)"],
    ),
    (
        "role_grants_last_officer",
        "revoking the last officer of a street",
        ["UPDATE role_grants SET until_at = clock_now() WHERE role = 'street_officer'"],
    ),
    ("assistances_of_another", "helping oneself", [HELP % (LIN, MEI)]),
    ("assistances_witness", "a witness who is the helper", [HELP % (MEI, MEI)]),
    ("events_append_only", "rewriting history", [EVENT, "UPDATE events SET verb = 'y'"]),
    ("events_append_only", "deleting history", [EVENT, "DELETE FROM events"]),
    ("events_append_only", "emptying history", ["TRUNCATE events"]),
    ("reasons_append_only", "rewriting a reason", [REASON, "UPDATE reasons SET text = 'other'"]),
    ("reasons_append_only", "emptying the reasons", ["TRUNCATE reasons CASCADE"]),
    ("idempotency_keys_once", "spending a key twice", [KEY, KEY]),
    (
        "comments_answer_stays_on_its_thing",
        "answering a comment about something else",
        [COMMENT % (-1, 1, "NULL"), COMMENT % (-2, 2, -1)],
    ),
]
