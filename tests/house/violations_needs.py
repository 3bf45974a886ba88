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
    ("need_links_same_community", "a link in another community", [RAISED, LINKED % YL]),
]
