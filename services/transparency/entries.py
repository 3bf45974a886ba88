"""What the log says of each kind of row: ids, numbers, our own words and hashes. Words of people are only hashed."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.core import db
from models.transparency import LogKind
from services.rules.canonical import canonical
from services.rules.transparency import entry
from services.transparency.causes import CAUSE, TERMS, hashed

AT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


@dataclass(frozen=True)
class Kind:
    """Where rows of a kind are, and how those of the ids `$1` become facts."""

    table: str
    facts: str
    shape: Callable[[dict[str, Any]], dict[str, Any]] = lambda row: row


def _resolution(row: dict[str, Any]) -> dict[str, Any]:
    said = {name: row.pop(name) for name in ("title", "explanation_zh", "explanation_en")}
    said["counts"] = json.loads(row.pop("counts"))
    return row | {"text_sha256": hashlib.sha256(canonical(said)).hexdigest()}


KINDS: dict[LogKind, Kind] = {
    LogKind.TRANSFER: Kind(
        "transfers",
        f"""
        WITH terms AS MATERIALIZED ({TERMS})
        SELECT t.id, t.community_id, t.debit_account_id, d.kind AS debit, d.campaign_id AS debit_campaign_id,
            t.credit_account_id, c.kind AS credit, c.campaign_id AS credit_campaign_id, t.amount_fen, t.source_kind,
            t.source_id, t.leg, t.corrects_id, {AT.format("t.created_at")} AS at,
            {hashed(CAUSE)} AS cause_sha256, {hashed("g.said")} AS terms_sha256
        FROM transfers t JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id
            LEFT JOIN terms g ON g.id = coalesce(c.campaign_id, d.campaign_id)
        WHERE t.id = ANY ($1::bigint[])""",
    ),
    LogKind.RESOLUTION: Kind(
        "resolutions",
        f"""
        SELECT id, community_id, number, deliberation_id, rule, binding, passed, roll_hash, title, explanation_zh,
            explanation_en, counts, {AT.format("created_at")} AS at
        FROM resolutions WHERE id = ANY ($1::bigint[])""",
        _resolution,
    ),
    LogKind.ARCHIVE: Kind(
        "archives",
        f"""
        SELECT id, community_id, deliberation_id, digest,
            encode(sha256(convert_to(content, 'UTF8')), 'hex') AS content_sha256, {AT.format("created_at")} AS at
        FROM archives WHERE id = ANY ($1::bigint[])""",
    ),
    LogKind.DISCLOSURE: Kind(
        "disclosures",
        f"""
        SELECT id, community_id, kind, about, encode(sha256(convert_to(title, 'UTF8')), 'hex') AS title_sha256,
            document_hash, {AT.format("shown_from")} AS shown_from, {AT.format("shown_until")} AS shown_until
        FROM disclosures WHERE id = ANY ($1::bigint[])""",
    ),
}


@dataclass(frozen=True)
class Entry:
    """What the log says of a row."""

    kind: LogKind
    row_id: int
    community_id: int
    facts: dict[str, Any]

    @property
    def text(self) -> str:
        """The leaf, as canonical JSON."""
        return entry(self.kind.value, self.row_id, self.community_id, self.facts).decode()

    def differs(self, text: str) -> list[str]:
        """What an entry of the log says that is not so, by name; a later release may say more of a row than it did."""
        if text == self.text:
            return []
        try:
            said = json.loads(text)
        except ValueError:
            return ["text"]
        facts = said.pop("facts", None) if isinstance(said, dict) else None
        if not isinstance(facts, dict) or said.keys() != {"kind", "id", "community_id"}:
            return ["text"]
        ours = {"kind": self.kind, "id": self.row_id, "community_id": self.community_id} | self.facts
        return sorted(name for name, value in (said | facts).items() if ours.get(name, ...) != value)


async def entries(kind: LogKind, row_ids: Sequence[int]) -> dict[int, Entry]:
    """What is to be said of the rows of a kind, by their ids; those that are not there are left out."""
    said = {}
    for row in await db.rows(KINDS[kind].facts, row_ids):
        row_id, community_id = row.pop("id"), row.pop("community_id")
        said[row_id] = Entry(kind, row_id, community_id, KINDS[kind].shape(row))
    return said
