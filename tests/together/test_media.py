"""Pictures, two and more at once, and a bomb that keeps nobody else waiting."""

import asyncio
import time
from pathlib import Path

import pytest
from obstore.store import LocalStore

from app.core import db
from app.gateways.storage import ObjectStorage
from models.base import Moderation
from models.media import Media
from models.needs import NeedField, ServiceClass
from services import media, needs
from services.media import Photo
from tests import pictures
from tests.conftest import as_owner
from tests.people import People
from tests.services.test_media import Studio
from tests.together.conftest import Town
from tests.together.crowd import neighbours, outcomes


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path, ObjectStorage(LocalStore(tmp_path)))


async def old(studio: Studio, people: People, what: str = "灯") -> Photo:
    """A picture of three days ago that nothing was made of."""
    photo = await studio.upload(people.lin, what)
    await db.execute("UPDATE media SET created_at = clock_now() - interval '3 days' WHERE id = $1", photo.id)
    await db.execute("UPDATE pictures SET touched_at = clock_now() - interval '3 days'")
    return photo


async def attached(people: People, photo: Photo) -> None:
    await needs.submit(
        people.lin,
        community_id=people.jy,
        service_class=ServiceClass.CARE,
        field=NeedField.ELDERLY,
        title="想要一张长椅",
        body="楼下没有地方坐",
        photo_ids=[photo.id],
    )


async def test_the_same_picture_twenty_times_at_once_is_one(people: People, committed: str, studio: Studio) -> None:
    assert await outcomes(studio.upload(people.lin) for _ in range(20)) == {"ok": 20}
    assert await Media.all().count() == 1
    assert studio.files() == 2


async def test_without_its_constraint_it_would_be_many(people: People, committed: str, studio: Studio) -> None:
    await studio.upload(people.lin)
    async with db.tx():
        await as_owner(lambda: db.execute("ALTER TABLE media DROP CONSTRAINT media_once_each"))
    await db.execute(
        "INSERT INTO media (uploader_id, picture_id, purpose, moderation) "
        "SELECT uploader_id, picture_id, purpose, moderation FROM media"
    )
    assert await Media.all().count() == 2


async def test_twenty_people_share_the_bytes(people: People, committed: str, studio: Studio) -> None:
    crowd = await neighbours(people, 20)
    assert await outcomes(studio.upload(actor) for actor in crowd) == {"ok": 20}
    assert await Media.all().count() == 20
    assert studio.files() == 2


async def test_a_photo_is_attached_or_forgotten_never_both(people: People, committed: str, studio: Studio) -> None:
    for round_ in range(10):
        photo = await old(studio, people, str(round_))
        ended = await outcomes([attached(people, photo), media.forget_unused(), media.forget_unused()])
        assert ended in ({"ok": 3}, {"ok": 2, "UnknownPhoto": 1})
        kept = await Media.exists(id=photo.id)
        shown = await db.value("SELECT count(*) FROM attachments WHERE media_id = $1", photo.id)
        assert shown == (1 if kept else 0)


async def test_bytes_are_there_for_every_row_whoever_sweeps_meanwhile(
    people: People, committed: str, studio: Studio
) -> None:
    for round_ in range(10):
        await old(studio, people, str(round_))
        await outcomes(
            [
                media.forget_unused(),
                media.sweep(studio.storage),
                studio.upload(people.mei, str(round_)),
                media.sweep(studio.storage),
                studio.upload(people.wang, str(round_)),
                media.forget_unused(),
            ]
        )
        await media.sweep(studio.storage)
    for one in await Media.all().select_related("picture"):
        assert await studio.storage.exists(one.picture.name), one.id
        assert await studio.storage.exists(one.picture.thumb_name), one.id


async def test_nobody_takes_up_what_is_just_being_deleted(people: People, committed: str, studio: Studio) -> None:
    met = []

    class Meeting(ObjectStorage):
        async def delete(self, name: str) -> None:
            met.append(await outcomes([studio.upload(people.mei)]))
            await super().delete(name)

    await old(studio, people)
    await media.forget_unused()
    await media.sweep(Meeting(LocalStore(studio.folder)))
    assert met == [{"Unavailable": 1}] * 2
    photo = await studio.upload(people.mei)
    picture = (await Media.get(id=photo.id).select_related("picture")).picture
    assert await studio.storage.exists(picture.name)
    assert await studio.storage.exists(picture.thumb_name)


async def test_a_check_is_settled_once_by_two_machines(people: People, committed: str, studio: Studio) -> None:
    photo = await studio.upload(people.lin)
    verdicts = [Moderation.HIDDEN, Moderation.PASSED] * 5
    assert sum(await asyncio.gather(*(media.settle(photo.id, verdict) for verdict in verdicts))) == 1
    assert await db.value("SELECT count(*) FROM events WHERE subject_kind = 'media'") == 1


async def test_others_are_answered_while_bombs_are_developed(town: Town) -> None:
    lin, mei = await town.as_("lin"), await town.as_("mei")
    bomb = pictures.many_scans(10_000)

    async def throw() -> str:
        reply = await lin.post("/v1/media", files={"file": ("a.jpg", bomb, "image/jpeg")}, timeout=60)
        return str(reply.json()["code"])

    throwing = [asyncio.create_task(throw()) for _ in range(2)]
    slowest = answered = 0.0
    while not all(task.done() for task in throwing):
        started = time.perf_counter()
        assert (await mei.get("/v1/me", timeout=10)).status_code == 200
        slowest, answered = max(slowest, time.perf_counter() - started), answered + 1
        await asyncio.sleep(0.05)
    assert await asyncio.gather(*throwing) == ["picture_too_costly"] * 2
    assert answered > 10
    assert slowest < 3
    after = await lin.post("/v1/media", files={"file": ("a.jpg", pictures.plain(), "image/jpeg")}, timeout=60)
    assert after.status_code == 201
