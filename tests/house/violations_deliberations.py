"""How each constraint and trigger on deliberations is violated in raw SQL; the last statement must be refused."""

JY = "(SELECT id FROM places WHERE name = '锦阳社区')"
YL = "(SELECT id FROM places WHERE name = '玉林社区')"
LIN, MEI, QIAN = (f"(SELECT id FROM residents WHERE openid = '{who}')" for who in ("lin", "mei", "qian"))
HOME = f"(SELECT household_id FROM memberships WHERE resident_id = {LIN} AND until_at IS NULL)"
VOTE = "(SELECT id FROM deliberations WHERE title = 'q')"
OTHER = "(SELECT id FROM deliberations WHERE title = 'other')"
ELECTOR = f"(SELECT id FROM electors WHERE deliberation_id = {VOTE} ORDER BY number LIMIT 1)"
RESOLUTION = "(SELECT id FROM resolutions WHERE number = '2026-001')"
HASH = "repeat('0', 64)"


def _deliberation(title: str = "q", **columns: str) -> str:
    asked = {
        "community_id": JY,
        "author_id": LIN,
        "form": "'open'",
        "title": f"'{title}'",
        "body": "'b'",
        "ballot_kind": "'yes_no'",
        "secret": "false",
        "roll": "'residents'",
        "rule": "'residents_meeting'",
        "discussion_until": "clock_now() + interval '1 day'",
        "voting_until": "clock_now() + interval '2 days'",
        "state": "'proposed'",
        "moderation": "'passed'",
    } | columns
    return f"INSERT INTO deliberations ({', '.join(asked)}) VALUES ({', '.join(asked.values())})"


def _option(vote: str = VOTE, community: str = JY, position: int = 1, title: str = "红") -> str:
    return (
        "INSERT INTO options (community_id, deliberation_id, position, title) "
        f"VALUES ({community}, {vote}, {position}, '{title}')"
    )


def _elector(
    number: int = 1, vote: str = VOTE, community: str = JY, resident: str = "NULL", household: str = "NULL"
) -> str:
    return (
        "INSERT INTO electors (community_id, deliberation_id, number, resident_id, household_id) "
        f"VALUES ({community}, {vote}, {number}, {resident}, {household})"
    )


def _ballot(
    choice: str = '{"choice": "yes"}',
    vote: str = VOTE,
    community: str = JY,
    elector: str = ELECTOR,
    nonce: str = "decode(repeat('00', 16), 'hex')",
) -> str:
    return (
        "INSERT INTO ballots (community_id, deliberation_id, elector_id, resident_id, choice, nonce, receipt) "
        f"VALUES ({community}, {vote}, {elector}, {LIN}, '{choice}', {nonce}, {HASH})"
    )


def _result(
    voted: int = 0, roll: int = 1, vote: str = VOTE, community: str = JY, passed: str = "true", tally: str = "[]"
) -> str:
    return (
        "INSERT INTO results (community_id, deliberation_id, roll_size, voted, tally, passed, explanation_zh, "
        f"explanation_en) VALUES ({community}, {vote}, {roll}, {voted}, '{tally}', {passed}, 'zh', 'en')"
    )


def _resolution(**columns: str) -> str:
    said = {
        "community_id": JY,
        "deliberation_id": VOTE,
        "number": "'2026-001'",
        "title": "'q'",
        "rule": "'residents_meeting'",
        "binding": "true",
        "passed": "true",
        "explanation_zh": "'zh'",
        "explanation_en": "'en'",
        "counts": """'{"roll": 1, "voted": 0, "tally": []}'""",
        "roll_hash": HASH,
    } | columns
    return f"INSERT INTO resolutions ({', '.join(said)}) VALUES ({', '.join(said.values())})"


def _opened(title: str = "q") -> list[str]:
    """A vote that runs, with 小林 alone on its roll."""
    vote = f"(SELECT id FROM deliberations WHERE title = '{title}')"
    return [
        _deliberation(title),
        f"UPDATE deliberations SET state = 'discussion' WHERE id = {vote}",
        _elector(vote=vote, resident=LIN),
        "UPDATE deliberations SET state = 'voting', opened_at = clock_now(), roll_size = 1, "
        f"roll_hash = {HASH} WHERE id = {vote}",
    ]


DISCUSSED = _opened()[:2]
OPENED = _opened()
END = f"UPDATE deliberations SET state = 'decided', closed_at = clock_now() WHERE id = {VOTE}"
CLOSED = [*OPENED, _result(), END]
FAIL = END.replace("decided", "failed_quorum")

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("deliberations_dates", "the discussion ends before the vote", [_deliberation(voting_until="clock_now()")]),
    (
        "deliberations_dates",
        "a vote ends within 90 days",
        [_deliberation(voting_until="clock_now() + interval '91 days'")],
    ),
    ("deliberations_rule_fits_roll", "owners' rules are for owners", [_deliberation(rule="'owners_major'")]),
    ("deliberations_max_choices", "only an approval has a number of choices", [_deliberation(max_choices="2")]),
    (
        "deliberations_opened",
        "no vote without a roll",
        [*DISCUSSED, f"UPDATE deliberations SET state = 'voting' WHERE id = {VOTE}"],
    ),
    (
        "deliberations_open_in_sight",
        "no vote opens that is hidden",
        [*DISCUSSED, f"UPDATE deliberations SET moderation = 'hidden' WHERE id = {VOTE}", OPENED[-1]],
    ),
    (
        "deliberations_closed",
        "what is decided says when",
        [*OPENED, f"UPDATE deliberations SET state = 'decided' WHERE id = {VOTE}"],
    ),
    ("deliberations_counted", "nothing is decided that nobody counted (V5)", [*OPENED, END]),
    ("deliberations_counted", "nothing fails that nobody counted (V5)", [*OPENED, FAIL]),
    ("deliberations_road", "a deliberation begins as a proposal", [_deliberation(state="'discussion'")]),
    (
        "deliberations_road",
        "a step that the road does not have (M10)",
        [_deliberation(), f"UPDATE deliberations SET state = 'decided' WHERE id = {VOTE}"],
    ),
    (
        "deliberations_frozen",
        "the question stays once the vote has opened (V4)",
        [*OPENED, f"UPDATE deliberations SET title = 'p' WHERE id = {VOTE}"],
    ),
    (
        "deliberations_frozen",
        "the dates stay once the vote has opened (V4)",
        [*OPENED, f"UPDATE deliberations SET voting_until = voting_until + interval '1 hour' WHERE id = {VOTE}"],
    ),
    (
        "deliberations_frozen",
        "the rule stays once the vote has opened (V4)",
        [*OPENED, f"UPDATE deliberations SET rule = 'consultation' WHERE id = {VOTE}"],
    ),
    (
        "deliberations_frozen",
        "the moment of the close stays (V4)",
        [*CLOSED, f"UPDATE deliberations SET closed_at = closed_at - interval '1 hour' WHERE id = {VOTE}"],
    ),
    (
        "options_same_community",
        "options lie in their deliberation's community (T1)",
        [_deliberation(), _option(community=YL)],
    ),
    ("options_in_order", "one option at each place", [_deliberation(), _option(), _option(title="黄")]),
    ("options_distinct", "no option twice", [_deliberation(), _option(), _option(position=2)]),
    ("options_frozen", "no option joins an open vote (V4)", [*OPENED, _option()]),
    (
        "options_frozen",
        "no option changes in an open vote (V4)",
        [OPENED[0], _option(), *OPENED[1:], f"UPDATE options SET title = '黄' WHERE deliberation_id = {VOTE}"],
    ),
    (
        "options_frozen",
        "no option leaves an open vote (V4)",
        [OPENED[0], _option(), *OPENED[1:], f"DELETE FROM options WHERE deliberation_id = {VOTE}"],
    ),
    (
        "electors_same_community",
        "a roll lies in its vote's community (T1)",
        [*DISCUSSED, _elector(community=YL, resident=LIN)],
    ),
    (
        "electors_household_same_community",
        "no household of another community is on the roll (T1)",
        [
            *DISCUSSED,
            _elector(household=f"(SELECT id FROM households WHERE community_id = {YL} ORDER BY id LIMIT 1)"),
        ],
    ),
    ("electors_numbered", "one elector to a number", [*DISCUSSED, _elector(resident=LIN), _elector(resident=MEI)]),
    (
        "electors_resident_once",
        "nobody twice on a roll",
        [*DISCUSSED, _elector(resident=LIN), _elector(2, resident=LIN)],
    ),
    (
        "electors_household_once",
        "no household twice on a roll",
        [*DISCUSSED, _elector(household=HOME), _elector(2, household=HOME)],
    ),
    (
        "electors_one_kind",
        "an elector is a resident or a household",
        [*DISCUSSED, _elector(resident=LIN, household=HOME)],
    ),
    ("electors_one_kind", "an elector is somebody", [*DISCUSSED, _elector()]),
    ("electors_number", "numbers begin with one", [*DISCUSSED, _elector(0, resident=LIN)]),
    ("electors_frozen", "nobody joins the roll of an open vote (V2)", [*OPENED, _elector(2, resident=MEI)]),
    ("electors_frozen", "a proposal has no roll yet (V2)", [_deliberation(), _elector(resident=LIN)]),
    ("electors_append_only", "the roll does not change (V4)", [*OPENED, f"UPDATE electors SET resident_id = {MEI}"]),
    ("electors_append_only", "nobody leaves the roll (V4)", [*OPENED, f"DELETE FROM electors WHERE id = {ELECTOR}"]),
    ("electors_append_only", "the rolls are not emptied", ["TRUNCATE electors CASCADE"]),
    ("ballots_one_per_elector", "one ballot per elector (V1)", [*OPENED, _ballot(), _ballot()]),
    ("ballots_elector_on_this_roll", "a ballot lies in its vote's community (T1)", [*OPENED, _ballot(community=YL)]),
    (
        "ballots_elector_on_this_roll",
        "nobody votes from another vote's roll (V2)",
        [*OPENED, *_opened("other"), _ballot(vote=OTHER)],
    ),
    ("ballots_salted", "a receipt is salted", [*OPENED, _ballot(nonce="''::bytea")]),
    ("ballots_choice", "a choice fits its vote (V5)", [*OPENED, _ballot('{"choice": "maybe"}')]),
    (
        "ballots_choice",
        "an option belongs to its vote (V5)",
        [_deliberation("other"), _option(OTHER), *OPENED, _ballot('{"option_id": 1}')],
    ),
    ("ballots_only_while_voting", "no ballot after the close (V3)", [*CLOSED, _ballot()]),
    (
        "ballots_only_while_voting",
        "no ballot changes after the close (M4b)",
        [
            *OPENED,
            _ballot(),
            _result(voted=1),
            END,
            f'UPDATE ballots SET choice = \'{{"choice": "no"}}\' WHERE elector_id = {ELECTOR}',
        ],
    ),
    (
        "ballots_stay",
        "an open ballot stays in the box (M4b)",
        [*OPENED, _ballot(), f"DELETE FROM ballots WHERE elector_id = {ELECTOR}"],
    ),
    (
        "ballots_stay",
        "a ballot keeps its elector (M4b)",
        [*OPENED, _ballot(), f"UPDATE ballots SET elector_id = elector_id + 1 WHERE elector_id = {ELECTOR}"],
    ),
    ("results_deliberation_id_key", "a vote is counted once (V5)", [*OPENED, _result(), _result()]),
    ("results_same_community", "a result lies in its vote's community (T1)", [*OPENED, _result(community=YL)]),
    ("results_recount", "a result is the recount (V5)", [*OPENED, _ballot(), _result(voted=0)]),
    ("results_recount", "a result is of this roll (V5)", [*OPENED, _result(roll=2)]),
    ("results_recount", "nothing is counted after the close (V5)", [*CLOSED, _result()]),
    ("results_append_only", "a result does not change (M4)", [*OPENED, _result(), "UPDATE results SET passed = true"]),
    ("results_append_only", "a result is not deleted (M4)", [*OPENED, _result(), "DELETE FROM results"]),
    ("results_append_only", "results are not emptied (M4)", ["TRUNCATE results"]),
    (
        "resolutions_deliberation_id_key",
        "one resolution of a vote",
        [*CLOSED, _resolution(), _resolution(number="'2026-002'")],
    ),
    (
        "resolutions_same_community",
        "a resolution lies in its vote's community (T1)",
        [*CLOSED, _resolution(community_id=YL)],
    ),
    (
        "resolutions_numbered",
        "a number stands for one resolution of the community",
        [
            *CLOSED,
            *(one.replace("'q'", "'other'") for one in CLOSED),
            _resolution(),
            _resolution(deliberation_id=OTHER),
        ],
    ),
    ("resolutions_number", "a number is a year and a count", [*CLOSED, _resolution(number="'26-1'")]),
    ("resolutions_binding_says_passed", "what binds has passed or not", [*CLOSED, _resolution(passed="NULL")]),
    ("resolutions_binding_says_passed", "a statutory vote binds", [*CLOSED, _resolution(binding="false")]),
    (
        "resolutions_append_only",
        "a resolution does not change (M4)",
        [*CLOSED, _resolution(), "UPDATE resolutions SET passed = false"],
    ),
    (
        "resolutions_append_only",
        "a resolution is not deleted (M4)",
        [*CLOSED, _resolution(), "DELETE FROM resolutions"],
    ),
    ("resolutions_of_result", "no resolution while the vote runs (V5)", [*OPENED, _result(), _resolution()]),
    ("resolutions_of_result", "none of a vote that failed", [*CLOSED[:-1], FAIL, _resolution()]),
    ("resolutions_of_result", "a resolution asks what was asked", [*CLOSED, _resolution(title="'p'")]),
    ("resolutions_of_result", "a resolution rests on its roll", [*CLOSED, _resolution(roll_hash="repeat('1', 64)")]),
    ("resolutions_of_result", "a resolution passed as its vote did", [*CLOSED, _resolution(passed="false")]),
    (
        "resolutions_of_result",
        "a resolution has the figures of the count",
        [*CLOSED, _resolution(counts="""'{"roll": 1, "voted": 1, "tally": []}'""")],
    ),
    (
        "resolutions_of_result",
        "a resolution has the tally of the count",
        [*CLOSED, _resolution(counts="""'{"roll": 1, "voted": 0, "tally": [{"choice": "yes"}]}'""")],
    ),
    ("resolutions_append_only", "resolutions are not emptied (M4)", ["TRUNCATE resolutions CASCADE"]),
    (
        "role_grants_resolution",
        "a role rests on a resolution that exists",
        [
            "INSERT INTO role_grants (resident_id, role, place_id, granted_by_id, resolution_id) "
            f"VALUES ({MEI}, 'supervisor', {JY}, {QIAN}, 999999)"
        ],
    ),
    (
        "role_grants_resolution",
        "a role rests on a resolution of its own community",
        [
            *CLOSED,
            _resolution(),
            "INSERT INTO role_grants (resident_id, role, place_id, granted_by_id, resolution_id) "
            f"VALUES ({MEI}, 'supervisor', {YL}, {QIAN}, {RESOLUTION})",
        ],
    ),
]
