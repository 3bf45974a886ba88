"""One attempt to break each constraint on reports, appeals and pauses, by raw SQL as the owner of the tables."""

from tests.house.violations_deliberations import _opened

LIN = "(SELECT id FROM residents WHERE openid = 'lin')"
MEI = "(SELECT id FROM residents WHERE openid = 'mei')"
CHEN = "(SELECT id FROM residents WHERE openid = 'chen')"
JY = "(SELECT id FROM places WHERE name = '锦阳社区')"
YL = "(SELECT id FROM places WHERE name = '玉林社区')"


def check(id_: int, *, state: str = "'hidden'", appeal_of: str = "NULL", plea: str = "NULL", by: str = CHEN) -> str:
    """An INSERT of a check of need 1."""
    return (
        "INSERT INTO checks (id, subject_kind, subject_id, community_id, author_id, speaker_id, state, tries, "
        f"trace_ids, next_try_at, why, decided_by_id, appeal_of_id, plea) VALUES ({id_}, 'need', 1, {JY}, {LIN}, "
        f"{LIN}, {state}, 0, '[]', clock_now(), 'by_hand', {by}, {appeal_of}, {plea})"
    )


def report(community: str = JY) -> str:
    """An INSERT of a report of check -9."""
    return f"INSERT INTO reports (community_id, check_id, reporter_id, reason) VALUES ({community}, -9, {MEI}, '广告')"


def pause(community: str = JY, until: str = "clock_now() + interval '7 days'") -> str:
    """An INSERT of a pause of 小林 for check -9."""
    return (
        f"INSERT INTO pauses (community_id, resident_id, check_id, until_at) VALUES ({community}, {LIN}, -9, {until})"
    )


APPEALED = check(-8, state="'queued'", appeal_of="-9", plea="'误会'", by="NULL")

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("reports_once", "reporting the same thing twice", [check(-9), report(), report()]),
    ("reports_same_community", "a report of another community's thing", [check(-9), report(YL)]),
    ("reports_append_only", "rewriting a report", [check(-9), report(), "UPDATE reports SET reason = '不'"]),
    ("checks_appeal_says_why", "an appeal without words", [check(-9), check(-8, appeal_of="-9")]),
    (
        "checks_one_appeal",
        "appealing twice",
        [check(-9), APPEALED, "UPDATE checks SET state = 'hidden' WHERE id = -8", APPEALED.replace("-8", "-7")],
    ),
    (
        "checks_appeal_of_hidden",
        "appealing against what is shown",
        [check(-9, state="'passed'"), APPEALED],
    ),
    (
        "checks_appeal_of_hidden",
        "appealing against what an appeal decided",
        [
            check(-9),
            APPEALED,
            "UPDATE checks SET state = 'hidden' WHERE id = -8",
            check(-7, state="'queued'", appeal_of="-8", plea="'误会'", by="NULL"),
        ],
    ),
    (
        "checks_appeal_by_another",
        "deciding an appeal against oneself",
        [check(-9), APPEALED, f"UPDATE checks SET state = 'hidden', decided_by_id = {CHEN} WHERE id = -8"],
    ),
    ("pauses_same_community", "a pause for another community's thing", [check(-9), pause(YL)]),
    (
        "pauses_last",
        "a pause that is over before it begins",
        [check(-9), pause(until="clock_now() - interval '1 day'")],
    ),
    (
        "pauses_lifted_by_another",
        "lifting one's own pause",
        [check(-9), pause(), f"UPDATE pauses SET lifted_at = clock_now(), lifted_by_id = {LIN}"],
    ),
    ("pauses_one_at_a_time", "two pauses at once", [check(-9), pause(), pause()]),
    (
        "deliberations_stay_in_sight",
        "hiding a vote that runs",
        [*_opened(), "UPDATE deliberations SET moderation = 'hidden' WHERE title = 'q'"],
    ),
]
