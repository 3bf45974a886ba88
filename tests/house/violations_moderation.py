"""One attempt to break each constraint on checks, by raw SQL as the owner of the tables."""

LIN = "(SELECT id FROM residents WHERE openid = 'lin')"
CHECK = (
    "INSERT INTO checks (subject_kind, subject_id, author_id, speaker_id, state, tries, trace_ids, next_try_at, "
    f"why, decided_by_id) VALUES ('need', 1, {LIN}, {LIN}, %s, 0, '[]', clock_now(), %s, %s)"
)

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("checks_state", "a state nobody knows", [CHECK % ("'liked'", "NULL", "NULL")]),
    ("checks_one_live", "two checks of the same words at once", [CHECK % ("'pending'", "NULL", "NULL")] * 2),
    ("checks_queued_for_a_cause", "a human asked for no cause", [CHECK % ("'queued'", "NULL", "NULL")]),
    ("checks_decided_by_another", "deciding about one's own words", [CHECK % ("'passed'", "'review'", LIN)]),
    (
        "need_answers_append_only",
        "rewriting an answer while showing it",
        [
            "INSERT INTO needs (id, community_id, author_id, state, moderation, service_class, field, title, body, "
            f"endorsements) SELECT -9, id, {LIN}, 'submitted', 'passed', 'care', 'other', '灯', '坏了', 0 FROM places "
            "WHERE name = '锦阳社区'",
            "INSERT INTO need_answers (community_id, need_id, author_id, body) "
            f"SELECT community_id, id, {LIN}, '好' FROM needs WHERE id = -9",
            "UPDATE need_answers SET moderation = 'passed' WHERE need_id = -9",
            "UPDATE need_answers SET moderation = 'hidden', body = '不' WHERE need_id = -9",
        ],
    ),
    (
        "reasons_append_only",
        "rewriting a reason while showing it",
        [
            f"INSERT INTO reasons (author_id, text) VALUES ({LIN}, 'why')",
            "UPDATE reasons SET moderation = 'passed'",
            "UPDATE reasons SET moderation = 'hidden', text = 'other'",
        ],
    ),
]
