"""A sheet to draw on: lines of text at a size, rounded cards, bars, codes. Lengths are pixels."""

import io
from collections.abc import Iterator
from functools import cached_property, lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Literal

import segno
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from services.drawing.words import at_most, legible, wrapped

Align = Literal["left", "middle", "right"]
Colour = str
Box = tuple[float, float, float, float]

ASSETS = Path(__file__).resolve().parents[2] / "app" / "assets"
FACES = ("NotoSansSC.ttf", "NotoEmoji.ttf")
INK, GREY, FAINT, LINE, WHITE = "#1f2430", "#5b6472", "#8b93a1", "#e3e7ee", "#ffffff"
MARK = "Linli"
QUIET = 4
"""Modules that stay white around a QR code (ISO/IEC 18004)."""
LEADING = 1.42
"""From one line to the next, in sizes."""


def clean(text: str) -> str:
    """The text as it can be drawn with our fonts, on one line."""
    return legible(text, lambda char: any(_has(face, char) for face in FACES))


def width_of(text: str, size: int) -> float:
    """How wide the text is when drawn."""
    return sum(_advance(char, size) for char in text)


class Paper:
    """A white sheet of so many pixels."""

    def __init__(self, width: int, height: int, colour: Colour = WHITE) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width, height), colour)

    @cached_property
    def pen(self) -> ImageDraw.ImageDraw:
        """What draws on it."""
        return ImageDraw.Draw(self.image)

    def write(
        self,
        at: tuple[float, float],
        text: str,
        size: int,
        *,
        colour: Colour = INK,
        align: Align = "left",
        bold: bool = False,
    ) -> float:
        """Write one line whose top is at `at`; where it begins, is centred or ends. Returns its width.

        Below the sheet nothing is drawn, so a sheet without height tells where everything would end.
        """
        wide = width_of(text, size)
        if at[1] >= self.height:
            return wide
        x = at[0] - {"left": 0, "middle": wide / 2, "right": wide}[align]
        base = at[1] + size * 1.06
        for face, run in _runs(text):
            self.pen.text(
                (round(x), round(base)),
                run,
                font=_font(face, size),
                fill=colour,
                anchor="ls",
                stroke_width=_stroke(size) if bold and face == FACES[0] else 0,
                stroke_fill=colour,
            )
            x += width_of(run, size)
        return wide

    def paragraph(
        self,
        box: tuple[float, float, float],
        text: str,
        size: int,
        *,
        most: int,
        colour: Colour = INK,
        align: Align = "left",
        bold: bool = False,
    ) -> float:
        """Write at most so many lines from (x, y) on within a width; … where there is more. Returns where it ends."""
        x, y, width = box
        measure = partial(width_of, size=size)
        start = x + {"left": 0, "middle": width / 2, "right": width}[align]
        for line in at_most(wrapped(clean(text), width, measure, most=most), most, width, measure):
            self.write((start, y), line.rstrip(), size, colour=colour, align=align, bold=bold)
            y += size * LEADING
        return y

    def card(self, box: Box, *, colour: Colour = WHITE, radius: int = 24, outline: Colour | None = None) -> None:
        """A rectangle with round corners, drawn large and made small so that they are smooth."""
        wide, high = round(box[2] - box[0]), round(box[3] - box[1])
        self.image.paste(colour, (round(box[0]), round(box[1])), _rounded(wide, high, min(radius, high // 2)))
        if outline is not None:
            self.pen.rounded_rectangle(box, radius, outline=outline, width=2)

    def bar(self, box: Box, percent: int, *, colour: Colour, ground: Colour = LINE) -> None:
        """How much is done, 0 to 100; more is drawn as 100, and a little always shows."""
        x, y, right, bottom = box
        high = bottom - y
        self.card(box, colour=ground, radius=int(high // 2))
        if percent > 0:
            done = max(high, (right - x) * min(percent, 100) / 100)
            self.card((x, y, x + done, bottom), colour=colour, radius=int(high // 2))

    def rule(self, y: float, *, left: float, right: float, colour: Colour = LINE) -> None:
        """A line across."""
        self.pen.line((left, round(y), right, round(y)), fill=colour, width=2)

    def qr(self, at: tuple[float, float], side: int, text: str) -> None:
        """A QR code in a square of that side, quiet zone included."""
        self.picture(at, side, qr(text))

    def picture(self, at: tuple[float, float], side: int, drawn: Image.Image) -> None:
        """A square picture, made to fit; a code of few pixels stays sharp."""
        how = Image.Resampling.NEAREST if drawn.mode == "1" else Image.Resampling.LANCZOS
        factor = side // drawn.width if drawn.mode == "1" else 0
        fitted = drawn.resize((drawn.width * factor,) * 2 if factor else (side, side), how)
        gap = (side - fitted.width) // 2
        self.pen.rectangle((at[0], at[1], at[0] + side - 1, at[1] + side - 1), fill=WHITE)
        self.image.paste(fitted.convert("RGB"), (round(at[0]) + gap, round(at[1]) + gap))

    def stamp(self, at: tuple[float, float], text: str, size: int, *, colour: Colour) -> None:
        """A word in a frame, put across what is no longer good, with its middle at `at`."""
        wide, high = round(width_of(text, size) + size * 1.4), round(size * 2)
        mark = Image.new("RGBA", (wide, high), (255, 255, 255, 0))
        pen = ImageDraw.Draw(mark)
        pen.rounded_rectangle((4, 4, wide - 5, high - 5), size // 3, outline=colour, width=max(4, size // 10))
        pen.text(
            (wide / 2, size * 1.36),
            text,
            font=_font(FACES[0], size),
            fill=colour,
            anchor="ms",
            stroke_width=_stroke(size),
            stroke_fill=colour,
        )
        turned = mark.rotate(14, expand=True, resample=Image.Resampling.BICUBIC)
        turned.putalpha(turned.getchannel("A").point(lambda alpha: alpha * 5 // 9))
        self.image.paste(turned, (round(at[0] - turned.width / 2), round(at[1] - turned.height / 2)), turned)

    def png(self, *, mark: str | None = None) -> bytes:
        """The sheet as a PNG of at most 128 colours; `mark` is written into its head."""
        info = PngInfo()
        if mark is not None:
            info.add_text(MARK, mark)
        made = io.BytesIO()
        few = self.image.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(made, "PNG", pnginfo=info)
        return made.getvalue()


def lines_of(text: str, size: int, width: float, most: int) -> int:
    """On how many lines a paragraph would stand."""
    return min(most, len(wrapped(clean(text), width, partial(width_of, size=size), most=most)))


def fitting(text: str, sizes: tuple[int, ...], width: float, most: int) -> int:
    """The largest size at which the text has at most so many lines; the smallest where none will do."""
    whole = clean(text)
    for size in sizes:
        if len(wrapped(whole, width, partial(width_of, size=size), most=most)) <= most:
            return size
    return sizes[-1]


def qr(text: str) -> Image.Image:
    """A QR code with its quiet zone, one pixel a module."""
    matrix = segno.make(text, error="m", micro=False).matrix
    side = len(matrix) + 2 * QUIET
    drawn = Image.new("1", (side, side), 1)
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            if dark:
                drawn.putpixel((x + QUIET, y + QUIET), 0)
    return drawn


def _runs(text: str) -> Iterator[tuple[str, str]]:
    for face, chars in groupby(text, _face):
        yield face, "".join(chars)


def _stroke(size: int) -> float:
    """Our face has one weight; a thin outline makes it bold."""
    return size / 60


@lru_cache(maxsize=20_000)
def _face(char: str) -> str:
    return next((face for face in FACES if _has(face, char)), FACES[0])


@lru_cache(maxsize=20_000)
def _advance(char: str, size: int) -> float:
    return _font(_face(char), size).getlength(char)


@lru_cache(maxsize=20_000)
def _has(face: str, char: str) -> bool:
    """Whether the face has a glyph of its own for the character, and not only the box for what it lacks."""
    return bytes(_font(face, 20).getmask(char)) != _box(face)


@lru_cache
def _box(face: str) -> bytes:
    return bytes(_font(face, 20).getmask("\uffff"))


@lru_cache(maxsize=128)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    fitted = size if face == FACES[0] else size * 0.84
    return ImageFont.truetype(str(ASSETS / face), fitted, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _rounded(wide: int, high: int, radius: int) -> Image.Image:
    large = Image.new("L", (wide * 2, high * 2), 0)
    ImageDraw.Draw(large).rounded_rectangle((0, 0, wide * 2 - 1, high * 2 - 1), radius * 2, fill=255)
    return large.resize((wide, high), Image.Resampling.BOX)
