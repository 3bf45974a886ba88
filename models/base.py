"""What every kept thing shares: an id, a day of birth, a reference, and, for things that move, one way to step."""

import re
from enum import StrEnum
from typing import Any, ClassVar, Self

from tortoise import fields
from tortoise.fields import OnDelete
from tortoise.fields.db_defaults import SqlDefault
from tortoise.models import Model

from app.core.errors import InvalidState

RESTRICT = OnDelete.RESTRICT  # Tortoise's default is CASCADE; nothing here vanishes with something else
NOW = SqlDefault("clock_now()")


class Moderation(StrEnum):
    """Whether others may see what somebody wrote."""

    CHECKING = "checking"
    PASSED = "passed"
    QUEUED = "queued"
    HIDDEN = "hidden"


class Record(Model):
    """A row with an id and a time of creation, both given by the database."""

    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField(db_default=NOW)

    class Meta:
        abstract = True

    @classmethod
    def noun(cls) -> str:
        """The noun by which events, notices and links name this thing: `need`, `role_grant`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class AsGiven(fields.Field[Any]):
    """A column that only the database writes and compares; its value is as the driver gives it."""

    def to_python_value(self, value: Any) -> Any:
        """As it is."""
        return value


class Stateful(Record):
    """A thing that walks a road: `FLOW` says which states follow which."""

    FLOW: ClassVar[dict[Any, set[Any]]]
    state: Any
    was: str | None = None
    """The state before the last step, for the audit."""

    class Meta:
        abstract = True

    async def move_to(self, target: StrEnum, **columns: Any) -> Self:
        """Take one step of FLOW, setting `columns` with it. Of two who step at once, exactly one succeeds.

        Raises InvalidState.
        """
        old = self.state
        if target not in self.FLOW[old]:
            raise InvalidState(str(old))
        moved = await type(self).filter(id=self.id, state=old).update(state=target, **columns)
        if moved != 1:
            current = await type(self).get(id=self.id).only("state")
            raise InvalidState(str(current.state))
        self.state, self.was = target, str(old)
        for name, value in columns.items():
            setattr(self, name, value)
        return self
