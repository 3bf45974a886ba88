"""Each picture is as it was when somebody looked at it, within a tolerance; tests/drawn/pictures.py renews them."""

import io
from dataclasses import replace

import pytest
from PIL import Image, ImageChops

from services.drawing import Poster, Progress, certificate, poster, receipt, sheet
from services.drawing.paper import Paper, clean, qr
from services.drawing.posters import HEIGHT, WIDTH
from services.drawing.sheets import A_PAGE, PAGES_MOST, pages_of
from tests.drawn.pictures import CARDS, CROWDED, EMOJI, GOLDEN, LONG, NEED, PAID, PICTURES, SHEET

pytestmark = pytest.mark.no_database

APART, TILE, SHARE = 40, 16, 0.15
"""A dot differs when a colour of it is so far off, after halving; of no tile of 16 × 16 may so large a share."""


def opened(drawn: bytes) -> Image.Image:
    return Image.open(io.BytesIO(drawn)).convert("RGB")


def differing(one: Image.Image, other: Image.Image) -> float:
    """The share of dots that differ in the worst tile; 1 when the sizes do."""
    if one.size != other.size:
        return 1.0
    off = ImageChops.difference(one.reduce(2), other.reduce(2))
    worst = ImageChops.lighter(ImageChops.lighter(*off.split()[:2]), off.split()[2])
    tiles = worst.point(lambda apart: 255 if apart >= APART else 0).reduce(TILE)
    return float(tiles.getextrema()[1]) / 255  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_looks_as_it_did(name: str) -> None:
    assert differing(opened(PICTURES[name]()), Image.open(GOLDEN / f"{name}.png").convert("RGB")) < SHARE


def test_the_goldens_are_all_used_and_small() -> None:
    kept = list(GOLDEN.glob("*.png"))
    assert {path.stem for path in kept} == set(PICTURES)
    assert sum(path.stat().st_size for path in kept) < 1_500_000


@pytest.mark.parametrize(
    "changed",
    [
        replace(NEED, title="楼道灯坏子"),
        replace(NEED, rows=NEED.rows[:2]),
        replace(NEED, url="https://elsewhere.example"),
    ],
    ids=["another hanzi", "a row less", "another code"],
)
def test_the_comparison_sees_what_a_person_would(changed: Poster) -> None:
    assert differing(opened(poster(changed)), opened(poster(NEED))) > SHARE


def test_the_same_facts_give_the_same_bytes() -> None:
    assert poster(NEED, "m") == poster(NEED, "m") != poster(NEED, "n")
    assert certificate(CROWDED) == certificate(CROWDED)
    assert receipt(PAID) == receipt(PAID)


def test_the_mark_stands_in_the_head() -> None:
    assert b"0123abcd" in poster(LONG, "0123abcd")[:4096]


@pytest.mark.parametrize("facts", [NEED, LONG, EMOJI, replace(NEED, title="Ａ" * 60, body="x" * 5_000)])
def test_a_poster_fits_a_telephone(facts: Poster) -> None:
    width, height = opened(poster(facts)).size
    assert (width, height <= HEIGHT) == (WIDTH, True)


def test_a_title_of_nothing_that_can_be_drawn_is_its_label() -> None:
    assert poster(replace(NEED, title="🇨🇳\u200d")) == poster(replace(NEED, title=NEED.label))


def test_a_phone_number_is_not_passed_on() -> None:
    said, masked = replace(NEED, title="找我 13812345678"), replace(NEED, title="找我 138****5678")
    assert poster(said) == poster(masked)


@pytest.mark.parametrize(
    ("percent", "from_x", "to_x"), [(0, 0, 0), (37, 370, 372), (100, 1000, 1000), (250, 1000, 1000)]
)
def test_a_bar_shows_its_share(percent: int, from_x: int, to_x: int) -> None:
    paper = Paper(1000, 40)
    paper.bar((0, 0, 1000, 40), percent, colour="#ff0000", ground="#ffffff")
    reach = [x for x in range(1000) if paper.image.getpixel((x, 20)) == (255, 0, 0)]
    assert from_x <= len(reach) <= to_x


def test_a_code_keeps_its_quiet_zone() -> None:
    drawn = qr("https://linli.example")
    assert all(drawn.getpixel((at, edge)) for at in range(drawn.width) for edge in (0, 1, -1, -2))


def test_a_code_drawn_by_wechat_is_put_on_the_poster() -> None:
    made = io.BytesIO()
    Image.new("RGB", (430, 430), "#123456").save(made, "PNG")
    drawn = opened(poster(replace(NEED, url=None, code=made.getvalue())))
    assert (0x12, 0x34, 0x56) in {colour for _, colour in drawn.getcolors(1 << 16) or []}


def test_sheets_end_somewhere() -> None:
    many = replace(SHEET, cards=CARDS * 40)
    assert len(pages_of(many)) == PAGES_MOST
    assert len(pages_of(replace(SHEET, cards=CARDS[:A_PAGE]))) == 1
    assert len(pages_of(replace(SHEET, cards=()))) == 1
    assert sheet(SHEET).startswith(b"%PDF-")


def test_more_than_all_is_shown_as_it_is() -> None:
    over = replace(NEED, progress=Progress(250, "已到", "目标"))
    assert opened(poster(over)).width == WIDTH
    assert clean("250%") == "250%"
