"""The transparency log: entries nobody can change, the tree over them, and its signed heads.

It is one log for the whole installation, so only entries belong to a community.
"""

from enum import StrEnum

from tortoise import fields
from tortoise.fields.db_defaults import SqlDefault
from tortoise.models import Model

from app.core.errors import NotFound
from models.base import NOW, RESTRICT, Record
from models.places import Place


class LogKind(StrEnum):
    """What is logged, each by its noun."""

    TRANSFER = "transfer"
    RESOLUTION = "resolution"
    ARCHIVE = "archive"
    DISCLOSURE = "disclosure"


class NotInLog(NotFound):
    code = "not_in_log"
    zh = "存证日志中没有这一条；新的记录几秒钟后写入"
    en = "There is no such entry in the log; what is new comes in within seconds"


class LogPending(Model):
    """A row that is to be logged; written by a trigger in the row's own transaction.

    `written_at` is real time: it tells how long the log takes, which is no deadline of anybody's.
    """

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharEnumField(LogKind, max_length=16)
    row_id = fields.BigIntField()
    written_at = fields.DatetimeField(db_default=SqlDefault("clock_timestamp()"))

    class Meta:
        table = "log_pending"


class LogEntry(Model):
    """A leaf: `text` is what it says, canonical JSON; `hash` its hash as a leaf of the tree."""

    index = fields.BigIntField(primary_key=True, generated=False)
    kind = fields.CharEnumField(LogKind, max_length=16)
    row_id = fields.BigIntField()
    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "log_entries", on_delete=RESTRICT
    )
    community_id: int
    text = fields.TextField()
    hash = fields.BinaryField()

    class Meta:
        table = "log_entries"


class LogNode(Model):
    """The hash of a complete subtree above the leaves; `number` counts all nodes from left to right, leaves too."""

    number = fields.BigIntField(primary_key=True, generated=False)
    hash = fields.BinaryField()

    class Meta:
        table = "log_nodes"


class LogHead(Model):
    """How large the log was and the root over it; `note` says so with a signature (c2sp.org/tlog-checkpoint)."""

    size = fields.BigIntField(primary_key=True, generated=False)
    root = fields.BinaryField()
    note = fields.TextField()
    signed_at = fields.DatetimeField(db_default=NOW)

    class Meta:
        table = "log_heads"


class Verification(Record):
    """What the clock found when it recomputed everything."""

    violations = fields.IntField()
    took_ms = fields.IntField()

    class Meta:
        table = "verifications"
