"""Keys are changed while people read and write, and while the rotation is killed."""

import asyncio
import os
import subprocess
import sys

import httpx
import pytest

from app.core import crypto, db
from app.core.crypto import Keys
from models.residents import PhoneTaken, Resident
from services import residents
from services.residents.phones import full_name, keep_phone, phone
from services.residents.sealing import KeyMissing

OLD = Keys({1: "o" * 32}, "i" * 32)
NEW = Keys({1: "o" * 32, 2: "n" * 32}, "j" * 32, "i" * 32)
ONLY_NEW = Keys({2: "n" * 32}, "j" * 32)
SEALED_ANEW = "SELECT count(*) FROM residents WHERE get_byte(name_sealed, 0) = 2"
ROTATE = """
import asyncio, os, sys
from app.core import db
from app.core.settings import Settings
from services import residents
async def main():
    await db.connect(os.environ["DATABASE_URL"], pool_size=1)
    await residents.reseal(Settings(_env_file=None).keys, batch=1)
asyncio.run(main())
"""


async def _elders(count: int, keys: Keys = OLD) -> list[int]:
    """People with sealed names and numbers, the name and number told by the place in the list."""
    ids = []
    for n in range(count):
        made = await Resident.create(nickname="王**")
        made.name_sealed = crypto.seal(keys, f"王{n}", table="residents", column="name", row=made.id)
        await made.save(update_fields=["name_sealed"])
        await keep_phone(made, f"1390000{n:04}", keys)
        ids.append(made.id)
    return ids


async def _all_open(ids: list[int], keys: Keys) -> None:
    for n, line in enumerate(
        await db.rows(
            "SELECT id AS resident_id, nickname, name_sealed, phone_sealed FROM residents WHERE id = ANY ($1) "
            "ORDER BY id",
            ids,
        )
    ):
        assert (full_name(line, keys), phone(line, keys)) == (f"王{n}", f"1390000{n:04}")


@pytest.mark.usefixtures("committed")
async def test_all_comes_under_the_new_key_and_the_old_one_may_go() -> None:
    ids = await _elders(7)
    done = await residents.reseal(NEW, batch=3)
    assert (done.sealed, done.indexed, done.twice) == (14, 7, [])
    await _all_open(ids, ONLY_NEW)
    await residents.require_keys(ONLY_NEW)
    again = await residents.reseal(NEW, batch=3)
    assert (again.sealed, again.indexed) == (0, 0)


async def test_a_rotation_killed_at_any_point_loses_nothing(committed: str) -> None:
    ids = await _elders(150)
    environment = os.environ | {
        "DATABASE_URL": committed,
        "FIELD_KEYS": '{"1": "%s", "2": "%s"}' % ("o" * 32, "n" * 32),  # noqa: UP031 - braces
        "INDEX_KEY": "j" * 32,
        "INDEX_KEY_BEFORE": "i" * 32,
    }
    for sealed_anew in (5, 20):
        process = await asyncio.to_thread(subprocess.Popen, [sys.executable, "-c", ROTATE], env=environment)
        while await db.value(SEALED_ANEW) < sealed_anew:
            assert process.poll() is None
        process.kill()
        await asyncio.to_thread(process.wait)
        await _all_open(ids, NEW)
    assert 20 <= await db.value(SEALED_ANEW) < 150
    await residents.reseal(NEW, batch=7)
    await _all_open(ids, ONLY_NEW)


@pytest.mark.usefixtures("committed")
async def test_readers_and_writers_go_on_while_keys_change() -> None:
    ids = await _elders(30)

    async def read() -> None:
        for _ in range(15):
            await _all_open(ids, NEW)

    async def write() -> None:
        for n, resident_id in enumerate(ids):
            await keep_phone(await Resident.get(id=resident_id), f"1390000{n:04}", NEW)

    await asyncio.gather(residents.reseal(NEW, batch=2), read(), write(), read())
    await residents.reseal(NEW, batch=100)
    await _all_open(ids, ONLY_NEW)


async def test_a_number_stays_one_persons_while_its_index_changes() -> None:
    first, second = await _elders(1), await Resident.create(nickname="新来")
    with pytest.raises(PhoneTaken):
        await keep_phone(second, "13900000000", NEW)
    await residents.reseal(NEW, batch=10)
    with pytest.raises(PhoneTaken):
        async with db.tx():
            await keep_phone(second, "13900000000", ONLY_NEW)
    assert first


async def test_a_number_bound_twice_in_the_window_is_named_and_kept() -> None:
    (first,) = await _elders(1)
    second = await Resident.create(nickname="新来")
    await keep_phone(second, "13900000000", ONLY_NEW)  # a process that was told nothing of the index before
    done = await residents.reseal(NEW, batch=10)
    assert done.twice == [first]
    await _all_open([first], NEW)


@pytest.mark.parametrize("wrong", [Keys({2: "n" * 32}, "i" * 32), Keys({1: "x" * 32}, "i" * 32)])
async def test_an_installation_whose_keys_open_nothing_is_not_ready(wrong: Keys) -> None:
    await _elders(1)
    with pytest.raises(KeyMissing):
        await residents.require_keys(wrong)
    await residents.require_keys(OLD)


async def test_readiness_says_which_key_is_missing(anonymous: httpx.AsyncClient) -> None:
    await _elders(1, Keys({7: "q" * 32}, "i" * 32))
    answer = await anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "key_missing")
    assert answer.json()["versions"] == [7]
