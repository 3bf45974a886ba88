"""One attempt to break each constraint on needs, by raw SQL as the owner of the tables."""

JY = "(SELECT id FROM places WHERE name = '锦阳社区')"
YL = "(SELECT id FROM places WHERE name = '玉林社区')"
LIN = "(SELECT id FROM residents WHERE openid = 'lin')"
MEI = "(SELECT id FROM residents WHERE openid = 'mei')"
NEED = "(SELECT max(id) FROM needs)"

RAISED = (
    "INSERT INTO needs (community_id, author_id, state, moderation, service_class, field, title, body, endorsements) "
    f"VALUES ({JY}, {LIN}, 'submitted', 'passed', 'care', 'elderly', '长椅', '没有地方坐', 0)"
)
ENDORSED = f"INSERT INTO endorsements (community_id, need_id, resident_id) VALUES (%s, {NEED}, {MEI})"
ANSWERED = f"INSERT INTO need_answers (community_id, need_id, author_id, body) VALUES (%s, {NEED}, {MEI}, %s)"
RATED = f"INSERT INTO need_ratings (community_id, need_id, resident_id, score) VALUES (%s, {NEED}, {MEI}, %s)"
LINKED = f"INSERT INTO need_links (community_id, need_id, kind, subject_id) VALUES (%s, {NEED}, 'wish', 1)"

BEFORE = "(SELECT max(id) FROM needs WHERE id < (SELECT max(id) FROM needs))"
MERGED = f"UPDATE needs SET (state, merged_into_id) = ROW('merged', {BEFORE}) WHERE id = {NEED}"
MERGED_BACK = f"UPDATE needs SET (state, merged_into_id) = ROW('merged', {NEED}) WHERE id = {BEFORE}"
HOP = (
    "INSERT INTO need_hops (community_id, need_id, place_id, from_level, level, due_at) "
    f"VALUES (%s, {NEED}, 1, %s, %s, clock_now() + interval '%s day')"
)
RULES = f"INSERT INTO need_rules (community_id, answer_days, decision_days, escalation_days) VALUES ({JY}, %s, %s, %s)"
CALENDAR = f"INSERT INTO calendars (place_id, days_off, working_days) VALUES ({JY}, '%s', '[]')"


def changed(column: str, value: str) -> list[str]:
    """Raise a need, then change one of its columns."""
    return [RAISED, f"UPDATE needs SET {column} = {value} WHERE id = {NEED}"]


VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("needs_state", "a state that is none", changed("state", "'reopened'")),
    ("needs_routed_somewhere", "routed nowhere", changed("state", "'routed'")),
    ("needs_done_at_a_time", "done at no time", changed("state", "'done'")),
    ("needs_rated_at_a_time", "rated at no time", changed("(state, done_at)", "('rated', clock_now())")),
    ("needs_endorsements", "less than nobody stands behind it", changed("endorsements", "-1")),
    ("needs_body", "a need of no words", changed("body", "''")),
    ("needs_help_comes_from_another", "helping oneself", changed("assistant_id", LIN)),
    ("endorsements_once", "standing behind a need twice", [RAISED, ENDORSED % JY, ENDORSED % JY]),
    ("endorsements_same_community", "support counted in another community", [RAISED, ENDORSED % YL]),
    ("need_answers_same_community", "answered by another community", [RAISED, ANSWERED % (YL, "'好的'")]),
    ("need_answers_body", "an answer of no words", [RAISED, ANSWERED % (JY, "''")]),
    (
        "need_answers_append_only",
        "rewriting an official answer",
        [RAISED, ANSWERED % (JY, "'好的'"), "UPDATE need_answers SET body = '没说过'"],
    ),
    (
        "need_answers_append_only",
        "deleting an official answer",
        [RAISED, ANSWERED % (JY, "'好的'"), "DELETE FROM need_answers"],
    ),
    ("need_answers_append_only", "emptying the answers", ["TRUNCATE need_answers"]),
    ("need_ratings_same_community", "rated in another community", [RAISED, RATED % (YL, 5)]),
    ("need_ratings_score", "six stars of five", [RAISED, RATED % (JY, 6)]),
    ("need_links_once", "the same link twice", [RAISED, LINKED % JY, LINKED % JY]),
    (
        "need_links_one_path",
        "a campaign made from what has become a wish",
        [RAISED, LINKED % JY, LINKED.replace("'wish'", "'campaign'") % JY],
    ),
    (
        "need_links_one_path",
        "a wish made from what is deliberated",
        [RAISED, LINKED.replace("'wish'", "'deliberation'") % JY, LINKED % JY],
    ),
    ("need_links_same_community", "a link in another community", [RAISED, LINKED % YL]),
    ("needs_level", "a level that is none", changed("(level, route)", "('city', 'escalation')")),
    ("needs_handed_up_by_route", "before the street without being handed up", changed("level", "'street'")),
    ("needs_urgency", "more urgent than urgent", changed("urgency", "'panic'")),
    (
        "needs_due_while_open",
        "due after it was withdrawn",
        changed("(state, due_at)", "('withdrawn', clock_now())"),
    ),
    ("needs_merged_somewhere", "merged into nothing", changed("state", "'merged'")),
    ("needs_not_merged_into_itself", "its own twin", changed("(state, merged_into_id)", "('merged', id)")),
    (
        "needs_merged_same_community",
        "merged into a need of another community",
        [RAISED, RAISED.replace("锦阳社区", "玉林社区"), MERGED],
    ),
    (
        "needs_merged_into_a_standing_one",
        "merged into one that was merged itself: a circle",
        [RAISED, RAISED, MERGED, MERGED_BACK],
    ),
    (
        "endorsements_brought_same_community",
        "support brought from another community",
        [
            RAISED.replace("锦阳社区", "玉林社区"),
            RAISED,
            f"INSERT INTO endorsements (community_id, need_id, resident_id, brought_from_id) "
            f"VALUES ({JY}, {NEED}, {MEI}, {BEFORE})",
        ],
    ),
    ("need_hops_same_community", "handed up by another community", [RAISED, HOP % (YL, "'grid'", "'street'", 1)]),
    ("need_hops_upwards", "handed up to where it lies", [RAISED, HOP % (JY, "'street'", "'street'", 1)]),
    ("need_hops_level", "handed up to nobody", [RAISED, HOP % (JY, "'grid'", "'city'", 1)]),
    ("need_hops_due_later", "due before it was handed up", [RAISED, HOP % (JY, "'grid'", "'street'", -1)]),
    (
        "need_hops_one_at_a_time",
        "before two levels at once",
        [RAISED, HOP % (JY, "'grid'", "'street'", 1), HOP % (JY, "'street'", "'district'", 1)],
    ),
    (
        "need_hops_ended",
        "ended in a way there is none",
        [RAISED, HOP % (JY, "'grid'", "'street'", 1), "UPDATE need_hops SET ended = 'lost', ended_at = clock_now()"],
    ),
    (
        "need_hops_ended_at_a_time",
        "ended at no time",
        [RAISED, HOP % (JY, "'grid'", "'street'", 1), "UPDATE need_hops SET ended = 'answered'"],
    ),
    ("need_rules_once", "two sets of due dates", [RULES % (3, 15, 5), RULES % (3, 15, 5)]),
    ("need_rules_days", "decided before it is answered", [RULES % (5, 4, 5)]),
    ("calendars_once", "two calendars of a place", [CALENDAR % "[]", CALENDAR % "[]"]),
    (
        "calendars_bounded",
        "more days off than a year has",
        [CALENDAR % ("[" + ",".join(['"2026-10-01"'] * 401) + "]")],
    ),
]
