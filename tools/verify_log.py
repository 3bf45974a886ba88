"""Check an export of the transparency log off line: with Python 3.9 or newer, and nothing else.

    python verify_log.py log.jsonl head.txt [older.txt ...]          every head is over these entries, older ones too
    python verify_log.py log.jsonl head.txt --entry 17               and entry 17 (counted from 0) is under the newest
    python verify_log.py log.jsonl head.txt --entry '{"kind": ...}'  and an entry that says just this
    python verify_log.py log.jsonl head.txt --key NAME+ID+KEY        and each head is signed by the published key
    python verify_log.py --proof proof.json head.txt [older.txt]     a proof from the server, without the whole log

The log is a text file, one entry a line as canonical JSON; a head is a signed checkpoint (c2sp.org/tlog-checkpoint).
A proof is JSON: {"index", "size", "entry", "hashes"} of an entry, or {"old", "size", "hashes"} from an older head.
Signatures need the package `cryptography`; without it they are left out, which is said, and OpenSSL can check them:
docs/verifying.md has the commands. Ends with 0 when all holds, with 1 when not, naming what is wrong, with 2 when
called wrongly or with what cannot be read, with 3 when a key was given and only signatures could not be checked.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path


class Wrong(Exception):
    """What is wrong, in a sentence."""


# --- the tree of RFC 9162, section 2.1 ------------------------------------------------------------------------------


def leaf_hash(entry):
    """The hash of an entry's bytes as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    """The hash of two subtrees as one."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def roots(entries, sizes):
    """The root over the first so many entries, for each of the sizes; entries pass by once, only peaks are kept."""
    peaks, count, found = [], 0, {0: hashlib.sha256().digest()} if 0 in sizes else {}
    for entry in entries:
        peaks.append((1, leaf_hash(entry)))
        while len(peaks) > 1 and peaks[-2][0] == peaks[-1][0]:
            (width, right), (_, left) = peaks.pop(), peaks.pop()
            peaks.append((2 * width, node_hash(left, right)))
        count += 1
        if count in sizes:
            made = peaks[-1][1]
            for _, left in peaks[-2::-1]:
                made = node_hash(left, made)
            found[count] = made
    return found, count


def follow(at, last, old, new, hashes):
    """Climb from a node at the level where it is number `at` of 0 to `last`; returns both roots (2.1.3.2, 2.1.4.2)."""
    for other in hashes:
        if last == 0:
            raise Wrong("The proof is too long.")
        if at % 2 or at == last:
            old, new = node_hash(other, old), node_hash(other, new)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            new = node_hash(new, other)
        at, last = at // 2, last // 2
    if last:
        raise Wrong("The proof is too short.")
    return old, new


# --- heads ----------------------------------------------------------------------------------------------------------


def read_head(path):
    """Name, text and signatures of a head, with its origin, size and root."""
    try:
        text, _, lines = Path(path).read_text("utf-8").rpartition("\n\n")
        origin, size, root = text.split("\n")[:3]
        signatures = [line.split(" ") for line in lines.splitlines()]
        signed = {(name, base64.b64decode(made)[:4]): base64.b64decode(made)[4:] for _, name, made in signatures}
        root = base64.b64decode(root, validate=True)
        return {"path": path, "text": text + "\n", "signed": signed, "origin": origin, "size": int(size), "root": root}
    except ValueError as error:
        raise Wrong(f"{path} is no signed checkpoint.") from error


def read_key(published):
    """Name, id and public key of a published key."""
    name, key_id, encoded = published.split("+", 2)
    key = base64.b64decode(encoded)
    own = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if key[:1] != b"\x01" or len(key) != 33 or own.hex() != key_id:
        raise ValueError("no published key")
    return name, own, key[1:]


def check_signatures(head, keys):
    """Raise Wrong unless one of these keys signed the head, and each that is said to have signed it did."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    made = [(key, head["signed"][name, key_id]) for name, key_id, key in keys if (name, key_id) in head["signed"]]
    if not made:
        raise Wrong(f"{head['path']} is not signed by any key given.")
    for key, signature in made:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, head["text"].encode())
        except InvalidSignature:
            raise Wrong(f"{head['path']} bears a wrong signature.") from None


# --- what is asked --------------------------------------------------------------------------------------------------


def check_log(path, heads, asked):
    """Each head is over the log's first entries, and the entry asked for is under the newest. Yields what was found."""
    wanted = asked and not asked.isdecimal() and canonical(json.loads(asked))
    places = []

    def entries(file):
        for number, line in enumerate(file):
            if not line.endswith(b"\n"):
                raise Wrong(f"{path} is cut off: its last line does not end.")
            if line[:-1] == wanted or str(number) == asked:
                places.append((number, line[:-1].decode()))
            yield line[:-1]

    with open(path, "rb") as file:
        found, count = roots(entries(file), {head["size"] for head in heads})
    for head in heads:
        if head["size"] > count:
            raise Wrong(f"{head['path']} is over {head['size']} entries; the export holds only {count}.")
        if found[head["size"]] != head["root"]:
            raise Wrong(f"The first {head['size']} entries do not give the root of {head['path']}.")
        yield f"{head['path']}: the first {head['size']} entries give its root."
    newest = max(head["size"] for head in heads)
    if count > newest:
        yield f"{count - newest} entries came after the newest head; nothing is said of them."
    places = [f"Entry {number} is under the newest head: {entry}" for number, entry in places if number < newest]
    if asked and not places:
        raise Wrong("The entry is not under the newest head.")
    yield from places


def check_proof(path, heads):
    """A proof of the server leads to the newest head given."""
    proof = json.loads(Path(path).read_text("utf-8"))
    hashes, newest = [bytes.fromhex(one) for one in proof["hashes"]], max(heads, key=lambda head: head["size"])
    if proof["size"] != newest["size"]:
        raise Wrong(f"The proof is for {proof['size']} entries, the newest head for {newest['size']}.")
    if "entry" in proof:
        leaf = leaf_hash(canonical(proof["entry"]))
        if not 0 <= proof["index"] < proof["size"]:
            raise Wrong("The proof is for an entry that is not there.")
        if follow(proof["index"], proof["size"] - 1, leaf, leaf, hashes)[1] != newest["root"]:
            raise Wrong(f"The proof does not lead from the entry to the root of {newest['path']}.")
        return f"Entry {proof['index']} is under {newest['path']}."
    older = [head for head in heads if head["size"] == proof["old"]]
    if not older:
        raise Wrong(f"The proof is from {proof['old']} entries; no such head was given.")
    if proof["old"] == proof["size"]:
        same = not hashes and all(head["root"] == newest["root"] for head in older)
    elif proof["old"] == 0:
        same = not hashes and all(head["root"] == hashlib.sha256().digest() for head in older)
    else:
        at, last = proof["old"] - 1, proof["size"] - 1
        while at % 2:
            at, last = at // 2, last // 2
        if not hashes:
            raise Wrong("The proof is too short.")
        first, *rest = hashes if at else [older[0]["root"], *hashes]
        made = follow(at, last, first, first, rest)
        same = all(made == (head["root"], newest["root"]) for head in older)
    if not same:
        raise Wrong(f"The proof does not show that {newest['path']} continues {older[0]['path']}.")
    return f"{newest['path']} continues {older[0]['path']}."


def canonical(value):
    """An entry in its one spelling."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def main():
    """Check all that is asked, and say it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="the log, then heads; with --proof only heads")
    parser.add_argument("--proof")
    parser.add_argument("--entry")
    parser.add_argument("--key", type=read_key, action="append", default=[])
    args = parser.parse_args()
    paths = args.files if args.proof else args.files[1:]
    if not paths:
        parser.error("no head was given")
    try:
        heads = [read_head(path) for path in paths]
        if len({head["origin"] for head in heads}) > 1:
            raise Wrong("These heads are of different logs.")
        for said in [check_proof(args.proof, heads)] if args.proof else check_log(args.files[0], heads, args.entry):
            print(said)
        checked = say_signatures(heads, args.key)
    except Wrong as wrong:
        print(f"WRONG: {wrong}")
        return 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"This cannot be read: {error!r}")
        return 2
    print("All holds." if checked else "All else holds.")
    return 3 if args.key and not checked else 0


def say_signatures(heads, keys):
    """Check the heads' signatures if that can be done; whether it was."""
    try:
        import cryptography  # noqa: F401
    except ImportError:
        print(
            "Signatures were NOT checked: the package cryptography is not installed. See docs/verifying.md for OpenSSL."
        )
        return False
    if not keys:
        print("Signatures were NOT checked: give the log's published key with --key.")
        return False
    for head in heads:
        check_signatures(head, keys)
    print("Every head is signed by a key given.")
    return True


if __name__ == "__main__":
    sys.exit(main())
