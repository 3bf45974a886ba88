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


VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("wishes_state", "a state that is none", changed("state", "'granted'")),
    ("wishes_approved_first", "open without anybody's approval", changed("approved_by_id", "NULL")),
    ("wishes_approved_by_another", "approving one's own wish", changed("approved_by_id", WANG)),
    ("wishes_value", "worth nothing", changed("value_fen", "0")),
    ("wishes_claimers", "eleven claimers", changed("claimers", "11")),
    ("wishes_body", "a wish of no words", changed("body", "''")),
    ("wishes_thanks_when_confirmed", "thanks before it came true", changed("thanks", "'谢谢'")),
    ("wishes_help_comes_from_another", "helping oneself", changed("assistant_id", WANG)),
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
    ("wish_claims_note", "a report of no words", reclaimed("note", "''")),
]
