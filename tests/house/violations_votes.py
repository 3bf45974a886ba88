"""How each constraint and trigger on kinds of ballots, secret votes and archives is violated in raw SQL."""

from tests.house.violations_deliberations import (
    CLOSED,
    END,
    HASH,
    JY,
    LIN,
    MEI,
    OPENED,
    VOTE,
    YL,
    _ballot,
    _deliberation,
    _opened,
    _option,
    _resolution,
    _result,
)

BUDGET = {"ballot_kind": "'budget'", "budget_fen": "1000", "budget_count": "'greedy'"}


def _secret_ballot(
    choice: str = '{"choice": "yes"}', vote: str = VOTE, community: str = JY, receipt: str = HASH
) -> str:
    return (
        "INSERT INTO secret_ballots (community_id, deliberation_id, choice, receipt) "
        f"VALUES ({community}, {vote}, '{choice}', {receipt})"
    )


def _channelled(channel: str) -> str:
    return _ballot().replace("receipt) VALUES", "receipt, channel) VALUES").removesuffix(")") + f", '{channel}')"


def _archive(community: str = JY, digest: str = HASH, **said: str) -> str:
    """The archive of a vote of one elector who did not take part, written with its result."""
    content = {
        "deliberation_id": VOTE,
        "head": f"jsonb_build_object('text', E'linli-ballots/1\\n1\\n' || {HASH} || E'\\n')",
        "roll": f"jsonb_build_object('hash', {HASH}, 'size', 1)",
        "turnout": "'[0]'::jsonb",
        "withheld": "false",
        "ballots": "'[]'::jsonb",
        "tally": """'{"numbers": {}}'::jsonb""",
        "quorate": "true",
        "passed": "true",
        "resolution_number": "'2026-001'::text",
    } | said
    written = ", ".join(f"'{key}', {value}" for key, value in content.items())
    return (
        "INSERT INTO archives (community_id, deliberation_id, digest, content) "
        f"VALUES ({community}, {VOTE}, {digest}, jsonb_build_object({written})::text)"
    )


def _tallied(line: str, numbers: str) -> list[str]:
    """A vote of whose count this line remains, and an archive with these numbers."""
    figures = f'{{"roll": 1, "voted": 0, "tally": [{line}]}}'
    return [
        *OPENED,
        _result(tally=f"[{line}]"),
        END,
        _resolution(counts=f"'{figures}'"),
        _archive(tally=f"""'{{"numbers": {numbers}}}'::jsonb"""),
    ]


def _running(*options: str, **columns: str) -> list[str]:
    """A vote of another kind that runs, with 小林 alone on its roll."""
    return [_deliberation(**columns), *options, *_opened()[1:]]


RESOLVED = [*CLOSED, _resolution()]
SECRET = _running(secret="true")
MARK = f"UPDATE electors SET has_voted = true WHERE deliberation_id = {VOTE}"
CLOSE = f"{_result()}; {END}"

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("deliberations_max_score", "scores have a highest", [_deliberation(ballot_kind="'score'")]),
    ("deliberations_max_score", "nothing else has", [_deliberation(max_score="10")]),
    ("deliberations_max_score", "it is a point at least", [_deliberation(ballot_kind="'score'", max_score="0")]),
    ("deliberations_budget", "a budget is an amount", [_deliberation(**BUDGET | {"budget_fen": "NULL"})]),
    ("deliberations_budget", "a budget says how it is counted", [_deliberation(**BUDGET | {"budget_count": "NULL"})]),
    ("deliberations_budget", "an amount is bounded (M1)", [_deliberation(**BUDGET | {"budget_fen": "1000000000001"})]),
    ("deliberations_max_choices", "a budget names one and more", [_deliberation(**BUDGET, max_choices="0")]),
    (
        "deliberations_rule_fits_ballot",
        "scores cannot be weighed by area",
        [_deliberation(ballot_kind="'score'", max_score="10", roll="'owners'", rule="'owners_ordinary'")],
    ),
    (
        "deliberations_rule_fits_ballot",
        "a ballot with its area is no secret",
        [_deliberation(secret="true", roll="'owners'", rule="'owners_major'")],
    ),
    (
        "options_cost",
        "a project costs something (M1)",
        [_deliberation(), _option(), f"UPDATE options SET cost_fen = 0 WHERE deliberation_id = {VOTE}"],
    ),
    ("options_costed", "a project of a budget says what it costs", [_deliberation(**BUDGET), _option()]),
    (
        "options_external_once",
        "an imported project stands there once",
        [
            _deliberation(),
            _option(),
            _option(position=2, title="黄"),
            f"UPDATE options SET external_id = 'P1' WHERE deliberation_id = {VOTE}",
        ],
    ),
    (
        "electors_one_kind",
        "an elector is not imported and a resident",
        [
            *OPENED[:2],
            "INSERT INTO electors (community_id, deliberation_id, number, resident_id, external_id) "
            f"VALUES ({JY}, {VOTE}, 1, {LIN}, 'v1')",
        ],
    ),
    ("electors_append_only", "an open vote marks nobody (V4)", [*OPENED, MARK]),
    ("electors_append_only", "nobody is marked twice (V1)", [*SECRET, MARK, MARK]),
    (
        "electors_append_only",
        "a mark is not taken back (V1)",
        [*SECRET, MARK, MARK.replace("= true", "= false")],
    ),
    ("electors_append_only", "nobody is marked after the close (V3)", [*SECRET, CLOSE, MARK]),
    (
        "electors_append_only",
        "a mark changes nothing else (V4)",
        [*SECRET, MARK.replace("SET", f"SET resident_id = {MEI},")],
    ),
    (
        "electors_append_only",
        "a roll that is written again stays as it is (V4)",
        [*SECRET, CLOSE, f"UPDATE electors SET resident_id = {MEI} WHERE deliberation_id = {VOTE}"],
    ),
    ("electors_append_only", "a running roll is not written again", [*SECRET, MARK.replace("= true", "= has_voted")]),
    ("ballots_in_their_box", "no open ballot in a secret vote", [*SECRET, _ballot()]),
    ("ballots_in_their_box", "no secret ballot in an open vote", [*OPENED, _secret_ballot()]),
    ("ballots_channel", "a ballot came somehow", [*OPENED, _channelled("pigeon")]),
    (
        "ballots_entered",
        "what was imported has no voter here",
        [*OPENED, _channelled("import")],
    ),
    (
        "ballots_entered",
        "what came by phone has its voter",
        [*OPENED, _ballot(), "UPDATE ballots SET resident_id = NULL"],
    ),
    ("ballots_only_while_voting", "no secret ballot after the close (V3)", [*SECRET, CLOSE, _secret_ballot()]),
    ("ballots_choice", "a secret choice fits its vote (V5)", [*SECRET, _secret_ballot('{"choice": "maybe"}')]),
    *(
        (
            "ballots_choice",
            f"no such scores: {choice} (V5)",
            [*_running(_option(), ballot_kind="'score'", max_score="10"), _ballot(choice)],
        )
        for choice in ('{"scores": {"0": 5}}', '{"scores": [1]}', '{"ranking": []}', "{}", "null", '{"scores": null}')
    ),
    (
        "ballots_choice",
        "a point has no halves (V5)",
        [
            *_running(_option(), ballot_kind="'score'", max_score="10"),
            _ballot().replace(
                '\'{"choice": "yes"}\'',
                "(SELECT jsonb_build_object('scores', jsonb_build_object(id::text, 1.5)) FROM options "
                f"WHERE deliberation_id = {VOTE})",
            ),
        ],
    ),
    (
        "ballots_choice",
        "a ranking names an option once (V5)",
        [
            *_running(_option(), ballot_kind="'ranked'"),
            _ballot().replace(
                '\'{"choice": "yes"}\'',
                "(SELECT jsonb_build_object('ranking', jsonb_build_array(id, id)) FROM options "
                f"WHERE deliberation_id = {VOTE})",
            ),
        ],
    ),
    (
        "secret_ballots_same_community",
        "a secret ballot lies in its vote's community (T1)",
        [*SECRET, _secret_ballot(community=YL)],
    ),
    ("secret_ballots_receipt_once", "one ballot to a receipt", [*SECRET, _secret_ballot(), _secret_ballot()]),
    ("secret_ballots_receipt", "a receipt is a SHA-256", [*SECRET, _secret_ballot(receipt="'abc'")]),
    (
        "secret_ballots_stay",
        "a secret ballot never changes (M4b)",
        [*SECRET, _secret_ballot(), 'UPDATE secret_ballots SET choice = \'{"choice": "no"}\''],
    ),
    (
        "secret_ballots_stay",
        "nor when the vote is over (M4b)",
        [
            *SECRET,
            MARK,
            _secret_ballot(),
            f"{_result(voted=1)}; {END}",
            "UPDATE secret_ballots SET receipt = repeat('1', 64)",
        ],
    ),
    (
        "secret_ballots_stay",
        "it leaves the box only when the vote is over (M4b)",
        [*SECRET, _secret_ballot(), "DELETE FROM secret_ballots"],
    ),
    ("results_recount", "as many as are marked have voted (V5)", [*SECRET, _secret_ballot(), _result(voted=1)]),
    ("archives_deliberation_id_key", "a vote is archived once", [*RESOLVED, _archive(), _archive()]),
    ("archives_same_community", "an archive lies in its vote's community (T1)", [*RESOLVED, _archive(community=YL)]),
    ("archives_digest", "an archive has its SHA-256", [*RESOLVED, _archive(digest="'abc'")]),
    ("archives_of_result", "no archive while the vote runs (V5)", [*OPENED, _result(), _archive()]),
    *(
        ("archives_of_result", f"an archive has {what} (V5)", [*RESOLVED, _archive(**said)])
        for what, said in {
            "its own vote": {"deliberation_id": "0"},
            "the digest that its head has": {"digest": "repeat('1', 64)"},
            "the roll of the vote": {"roll": """'{"hash": "1", "size": 1}'::jsonb"""},
            "the turnout of the count": {"turnout": "'[1]'::jsonb"},
            "a ballot for each who voted": {"ballots": "'[{}]'::jsonb"},
            "the quorum that was met": {"quorate": "false"},
            "the end of the count": {"passed": "false"},
            "the number of its resolution": {"resolution_number": "'2026-002'::text"},
            "no numbers that the count has not": {"tally": """'{"numbers": {"yes": [1]}}'::jsonb"""},
            "what is withheld left out": {"withheld": "true"},
        }.items()
    ),
    ("archives_of_result", "an archive has the tally", _tallied('{"choice": "yes", "votes": 0}', '{"yes": [1]}')),
    (
        "archives_of_result",
        "an archive has the area that was counted",
        _tallied('{"choice": "yes", "votes": 0, "area_cm2": 5}', '{"yes": [0]}'),
    ),
    (
        "archives_append_only",
        "an archive does not change (M4)",
        [*RESOLVED, _archive(), "UPDATE archives SET content = ''"],
    ),
    ("archives_append_only", "an archive is not deleted (M4)", [*RESOLVED, _archive(), "DELETE FROM archives"]),
    ("archives_append_only", "archives are not emptied (M4)", ["TRUNCATE archives"]),
]
