"""One attempt to break each constraint on the transparency log, by raw SQL as the owner of the tables."""

JY = "(SELECT id FROM places WHERE name = '锦阳社区')"


def entry(index: int, row_id: int = 1, text: str = "{}", hashed: str = "{}") -> str:
    """Add an entry that says `text` with the hash of `hashed`."""
    return (
        "INSERT INTO log_entries (index, kind, row_id, community_id, text, hash) "
        f"VALUES ({index}, 'transfer', {row_id}, {JY}, '{text}', sha256('\\x00'::bytea || '{hashed}'::bytea))"
    )


def head(size: int, root: str = "sha256('')") -> str:
    """Sign, as it were, a head over so many entries."""
    return f"INSERT INTO log_heads (size, root, note) VALUES ({size}, {root}, 'note')"


NODE = "INSERT INTO log_nodes (number, hash) VALUES (1, sha256(''))"
VERIFIED = "INSERT INTO verifications (violations, took_ms) VALUES (0, 1)"

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("log_entries_once", "the same row twice", [entry(0), entry(1)]),
    ("log_entries_hash", "an entry under another's hash", [entry(0, hashed="{ }")]),
    ("log_entries_contiguous", "an entry left out", [entry(0), entry(2, 2)]),
    ("log_entries_contiguous", "an entry before the first", [entry(-1)]),
    ("log_entries_append_only", "an entry changed", [entry(0), "UPDATE log_entries SET row_id = 2"]),
    ("log_entries_append_only", "an entry taken out", [entry(0), "DELETE FROM log_entries"]),
    ("log_entries_append_only", "a log begun anew", ["TRUNCATE log_entries"]),
    ("log_nodes_hash", "a node that is no hash", ["INSERT INTO log_nodes (number, hash) VALUES (1, '')"]),
    ("log_nodes_append_only", "a node changed", [NODE, "UPDATE log_nodes SET hash = sha256('other')"]),
    ("log_heads_root", "a root that is no hash", [head(0, "''")]),
    ("log_heads_over_all", "a head over what is not there", [entry(0), head(2)]),
    ("log_heads_over_all", "a head over a part only", [entry(0), entry(1, 2), head(1)]),
    ("log_heads_append_only", "a head signed otherwise", [head(0), "UPDATE log_heads SET note = 'other'"]),
    ("log_heads_append_only", "a head taken back", [head(0), "DELETE FROM log_heads"]),
    ("verifications_figures", "fewer than no violations", [VERIFIED.replace("0, 1", "-1, 1")]),
    ("verifications_append_only", "an alarm made good", [VERIFIED, "UPDATE verifications SET violations = 0"]),
]
