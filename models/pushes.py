"""What WeChat pushed to us: kept before it is answered, handled by the worker, forgotten after seven days."""

from typing import Any

from tortoise import fields

from models.base import NOW, Record


class Push(Record):
    """An event WeChat told of a user, trimmed to what handling it needs; `due_at` is null once that is done."""

    event = fields.CharField(40)
    openid = fields.CharField(64)
    facts: Any = fields.JSONField()
    digest = fields.BinaryField()
    signed = fields.BinaryField()
    tries = fields.SmallIntField(default=0)
    due_at = fields.DatetimeField(null=True, db_default=NOW)

    class Meta:
        table = "pushes"
