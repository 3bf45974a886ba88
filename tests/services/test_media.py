"""Pictures: kept once, shown to those who may see them, checked, forgotten when nothing is made of them."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from obstore.store import LocalStore

from app.core import db
from app.core.errors import Invalid, NotFound, Unavailable
from app.core.pages import Page
from app.gateways.darkroom import Developed
from app.gateways.storage import ObjectStorage
from models.base import Moderation
from models.events import Event
from models.media import (
    UPLOAD_MAX,
    Media,
    PictureTooLarge,
    Purpose,
    SamePhotoTwice,
    TooManyUnused,
    UnknownPhoto,
)
from models.needs import Need, NeedField, ServiceClass
from models.residents import ConsentKind, Resident
from services import assistances, crowdfunding, events, jobs, media, needs, notifications, residents
from services.media import Links, Photo, links, settling, uploading
from services.media.links import Audience, Size
from services.policies import Actor
from services.residents import OnBehalfOf
from tests import raising
from tests.passing import passed
from tests.people import People

MoveClock = Callable[[timedelta], Awaitable[None]]
LINKS = Links("http://linli.test", "a secret of tests")


class Room:
    """Takes every file for a picture already."""

    async def develop(self, raw: bytes) -> Developed:
        return Developed(40, 30, raw, b"small " + raw, 1)


@dataclass
class Studio:
    """Uploads for tests, and the folder the pictures are in."""

    folder: Path
    storage: ObjectStorage

    async def upload(self, actor: Actor, what: str = "灯", purpose: Purpose = Purpose.PHOTO) -> Photo:
        picture_id = await media.develop(self.storage, Room(), what.encode())  # type: ignore[arg-type]
        return await media.keep(actor, picture_id, purpose=purpose)

    def files(self) -> int:
        return sum(path.is_file() for path in self.folder.rglob("*"))


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path, ObjectStorage(LocalStore(tmp_path)))


async def written(actor: Actor, community_id: int, on_behalf_of: OnBehalfOf | None = None, **more: object) -> Need:
    """A need whose words have passed; its photos have not."""
    need = await assistances.act(
        actor,
        on_behalf_of,
        "need.submitted",
        needs.submit,
        community_id=community_id,
        service_class=ServiceClass.TECHNOLOGY,
        field=NeedField.PROPERTY,
        title="楼道灯坏了",
        body="三层的灯坏了一周",
        **more,  # type: ignore[arg-type]
    )
    return await passed(need)


async def seen_by(actor: Actor, need: Need) -> list[int]:
    return [photo.id for photo in (await needs.find(actor, need.id)).photos]


# --- kept once --------------------------------------------------------------------------------------------------


async def test_the_same_picture_twice_is_one(people: People, studio: Studio) -> None:
    first, second = await studio.upload(people.lin), await studio.upload(people.lin)
    assert first.id == second.id
    assert studio.files() == 2


async def test_two_people_with_the_same_picture_share_its_bytes(people: People, studio: Studio) -> None:
    lins, meis = await studio.upload(people.lin), await studio.upload(people.mei)
    assert lins.id != meis.id
    assert studio.files() == 2


async def test_a_file_of_more_than_10_mb_is_refused(studio: Studio) -> None:
    with pytest.raises(PictureTooLarge):
        await media.develop(studio.storage, Room(), b"x" * (UPLOAD_MAX + 1))  # type: ignore[arg-type]


async def test_a_hundred_unused_pictures_are_enough(
    people: People, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "UNUSED_MAX", 2)
    one, two = await studio.upload(people.lin, "1"), await studio.upload(people.lin, "2")
    with pytest.raises(TooManyUnused):
        await studio.upload(people.lin, "3")
    assert (await studio.upload(people.lin, "2")).id == two.id
    await studio.upload(people.mei, "3")
    await written(people.lin, people.jy, photo_ids=[one.id])
    await studio.upload(people.lin, "3")


# --- who sees ---------------------------------------------------------------------------------------------------


async def test_a_photo_is_its_uploaders_until_it_passes(people: People, studio: Studio) -> None:
    photos = [await studio.upload(people.lin, what) for what in ("楼道", "灯")]
    need = await written(people.lin, people.jy, photo_ids=[photos[1].id, photos[0].id])
    assert [photo.id for photo in need.photos] == [photos[1].id, photos[0].id]
    assert await seen_by(people.mei, need) == []
    assert await seen_by(people.chen, need) == []
    await media.settle(photos[0].id, Moderation.PASSED)
    assert await seen_by(people.mei, need) == [photos[0].id]
    await media.settle(photos[0].id, Moderation.HIDDEN, by=people.chen)
    assert await seen_by(people.mei, need) == []
    assert await seen_by(people.lin, need) == [photos[1].id, photos[0].id]


async def test_a_helpers_photo_is_shown_with_what_he_wrote_for_another(people: People, studio: Studio) -> None:
    photo = await studio.upload(people.he)
    consent = OnBehalfOf(people.lin.id, ConsentKind.WITNESS, people.mei.id)
    need = await written(people.he, people.jy, photo_ids=[photo.id], on_behalf_of=consent)
    assert await seen_by(people.he, need) == [photo.id]


async def test_a_list_reads_photos_with_its_page(people: People, studio: Studio) -> None:
    photo = await studio.upload(people.lin)
    first = await written(people.lin, people.jy, photo_ids=[photo.id])
    second = await written(people.lin, people.jy, photo_ids=[photo.id])
    found = await media.photos_of(people.lin, "need", [first.id, second.id, 0])
    assert {key: [one.id for one in photos] for key, photos in found.items()} == {
        first.id: [photo.id],
        second.id: [photo.id],
        0: [],
    }
    assert [one.id for one in (await media.photos_of(people.mei, "need", [first.id]))[first.id]] == []


async def test_a_campaign_shows_its_cover(people: People, studio: Studio) -> None:
    cover = await studio.upload(people.ma, "封面")
    campaign = await raising.draft(people, photo_ids=[cover.id])
    assert [photo.id for photo in campaign.photos] == [cover.id]
    (listed,) = (await crowdfunding.listed(people.zhao, page=Page(1))).items
    assert listed.photos == []
    await media.settle(cover.id, Moderation.PASSED)
    assert [photo.id for photo in (await crowdfunding.find(people.zhao, campaign.id)).photos] == [cover.id]


@pytest.mark.parametrize("wrong", ["missing", "another's", "evidence", "avatar"])
async def test_only_photos_of_ones_own_are_attached(people: People, studio: Studio, wrong: str) -> None:
    own = await studio.upload(people.lin)
    other = {
        "missing": 10**12,
        "another's": (await studio.upload(people.mei, "门")).id,
        "evidence": (await studio.upload(people.lin, "字据", Purpose.EVIDENCE)).id,
        "avatar": (await studio.upload(people.lin, "脸", Purpose.AVATAR)).id,
    }[wrong]
    with pytest.raises(UnknownPhoto):
        await written(people.lin, people.jy, photo_ids=[own.id, other])


async def test_a_photo_is_attached_once(people: People, studio: Studio) -> None:
    photo = await studio.upload(people.lin)
    with pytest.raises(SamePhotoTwice):
        await written(people.lin, people.jy, photo_ids=[photo.id, photo.id])


@pytest.mark.parametrize(
    ("who", "before", "after"),
    [
        ("he", True, True),
        ("chen", False, True),
        ("ma", False, True),
        ("lin", False, False),
        ("mei", False, False),
        ("wu", False, False),
        ("deng", False, False),
        ("guest", False, False),
    ],
)
async def test_who_sees_the_evidence_of_consent(
    people: People, studio: Studio, who: str, before: bool, after: bool
) -> None:
    """何 helps 小林 and keeps her signature: he sees it, and once given the staff of 锦阳 does; nobody else ever."""
    paper = await studio.upload(people.he, "字据", Purpose.EVIDENCE)

    async def sees() -> bool:
        try:
            return (await media.find(people[who], paper.id)).id == paper.id
        except NotFound:
            return False

    assert await sees() == before
    consent = OnBehalfOf(people.lin.id, ConsentKind.SIGNATURE, media_id=paper.id)
    need = await written(people.he, people.jy, on_behalf_of=consent)
    assert await sees() == after
    assert await seen_by(people.he, need) == []


async def test_evidence_is_ones_own_and_is_evidence(people: People, studio: Studio) -> None:
    for paper in (await studio.upload(people.chen, "字据", Purpose.EVIDENCE), await studio.upload(people.he)):
        consent = OnBehalfOf(people.lin.id, ConsentKind.SIGNATURE, media_id=paper.id)
        with pytest.raises(Invalid):
            await written(people.he, people.jy, on_behalf_of=consent)


# --- addresses --------------------------------------------------------------------------------------------------


def token_of(address: str) -> str:
    return address.partition("?token=")[2]


async def test_an_address_is_good_for_an_hour_or_two(
    people: People, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with links.bound(LINKS):
        photo = await studio.upload(people.lin)
        now = time.time()
        token = token_of(photo.url)
        assert photo.url == photo.url
        for later, good in ((0, True), (3600, True), (2 * 3600 + 1, False)):
            monkeypatch.setattr(time, "time", lambda at=now + later: at)
            if good:
                assert (await media.opened(studio.storage, photo.id, Size.FILE, token=token)).data == "灯".encode()
            else:
                with pytest.raises(NotFound):
                    await media.opened(studio.storage, photo.id, Size.FILE, token=token)


async def test_an_address_opens_one_picture_in_one_size(people: People, studio: Studio) -> None:
    with links.bound(LINKS):
        photo, other = await studio.upload(people.lin), await studio.upload(people.lin, "门")
        token = token_of(photo.url)
        forged = [
            (other.id, Size.FILE, token),
            (photo.id, Size.THUMB, token),
            (photo.id, Size.FILE, token[:-2] + ("AA" if token[-2:] != "AA" else "BB")),
            (photo.id, Size.FILE, ""),
            (photo.id, Size.FILE, "öäü"),
            (
                photo.id,
                Size.FILE,
                token_of(Links("http://linli.test", "other").address(photo.id, Size.FILE, Audience.OWNER, hours=1)),
            ),
        ]
        for media_id, size, wrong in forged:
            with pytest.raises(NotFound):
                await media.opened(studio.storage, media_id, size, token=wrong)


async def test_what_is_hidden_is_gone_from_the_address_a_reader_had(people: People, studio: Studio) -> None:
    with links.bound(LINKS):
        photo = await studio.upload(people.lin)
        await media.settle(photo.id, Moderation.PASSED)
        need = await written(people.lin, people.jy, photo_ids=[photo.id])
        token = token_of((await needs.find(people.mei, need.id)).photos[0].url)
        assert (await media.opened(studio.storage, photo.id, Size.FILE, token=token)).data
        await media.settle(photo.id, Moderation.HIDDEN, by=people.chen)
        with pytest.raises(NotFound):
            await media.opened(studio.storage, photo.id, Size.FILE, token=token)
        assert (await media.opened(studio.storage, photo.id, Size.FILE, token=token_of(photo.url))).data


async def test_a_store_with_addresses_of_its_own_serves_readers_itself_but_not_wechat(
    people: People, studio: Studio
) -> None:
    class Elsewhere(ObjectStorage):
        async def signed_url(self, name: str, *, seconds: int) -> str | None:
            return f"https://store.example/{name}?for={seconds}"

    store = Elsewhere(LocalStore(studio.folder))
    with links.bound(LINKS):
        photo = await studio.upload(people.lin)
        url = (await media.opened(store, photo.id, Size.FILE, token=token_of(photo.url))).url
        assert url is not None
        assert url.startswith("https://store.example/pictures/")
        for_wechat = token_of(links.signed_url(photo.id, 2))
        assert (await media.opened(store, photo.id, Size.FILE, token=for_wechat)).data == "灯".encode()


def test_only_addresses_of_ours_name_a_picture() -> None:
    assert LINKS.media_id(LINKS.address(7, Size.THUMB, Audience.OWNER, hours=1)) == 7
    assert LINKS.media_id("http://linli.test/v1/media/7/file") == 7
    for wrong in (
        "",
        "http://linli.test.evil.example/v1/media/7/file",
        "http://evil.example/v1/media/7/file",
        "http://linli.test/v1/media/7/file/../../8/file",
        "http://linli.test/v1/media/07/file",
        "http://linli.test/v1/media/7/other",
        "http://linli.test/v1/media/99999999999999999999/file",
    ):
        assert LINKS.media_id(wrong) is None, wrong


# --- checks -----------------------------------------------------------------------------------------------------


async def test_what_is_to_be_checked_comes_in_its_order(people: People, studio: Studio, move_clock: MoveClock) -> None:
    first = await studio.upload(people.lin, "1")
    await move_clock(timedelta(seconds=1))
    second = await studio.upload(people.mei, "2", Purpose.AVATAR)
    await studio.upload(people.he, "字据", Purpose.EVIDENCE)
    due = await settling.due_checks()
    assert [(one.id, one.uploader.openid) for one in due] == [(first.id, "lin"), (second.id, "mei")]
    await media.settle(first.id, Moderation.QUEUED)
    assert [one.id for one in await settling.due_checks()] == [second.id]


async def test_a_machine_settles_once_and_never_over_a_person(people: People, studio: Studio) -> None:
    photo = await studio.upload(people.lin)
    assert await media.settle(photo.id, Moderation.QUEUED)
    assert not await media.settle(photo.id, Moderation.QUEUED)
    assert not await media.settle(photo.id, Moderation.PASSED)
    assert await media.settle(photo.id, Moderation.HIDDEN, by=people.chen)
    assert not await media.settle(photo.id, Moderation.PASSED)
    assert await media.settle(photo.id, Moderation.PASSED, by=people.zhao)
    assert not await media.settle(10**12, Moderation.PASSED)
    said = await db.rows("SELECT verb, facts->>'before' AS before FROM events WHERE subject_kind = 'media' ORDER BY id")
    assert [(line["verb"], line["before"]) for line in said] == [
        ("media.queued", "checking"),
        ("media.hidden", "queued"),
        ("media.passed", "hidden"),
    ]


async def test_whoever_uploaded_what_was_hidden_is_told_once(people: People, studio: Studio) -> None:
    photo = await studio.upload(people.lin)
    await media.settle(photo.id, Moderation.HIDDEN)
    event = await Event.get(verb="media.hidden")
    assert events.OWED["media.hidden"] == ("tell_uploader",)
    for _ in range(2):
        await jobs.tell_uploader(None, event)  # type: ignore[arg-type]
    told = await notifications.inbox(people.lin, page=Page(100))
    assert [line.kind for line in told.items] == ["media.hidden"]


async def test_an_avatar_is_shown_once_it_passed(people: People, studio: Studio) -> None:
    async def shown() -> tuple[int | None, int | None]:
        resident = await Resident.get(id=people.lin.id)
        return resident.avatar_id, resident.wanted_avatar_id

    one, two = [await studio.upload(people.lin, what, Purpose.AVATAR) for what in ("1", "2")]
    await residents.update_profile(people.lin, avatar_id=one.id)
    assert await shown() == (None, one.id)
    await media.settle(one.id, Moderation.PASSED)
    assert await shown() == (one.id, None)
    await residents.update_profile(people.lin, avatar_id=two.id)
    assert await shown() == (one.id, two.id)
    await media.settle(two.id, Moderation.HIDDEN)
    assert await shown() == (one.id, None)
    with pytest.raises(UnknownPhoto):
        await residents.update_profile(people.lin, avatar_id=two.id)
    await media.settle(two.id, Moderation.PASSED, by=people.chen)
    await residents.update_profile(people.lin, avatar_id=two.id)
    assert await shown() == (two.id, None)
    await media.settle(two.id, Moderation.QUEUED, by=people.chen)
    assert await shown() == (None, two.id)
    await media.settle(two.id, Moderation.HIDDEN, by=people.chen)
    assert await shown() == (None, None)
    await residents.update_profile(people.lin, avatar_id=one.id)
    await residents.update_profile(people.lin, avatar_id=None)
    assert await shown() == (None, None)


@pytest.mark.parametrize("wrong", ["another's", "photo"])
async def test_an_avatar_is_ones_own_and_is_one(people: People, studio: Studio, wrong: str) -> None:
    whose, purpose = (people.mei, Purpose.AVATAR) if wrong == "another's" else (people.lin, Purpose.PHOTO)
    picture = await studio.upload(whose, "脸", purpose)
    with pytest.raises(UnknownPhoto):
        await residents.update_profile(people.lin, avatar_id=picture.id)


# --- forgotten --------------------------------------------------------------------------------------------------


async def forget(studio: Studio) -> None:
    await media.forget_unused()
    await media.sweep(studio.storage)


async def test_what_nothing_was_made_of_goes_after_two_days(
    people: People, studio: Studio, move_clock: MoveClock
) -> None:
    await studio.upload(people.lin)
    await move_clock(timedelta(days=2, seconds=-5))
    await forget(studio)
    assert (await Media.all().count(), studio.files()) == (1, 2)
    await move_clock(timedelta(seconds=5))
    await forget(studio)
    assert (await Media.all().count(), studio.files()) == (0, 0)
    assert await db.value("SELECT count(*) FROM pictures") == 0


async def test_what_is_used_stays(people: People, studio: Studio, move_clock: MoveClock) -> None:
    attached, wanted = await studio.upload(people.lin, "1"), await studio.upload(people.lin, "2", Purpose.AVATAR)
    paper, shown = (
        await studio.upload(people.he, "3", Purpose.EVIDENCE),
        await studio.upload(people.mei, "4", Purpose.AVATAR),
    )
    await written(people.lin, people.jy, photo_ids=[attached.id])
    await residents.update_profile(people.lin, avatar_id=wanted.id)
    await media.settle(shown.id, Moderation.PASSED)
    await residents.update_profile(people.mei, avatar_id=shown.id)
    consent = OnBehalfOf(people.lin.id, ConsentKind.SIGNATURE, media_id=paper.id)
    await written(people.he, people.jy, on_behalf_of=consent)
    await move_clock(timedelta(days=30))
    await forget(studio)
    assert (await Media.all().count(), studio.files()) == (4, 8)


async def test_bytes_stay_while_somebody_else_has_them(people: People, studio: Studio, move_clock: MoveClock) -> None:
    await studio.upload(people.mei)
    kept = await studio.upload(people.lin)
    await written(people.lin, people.jy, photo_ids=[kept.id])
    await move_clock(timedelta(days=3))
    await forget(studio)
    assert [one.id for one in await Media.all()] == [kept.id]
    assert studio.files() == 2


async def test_uploading_it_again_gives_it_two_more_days(people: People, studio: Studio, move_clock: MoveClock) -> None:
    first = await studio.upload(people.lin)
    await move_clock(timedelta(days=1, hours=23))
    assert (await studio.upload(people.lin)).id == first.id
    await move_clock(timedelta(days=1))
    await forget(studio)
    assert (await media.find(people.lin, first.id)).id == first.id


async def test_bytes_that_are_going_are_not_taken_up(people: People, studio: Studio, move_clock: MoveClock) -> None:
    """A worker died between marking and deleting: the same bytes are not taken until the next run has finished it."""
    await studio.upload(people.lin)
    await move_clock(timedelta(days=3))
    await media.forget_unused()
    await db.execute("UPDATE pictures SET going = true")
    with pytest.raises(Unavailable):
        await studio.upload(people.mei)
    await media.sweep(studio.storage)
    assert studio.files() == 0
    await studio.upload(people.mei)
    assert studio.files() == 2


async def test_bytes_uploaded_a_moment_ago_wait_for_their_row(people: People, studio: Studio) -> None:
    """Between the bytes and the row of an upload the sweep may come by; it leaves an hour."""
    picture_id = await media.develop(studio.storage, Room(), b"fresh")  # type: ignore[arg-type]
    await media.sweep(studio.storage)
    assert (await media.keep(people.lin, picture_id, purpose=Purpose.PHOTO)).width == 40
    assert studio.files() == 2
