"""How each constraint and trigger on rolls, thresholds, objections and paper ballots is violated in raw SQL."""

from tests.house.violations_deliberations import (
    DISCUSSED,
    ELECTOR,
    HASH,
    HOME,
    JY,
    LIN,
    MEI,
    OPENED,
    QIAN,
    VOTE,
    YL,
    _ballot,
)

GROUP = "(SELECT id FROM constituencies WHERE name = 'g')"
OTHER_GROUP = "(SELECT id FROM constituencies WHERE name = 'h')"
BUILDING = f"(SELECT id FROM places WHERE community_id = {JY} AND kind = 'building' ORDER BY id LIMIT 1)"
BATCH = "(SELECT min(id) FROM paper_batches)"


def _group(name: str = "g", community: str = JY) -> str:
    return f"INSERT INTO constituencies (community_id, name) VALUES ({community}, '{name}')"


def _rooms(count: int, group: str = GROUP) -> str:
    return (
        "INSERT INTO households (community_id, building_id, unit, room, constituency_id) "
        f"SELECT {JY}, {BUILDING}, 'X', n, {group} FROM generate_series(1, {count}) n"
    )


def _term(
    resident: str = LIN, group: str = GROUP, community: str = JY, until: str = "2027-01-01", **columns: str
) -> str:
    said = {
        "community_id": community,
        "constituency_id": group,
        "resident_id": resident,
        "from_on": "'2026-01-01'",
        "until_on": f"'{until}'",
        "minutes": "'m'",
        "recorded_by_id": QIAN,
    } | columns
    return f"INSERT INTO representatives ({', '.join(said)}) VALUES ({', '.join(said.values())})"


def _owner(resident: str = LIN, votes: str = "false", **columns: str) -> str:
    said = {
        "community_id": JY,
        "household_id": HOME,
        "resident_id": resident,
        "share_numerator": "1",
        "share_denominator": "2",
        "votes": votes,
        "recorded_by_id": QIAN,
    } | columns
    return f"INSERT INTO ownerships ({', '.join(said)}) VALUES ({', '.join(said.values())})"


def _rule(rule: str = "residents_meeting", recognised: str = "false", **columns: str) -> str:
    said = {"place_id": JY, "rule": f"'{rule}'", "recognised": recognised} | columns
    return f"INSERT INTO voting_rules ({', '.join(said)}) VALUES ({', '.join(said.values())})"


def _quorum(numerator: int, denominator: int, more_than: str = "false") -> dict[str, str]:
    return {
        "quorum_numerator": str(numerator),
        "quorum_denominator": str(denominator),
        "quorum_more_than": more_than,
    }


def _objection(state: str = "open", **columns: str) -> str:
    said = {
        "community_id": JY,
        "deliberation_id": VOTE,
        "author_id": MEI,
        "reason": "'r'",
        "moderation": "'passed'",
        "state": f"'{state}'",
    } | columns
    return f"INSERT INTO objections ({', '.join(said)}) VALUES ({', '.join(said.values())})"


def _invalidated(**columns: str) -> str:
    said = {"ballot_id": "1", "channel": "'paper'", "entered_by_id": QIAN, "receipt": HASH} | columns
    return _objection("invalidated", **said)


def _batch(entered_by: str = MEI, state: str = "waiting", **columns: str) -> str:
    said = {
        "community_id": JY,
        "deliberation_id": VOTE,
        "entered_by_id": entered_by,
        "state": f"'{state}'",
        "lines": "'[]'",
    } | columns
    return f"INSERT INTO paper_batches ({', '.join(said)}) VALUES ({', '.join(said.values())})"


def _second(entered_by: str, first_by: str = MEI, state: str = "compared") -> str:
    return _batch(entered_by, state, first_id=BATCH, first_by_id=first_by, report="'[]'")


def _entered(channel: str, entered_by: str) -> str:
    sql = _ballot().replace("choice, nonce, receipt)", "choice, nonce, receipt, channel, entered_by_id)")
    return f"{sql[:-1]}, '{channel}', {entered_by})"


DECIDED = f"UPDATE objections SET state = 'dismissed', decided_by_id = {QIAN}, answer = 'a'"

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    (
        "results_invalidated",
        "no fewer than none left the box",
        [
            *OPENED,
            "INSERT INTO results (community_id, deliberation_id, roll_size, voted, invalidated, tally, "
            f"explanation_zh, explanation_en) VALUES ({JY}, {VOTE}, 1, 0, -1, '[]', 'zh', 'en')",
        ],
    ),
    (
        "electors_speaker",
        "a resident has nobody who casts for him",
        [
            *OPENED[:2],
            "INSERT INTO electors (community_id, deliberation_id, number, resident_id, speaker_id) "
            f"VALUES ({JY}, {VOTE}, 1, {LIN}, {LIN})",
        ],
    ),
    ("constituencies_one_name", "one constituency of a name", [_group(), _group()]),
    (
        "households_constituency_same_community",
        "a constituency lies in one community (T1)",
        [_group(community=YL), f"UPDATE households SET constituency_id = {GROUP} WHERE id = {HOME}"],
    ),
    ("constituencies_size", "19 households are too few (居委会组织法 13)", [_group(), _rooms(19)]),
    ("constituencies_size", "51 households are too many (居委会组织法 13)", [_group(), _rooms(51)]),
    (
        "constituencies_size",
        "nobody leaves a constituency of 20",
        [_group(), _rooms(20), "UPDATE households SET constituency_id = NULL WHERE unit = 'X' AND room = '1'"],
    ),
    (
        "representatives_same_community",
        "a representative's constituency is of his community (T1)",
        [_group(), _term(community=YL)],
    ),
    (
        "representatives_resolution_same_community",
        "a representative rests on a resolution of his community",
        [_group(), _term(resolution_id="999999")],
    ),
    ("representatives_term", "a term begins before it ends", [_group(), _term(until="2025-12-31")]),
    ("representatives_term", "a term lasts five years at most", [_group(), _term(until="2031-01-02")]),
    ("representatives_elected", "something says that he was elected", [_group(), _term(minutes="NULL")]),
    ("representatives_not_by_oneself", "nobody records himself", [_group(), _term(recorded_by_id=LIN)]),
    ("representatives_one_at_a_time", "one represents a constituency", [_group(), _term(), _term(MEI)]),
    (
        "representatives_of_one_constituency",
        "nobody represents two constituencies",
        [_group(), _group("h"), _term(), _term(group=OTHER_GROUP)],
    ),
    ("ownerships_same_community", "a flat is of its community (T1)", [_owner(community_id=YL)]),
    ("ownerships_share", "a share is at most the whole", [_owner(share_numerator="3")]),
    ("ownerships_period", "an ownership ends after it began", [_owner(until_at="clock_now() - interval '1 day'")]),
    ("ownerships_one_live", "nobody owns a flat twice", [_owner(), _owner()]),
    ("ownerships_one_votes", "one votes for a flat", [_owner(votes="true"), _owner(MEI, votes="true")]),
    ("voting_rules_one_each", "one rule of a preset for a place", [_rule(), _rule()]),
    ("voting_rules_whole", "a threshold is whole", [_rule(quorum_numerator="2")]),
    ("voting_rules_reachable", "more than all cannot be reached", [_rule(**_quorum(1, 1, "true"))]),
    ("voting_rules_only_upwards", "below more than half (27)", [_rule(**_quorum(1, 2))]),
    ("voting_rules_only_upwards", "below two thirds (29)", [_rule("representatives_meeting", **_quorum(3, 5))]),
    (
        "voting_rules_only_upwards",
        "below three quarters (民法典 278)",
        [
            _rule(
                "owners_major",
                majority_numerator="2",
                majority_denominator="3",
                majority_more_than="true",
            )
        ],
    ),
    (
        "voting_rules_only_upwards",
        "a consultation has no majority",
        [_rule("consultation", majority_numerator="1", majority_denominator="2", majority_more_than="true")],
    ),
    ("voting_rules_recognised", "only owners' votes are recognised", [_rule(recognised="true")]),
    (
        "electors_code_once",
        "one code for each elector",
        [
            *DISCUSSED,
            "INSERT INTO electors (community_id, deliberation_id, number, resident_id, code) "
            f"VALUES ({JY}, {VOTE}, 1, {LIN}, 'A'), ({JY}, {VOTE}, 2, {MEI}, 'A')",
        ],
    ),
    (
        "electors_salted",
        "a line is salted",
        [
            *DISCUSSED,
            "INSERT INTO electors (community_id, deliberation_id, number, resident_id, salt) "
            f"VALUES ({JY}, {VOTE}, 1, {LIN}, ''::bytea)",
        ],
    ),
    (
        "electors_area",
        "an area is something",
        [
            *DISCUSSED,
            "INSERT INTO electors (community_id, deliberation_id, number, resident_id, area_cm2) "
            f"VALUES ({JY}, {VOTE}, 1, {LIN}, 0)",
        ],
    ),
    (
        "objections_same_community",
        "an objection lies in its vote's community (T1)",
        [*DISCUSSED, _objection(community_id=YL)],
    ),
    ("objections_decided", "a decision has an answer", [*DISCUSSED, _objection(), f"{DECIDED[:-14]}"]),
    (
        "objections_not_by_oneself",
        "nobody decides his own objection",
        [*DISCUSSED, _objection(author_id=QIAN), DECIDED],
    ),
    (
        "objections_not_by_oneself",
        "nobody decides an objection about himself",
        [*DISCUSSED, _objection(resident_id=QIAN), DECIDED],
    ),
    (
        "objections_strikes_somebody",
        "somebody is struck",
        [*DISCUSSED, _objection(), DECIDED.replace("dismissed", "struck")],
    ),
    ("objections_invalidates", "a ballot that left is named", [*OPENED, _invalidated(receipt="NULL")]),
    ("objections_not_by_who_entered", "not by whoever entered it", [*OPENED, _invalidated(entered_by_id=MEI)]),
    ("objections_once", "the same objection once", [*DISCUSSED, _objection(), _objection()]),
    ("objections_in_time", "no objection to a frozen roll", [*OPENED, _objection()]),
    ("objections_in_time", "no ballot leaves before the vote", [*DISCUSSED, _invalidated()]),
    (
        "objections_in_time",
        "an objection begins open",
        [*DISCUSSED, _objection("dismissed", decided_by_id=QIAN, answer="'a'")],
    ),
    (
        "objections_stay",
        "an objection is decided once",
        [*DISCUSSED, _objection(), DECIDED, DECIDED.replace("'a'", "'b'")],
    ),
    ("objections_stay", "its words stay", [*DISCUSSED, _objection(), "UPDATE objections SET reason = 's'"]),
    (
        "deliberations_objections_decided",
        "no vote opens over an open objection",
        [
            *DISCUSSED,
            _objection(),
            "UPDATE deliberations SET state = 'voting', opened_at = clock_now(), roll_size = 0, "
            f"roll_hash = {HASH} WHERE id = {VOTE}",
        ],
    ),
    ("ballots_channel", "a ballot came somehow", [*OPENED, _entered("pigeon", MEI)]),
    ("ballots_entered", "who entered it is named", [*OPENED, _entered("paper", "NULL")]),
    ("ballots_entered", "nobody enters his own", [*OPENED, _entered("paper", LIN)]),
    (
        "ballots_own_word",
        "paper does not replace what came by phone",
        [*OPENED, _ballot(), f"UPDATE ballots SET channel = 'paper', entered_by_id = {MEI}"],
    ),
    (
        "ballots_own_word",
        "nor does one sheet replace another",
        [*OPENED, _entered("paper", MEI), f"UPDATE ballots SET entered_by_id = {QIAN}"],
    ),
    (
        "ballots_own_word",
        "nor one of the staff what another entered",
        [*OPENED, _entered("assisted", MEI), f"UPDATE ballots SET entered_by_id = {QIAN}"],
    ),
    (
        "ballots_stay",
        "an entered ballot stays without an objection",
        [*OPENED, _entered("paper", MEI), f"DELETE FROM ballots WHERE elector_id = {ELECTOR}"],
    ),
    ("paper_batches_same_community", "a batch lies in its vote's community (T1)", [*OPENED, _batch(community_id=YL)]),
    ("paper_batches_two_people", "two people type", [*OPENED, _batch(), _second(MEI)]),
    ("paper_batches_of_one_vote", "the first batch is whose it is", [*OPENED, _batch(), _second(QIAN, LIN)]),
    ("paper_batches_compared_once", "a batch is compared once", [*OPENED, _batch(), _second(QIAN), _second(QIAN)]),
    (
        "paper_batches_compared",
        "a comparison has its report",
        [*OPENED, _batch(), _batch(QIAN, "compared", first_id=BATCH)],
    ),
    ("paper_batches_one_waits", "one batch waits", [*OPENED, _batch(), _batch(QIAN)]),
    ("paper_batches_stay", "what was typed stays", [*OPENED, _batch(), "UPDATE paper_batches SET lines = '[1]'"]),
]
