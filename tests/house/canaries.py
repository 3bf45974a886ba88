"""Whose eyes each personal field is for: every text of a table that keeps something about people stands here.

What is written about somebody is always his own to read, as services/privacy/holdings.py says whose a row is. Whoever
else may read it is named by his role in tests/everything.py; a field that other states show to others stands once more.
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass

from tortoise import Tortoise, fields
from tortoise.models import Model

from app.core import crypto, db
from app.core.crypto import Keys
from services.privacy.holdings import HELD
from tests.conftest import as_owner
from tests.everything import ROLES

NOBODY: set[str] = set()
EVERYBODY = set(ROLES)
LOGGED_IN = EVERYBODY - {"anonymous"}
COMMITTEE = {"chen", "zhao"}
STAFF = COMMITTEE | {"he", "ma"}
ABOVE = {"qian", "root"}
BOOKS = COMMITTEE | {"sun"} | ABOVE
NEIGHBOURS = {"lin", "mei", "sun"} | STAFF | ABOVE
"""Who lives here, works here or answers for it: the eyes for a campaign on the community's own path."""

# Readers, fields, and the rows it is said of.
EYES: list[tuple[set[str], str, str]] = [
    (NOBODY, "residents.openid residents.unionid orders.openid pushes.openid media.trace_id", ""),
    (NOBODY, "residents.name_sealed residents.phone_sealed", "openid IS NOT NULL"),
    (STAFF, "residents.name_sealed residents.phone_sealed", "openid IS NULL"),
    (NOBODY, "residents.birth_date_sealed household_claims.birth_date_sealed", ""),
    (LOGGED_IN, "residents.nickname", ""),
    (NOBODY, "residents.nickname_wanted", ""),
    (STAFF, "households.unit households.room", "community_id = {here}"),
    (NOBODY, "households.unit households.room", "community_id <> {here}"),
    (STAFF, "household_claims.unit household_claims.room household_claims.reason", "community_id = {here}"),
    ({"deng"}, "household_claims.unit household_claims.room", "community_id <> {here}"),
    (NOBODY, "consents.recipient", ""),
    (COMMITTEE, "representatives.minutes", ""),
    (NOBODY, "certificates.name_sealed certificates.document_sealed certificates.person_in_charge", ""),
    (EVERYBODY, "certificates.issuer certificates.number", ""),
    (NOBODY, "deliveries.error deliveries.msgid idempotency_keys.key", ""),
    (NOBODY, "notices.params", "resident_id IN (SELECT id FROM residents WHERE openid IS NOT NULL)"),
    (STAFF, "notices.params", "resident_id IN (SELECT id FROM residents WHERE openid IS NULL)"),
    (NOBODY, "orders.description orders.out_trade_no orders.prepay_id orders.transaction_id", ""),
    (NOBODY, "refunds.out_refund_no refunds.reason refunds.refund_id", ""),
    (LOGGED_IN, "needs.title needs.body need_answers.body", "moderation = 'passed'"),
    (STAFF, "needs.title needs.body", "moderation = 'hidden'"),
    (LOGGED_IN, "comments.body", "moderation = 'passed'"),
    (STAFF, "comments.body", "moderation = 'hidden'"),
    (LOGGED_IN, "reasons.text activities.title activities.body", ""),
    (COMMITTEE, "wishes.title wishes.body", "state = 'in_review' AND assistant_id IS NULL"),
    (COMMITTEE | {"he"}, "wishes.title wishes.body", "state = 'in_review' AND assistant_id IS NOT NULL"),
    (NOBODY, "wishes.attested_ground", ""),
    (LOGGED_IN, "wishes.title wishes.body wishes.thanks", "state <> 'in_review'"),
    (STAFF | {"lin", "mei"}, "wish_claims.note wish_statements.body", ""),
    (NOBODY, "wish_contacts.words_sealed", ""),
    (COMMITTEE, "units.name", "state = 'pending'"),
    (STAFF, "signups.note", ""),
    (LOGGED_IN, "volunteer_teams.name volunteer_teams.body", ""),
    (LOGGED_IN, "deliberations.title deliberations.body option_proposals.title", ""),
    (STAFF | ABOVE | {"lin", "mei"}, "objections.reason objections.answer", ""),
    (EVERYBODY, "deliberation_reviews.body follow_ups.title follow_ups.note resolution_displays.where_text", ""),
    (NOBODY, "electors.code", ""),
    (LOGGED_IN, "meetings.title meetings.body meetings.place_text meetings.online_url meetings.minutes", ""),
    (LOGGED_IN, "petitions.title petitions.body petitions.answer", ""),
    (STAFF, "campaigns.title campaigns.body campaigns.beneficiary_text", "state = 'draft'"),
    (
        NEIGHBOURS,
        "campaigns.title campaigns.body campaigns.beneficiary_text",
        "legal_path = 'community' AND state <> 'draft'",
    ),
    (LOGGED_IN, "campaigns.title campaigns.body", "legal_path <> 'community'"),
    (NEIGHBOURS, "pledges.item pledges.message teams.name use_changes.title use_changes.body", ""),
    (BOOKS, "slips.note matches.unit", ""),
    (LOGGED_IN, "incomes.document_number disclosure_questions.body disclosure_answers.body", ""),
    (STAFF | BOOKS, "expenses.payee expenses.purpose expenses.reference", ""),
    (COMMITTEE | {"ma"}, "reports.reason checks.plea", ""),
]
# Words of ours, numbers and fingerprints, each said of every table.
NOT_WORDS = """
calendar_hash channel charity_certificate charity_filing charity_name charity_url choice code code_hash counts digest
event external_id facts kind lines name_masked never_paid nonce phone_index policy_version receipt report request_hash
roll_hash salt signed skills subject_kind suggest switched_off template_id terms token_hash told trace_ids verb
""".split()  # noqa: SIM905 - sixteen lines of quotes otherwise
MARK, ROW = re.compile(r"鹊(\d+)鹊"), 1_000_000
"""A canary names the field of EYES it stands in, and the row."""
FIELDS = [(readers, field, where) for readers, listed, where in EYES for field in listed.split()]


def fields_about_people() -> set[str]:
    """Every text, sealed text and document of the tables that keep something about people."""
    held = {held.table for held in HELD}
    kinds = (fields.TextField, fields.CharField, fields.JSONField, fields.BinaryField)
    return {
        f"{table}.{name}"
        for table, model in _models().items()
        if table in held
        for name, field in model._meta.fields_map.items()
        if type(field) in kinds
    }


# What neither the town nor any request here fills, with the tables' triggers off.
BY_HAND = """
UPDATE residents SET unionid = 'u' || id, nickname_wanted = '新名' WHERE openid IS NOT NULL;
UPDATE residents SET name_sealed = sha512('')::bytea, phone_sealed = sha512('')::bytea,
    phone_index = sha256(id::text::bytea), birth_date_sealed = sha512('')::bytea WHERE left_at IS NULL;
UPDATE household_claims SET reason = '房号不符', birth_date_sealed = sha512('')::bytea;
UPDATE media SET trace_id = 't' || id;
UPDATE orders SET prepay_id = 'wx' || id;
UPDATE refunds SET refund_id = '50' || id;
UPDATE meetings SET state = 'held', minutes = '到会', expected = 1, present = 1, online_url = 'https://example.org';
UPDATE petitions SET state = 'answered', reached_at = clock_now(), answer = '已定', answered_at = clock_now();
UPDATE campaigns SET beneficiary_text = '全体居民';
INSERT INTO pushes (event, openid, facts, digest, signed) VALUES ('subscribe_msg', 'lin', '{{}}', '1', '1');
INSERT INTO deliveries (resident_id, day, counts, template, state, due_at, sending_at, template_id, msgid,
        error)
    SELECT author_id, current_date, '{{}}', 'digest', 'refused', clock_now(), clock_now(), 't', 'm',
        'e' FROM needs LIMIT 1;
INSERT INTO use_changes (community_id, campaign_id, announced_by_id, resolution_id, amount_fen, raised_fen,
        refund_until, state, title, body, moderation)
    SELECT {here}, id, author_id, (SELECT max(id) FROM resolutions), 1, 1,
        clock_now() + interval '20 days', 'announced', '坡道', '改建坡道', 'passed'
    FROM campaigns WHERE state = 'open' AND legal_path = 'community' LIMIT 1;
"""


@dataclass
class Canaries:
    """What was planted: whose each row is, and the fields that had no row to plant into."""

    owners: dict[tuple[str, int], set[str]]
    empty: set[str]

    @classmethod
    async def plant(cls, keys: Keys, community_id: int, residents: dict[str, int]) -> "Canaries":
        """Write a canary of its own into every field of every row; `residents` are the ids of the roles."""
        empty: set[str] = set()
        await as_owner(lambda: _plant(keys, community_id, empty))
        owners = defaultdict(set)
        for held in HELD:
            if held.whose or held.where:
                for who, resident_id in residents.items():
                    for row in await db.rows(f"SELECT * FROM {held.table} t WHERE {held.is_mine}", resident_id):
                        owners[held.table, row.get("id", 0)].add(who)
        return cls(owners, empty)

    def whose(self, mark: str) -> tuple[str, set[str]]:
        """The field a canary was read in, and who may."""
        number, row = divmod(int(mark), ROW)
        readers, field, _ = FIELDS[number]
        return field, readers | self.owners[field.split(".")[0], row]


async def _plant(keys: Keys, community_id: int, empty: set[str]) -> None:
    tables = sorted({field.split(".")[0] for _, field, _ in FIELDS})
    await db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        await db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        if "moderation" in _models()[table]._meta.fields_map:
            await db.execute(f"UPDATE {table} SET moderation = 'passed' WHERE moderation = 'checking'")
    for statement in BY_HAND.format(here=community_id).split(";\n")[:-1]:
        await db.execute(statement)
    for number, (_, field, where) in enumerate(FIELDS):
        table, column = field.split(".")
        rows = await db.rows(
            f"SELECT id, {column} AS said FROM {table} "
            f"WHERE {column} IS NOT NULL AND ({where.format(here=community_id) or 'true'})"
        )
        for row in rows:
            mark = f"鹊{number * ROW + row['id']}鹊"
            said: object = mark
            if column.endswith("_sealed"):
                said = crypto.seal(keys, mark, table=table, column=column.removesuffix("_sealed"), row=row["id"])
            elif column == "params":
                said = json.dumps(dict.fromkeys(json.loads(row["said"]), mark))
            await db.execute(f"UPDATE {table} SET {column} = $2 WHERE id = $1", row["id"], said)
        if not rows:
            empty.add(f"{field} {where}".strip())
    for table in tables:
        await db.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _models() -> dict[str, type[Model]]:
    return {model._meta.db_table: model for model in Tortoise.apps["models"].values()}
