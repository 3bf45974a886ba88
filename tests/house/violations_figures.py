"""One attempt to break each constraint on the figures of places, by raw SQL as the owner of the tables."""

from tests.house.violations_needs import JY, LIN, NEED, RAISED, YL

ACCEPTED = f"UPDATE needs SET state = 'accepted' WHERE id = {NEED}"
MARKED = f"INSERT INTO figure_marks (community_id, until_on) VALUES ({JY}, '2026-11-01')"


def response(community: str = JY, step: str = "'decision'", hours: str = "1") -> str:
    """An INSERT of a response to the need."""
    return (
        f"INSERT INTO need_responses (community_id, need_id, step, hours) VALUES ({community}, {NEED}, {step}, {hours})"
    )


def figure(span: str = "day", from_on: str = "2026-11-02") -> str:
    """An INSERT of a figure."""
    return (
        "INSERT INTO figures (community_id, span, from_on, measure, dimension, amount) "
        f"VALUES ({JY}, '{span}', '{from_on}', 'needs', '', 1)"
    )


def took_part(deed: str = "wrote", month: int = 1) -> str:
    """An INSERT of a participation of 小林."""
    return (
        "INSERT INTO participations (community_id, resident_id, deed, months) "
        f"VALUES ({JY}, {LIN}, '{deed}', {month}::bit(1200))"
    )


VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("need_responses_once", "a second first answer", [RAISED, ACCEPTED, response(step="'answer'")]),
    ("need_responses_step", "a response of another kind", [RAISED, response(step="'word'")]),
    ("need_responses_hours", "an answer before the question", [RAISED, response(hours="-1")]),
    ("need_responses_same_community", "a response in another community", [RAISED, response(community=YL)]),
    (
        "need_responses_append_only",
        "answering sooner afterwards",
        [RAISED, ACCEPTED, "UPDATE need_responses SET hours = 0, late = false"],
    ),
    ("figure_entries_append_only", "forgetting a change", [RAISED, "DELETE FROM figure_entries"]),
    ("figures_once", "summing up a day twice", [figure(), figure()]),
    ("figures_span", "a month from the second on", [figure(span="month")]),
    ("figures_append_only", "changing a day that was summed up", [figure(), "UPDATE figures SET amount = 2"]),
    ("figure_marks_community_id_key", "two marks of one community", [MARKED, MARKED]),
    ("figure_marks_forward", "summing up again", [MARKED, "UPDATE figure_marks SET until_on = '2026-10-01'"]),
    ("participations_once", "one neighbour twice", [took_part(), took_part()]),
    ("participations_deed", "taking part in some other way", [took_part(deed="looked")]),
    ("participations_months", "taking part in no month", [took_part(month=0)]),
]
