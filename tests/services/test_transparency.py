"""The transparency log: what is moved and decided comes in once and in order, and nobody can change it unseen."""

import hashlib
import json

import pytest

from app.core import db, signing
from app.core.errors import Invalid, NotFound
from app.core.pages import Page
from models.deliberations import Archive
from models.transparency import LogEntry, LogHead, LogKind, LogPending, NotInLog
from services import deliberations, transparency
from services.rules import merkle, notes
from services.rules.transparency import Checkpoint
from services.transparency import sequencing
from services.transparency.tree import number
from tests.people import People
from tests.proofs import is_consistent, is_included
from tests.raising import opened, paid, resolution
from tests.voting import voting


async def texts() -> list[bytes]:
    return [entry.text.encode() for entry in await LogEntry.all().order_by("index")]


def test_nodes_are_numbered_from_left_to_right() -> None:
    numbers = [number((level, index)) for level in range(4) for index in range(8 >> level)]
    assert sorted(numbers) == list(range(15))
    assert [number(node) for node in ((0, 0), (1, 0), (0, 1), (2, 0), (0, 2))] == [0, 1, 2, 3, 4]


async def test_what_is_moved_and_decided_waits_and_comes_in(people: People) -> None:
    gift = await paid(people.lin, await opened(people), 4_200)
    assert {one.kind for one in await LogPending.all()} == {LogKind.TRANSFER, LogKind.RESOLUTION}
    assert await transparency.sequence_pending() == 2
    assert not await LogPending.exists()
    transfer, decided = [json.loads(text) for text in await texts()]
    assert (transfer["kind"], transfer["community_id"]) == ("transfer", people.jy)
    facts = transfer["facts"]
    assert (facts["debit"], facts["credit"], facts["amount_fen"]) == ("wechat_clearing", "campaign", 4_200)
    assert (facts["source_kind"], facts["source_id"], facts["leg"]) == ("pledge", gift.id, "capture")
    assert (decided["kind"], decided["facts"]["passed"]) == ("resolution", True)
    assert len(decided["facts"]["text_sha256"]) == 64


async def test_no_words_and_no_people_come_in(people: People) -> None:
    await paid(people.lin, await opened(people))
    await transparency.sequence_pending()
    transfer, decided = [json.loads(text) for text in await texts()]
    assert b"\n".join(await texts()).isascii()
    assert set(transfer["facts"]) == {
        "debit_account_id",
        "debit",
        "debit_campaign_id",
        "credit_account_id",
        "credit",
        "credit_campaign_id",
        "amount_fen",
        "source_kind",
        "source_id",
        "leg",
        "corrects_id",
        "cause_sha256",
        "terms_sha256",
        "at",
    }
    assert set(decided["facts"]) == {
        "number",
        "deliberation_id",
        "rule",
        "binding",
        "passed",
        "roll_hash",
        "text_sha256",
        "at",
    }


async def test_a_vote_s_archive_comes_in_by_its_digest(people: People) -> None:
    vote = await deliberations.close(people.chen, (await voting(people)).id)
    archive = await Archive.get(deliberation_id=vote.id)
    await transparency.sequence_pending()
    proof = await transparency.proof(LogKind.ARCHIVE, archive.id)
    assert proof.entry["facts"]["digest"] == archive.digest
    assert proof.entry["facts"]["content_sha256"] == hashlib.sha256(archive.content.encode()).hexdigest()
    assert await transparency.check_log() == []
    await as_owner_of("archives", "UPDATE archives SET content = '{ }'")
    assert await transparency.check_log() == [
        f"archive {archive.id} is not what log entry {proof.index} says of it: content_sha256"
    ]


async def test_a_disclosure_comes_in_by_its_hash(people: People) -> None:
    disclosure_id = await db.value(
        "INSERT INTO disclosures (community_id, kind, about, title, document, document_hash, shown_from, shown_until) "
        "VALUES ($1, 'statement', 202611, '十一月账目', '{}', encode(sha256('{}'), 'hex'), clock_now(), "
        "clock_now() + interval '15 days') RETURNING id",
        people.jy,
    )
    await transparency.sequence_pending()
    entry = (await transparency.proof(LogKind.DISCLOSURE, disclosure_id)).entry
    assert (entry["kind"], entry["facts"]["kind"], entry["facts"]["about"]) == ("disclosure", "statement", 202611)
    assert entry["facts"]["document_hash"] == hashlib.sha256(b"{}").hexdigest()
    await as_owner_of("disclosures", "UPDATE disclosures SET title = '账目'")
    assert await transparency.check_log() == [
        f"disclosure {disclosure_id} is not what log entry 0 says of it: title_sha256"
    ]


async def test_each_run_signs_a_head_over_all_that_continues_the_last(people: People) -> None:
    campaign = await opened(people)
    sizes = []
    for _ in range(5):
        await paid(people.lin, campaign)
        await transparency.sequence_pending()
        sizes.append((await transparency.head()).size)
    assert sizes == [2, 3, 4, 5, 6]
    heads = {head.size: head for head in await LogHead.all()}
    for old in sizes:
        for size in sizes[sizes.index(old) :]:
            shown = await transparency.consistency(old, size)
            hashes = [bytes.fromhex(one) for one in shown.hashes]
            assert is_consistent(old, heads[old].root, size, heads[size].root, hashes)
    for head in heads.values():
        note = notes.parse(head.note)
        key = notes.key((await transparency.head()).key)
        assert note.text == Checkpoint("localhost/log", head.size, head.root).text
        signature = note.by(key)
        assert signature is not None
        assert signing.is_signed(note.text, signature, key.public_key)
        assert not signing.is_signed(note.text + " ", signature, key.public_key)


async def test_an_empty_log_has_a_head_and_nothing_new_signs_none() -> None:
    with pytest.raises(NotFound):
        await transparency.head()
    assert await transparency.sequence_pending() == 0
    assert await transparency.sequence_pending() == 0
    head = await LogHead.get()
    assert (head.size, head.root) == (0, merkle.EMPTY_ROOT)
    assert await transparency.check_log() == []


async def test_every_entry_is_proved_under_the_newest_head(people: People) -> None:
    campaign = await opened(people)
    for _ in range(6):
        await paid(people.lin, campaign)
        await transparency.sequence_pending()
    head = await LogHead.all().order_by("-size").first()
    assert head is not None
    for entry in await LogEntry.all():
        shown = await transparency.proof(entry.kind, entry.row_id)
        hashes = [bytes.fromhex(one) for one in shown.hashes]
        assert shown.head == head.note
        assert shown.leaf_hash == merkle.leaf_hash(entry.text.encode()).hex()
        assert is_included(merkle.leaf_hash(entry.text.encode()), entry.index, head.size, hashes, head.root)


async def test_what_is_not_in_the_log_has_no_proof(people: People) -> None:
    resolution_id = await resolution(people.jy, people.chen)
    await transparency.sequence_pending()
    later = await resolution(people.jy, people.chen)
    await transparency.proof(LogKind.RESOLUTION, resolution_id)
    for kind, row_id in ((LogKind.RESOLUTION, later), (LogKind.TRANSFER, resolution_id)):
        with pytest.raises(NotInLog):
            await transparency.proof(kind, row_id)


async def test_only_what_is_there_is_proved_consistent(people: People) -> None:
    await resolution(people.jy, people.chen)
    await transparency.sequence_pending()
    assert (await transparency.consistency(0)).hashes == []
    assert (await transparency.consistency(1, 1)).hashes == []
    for old, size in ((-1, 1), (1, 0), (0, 2), (2, None)):
        with pytest.raises(Invalid):
            await transparency.consistency(old, size)


async def test_a_large_batch_comes_in_piece_by_piece(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "BATCH", 3)
    for _ in range(7):
        await resolution(people.jy, people.chen)
    assert await transparency.sequence_pending() == 7
    assert [head.size for head in await LogHead.all().order_by("size")] == [3, 6, 7]
    listed = await transparency.heads(page=Page(limit=2))
    assert ([head.size for head in listed.items], listed.after) == ([7, 6], (6,))
    rest = await transparency.heads(page=Page(limit=2, after=listed.after))
    assert ([head.size for head in rest.items], rest.after) == ([3], None)
    assert await transparency.check_log() == []


async def test_a_tree_that_was_tampered_with_is_not_continued(people: People) -> None:
    await resolution(people.jy, people.chen)
    await transparency.sequence_pending()
    await resolution(people.jy, people.chen)
    await as_owner_of("log_heads", "UPDATE log_heads SET root = sha256('other')")
    with pytest.raises(sequencing.LogBroken):
        await transparency.sequence_pending()
    assert await LogPending.exists(), "what waits goes on waiting"


async def as_owner_of(table: str, *statements: str) -> None:
    """Plain SQL as the owner of the tables, with a table's triggers off."""
    await db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    await db.execute("SET LOCAL ROLE linli_owner")
    await db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in statements:
        await db.execute(statement)
    await db.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await db.execute("RESET ROLE")
