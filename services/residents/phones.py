"""Telephones and real names: sealed at rest, opened only for whom they concern."""

from collections.abc import Mapping
from typing import Any

from app.core import crypto, db
from app.core.crypto import Keys
from app.core.db import atomic
from models.residents import PhoneTaken, Resident
from services import events
from services.policies import Actor


@atomic()
async def bind(actor: Actor, number: str, secret: Keys) -> None:
    """Keep a number that the actor has shown to be his own, in place of the one before. Raises PhoneTaken."""
    resident = await Resident.get(id=actor.id)
    await keep_phone(resident, number, secret)
    await events.record(actor, "resident.phone_bound", resident)


async def keep_phone(resident: Resident, number: str, secret: Keys) -> None:
    """Seal a number into its resident's row. Raises PhoneTaken when it is somebody else's."""
    number = plain(number)
    if secret.index_before is not None:  # the constraint compares only what is indexed under the same key
        before = crypto.index(secret.index_before, number, table="residents", column="phone")
        if await db.value("SELECT 1 FROM residents WHERE phone_index = $1 AND id <> $2", before, resident.id):
            raise PhoneTaken
    resident.phone_sealed = crypto.seal(secret, number, table="residents", column="phone", row=resident.id)
    resident.phone_index = crypto.index(secret.index, number, table="residents", column="phone")
    await resident.save(update_fields=["phone_sealed", "phone_index"])


def plain(number: str) -> str:
    """A number without blanks and dashes, as it is sealed and looked up."""
    return number.replace(" ", "").replace("-", "")


def phone(row: Mapping[str, Any], secret: Keys) -> str | None:
    """The number in a row with `resident_id` and `phone_sealed`."""
    return _opened(row["phone_sealed"], "phone", row["resident_id"], secret)


def full_name(row: Mapping[str, Any], secret: Keys) -> str:
    """The real name in a row with `resident_id`, `name_sealed` and `nickname`, which stands in where there is none."""
    return _opened(row["name_sealed"], "name", row["resident_id"], secret) or str(row["nickname"])


def phone_masked(resident: Resident, secret: Keys) -> str | None:
    """A number as its owner sees it on his own page: 138****1234, or only the last two digits of a short one."""
    number = _opened(resident.phone_sealed, "phone", resident.id, secret)
    if number is None:
        return None
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 11 else f"****{number[-2:]}"


def _opened(sealed: bytes | None, column: str, row: int, secret: Keys) -> str | None:
    return None if sealed is None else crypto.unseal(secret, bytes(sealed), table="residents", column=column, row=row)
