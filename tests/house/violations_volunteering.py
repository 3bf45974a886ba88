"""One attempt to break each constraint of volunteering, by raw SQL as the owner of the tables."""

from tests.house.violations_house import JY, LIN, MEI, YL

MA = "(SELECT id FROM residents WHERE openid = 'ma')"
ACTIVITY = (
    "INSERT INTO activities (id, community_id, kind, title, body, author_id, leader_id, cancel_hours, moderation) "
    f"VALUES (901, {JY}, '%s', 't', 'b', {MA}, {MA}, %s, 'passed')"
)
AN_ACTIVITY = ACTIVITY % ("service", 2)


def shift(shift_id: int = 911, community: str = JY, length: str = "2 hours", capacity: int = 2, taken: int = 0) -> str:
    """A shift from tomorrow on."""
    return (
        "INSERT INTO shifts (id, community_id, activity_id, starts_at, ends_at, capacity, taken, place_text) "
        f"VALUES ({shift_id}, {community}, 901, date_trunc('day', clock_now()) + interval '1 day', "
        f"date_trunc('day', clock_now()) + interval '1 day' + interval '{length}', {capacity}, {taken}, 'here')"
    )


def signup(signup_id: int = 921, shift_id: int = 911, who: str = LIN, state: str = "confirmed", **columns: str) -> str:
    """A sign-up for a shift, at its time."""
    names = "".join(f", {name}" for name in columns)
    values = "".join(f", {value}" for value in columns.values())
    return (
        f"INSERT INTO signups (id, community_id, shift_id, resident_id, state, period{names}) "
        f"SELECT {signup_id}, community_id, id, {who}, '{state}', period{values} FROM shifts WHERE id = {shift_id}"
    )


def record(who: str = LIN, minutes: int = 30, by: str = MA, confirmed_at: str = "1 year") -> str:
    """A service record of the sign-up above, confirmed a year from now."""
    return (
        "INSERT INTO service_records "
        "(created_at, community_id, shift_id, signup_id, resident_id, period, minutes, confirmed_by_id) "
        f"SELECT clock_now() + interval '{confirmed_at}', community_id, shift_id, id, {who}, period, {minutes}, {by} "
        "FROM signups WHERE id = 921"
    )


A_SHIFT = [AN_ACTIVITY, shift()]
A_SIGNUP = [*A_SHIFT, signup()]

A_RECORD = [*A_SIGNUP, record()]
A_TEAM = [
    "INSERT INTO volunteer_teams (id, community_id, name, body, founder_id, leader_id, moderation) "
    f"VALUES (931, {JY}, 'n', 'b', {LIN}, {LIN}, 'passed')",
    "INSERT INTO volunteer_team_members (id, community_id, team_id, resident_id, state) "
    f"VALUES (932, {JY}, 931, {LIN}, 'member')",
]
A_REASON = f"INSERT INTO reasons (id, author_id, text) VALUES (941, {MA}, 'because')"


def correction(minutes: int = 20, by: str = MA, number: int = 1, resident: str = "resident_id") -> str:
    """A correction of the record above."""
    return (
        "INSERT INTO service_corrections (created_at, community_id, record_id, resident_id, period, number, minutes, "
        f"corrected_by_id, reason_id) SELECT clock_now() + interval '1 year', community_id, id, {resident}, period, "
        f"{number}, {minutes}, {by}, 941 FROM service_records WHERE signup_id = 921"
    )


def dispute(state: str = "open", by: str = "NULL", resident: str = "resident_id") -> str:
    """A dispute over the record above."""
    return (
        "INSERT INTO service_disputes "
        "(community_id, record_id, resident_id, confirmed_by_id, state, resolved_by_id) "
        f"SELECT community_id, id, {resident}, confirmed_by_id, '{state}', {by} "
        "FROM service_records WHERE signup_id = 921"
    )


def spent(minutes: int = 30, helper: str = MEI) -> str:
    """小林 spends hours."""
    return (
        "INSERT INTO point_transfers (community_id, giver_id, helper_id, minutes) "
        f"VALUES ({JY}, {LIN}, {helper}, {minutes})"
    )


def certificate(
    code: str = "0123456789ABCDEFGHJK", number: str = "1", days: int = 1, minutes: int = 30, purpose: str = "study"
) -> str:
    """A certificate for 小林."""
    return (
        "INSERT INTO certificates (id, community_id, resident_id, code, number, name_masked, name_declared, from_on, "
        f"until_on, minutes, lines, issuer, purpose) VALUES (DEFAULT, {JY}, {LIN}, '{code}', '{number}', '林**', true, "
        f"'2026-01-01', date '2026-01-01' + {days}, {minutes}, '[]', 'x', '{purpose}')"
    )


def revoked(community: str = JY) -> str:
    """That certificate taken back."""
    return (
        "INSERT INTO certificate_revocations (community_id, certificate_id, revoked_by_id, reason_id) "
        f"SELECT {community}, id, {MA}, 941 FROM certificates"
    )


def volunteer(skills: str = "[]", who: str = LIN, calendar: str = "NULL") -> str:
    """What somebody offers."""
    return f"INSERT INTO volunteers (resident_id, skills, calendar_hash) VALUES ({who}, '{skills}', {calendar})"


VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("activities_kind", "a kind of activity that is none", [ACTIVITY % ("party", 2)]),
    ("activities_cancel_hours", "to be kept to one's word for a month", [ACTIVITY % ("service", 720)]),
    ("shifts_same_community", "a shift of another community's activity", [AN_ACTIVITY, shift(community=YL)]),
    ("shifts_times", "a shift that ends before it starts", [AN_ACTIVITY, shift(length="-1 hours")]),
    ("shifts_times", "a shift of more than a day", [AN_ACTIVITY, shift(length="25 hours")]),
    ("shifts_times", "a shift with a start only", [*A_SHIFT, "UPDATE shifts SET ends_at = NULL WHERE id = 911"]),
    ("shifts_capacity", "a shift for nobody", [AN_ACTIVITY, shift(capacity=0)]),
    ("shifts_taken", "three seats taken of two", [AN_ACTIVITY, shift(taken=3)]),
    ("shifts_taken", "fewer than none taken", [*A_SHIFT, "UPDATE shifts SET taken = taken - 1 WHERE id = 911"]),
    (
        "signups_same_shift",
        "a sign-up at another time than its shift's",
        [*A_SIGNUP, "UPDATE signups SET period = 'empty' WHERE id = 921"],
    ),
    ("signups_state", "a state that is none", [*A_SHIFT, signup(state="maybe")]),
    ("signups_queue", "waiting without a number", [*A_SHIFT, signup(state="waitlisted")]),
    ("signups_queue", "a number with a seat", [*A_SHIFT, signup(queue_number="1")]),
    (
        "signups_attendance",
        "came without a seat",
        [*A_SHIFT, signup(state="cancelled", checked_in_at="clock_now()", checked_in_by_id=MA)],
    ),
    ("signups_attendance", "let in by nobody", [*A_SHIFT, signup(checked_in_at="clock_now()")]),
    (
        "signups_departure",
        "left without having come",
        [*A_SHIFT, signup(checked_out_at="clock_now()", checked_out_by_id=MA)],
    ),
    (
        "signups_departure",
        "left before he came",
        [
            *A_SHIFT,
            signup(
                checked_in_at="clock_now()",
                checked_in_by_id=MA,
                checked_out_at="clock_now() - interval '1 hour'",
                checked_out_by_id=MA,
            ),
        ],
    ),
    ("signups_report", "minutes of a task that is not done", [*A_SHIFT, signup(reported_minutes="10")]),
    (
        "signups_no_overlap",
        "in two places at one time",
        [*A_SIGNUP, shift(912), signup(922, 912)],
    ),
    (
        "signups_one_live",
        "in the queue and in the seat of one shift",
        [*A_SIGNUP, signup(922, state="waitlisted", queue_number="1")],
    ),
    (
        "signups_one_queue_number",
        "two who wait with one number",
        [
            *A_SHIFT,
            signup(state="waitlisted", queue_number="1"),
            signup(922, who=MEI, state="waitlisted", queue_number="1"),
        ],
    ),
    ("service_records_of_the_signup", "hours of somebody else", [*A_SIGNUP, record(who=MEI)]),
    ("service_records_one_per_signup", "hours counted twice", [*A_SIGNUP, record(), record()]),
    ("service_records_not_by_oneself", "one's own hours", [*A_SIGNUP, record(by=LIN)]),
    ("service_records_minutes", "no time at all", [*A_SIGNUP, record(minutes=0)]),
    ("service_records_minutes", "an hour more than the shift allows", [*A_SIGNUP, record(minutes=181)]),
    ("service_records_minutes", "hours before the shift began", [*A_SIGNUP, record(confirmed_at="0 hours")]),
    (
        "service_records_append_only",
        "hours improved afterwards",
        [*A_SIGNUP, record(), "UPDATE service_records SET minutes = 60 WHERE signup_id = 921"],
    ),
    ("volunteers_once", "two lists of skills of one person", [volunteer(), volunteer()]),
    (
        "volunteers_one_calendar",
        "two calendars at one address",
        [volunteer(calendar="'\\x01'"), volunteer(who=MEI, calendar="'\\x01'")],
    ),
    ("volunteers_skills", "a skill nobody knows", [volunteer('["magic"]')]),
    ("volunteers_skills", "a skill that is no list", [volunteer('"driving"')]),
    (
        "volunteer_team_members_same_community",
        "a member counted elsewhere",
        [*A_TEAM, f"UPDATE volunteer_team_members SET community_id = {YL} WHERE id = 932"],
    ),
    (
        "volunteer_team_members_state",
        "a member half in",
        [*A_TEAM, "UPDATE volunteer_team_members SET state = 'maybe' WHERE id = 932"],
    ),
    (
        "volunteer_team_members_one_live",
        "in a team twice",
        [
            *A_TEAM,
            "INSERT INTO volunteer_team_members (community_id, team_id, resident_id, state) "
            f"VALUES ({JY}, 931, {LIN}, 'asked')",
        ],
    ),
    (
        "activities_team_of_community",
        "an activity of a team from elsewhere",
        [
            *A_TEAM,
            AN_ACTIVITY.replace(JY, YL),
            "UPDATE activities SET team_id = 931 WHERE id = 901",
        ],
    ),
    (
        "signups_team_of_community",
        "hours that count for a team from elsewhere",
        [
            "INSERT INTO volunteer_teams (id, community_id, name, body, founder_id, moderation) "
            f"VALUES (933, {YL}, 'n', 'b', {LIN}, 'passed')",
            *A_SIGNUP,
            "UPDATE signups SET team_id = 933 WHERE id = 921",
        ],
    ),
    ("shifts_state", "a state that is none", [*A_SHIFT, "UPDATE shifts SET state = 'maybe' WHERE id = 911"]),
    (
        "shifts_cancelled_are_empty",
        "called off with somebody in it",
        [AN_ACTIVITY, shift(taken=1), "UPDATE shifts SET state = 'cancelled' WHERE id = 911"],
    ),
    ("shifts_skills", "asked for what nobody knows", [*A_SHIFT, "UPDATE shifts SET skills = '[1]' WHERE id = 911"]),
    ("shifts_minimum_age", "for nobody alive", [*A_SHIFT, "UPDATE shifts SET minimum_age = 200 WHERE id = 911"]),
    ("signups_reminded", "reminded thrice", [*A_SIGNUP, "UPDATE signups SET reminded = 3 WHERE id = 921"]),
    (
        "signups_no_show",
        "came and did not come",
        [*A_SHIFT, signup(checked_in_at="clock_now()", checked_in_by_id=MA, no_show="true")],
    ),
    ("service_corrections_of_the_record", "somebody else's hours", [*A_RECORD, A_REASON, correction(resident=MEI)]),
    ("service_corrections_one_by_one", "two at once", [*A_RECORD, A_REASON, correction(), correction()]),
    ("service_corrections_number", "corrected too often", [*A_RECORD, A_REASON, correction(number=21)]),
    ("service_corrections_not_by_oneself", "one's own", [*A_RECORD, A_REASON, correction(by=LIN)]),
    ("service_corrections_minutes", "less than nothing", [*A_RECORD, A_REASON, correction(minutes=-1)]),
    ("service_corrections_minutes", "more than possible", [*A_RECORD, A_REASON, correction(minutes=181)]),
    (
        "service_corrections_append_only",
        "a correction made to disappear",
        [*A_RECORD, A_REASON, correction(), "DELETE FROM service_corrections"],
    ),
    ("service_disputes_of_the_record", "over somebody else's hours", [*A_RECORD, dispute(resident=MEI)]),
    ("service_disputes_once", "over the same hours again", [*A_RECORD, dispute(), dispute()]),
    ("service_disputes_state", "decided by nobody", [*A_RECORD, dispute("resolved")]),
    ("service_disputes_by_another", "decided by who confirmed", [*A_RECORD, dispute("resolved", MA)]),
    ("service_disputes_by_another", "decided by oneself", [*A_RECORD, dispute("resolved", LIN)]),
    ("point_transfers_minutes", "nothing given", [*A_RECORD, spent(0)]),
    ("point_transfers_not_to_oneself", "to oneself", [*A_RECORD, spent(helper=LIN)]),
    ("points_not_overdrawn", "a minute more than there is", [*A_RECORD, spent(31)]),
    ("points_not_overdrawn", "the same hours twice", [*A_RECORD, spent(20), spent(20)]),
    (
        "point_transfers_append_only",
        "hours taken back",
        [*A_RECORD, spent(), "UPDATE point_transfers SET minutes = 1"],
    ),
    (
        "volunteer_teams_led_by_a_member",
        "led by somebody who is not in it",
        [*A_TEAM, f"UPDATE volunteer_teams SET leader_id = {MEI}"],
    ),
    (
        "volunteer_teams_led_by_a_member",
        "left by who leads it",
        [*A_TEAM, "SET CONSTRAINTS ALL IMMEDIATE", "UPDATE volunteer_team_members SET state = 'left'"],
    ),
    ("certificates_one_code", "two at one address", [certificate(), certificate(number="2")]),
    ("certificates_one_number", "two of one number", [certificate(), certificate("1123456789ABCDEFGHJK")]),
    ("certificates_code", "a code to be guessed", [certificate("1")]),
    ("certificates_period", "until before it began", [certificate(days=-1)]),
    ("certificates_minutes", "of nothing", [certificate(minutes=0)]),
    ("certificates_purpose", "for no purpose we know", [certificate(purpose="party")]),
    ("certificates_stand", "hours certified afterwards", [certificate(), "UPDATE certificates SET minutes = 99"]),
    ("certificates_stand", "a certificate made to disappear", [certificate(), "DELETE FROM certificates"]),
    ("certificate_revocations_same_community", "by another community", [A_REASON, certificate(), revoked(YL)]),
    ("certificate_revocations_once", "taken back twice", [A_REASON, certificate(), revoked(), revoked()]),
    (
        "certificate_revocations_append_only",
        "a revocation forgotten",
        [A_REASON, certificate(), revoked(), "DELETE FROM certificate_revocations"],
    ),
]
