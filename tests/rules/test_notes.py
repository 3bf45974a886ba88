"""Signed notes, keys and checkpoints: known vectors, round trips, and refusals."""

import base64
import json
from contextlib import suppress

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from services.rules.canonical import canonical
from services.rules.notes import BadNote, Key, Note, Signature, key, parse, sign
from services.rules.transparency import Checkpoint, entry
from tests.proofs import checkpoint

pytestmark = pytest.mark.no_database

# From the documentation of Go's golang.org/x/mod/sumdb/note, whose format the specification took over.
KNOWN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
KNOWN_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of c2sp.org/tlog-checkpoint.
KNOWN_CHECKPOINT = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OURS = Key("linli.example/log", PRIVATE.public_key().public_bytes_raw())
HEAD = Checkpoint("linli.example/log", 3, bytes(range(32)))


def test_a_known_key_signed_a_known_note() -> None:
    known, note = key(KNOWN_KEY), parse(KNOWN_NOTE)
    assert str(known) == KNOWN_KEY
    assert str(note) == KNOWN_NOTE
    signature = note.by(known)
    assert signature is not None
    Ed25519PublicKey.from_public_bytes(known.public_key).verify(signature, note.text.encode())
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(known.public_key).verify(signature, note.text.encode() + b"\n")


def test_the_specification_s_checkpoint_reads_and_writes() -> None:
    note = parse(KNOWN_CHECKPOINT)
    head = checkpoint(note.text)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert head.text == note.text
    assert str(note) == KNOWN_CHECKPOINT
    assert note.signatures[0].key_id.hex() == "033de0ae"
    assert note.by(OURS) is None


def test_what_we_sign_can_be_checked() -> None:
    note = parse(str(sign(HEAD.text, [(OURS, PRIVATE.sign(HEAD.text.encode()))])))
    signature = note.by(key(str(OURS)))
    assert signature is not None
    PRIVATE.public_key().verify(signature, note.text.encode())
    assert checkpoint(note.text) == HEAD


def test_a_name_or_an_id_alone_is_not_the_key() -> None:
    note = sign("hello\n", [(OURS, b"s" * 64)])
    assert note.by(Key("linli.example/other", OURS.public_key)) is None
    assert note.by(Key(OURS.name, bytes(32))) is None


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="+"), min_size=1, max_size=9
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], include_characters="\n")).map(
    lambda one: one + "\n"
)


@given(
    texts,
    st.lists(
        st.builds(Signature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1)), min_size=1, max_size=4
    ),
)
def test_every_note_comes_back(text: str, signatures: list[Signature]) -> None:
    note = Note(text, tuple(signatures))
    assert parse(str(note)) == note


@given(st.text(max_size=60) | st.text(st.sampled_from("a \n—+=A"), max_size=40))
def test_no_text_breaks_the_readers(text: str) -> None:
    for read in (parse, checkpoint, key):
        with suppress(BadNote):
            assert str(read(text)) == text or read is checkpoint


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— name AAAAAAA=",  # the last line feed is missing
        "text\n— name AAAAAAA=\n",  # no blank line
        "text\n\n- name AAAAAAA=\n",  # a hyphen for the dash
        "text\n\n— na+me AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
        "text\n\n— name AAAAAA==\n",  # only a key id
        "text\n\n— name AAAAAAB=\n",  # another spelling of the same bytes
        "text\n\n— name AAAA AAAA\n",
        "text\n\n— name !!!!\n",
        "te\txt\n\n— name AAAAAAA=\n",
        "text\r\n\n— name AAAAAAA=\n",
        "text\n\n" + "— name AAAAAAA=\n" * 101,
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(BadNote):
        parse(note)


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n3\n",
        f"origin\n3\n{ROOT}",
        f"\n3\n{ROOT}\n",
        f"origin\n03\n{ROOT}\n",
        f"origin\n-3\n{ROOT}\n",
        f"origin\n+3\n{ROOT}\n",
        f"origin\n３\n{ROOT}\n",
        f"origin\n3 \n{ROOT}\n",
        f"origin\n{10**19}\n{ROOT}\n",
        f"origin\n3\n{ROOT[:-4]}\n",
        f"origin\n3\n{'0' * 64}\n",
        f"origin\n3\n{ROOT}\n\n",
        f"origin\n3\n{ROOT}\n\nmore\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        checkpoint(text)


def test_an_empty_log_and_extension_lines_read() -> None:
    assert checkpoint(f"origin\n0\n{ROOT}\n").size == 0
    assert checkpoint(f"origin\n3\n{ROOT}\nmore\nand more\n") == Checkpoint("origin", 3, bytes(32))


@pytest.mark.parametrize(
    "published",
    [
        "",
        "linli.example/log",
        KNOWN_KEY.replace("c74f20a3", "c74f20a4"),
        KNOWN_KEY.replace("PeterNeumann", "PeterNewman"),
        KNOWN_KEY.replace("+ARpc", "+AhpC"),
        KNOWN_KEY.upper(),
        "a b" + KNOWN_KEY.removeprefix("PeterNeumann"),
    ],
)
def test_a_key_that_is_not_its_own_is_refused(published: str) -> None:
    with pytest.raises(BadNote):
        key(published)


@pytest.mark.parametrize("text", ["", "no line feed", "tab\there\n"])
def test_a_text_that_would_not_survive_is_not_signed(text: str) -> None:
    with pytest.raises(BadNote):
        sign(text, [(OURS, b"s" * 64)])


# --- the one spelling -------------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii")), inner),
    max_leaves=12,
)


@given(values)
def test_a_value_has_one_spelling_without_line_feeds(value: object) -> None:
    spelt = canonical(value)
    assert json.loads(spelt) == value
    assert canonical(json.loads(spelt)) == spelt
    assert b"\n" not in spelt


@pytest.mark.parametrize(
    "value", [1.0, float("nan"), 2**53, {1: 2}, {"é": 1}, {"a": {"b": (1, 2)}}, b"bytes", "\ud800"]
)
def test_what_readers_spell_differently_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the family is meant
        canonical({"a": [value]})
    with pytest.raises(ValueError):  # noqa: PT011
        canonical(value)


def test_an_entry_of_the_log() -> None:
    assert entry("transfer", 12, 3, {"credit": "campaign:7", "amount_fen": 500}) == (
        b'{"community_id":3,"facts":{"amount_fen":500,"credit":"campaign:7"},"id":12,"kind":"transfer"}'
    )
