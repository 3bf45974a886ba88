"""Logs carry no names, words or tokens, not even when the database quotes them."""

import traceback

import pytest
from tortoise.exceptions import IntegrityError

from app.core import db, logs
from models.residents import Resident
from tests.people import People


async def test_what_the_database_quotes_stays_out_of_the_log(people: People) -> None:
    with pytest.raises(IntegrityError) as refused:
        async with db.tx():
            await Resident.create(openid="canary-openid", nickname="金丝雀", birth_year=1)
    assert "金丝雀" in "".join(traceback.format_exception(refused.value)), "PostgreSQL quotes the row, else no proof"
    said = logs.about(refused.value)
    assert said["constraint"] == "residents_birth_year"
    assert said["sqlstate"] == "23514"
    assert "金丝雀" not in str(said)
    assert "canary-openid" not in str(said)
