"""How each constraint and trigger on comments, meetings, petitions and what follows is violated in raw SQL."""

from tests.deciding import decided, resolved
from tests.house.violations_deliberations import JY, LIN, MEI, VOTE, YL, _deliberation

COMMENT = "(SELECT id FROM comments WHERE body = 'c')"
MEETING = "(SELECT id FROM meetings WHERE title = 'm')"
PETITION = "(SELECT id FROM petitions WHERE title = 'p')"
RESOLUTION = "(SELECT id FROM resolutions WHERE number = '2026-777')"
WU_HOME = "(SELECT min(id) FROM households WHERE community_id <> " + JY + ")"
HOME = f"(SELECT household_id FROM memberships WHERE resident_id = {LIN} AND until_at IS NULL)"
IN_10_DAYS = "clock_now() + interval '10 days'"


def _insert(table: str, columns: dict[str, str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(columns.values())})"


def _comment(**columns: str) -> str:
    said = {
        "community_id": JY,
        "subject_kind": "'need'",
        "subject_id": "1",
        "author_id": LIN,
        "body": "'c'",
        "moderation": "'passed'",
    }
    return _insert("comments", said | columns)


def _support(**columns: str) -> str:
    return _insert("comment_supports", {"community_id": JY, "comment_id": COMMENT, "resident_id": MEI} | columns)


def _proposal(**columns: str) -> str:
    said = {
        "community_id": JY,
        "deliberation_id": VOTE,
        "author_id": LIN,
        "title": "'o'",
        "state": "'proposed'",
        "moderation": "'passed'",
    }
    return _insert("option_proposals", said | columns)


def _meeting(**columns: str) -> str:
    said = {
        "community_id": JY,
        "author_id": LIN,
        "kind": "'residents'",
        "roll": "'residents'",
        "title": "'m'",
        "body": "'b'",
        "starts_at": IN_10_DAYS,
        "ends_at": f"{IN_10_DAYS} + interval '1 hour'",
        "place_text": "'hall'",
        "state": "'planned'",
        "moderation": "'passed'",
        "minutes_moderation": "'passed'",
    }
    return _insert("meetings", said | columns)


def _soon(**columns: str) -> str:
    """A consultation that begins within the hour."""
    times = {
        "starts_at": "clock_now() + interval '30 minutes'",
        "ends_at": "clock_now() + interval '90 minutes'",
        "kind": "'consultation'",
    }
    return _meeting(**(times | columns))


def _point(**columns: str) -> str:
    said = {"community_id": JY, "meeting_id": MEETING, "position": "1", "title": "'a'", "duration_minutes": "5"}
    return _insert("agenda_items", said | columns)


def _about(**columns: str) -> str:
    said = {"community_id": JY, "meeting_id": MEETING, "deliberation_id": VOTE}
    return _insert("meeting_deliberations", said | columns)


def _attendance(**columns: str) -> str:
    said = {
        "community_id": JY,
        "meeting_id": MEETING,
        "resident_id": LIN,
        "household_id": HOME,
        "entered_by_id": LIN,
    }
    return _insert("attendances", said | columns)


def _petition(**columns: str) -> str:
    said = {
        "community_id": JY,
        "author_id": LIN,
        "roll": "'residents'",
        "title": "'p'",
        "body": "'b'",
        "state": "'open'",
        "moderation": "'passed'",
        "answer_moderation": "'passed'",
        "roll_size": "11",
        "needed": "2",
        "signatures": "0",
        "open_until": IN_10_DAYS,
    }
    return _insert("petitions", said | columns)


def _signature(**columns: str) -> str:
    said = {"community_id": JY, "petition_id": PETITION, "resident_id": LIN, "household_id": "NULL"}
    return _insert("petition_signatures", said | columns)


def _display(**columns: str) -> str:
    said = {
        "community_id": JY,
        "resolution_id": RESOLUTION,
        "where_text": "'gate'",
        "moderation": "'passed'",
        "put_up_by_id": LIN,
    }
    return _insert("resolution_displays", said | columns)


def _task(**columns: str) -> str:
    said = {
        "community_id": JY,
        "resolution_id": RESOLUTION,
        "author_id": LIN,
        "assignee_id": MEI,
        "title": "'t'",
        "moderation": "'passed'",
        "due_at": IN_10_DAYS,
        "state": "'open'",
        "note_moderation": "'passed'",
    }
    return _insert("follow_ups", said | columns)


def _review(**columns: str) -> str:
    said = {"community_id": JY, "deliberation_id": VOTE, "author_id": LIN, "body": "'b'", "moderation": "'passed'"}
    return _insert("deliberation_reviews", said | columns)


def _satisfaction(**columns: str) -> str:
    said = {"community_id": JY, "deliberation_id": VOTE, "resident_id": LIN, "score": "5"}
    return _insert("satisfactions", said | columns)


DISCUSSED = [_deliberation(), "UPDATE deliberations SET state = 'discussion' WHERE title = 'q'"]
OPENED = [
    *DISCUSSED,
    "UPDATE deliberations SET state = 'voting', opened_at = clock_now(), roll_size = 0, roll_hash = repeat('0', 64) "
    "WHERE title = 'q'",
]
DECIDED = [decided(JY, LIN, title="q"), resolved("2026-777")]
REVIEWED = [
    *DECIDED,
    "UPDATE deliberations SET state = 'implementing' WHERE title = 'q'",
    "UPDATE deliberations SET state = 'reviewed' WHERE title = 'q'",
]
HELD = "UPDATE meetings SET state = 'held', minutes = 'x', expected = 2, present = 1 WHERE title = 'm'"
BEGUN = [
    _soon(starts_at="clock_now() + interval '1 millisecond'"),
    "SELECT pg_sleep(0.01)",
]

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("comments_supports", "no support is owed", [_comment(supports="-1")]),
    (
        "comments_pinned",
        "an answer to a comment is not pinned",
        [_comment(), _comment(body="'d'", parent_id=COMMENT, pinned="true")],
    ),
    (
        "comments_hidden",
        "a reason belongs to what is hidden",
        [
            _comment(),
            f"INSERT INTO reasons (author_id, text, moderation) VALUES ({LIN}, 'r', 'passed')",
            "UPDATE comments SET hidden_for_id = (SELECT max(id) FROM reasons) WHERE body = 'c'",
        ],
    ),
    (
        "comments_one_pinned",
        "one official answer per thing",
        [_comment(pinned="true"), _comment(body="'d'", pinned="true")],
    ),
    ("comment_supports_once", "one supports once", [_comment(), _support(), _support()]),
    ("comment_supports_same_community", "supports stay at home (T1)", [_comment(), _support(community_id=YL)]),
    ("option_proposals_same_community", "proposals stay at home (T1)", [*DISCUSSED, _proposal(community_id=YL)]),
    ("option_proposals_cost", "nothing costs nothing", [*DISCUSSED, _proposal(cost_fen="0")]),
    ("option_proposals_state", "no such state", [*DISCUSSED, _proposal(state="'lost'")]),
    ("option_proposals_one_title", "the same wish stands once", [*DISCUSSED, _proposal(), _proposal()]),
    ("option_proposals_while_discussed", "nothing is proposed to a proposal", [_deliberation(), _proposal()]),
    (
        "option_proposals_while_discussed",
        "nothing is taken in once the vote is open",
        [*DISCUSSED, _proposal(), OPENED[-1], "UPDATE option_proposals SET state = 'accepted'"],
    ),
    ("meetings_state", "no such state", [_meeting(), "UPDATE meetings SET state = 'lost' WHERE title = 'm'"]),
    ("meetings_roll", "a consultation counts residents", [_meeting(kind="'consultation'", roll="'owners'")]),
    ("meetings_somewhere", "a meeting is somewhere", [_meeting(place_text="NULL")]),
    ("meetings_time", "a meeting is in the future", [_soon(starts_at="clock_now() - interval '1 s'")]),
    ("meetings_time", "a meeting ends within the day", [_meeting(ends_at=f"{IN_10_DAYS} + interval '25 hours'")]),
    (
        "meetings_notice",
        "ten days of notice",
        [_meeting(starts_at="clock_now() + interval '9 days'", ends_at="clock_now() + interval '9 days 1 hour'")],
    ),
    (
        "meetings_notice",
        "announced ten days ahead",
        [_meeting(), "UPDATE meetings SET announced_at = clock_now() + interval '1 day' WHERE title = 'm'"],
    ),
    ("meetings_held", "what was held has minutes", [*BEGUN, "UPDATE meetings SET state = 'held' WHERE title = 'm'"]),
    (
        "meetings_present",
        "no more came than were expected",
        [*BEGUN, HELD.replace("present = 1", "present = 3")],
    ),
    ("meetings_road", "a meeting begins as planned", [_meeting(state="'cancelled'")]),
    (
        "meetings_road",
        "what was called off is not held",
        [*BEGUN, "UPDATE meetings SET state = 'cancelled' WHERE title = 'm'", HELD],
    ),
    ("meetings_frozen", "what was announced stays", [_meeting(), "UPDATE meetings SET place_text = 'roof'"]),
    (
        "meetings_frozen",
        "the figures of a meeting stay",
        [*BEGUN, HELD, "UPDATE meetings SET present = 2 WHERE title = 'm'"],
    ),
    ("meetings_held_after_the_start", "nothing is held before it began", [_meeting(), HELD]),
    ("agenda_items_same_community", "points stay at home (T1)", [_meeting(), _point(community_id=YL)]),
    ("agenda_items_in_order", "one point per place", [_meeting(), _point(), _point()]),
    ("agenda_items_duration", "a point takes its time", [_meeting(), _point(duration_minutes="0")]),
    (
        "meeting_deliberations_same_meeting",
        "meetings stay at home (T1)",
        [_deliberation(), _meeting(community_id=YL), _about()],
    ),
    (
        "meeting_deliberations_same_community",
        "what it is about is of the community (T1)",
        [_deliberation(community_id=YL), _meeting(), _about()],
    ),
    ("meeting_deliberations_once", "a meeting is about it once", [_deliberation(), _meeting(), _about(), _about()]),
    ("attendances_same_community", "one attends at home (T1)", [_soon(community_id=YL), _attendance()]),
    (
        "attendances_household_same_community",
        "one's household is of the community (T1)",
        [_soon(), _attendance(household_id=WU_HOME)],
    ),
    ("attendances_once", "one attends once", [_soon(), _attendance(), _attendance()]),
    ("attendances_while_it_runs", "nobody attends days before", [_meeting(), _attendance()]),
    ("attendances_while_it_runs", "nobody attends afterwards", [*BEGUN, HELD, _attendance()]),
    ("attendances_append_only", "who came stays", [_soon(), _attendance(), "DELETE FROM attendances"]),
    ("attendances_append_only", "attendances are not emptied", ["TRUNCATE attendances"]),
    (
        "petitions_meeting_same_community",
        "the meeting is of the community (T1)",
        [
            _meeting(community_id=YL),
            _petition(),
            _signature(),
            _signature(resident_id=MEI),
            "UPDATE petitions SET state = 'reached', reached_at = clock_now(), answer_due_at = clock_now()",
            f"UPDATE petitions SET state = 'answered', answer = 'a', answered_at = clock_now(), meeting_id = {MEETING}",
        ],
    ),
    ("petitions_somebody_to_ask", "nobody is no roll", [_petition(roll_size="0", needed="0")]),
    ("petitions_signatures", "no signature is owed", [_petition(signatures="-1")]),
    ("petitions_needed", "one in ten of eleven are two", [_petition(needed="1")]),
    ("petitions_needed", "one in three of eleven are four", [_petition(roll="'representatives'", needed="3")]),
    (
        "petitions_reached",
        "one short is not enough",
        [
            _petition(),
            _signature(),
            "UPDATE petitions SET state = 'reached', reached_at = clock_now(), answer_due_at = clock_now()",
        ],
    ),
    ("petitions_answered", "an answer belongs to what was answered", [_petition(answer="'a'")]),
    ("petitions_road", "a petition begins open", [_petition(state="'reached'")]),
    (
        "petitions_road",
        "what lapsed is over",
        [_petition(), "UPDATE petitions SET state = 'lapsed'", "UPDATE petitions SET state = 'open'"],
    ),
    ("petitions_frozen", "what was signed stays", [_petition(), "UPDATE petitions SET body = 'other'"]),
    (
        "petition_signatures_same_community",
        "signatures stay at home (T1)",
        [_petition(), _signature(community_id=YL)],
    ),
    (
        "petition_signatures_household_same_community",
        "the household is of the community (T1)",
        [_petition(), _signature(household_id=WU_HOME)],
    ),
    ("petition_signatures_once", "one signs once", [_petition(), _signature(), _signature()]),
    (
        "petition_signatures_household_once",
        "a household signs once",
        [_petition(), _signature(household_id=HOME), _signature(resident_id=MEI, household_id=HOME)],
    ),
    (
        "petition_signatures_while_open",
        "nobody signs what is over",
        [_petition(open_until="clock_now()"), _signature()],
    ),
    (
        "petition_signatures_while_open",
        "nobody takes his name back from what is over",
        [_petition(), _signature(), "UPDATE petitions SET state = 'lapsed'", "DELETE FROM petition_signatures"],
    ),
    ("resolution_displays_same_community", "displays stay at home (T1)", [*DECIDED, _display(community_id=YL)]),
    (
        "resolution_displays_taken_down",
        "somebody took it down",
        [*DECIDED, _display(), f"UPDATE resolution_displays SET taken_down_by_id = {LIN}"],
    ),
    (
        "resolution_displays_days",
        "fifteen days by the clock, whatever is written",
        [
            *DECIDED,
            _display(from_at="clock_now() - interval '30 days'"),
            f"UPDATE resolution_displays SET until_at = clock_now() + interval '30 days', taken_down_by_id = {LIN}",
        ],
    ),
    (
        "resolution_displays_frozen",
        "when it was hung up stays",
        [*DECIDED, _display(), "UPDATE resolution_displays SET from_at = clock_now() - interval '20 days'"],
    ),
    ("follow_ups_same_community", "tasks stay at home (T1)", [*DECIDED, _task(community_id=YL)]),
    ("follow_ups_state", "no such state", [*DECIDED, _task(state="'lost'", ended_at="clock_now()")]),
    ("follow_ups_due", "a task is due later", [*DECIDED, _task(due_at="clock_now() - interval '1 s'")]),
    ("follow_ups_ended", "what is done has its time", [*DECIDED, _task(state="'done'")]),
    ("follow_ups_in_time", "nothing follows a review", [*REVIEWED, _task()]),
    ("deliberations_tasks_done", "nothing is reviewed half done", [*DECIDED, _task(), *REVIEWED[len(DECIDED) :]]),
    ("deliberation_reviews_deliberation_id_key", "one review", [*REVIEWED, _review(), _review()]),
    ("deliberation_reviews_same_community", "reviews stay at home (T1)", [*REVIEWED, _review(community_id=YL)]),
    (
        "deliberation_reviews_append_only",
        "what was reviewed stays",
        [*REVIEWED, _review(), "UPDATE deliberation_reviews SET body = 'better'"],
    ),
    ("deliberation_reviews_append_only", "reviews are not emptied", ["TRUNCATE deliberation_reviews"]),
    ("satisfactions_same_community", "one judges at home (T1)", [*REVIEWED, _satisfaction(community_id=YL)]),
    ("satisfactions_once", "one judges once", [*REVIEWED, _satisfaction(), _satisfaction()]),
    ("satisfactions_score", "one to five", [*REVIEWED, _satisfaction(score="6")]),
    ("satisfactions_when_reviewed", "nobody judges before the review", [*DECIDED, _satisfaction()]),
]
