"""Signed notes (c2sp.org/signed-note): a text, a blank line, and signature lines. Ed25519 itself is done elsewhere."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

ED25519 = b"\x01"
MOST_SIGNATURES = 100
DASH = "— "


class BadNote(ValueError):
    """Not a signed note, or not the text that was expected in it."""


@dataclass(frozen=True)
class Key:
    """A key's name (a URL without its scheme, as recommended) and its 32 bytes of Ed25519 public key."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public_key) != 32:
            raise BadNote("an Ed25519 key has 32 bytes")

    @property
    def id(self) -> bytes:
        """The key id: the first four bytes of SHA-256 over name, line feed, 0x01 and public key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        """As it is published: name, id in hex, and 0x01 with the public key in base64, joined by plus signs."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.public_key).decode()}"


@dataclass(frozen=True)
class Signature:
    """One signature line: whose, by which key, and the signature over the note's text."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A text that ends in a line feed, with its signatures, which nobody has checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def by(self, key: Key) -> bytes | None:
        """The signature that this key is said to have made."""
        return next((one.signature for one in self.signatures if (one.name, one.key_id) == (key.name, key.id)), None)

    def __str__(self) -> str:
        lines = [
            f"{DASH}{one.name} {base64.b64encode(one.key_id + one.signature).decode()}\n" for one in self.signatures
        ]
        return f"{self.text}\n{''.join(lines)}"


def key(published: str) -> Key:
    """Read a published key. Raises BadNote, also when its id is not its own."""
    name, _, rest = published.partition("+")
    key_id, _, encoded = rest.partition("+")
    known = from_base64(encoded)
    if known[:1] != ED25519:
        raise BadNote("not an Ed25519 key")
    made = Key(name, known[1:])
    if made.id.hex() != key_id:
        raise BadNote("the key id does not belong to this name and key")
    return made


def sign(text: str, signatures: Iterable[tuple[Key, bytes]]) -> Note:
    """A note of a text and the signatures made over it (`text.encode()`). Raises BadNote when it could not be read."""
    made = Note(text, tuple(Signature(one.name, one.id, signature) for one, signature in signatures))
    if parse(str(made)) != made:
        raise BadNote("the text does not survive as a note")
    return made


def parse(note: str) -> Note:
    """Read a note; whether its signatures hold is to be checked with keys known from elsewhere. Raises BadNote."""
    if any(char < " " and char != "\n" for char in note):
        raise BadNote("a note has no control characters but line feeds")
    text, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise BadNote("a note is a text, a blank line, and signature lines")
    lines = tail.removesuffix("\n").split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise BadNote("too many signatures")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def from_base64(text: str) -> bytes:
    """Standard base64 in its one spelling."""
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BadNote("not base64") from error
    if base64.b64encode(value).decode() != text:
        raise BadNote("not base64 in its one spelling")
    return value


def _signature(line: str) -> Signature:
    if not line.startswith(DASH) or line.count(" ") != 2:
        raise BadNote("a signature line is a dash, a key name and base64")
    _, name, encoded = line.split(" ")
    _check_name(name)
    signed = from_base64(encoded)
    if len(signed) < 5:
        raise BadNote("a signature is longer than its key id")
    return Signature(name, signed[:4], signed[4:])


def _check_name(name: str) -> None:
    if not name or "+" in name or any(char.isspace() for char in name):
        raise BadNote("a key name has neither spaces nor plus signs")
