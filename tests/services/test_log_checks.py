"""`linli verify` finds what was done to the log by whoever has the database, and says nothing of a clean one."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core import db, signing
from app.core.signing import Signer
from models.transparency import LogHead, LogKind, Verification
from services import transparency, verification
from services.rules import notes
from services.rules.transparency import Checkpoint
from services.transparency.entries import entries
from tests.people import People
from tests.raising import opened, paid, resolution
from tests.services.test_transparency import as_owner_of

ENTRIES = 5
ANOTHER = "jsonb_set(text::jsonb, '{facts,passed}', 'false')::text"
HASH = "sha256('\\x00'::bytea || convert_to(text, 'UTF8'))"
NO_CHECK = "ALTER TABLE log_entries DROP CONSTRAINT log_entries_hash"
PASSED = "UPDATE log_entries SET text = replace(text, 'true,\"roll', 'false,\"roll') WHERE index = 2"


@pytest.fixture
async def logged(people: People) -> int:
    """A log of five resolutions under two heads, and the first's id."""
    first = await resolution(people.jy, people.chen)
    await resolution(people.jy, people.chen)
    await transparency.sequence_pending()
    for _ in range(ENTRIES - 2):
        await resolution(people.jy, people.chen)
    await transparency.sequence_pending()
    assert await transparency.check_log() == []
    return first


Planted = tuple[str, list[str], list[str]]
PLANTED: dict[str, Planted] = {
    "an entry changed": ("log_entries", [NO_CHECK, PASSED], [
        "log node 4 is not the hash of what is under it",
        "log node 5 is not the hash of what is under it",
        "log node 3 is not the hash of what is under it",
        "the head over 5 log entries does not have their root",
        "resolution {2} is not what log entry 2 says of it: passed",
    ]),
    "an entry changed with its hash": ("log_entries", [NO_CHECK, PASSED, f"UPDATE log_entries SET hash = {HASH}"], [
        "log node 5 is not the hash of what is under it",
        "log node 3 is not the hash of what is under it",
        "the head over 5 log entries does not have their root",
        "resolution {2} is not what log entry 2 says of it: passed",
    ]),
    "an entry dropped": ("log_entries", ["DELETE FROM log_entries WHERE index = 1"], [
        "log entry 1 is missing",
        "the head over 2 log entries does not have their root",
        "the head over 5 log entries does not have their root",
        "log node 1 is not the hash of what is under it",
        "log node 3 is not the hash of what is under it",
        "resolution {1} is not in the log",
    ]),
    "the newest dropped": ("log_entries", ["DELETE FROM log_entries WHERE index = 4"], [
        "the log has 4 entries, its newest head is over 5",
        "resolution {4} is not in the log",
    ]),
    "entries reordered": ("log_entries", [
        "UPDATE log_entries SET index = 100 WHERE index = 3",
        "UPDATE log_entries SET index = 3 WHERE index = 4",
        "UPDATE log_entries SET index = 4 WHERE index = 100",
    ], [
        "the head over 5 log entries does not have their root",
        "log node 5 is not the hash of what is under it",
        "log node 3 is not the hash of what is under it",
    ]),
    "an entry added": ("log_entries", [
        "INSERT INTO log_entries SELECT 5, 'transfer', 7, community_id, t, sha256('\\x00'::bytea || t::bytea) FROM "
        """(SELECT community_id, '{{"community_id":3,"facts":{{}},"id":7,"kind":"transfer"}}' AS t FROM log_entries """
        "WHERE index = 0) e",
    ], [
        "the log has 6 entries, its newest head is over 5",
        "log node 9 is not the hash of what is under it",
        "log entry 5 is about transfer 7, which does not exist",
    ]),
    "a node changed": ("log_nodes", ["UPDATE log_nodes SET hash = sha256('other') WHERE number = 5"], [
        "log node 5 is not the hash of what is under it",
    ]),
    "a node lost": ("log_nodes", ["DELETE FROM log_nodes WHERE number = 1"], [
        "log node 1 is not the hash of what is under it",
    ]),
    "a head taken back": ("log_heads", ["DELETE FROM log_heads WHERE size = 5"], [
        "the log has 5 entries, its newest head is over 2",
    ]),
    "a head over another tree": ("log_heads", ["UPDATE log_heads SET root = sha256('other') WHERE size = 2"], [
        "the head over 2 log entries does not have their root",
        "the head over 2 log entries says something else in its note",
    ]),
    "a head that nobody signed": ("log_heads", ["UPDATE log_heads SET note = 'trust me' WHERE size = 2"], [
        "the head over 2 log entries is no signed note",
    ]),
    "a head ahead of its entries": (
        "log_heads",
        ["INSERT INTO log_heads SELECT 1000000000000, root, note FROM log_heads WHERE size = 5"],
        ["the log has 5 entries, its newest head is over 1000000000000"],
    ),
    "a resolution changed": ("resolutions", ["UPDATE resolutions SET passed = NOT passed WHERE id = {0}"], [
        "resolution {0} is not what log entry 0 says of it: passed",
    ]),
    "a resolution's words changed": ("resolutions", ["UPDATE resolutions SET title = '不换灯' WHERE id = {3}"], [
        "resolution {3} is not what log entry 3 says of it: text_sha256",
    ]),
    "a resolution's figures changed": (
        "resolutions",
        ["""UPDATE resolutions SET counts = '{{"roll": 3}}' WHERE id = {3}"""],
        ["resolution {3} is not what log entry 3 says of it: text_sha256"],
    ),
    "a resolution gone": ("resolutions", ["DELETE FROM resolutions WHERE id = {3}"], [
        "log entry 3 is about resolution {3}, which does not exist",
    ]),
    "what waited was waved away": ("resolutions", ["DELETE FROM log_pending WHERE row_id = {5}"], [
        "resolution {5} is not in the log",
    ]),
    "the sequencer stopped": ("log_pending", ["UPDATE log_pending SET written_at = written_at - interval '90 s'"], [
        "resolution {5} has waited 90 s for the log, longer than 60",
    ]),
}  # fmt: skip


@pytest.mark.parametrize("what", PLANTED)
async def test_corruption_is_named(people: People, logged: int, what: str) -> None:
    await resolution(people.jy, people.chen)
    ids = await db.rows("SELECT id FROM resolutions WHERE id >= $1 ORDER BY id", logged)
    ids = [row["id"] for row in ids]
    table, statements, sentences = PLANTED[what]
    await as_owner_of(table, *(statement.format(*ids) for statement in statements))
    assert sorted(await transparency.check_log()) == sorted(sentence.format(*ids) for sentence in sentences)


async def test_corruption_of_money_is_named(people: People) -> None:
    await paid(people.lin, await opened(people), 5_000)
    await transparency.sequence_pending()
    transfer_id = await db.value("SELECT max(id) FROM transfers")
    await as_owner_of("transfers", "UPDATE transfers SET amount_fen = 4000")
    assert f"transfer {transfer_id} is not what log entry 0 says of it: amount_fen" in await verification.verify()


async def test_a_fork_signed_by_another_key_is_named(logged: int) -> None:
    """Whoever rewrites entries, tree and heads but has not the key cannot sign what he made."""
    other = Signer("localhost/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    head = await LogHead.get(size=5)
    text = Checkpoint(other.name, 5, bytes(head.root)).text
    forged = str(notes.sign(text, [(notes.Key(other.name, other.public_key), other.sign(text))]))
    await as_owner_of("log_heads", f"UPDATE log_heads SET note = '{forged}' WHERE size = 5")
    assert await transparency.check_log() == ["the head over 5 log entries is not signed by our key"]
    claimed = forged.replace(forged.splitlines()[-1], str(head.note).splitlines()[-1])
    flipped = claimed[:-10] + ("A" if claimed[-10] != "A" else "B") + claimed[-9:]
    await as_owner_of("log_heads", f"UPDATE log_heads SET note = '{flipped}' WHERE size = 5")
    assert await transparency.check_log() == ["the head over 5 log entries is not signed by our key"]


async def test_heads_of_a_retired_key_still_count(logged: int, signer: Signer) -> None:
    published = str(notes.Key(signer.name, signer.public_key))
    fresh = Ed25519PrivateKey.from_private_bytes(bytes(32))
    try:
        signing.use(Signer(signer.name, fresh, (published,)))
        assert await transparency.check_log() == []
        signing.use(Signer(signer.name, fresh))
        assert len(await transparency.check_log()) == 2
    finally:
        signing.use(signer)


async def test_what_a_later_release_says_besides_is_no_violation(logged: int) -> None:
    """An entry that says less than we would today was true when it was written."""
    row = await db.row("SELECT text FROM log_entries WHERE index = 0")
    assert row is not None
    [entry] = (await entries(LogKind.RESOLUTION, [logged])).values()
    assert entry.differs(row["text"]) == []
    assert entry.differs(row["text"].replace('"binding":true,', "")) == []
    assert entry.differs(row["text"].replace('"binding":true', '"binding":false')) == ["binding"]
    assert entry.differs(row["text"].replace('"binding":true', '"binding":true,"vetoed":true')) == ["vetoed"]
    for nonsense in ("", "{}", "[]", '{"facts":[]}', row["text"].replace(f'"id":{logged}', '"id":0')):
        assert entry.differs(nonsense)


async def test_at_most_a_hundred_are_named(people: People, logged: int) -> None:
    await as_owner_of(
        "log_entries",
        "INSERT INTO log_entries SELECT n, 'transfer', n, community_id, '{}', sha256('\\x00'::bytea || '{}'::bytea) "
        "FROM log_entries, generate_series(5, 200) n WHERE index = 0",
    )
    assert len(await transparency.check_log()) == 100


async def test_the_clock_notes_what_it_found(people: People, logged: int) -> None:
    assert await verification.last() is None
    assert await verification.verify_by_the_clock() == []
    clean = await verification.last()
    assert clean is not None
    assert clean.violations == 0
    await as_owner_of("log_nodes", "DELETE FROM log_nodes WHERE number = 1")
    [said] = await verification.verify_by_the_clock()
    assert said == "log node 1 is not the hash of what is under it"
    assert [one.violations for one in await Verification.all().order_by("id")] == [0, 1]
