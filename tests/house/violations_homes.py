"""How each constraint and trigger on homes through time, guardians, accounts and terms is violated in raw SQL."""

from tests.house.violations_deliberations import HOME, JY, LIN, MEI, QIAN, YL

SUN, CHEN = (f"(SELECT id FROM residents WHERE openid = '{who}')" for who in ("sun", "chen"))
CHANGE = "(SELECT max(id) FROM representative_changes)"
HASH = "sha256('a')"


def _insert(table: str, **said: str) -> str:
    return f"INSERT INTO {table} ({', '.join(said)}) VALUES ({', '.join(said.values())})"


def _record(community: str = JY, **columns: str) -> str:
    return _insert("household_records", **({"community_id": community, "household_id": HOME} | columns))


def _change(community: str = JY) -> str:
    return _insert(
        "representative_changes",
        community_id=community,
        household_id=HOME,
        resident_id=LIN,
        proposed_by_id=LIN,
        state="'pending'",
    )


def _vote(community: str = JY) -> str:
    return _insert("representative_votes", community_id=community, change_id=CHANGE, resident_id=LIN)


def _invitation(code: str = "a", slot: int = 1, **columns: str) -> str:
    said = {
        "community_id": JY,
        "household_id": HOME,
        "capacity": "'family'",
        "code_hash": f"sha256('{code}')",
        "made_by_id": LIN,
        "slot": str(slot),
        "expires_at": "clock_now()",
    } | columns
    return _insert("invitations", **said)


def _guardian(guardian: str = LIN, **columns: str) -> str:
    return _insert("guardianships", **({"community_id": JY, "child_id": MEI, "guardian_id": guardian} | columns))


def _link(recorded: str = LIN, newcomer: str = MEI, asked_by: str = QIAN, state: str = "pending") -> str:
    return _insert(
        "resident_links",
        community_id=JY,
        recorded_id=recorded,
        newcomer_id=newcomer,
        asked_by_id=asked_by,
        state=f"'{state}'",
    )


def _move(old: str = LIN, new: str = MEI, state: str = "pending", **columns: str) -> str:
    return _insert(
        "phone_moves", **({"community_id": JY, "old_id": old, "new_id": new, "state": f"'{state}'"} | columns)
    )


def _assistance(**columns: str) -> str:
    said = {
        "community_id": JY,
        "resident_id": LIN,
        "assistant_id": MEI,
        "consent_kind": "'voice'",
        "verb": "'need.endorsed'",
        "subject_kind": "'need'",
        "subject_id": "1",
    } | columns
    return _insert("assistances", **said)


def _grant(role: str, resident: str) -> str:
    return _insert("role_grants", resident_id=resident, role=f"'{role}'", place_id=JY)


RELATED = _insert(
    "relatives",
    low_id=f"least({SUN}, {LIN})",
    high_id=f"greatest({SUN}, {LIN})",
    kinship="'sibling'",
    declared_by_id=QIAN,
)

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("assistances_objection", "an objection says who made it and what it came to", [_assistance(outcome="'kept'")]),
    (
        "assistances_objected_by_another",
        "who helped does not object for the person",
        [_assistance(objected_at="clock_now()", objected_by_id=MEI, outcome="'kept'")],
    ),
    (
        "household_records_same_community",
        "a household lies in one community (T1)",
        [_record(YL, from_at="clock_now()", until_at="clock_now()")],
    ),
    (
        "household_records_period",
        "what ends begins before",
        [_record(from_at="clock_now()", until_at="clock_now() - interval '1 day'")],
    ),
    ("household_records_one_live", "one record of a household is the one of now", [_record()]),
    ("representative_changes_same_community", "a household lies in one community (T1)", [_change(YL)]),
    ("representative_changes_one_pending", "one proposal at a time", [_change(), _change()]),
    ("representative_votes_once", "everybody says yes once", [_change(), _vote(), _vote()]),
    ("representative_votes_same_community", "a yes lies where its proposal does (T1)", [_change(), _vote(YL)]),
    ("invitations_one_code", "a code invites once", [_invitation(), _invitation(slot=2)]),
    ("invitations_code_is_hashed", "a code is kept as its hash", [_invitation(code_hash="'7KQXW2MPD4TZ'")]),
    ("invitations_bounded", "five open invitations at most", [_invitation(slot=6)]),
    ("invitations_one_a_slot", "an open invitation has its slot alone", [_invitation(), _invitation("b")]),
    ("invitations_used", "who used it did so some time", [_invitation(used_by_id=MEI)]),
    (
        "invitations_used_or_revoked",
        "what was used is not revoked",
        [_invitation(used_by_id=MEI, used_at="clock_now()", revoked_at="clock_now()")],
    ),
    (
        "invitations_not_to_oneself",
        "nobody invites himself",
        [_invitation(used_by_id=LIN, used_at="clock_now()")],
    ),
    ("invitations_same_community", "a household lies in one community (T1)", [_invitation(community_id=YL)]),
    ("guardianships_of_another", "nobody is his own guardian", [_guardian(MEI)]),
    (
        "guardianships_named_by_another",
        "nobody names himself",
        [_guardian(named_by_id=LIN, consent_kind="'voice'")],
    ),
    ("guardianships_proved", "a guardian who was named consented in some way", [_guardian(named_by_id=QIAN)]),
    ("guardianships_ended", "what ended was ended by somebody", [_guardian(ended_at="clock_now()")]),
    ("guardianships_once", "a guardian consents once", [_guardian(), _guardian()]),
    ("resident_links_two_accounts", "two accounts are linked", [_link(newcomer=LIN)]),
    (
        "resident_links_asked",
        "nobody is linked whom the committee never asked",
        [_link(asked_by="NULL", state="confirmed")],
    ),
    ("resident_links_two_people", "the person and the committee are two people", [_link(asked_by=MEI)]),
    (
        "resident_links_one_pending",
        "one question to an account at a time",
        [_link(), _link(recorded=QIAN, asked_by=SUN)],
    ),
    (
        "resident_links_confirmed_once",
        "somebody on record begins to use WeChat once",
        [_link(state="confirmed"), _link(newcomer=SUN, state="confirmed")],
    ),
    ("phone_moves_two_accounts", "a number moves to another account", [_move(new=LIN)]),
    ("phone_moves_by_another", "nobody decides in his own cause", [_move(state="confirmed", decided_by_id=MEI)]),
    ("phone_moves_decided", "what was decided somebody decided", [_move(state="confirmed")]),
    ("phone_moves_one_pending", "one request of an account at a time", [_move(), _move(old=QIAN)]),
    (
        "role_grants_supervisor_or_committee",
        "a committee member does not supervise (居委会组织法 36)",
        [_grant("supervisor", CHEN)],
    ),
    (
        "role_grants_supervisor_unrelated",
        "a supervisor's relative does not sit on the committee (居委会组织法 36)",
        [RELATED, _grant("committee", LIN)],
    ),
]
