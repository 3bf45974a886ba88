"""Hostile files meet a process of their own: bounded in memory and time, and nothing but pixels comes out."""

import asyncio
import io

import pytest
from PIL import Image

from app.core.errors import Unavailable
from app.gateways import darkroom
from app.gateways.darkroom import Darkroom
from app.gateways.errors import PictureRefused
from tests import pictures

pytestmark = pytest.mark.no_database

PEAK_MAX_KIB = 768 * 1024
TOO_MANY = {"png bomb by size", "png one pixel over", "png of the largest size", "jpeg bomb by size", "jpeg of 30 MP"}


@pytest.mark.parametrize("name", pictures.REFUSED)
async def test_what_is_no_picture_is_refused(name: str) -> None:
    with pytest.raises(PictureRefused) as refused:
        await asyncio.wait_for(Darkroom().develop(pictures.REFUSED[name]()), darkroom.WORK_S)
    expected = "too_many_pixels" if name in TOO_MANY else "not_a_picture"
    assert refused.value.reason == ("too_costly" if "scans" in name else expected)


@pytest.mark.parametrize("name", pictures.TAKEN)
async def test_what_is_a_picture_comes_out_clean(name: str) -> None:
    raw = pictures.TAKEN[name]()
    made = await Darkroom().develop(raw)
    assert made.peak_kib < PEAK_MAX_KIB
    for jpeg, most in ((made.full, 2048), (made.thumb, 400)):
        assert not list(pictures.leftovers(jpeg))
        image = Image.open(io.BytesIO(jpeg))
        assert image.format == "JPEG"
        assert image.mode == "RGB"
        assert max(image.size) <= most
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert Image.open(io.BytesIO(made.full)).size == (made.width, made.height)


def test_there_are_sixty_hostile_files() -> None:
    assert len(pictures.REFUSED) + len(pictures.TAKEN) >= 60


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_picture_stands_as_it_was_taken(orientation: int) -> None:
    """A red corner, turned by the camera in each of eight ways, ends up at the upper left."""
    upright = Image.new("RGB", (80, 40), "white")
    upright.paste("red", (0, 0, 20, 20))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)
    taken = upright if back is None else upright.transpose(Image.Transpose(back))
    made = await Darkroom().develop(pictures.encoded(taken, quality=95, exif=pictures.exif(orientation)))
    seen = Image.open(io.BytesIO(made.full))
    assert seen.size == (80, 40)
    red = seen.getpixel((5, 5))
    assert isinstance(red, tuple)
    assert red[0] > 200
    assert red[1] < 60


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_of_a_moving_picture_the_first_frame_stays(kind: str) -> None:
    made = await Darkroom().develop(pictures.animated(kind))
    assert Image.open(io.BytesIO(made.full)).getpixel((9, 9)) == pytest.approx((254, 0, 0), abs=3)


async def test_what_is_seen_through_lies_on_white() -> None:
    made = await Darkroom().develop(pictures.TAKEN["png seen through"]())
    assert Image.open(io.BytesIO(made.full)).getpixel((9, 9)) == (255, 255, 255)


async def test_grey_of_16_bits_keeps_its_brightness() -> None:
    image = Image.new("I;16", (16, 16), 0x8000)
    made = await Darkroom().develop(pictures.encoded(image, "PNG"))
    assert Image.open(io.BytesIO(made.full)).getpixel((3, 3)) == pytest.approx((128, 128, 128), abs=2)


async def test_the_same_file_becomes_the_same_bytes() -> None:
    raw = pictures.plain(size=(900, 700))
    assert (await Darkroom().develop(raw)).full == (await Darkroom().develop(raw)).full


async def test_two_are_developed_at_once_and_the_rest_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    running = most = 0
    run = darkroom._run

    async def counted(raw: bytes) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await run(raw)
        finally:
            running -= 1

    monkeypatch.setattr(darkroom, "_run", counted)
    room = Darkroom()
    await asyncio.gather(*(room.develop(pictures.plain()) for _ in range(6)))
    assert most == darkroom.AT_ONCE


async def test_who_waits_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(darkroom, "WAIT_S", 0.05)
    room = Darkroom()
    slow = [asyncio.create_task(room.develop(pictures.many_scans(3000))) for _ in range(darkroom.AT_ONCE)]
    await asyncio.sleep(0.01)
    with pytest.raises(Unavailable):
        await room.develop(pictures.plain())
    for task in slow:
        task.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*slow, return_exceptions=True))


async def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(darkroom, "WORK_S", 0.3)
    with pytest.raises(PictureRefused, match="too_costly"):
        await Darkroom().develop(pictures.many_scans(10_000))
