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
    (
        "signups_same_shift",
        "a shift moved to another time under its sign-ups",
        [*A_SIGNUP, "UPDATE shifts SET starts_at = starts_at + interval '1 hour' WHERE id = 911"],
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
]
