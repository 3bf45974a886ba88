"""One attempt to break each constraint on wishes and claims, by raw SQL as the owner of the tables."""

JY = "(SELECT id FROM places WHERE name = '锦阳社区')"
YL = "(SELECT id FROM places WHERE name = '玉林社区')"
LIN = "(SELECT id FROM residents WHERE openid = 'lin')"
MEI = "(SELECT id FROM residents WHERE openid = 'mei')"
WANG = "(SELECT id FROM residents WHERE openid = 'wang')"
CHEN = "(SELECT id FROM residents WHERE openid = 'chen')"
WISH = "(SELECT max(id) FROM wishes)"

POSTED = (
    "INSERT INTO wishes (community_id, author_id, approved_by_id, state, moderation, kind, title, body, claimers) "
    f"VALUES ({JY}, {WANG}, {CHEN}, 'open', 'passed', 'goods', '收音机', '想听戏', 3)"
)


def changed(column: str, value: str) -> list[str]:
    """Post a wish, then change one of its columns."""
    return [POSTED, f"UPDATE wishes SET {column} = {value} WHERE id = {WISH}"]


def claimed(
    who: str = LIN, slot: int = 1, hand: int = 1, community: str = JY, wisher: str = WANG, claimers: int = 3
) -> str:
    """An INSERT of a held claim on the last wish."""
    return (
        "INSERT INTO wish_claims (community_id, wish_id, wisher_id, resident_id, claimers, slot, hand, state, due_at, "
        f"reminded, ran_out) VALUES ({community}, {WISH}, {wisher}, {who}, {claimers}, {slot}, {hand}, 'held', "
        "clock_now(), false, false)"
    )


def reclaimed(column: str, value: str) -> list[str]:
    """Claim a wish, then change a column of the claim."""
    return [POSTED, claimed(), f"UPDATE wish_claims SET {column} = {value} WHERE wish_id = {WISH}"]


UNIT = "(SELECT max(id) FROM units)"
REGISTERED = (
    "INSERT INTO units (community_id, kind, name, moderation, state, contact_id, confirmed_by_id) "
    f"VALUES ({JY}, 'firm', '便民超市', 'passed', 'confirmed', {MEI}, {CHEN})"
)
PENDING = (
    "INSERT INTO units (community_id, kind, name, moderation, state, contact_id) "
    f"VALUES ({JY}, 'firm', '便民超市', 'passed', 'pending', {MEI})"
)
REACHED = (
    "INSERT INTO wish_contacts (community_id, wish_id, consent, phone, address) "
    f"VALUES ({JY}, {WISH}, 'on_claim', true, false)"
)
HELD_LONG = claimed().replace("clock_now()", "clock_now() + interval '7 days'")
TOLD = (
    "INSERT INTO wish_disclosures (community_id, wish_id, claim_id, reader_id, told) "
    f"VALUES ({JY}, {WISH}, (SELECT max(id) FROM wish_claims), {LIN}, '[]')"
)
HEARD = (
    "INSERT INTO wish_statements (community_id, wish_id, author_id, side, body, moderation) "
    f"VALUES ({JY}, {WISH}, {LIN}, 'claimer', '在门口', 'passed')"
)

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("wishes_state", "a state that is none", changed("state", "'granted'")),
    ("wishes_approved_first", "open without anybody's approval", changed("approved_by_id", "NULL")),
    ("wishes_approved_by_another", "approving one's own wish", changed("approved_by_id", WANG)),
    ("wishes_value", "worth nothing", changed("value_fen", "0")),
    ("wishes_claimers", "eleven claimers", changed("claimers", "11")),
    ("wishes_body", "a wish of no words", changed("body", "''")),
    ("wishes_thanks_when_confirmed", "thanks before it came true", changed("thanks", "'谢谢'")),
    (
        "wishes_help_comes_from_another",
        "helping oneself",
        changed("(assistant_id, attested_by_id, attested_at)", f"({WANG}, {CHEN}, clock_now())"),
    ),
    ("wishes_attested_first", "open for somebody, attested by nobody", changed("assistant_id", LIN)),
    (
        "wishes_attested_by_another",
        "attesting what one posted",
        changed("(assistant_id, attested_by_id, attested_at)", f"({CHEN}, {CHEN}, clock_now())"),
    ),
    (
        "wishes_attested_when_helped",
        "attesting what the wisher posted",
        changed("(attested_by_id, attested_at)", f"({CHEN}, clock_now())"),
    ),
    (
        "wishes_attested_at",
        "attested at no time",
        changed("(assistant_id, attested_by_id)", f"({LIN}, {CHEN})"),
    ),
    ("wishes_ground", "a ground of nobody's", changed("attested_ground", "'独居老人'")),
    ("wishes_photo_consent", "consent to a photo of nobody", changed("photo_consent", "true")),
    ("wishes_thanks_public", "no thanks for everybody", changed("thanks_public", "true")),
    ("wishes_disputed_at", "disputed at no time", changed("state", "'disputed'")),
    ("wishes_outcome", "an outcome that is none", changed("(state, outcome)", "('closed', 'lost')")),
    ("wishes_outcome_when_closed", "settled while open", changed("outcome", "'upheld'")),
    ("wish_claims_one_per_slot", "two in one slot", [POSTED, claimed(), claimed(MEI)]),
    ("wish_claims_one_per_resident", "one in two slots", [POSTED, claimed(), claimed(slot=2, hand=2)]),
    ("wish_claims_one_per_hand", "two wishes in one hand", [POSTED, claimed(), POSTED, claimed()]),
    ("wish_claims_slot", "a fourth slot of three", [POSTED, claimed(slot=4)]),
    ("wish_claims_hand", "a fourth hand", [POSTED, claimed(hand=4)]),
    ("wish_claims_not_by_the_wisher", "claiming one's own wish", [POSTED, claimed(WANG)]),
    ("wish_claims_of_one_wish", "a claim in another community", [POSTED, claimed(community=YL)]),
    ("wish_claims_of_one_wish", "a claim that names another wisher", [POSTED, claimed(wisher=MEI)]),
    ("wish_claims_of_one_wish", "a claim that counts more slots", [POSTED, claimed(slot=4, claimers=4)]),
    ("wish_claims_state", "a state that is none", reclaimed("(state, ended_at)", "('lost', clock_now())")),
    ("wish_claims_end", "released at no time", reclaimed("state", "'released'")),
    ("wish_claims_ran_out", "run out but held", reclaimed("ran_out", "true")),
    (
        "wish_claims_of_the_units_contact",
        "claiming for a unit one does not act for",
        [POSTED, REGISTERED, claimed(), f"UPDATE wish_claims SET unit_id = {UNIT} WHERE wish_id = {WISH}"],
    ),
    ("wish_claims_help_comes_from_another", "helping oneself to a claim", reclaimed("assistant_id", LIN)),
    ("wish_claims_help_comes_from_another", "the wisher claims through another", reclaimed("assistant_id", WANG)),
    ("wish_claims_extension", "eight days more", reclaimed("extension_days", "8")),
    ("wish_claims_extended_when_asked", "days nobody asked for", reclaimed("extended_by_id", CHEN)),
    (
        "wish_claims_extended_by_another",
        "giving oneself more days",
        reclaimed("(extension_days, extended_by_id)", f"(3, {LIN})"),
    ),
    ("wish_claims_upheld", "upheld before it was reported", reclaimed("upheld_at", "clock_now()")),
    ("units_kind", "a kind that is none", [REGISTERED, f"UPDATE units SET kind = 'club' WHERE id = {UNIT}"]),
    ("units_state", "a state that is none", [REGISTERED, f"UPDATE units SET state = 'lost' WHERE id = {UNIT}"]),
    (
        "units_confirmed_first",
        "confirmed by nobody",
        [REGISTERED, f"UPDATE units SET confirmed_by_id = NULL WHERE id = {UNIT}"],
    ),
    (
        "units_confirmed_by_another",
        "confirmed by its contact",
        [REGISTERED, f"UPDATE units SET confirmed_by_id = {MEI} WHERE id = {UNIT}"],
    ),
    ("units_one_name", "two units of one name", [REGISTERED, REGISTERED]),
    ("units_one_pending", "two of one contact's waiting", [PENDING, PENDING]),
    ("wish_contacts_one_per_wish", "two ways to reach one wisher", [POSTED, REACHED, REACHED]),
    ("wish_contacts_same_community", "reached in another community", [POSTED, REACHED.replace(JY, YL)]),
    ("wish_contacts_consent", "a consent that is none", [POSTED, REACHED.replace("'on_claim'", "'all'")]),
    (
        "wish_contacts_words_gone",
        "words of a consent withdrawn",
        [POSTED, REACHED, "UPDATE wish_contacts SET (withdrawn_at, words_sealed) = (clock_now(), '1')"],
    ),
    ("wish_disclosures_while_held", "told without consent", [POSTED, HELD_LONG, TOLD]),
    (
        "wish_disclosures_while_held",
        "told after the claim",
        [
            POSTED,
            REACHED,
            HELD_LONG,
            "UPDATE wish_claims SET (state, ended_at) = ('released', clock_now())",
            TOLD,
        ],
    ),
    ("wish_disclosures_while_held", "told to another", [POSTED, REACHED, HELD_LONG, TOLD.replace(LIN, MEI)]),
    (
        "wish_disclosures_while_held",
        "told though the wisher is to be asked",
        [POSTED, REACHED.replace("'on_claim'", "'ask'"), HELD_LONG, TOLD],
    ),
    (
        "wish_disclosures_of_one_claim",
        "told of another wish",
        [POSTED, REACHED, HELD_LONG, POSTED, TOLD],
    ),
    (
        "wish_disclosures_append_only",
        "a reading unsaid",
        [POSTED, REACHED, HELD_LONG, TOLD, "DELETE FROM wish_disclosures"],
    ),
    ("wish_statements_same_community", "heard in another community", [POSTED, HEARD.replace(JY, YL)]),
    ("wish_statements_side", "a third side", [POSTED, HEARD.replace("'claimer'", "'street'")]),
    ("wish_statements_body", "saying nothing", [POSTED, HEARD.replace("'在门口'", "''")]),
    ("wish_claims_note", "a report of no words", reclaimed("note", "''")),
]
