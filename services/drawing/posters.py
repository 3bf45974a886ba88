"""Posters to share: 750 pixels wide, as a telephone shows them, and as high as what they say; never above 1334."""

import io
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image

from services.drawing.paper import FAINT, GREY, LEADING, WHITE, Paper, clean, fitting, lines_of, qr, width_of
from services.drawing.words import discreet

WIDTH, HEIGHT, MARGIN, PAD = 750, 1334, 36, 40
BAND, CARD_TOP, CODE, GAP, FOOTER = 236, 136, 208, 24, 74
TITLES, TITLE_LINES, BODY_LINES, BODY_CHARS = (54, 48, 42, 36), 4, 4, 600


class Hue(StrEnum):
    """The colour of each kind of thing."""

    TEAL = "#0f766e"
    ROSE = "#be3a5b"
    INDIGO = "#3f51a5"
    BLUE = "#1d6fb8"
    GREEN = "#2f7d3b"


@dataclass(frozen=True)
class Progress:
    """How far something has come: whole percent, and what stands at both ends of the bar."""

    percent: int
    begun: str
    wanted: str


@dataclass(frozen=True)
class Poster:
    """All that a poster says, in its reader's language. `code` is a PNG to scan; without it, `url` becomes a QR."""

    hue: Hue
    label: str
    community: str
    title: str
    body: str
    rows: tuple[tuple[str, str], ...]
    call: str
    hint: str
    brand: str
    progress: Progress | None = None
    code: bytes | None = None
    url: str | None = None


def poster(facts: Poster, mark: str | None = None) -> bytes:
    """The poster as a PNG, with `mark` in its head."""
    said = _said(facts)
    foot = CARD_TOP + said.height + GAP
    bottom = foot + CODE + 40
    paper = Paper(WIDTH, bottom + FOOTER, "#e6eaf1")
    paper.pen.rectangle((0, 0, WIDTH, BAND), fill=facts.hue)
    _band(paper, facts)
    paper.card((MARGIN, CARD_TOP, WIDTH - MARGIN, CARD_TOP + said.height), radius=28)
    paper.image.paste(said, (MARGIN + PAD, CARD_TOP))
    _scan(paper, facts, foot)
    paper.write((WIDTH / 2, bottom + 20), clean(facts.brand), 22, colour=FAINT, align="middle")
    return paper.png(mark=mark)


def _said(facts: Poster) -> Image.Image:
    """The words on the card; of the body as much as there is room for."""
    width, room = WIDTH - 2 * (MARGIN + PAD), HEIGHT - CARD_TOP - GAP - CODE - 40 - FOOTER
    for lines in range(BODY_LINES, -1, -1):
        bottom = round(_content(Paper(width, 0), facts, lines)) + PAD - 8
        if bottom <= room:
            break
    paper = Paper(width, bottom)
    _content(paper, facts, lines)
    return paper.image


def _band(paper: Paper, facts: Poster) -> None:
    label = clean(facts.label)
    wide = width_of(label, 28) + 48
    paper.card((MARGIN, 44, MARGIN + wide, 96), colour=WHITE, radius=26)
    paper.write((MARGIN + wide / 2, 52), label, 28, colour=facts.hue, align="middle", bold=True)
    size = fitting(facts.community, (30, 26, 22), WIDTH - 3 * MARGIN - wide, 1)
    left = 2 * MARGIN + wide
    paper.paragraph((left, 54, WIDTH - MARGIN - left), facts.community, size, most=1, colour=WHITE, align="right")


def _content(paper: Paper, facts: Poster, body_lines: int) -> float:
    width = paper.width
    title = discreet(facts.title) if clean(facts.title) else facts.label
    y = paper.paragraph((0, PAD, width), title, fitting(title, TITLES, width, 3), most=TITLE_LINES, bold=True)
    if body_lines and clean(facts.body):
        y = paper.paragraph((0, y + 14, width), discreet(facts.body[:BODY_CHARS]), 30, most=body_lines, colour=GREY)
    if facts.progress is not None:
        y = _progress(paper, facts.hue, facts.progress, y + 26)
    if facts.rows:
        paper.rule(y + 22, left=0, right=width)
        y += 42
        beside = max(width_of(clean(word), 26) for word, _ in facts.rows) + 28
        for word, value in facts.rows:
            paper.write((0, y + 1), clean(word), 26, colour=FAINT)
            y = paper.paragraph((beside, y, width - beside), discreet(value), 28, most=2) + 8
    return y


def _progress(paper: Paper, hue: Hue, done: Progress, y: float) -> float:
    percent = f"{done.percent}%"
    paper.write((paper.width, y - 6), percent, 44, colour=hue, align="right", bold=True)
    paper.paragraph((0, y + 10, paper.width - width_of(percent, 44) - 24), done.begun, 30, most=1, bold=True)
    paper.bar((0, y + 64, paper.width, y + 84), done.percent, colour=hue)
    paper.write((paper.width, y + 92), clean(done.wanted), 24, colour=FAINT, align="right")
    return y + 126


def _scan(paper: Paper, facts: Poster, y: int) -> None:
    left = MARGIN + PAD
    paper.card((MARGIN, y, WIDTH - MARGIN, y + CODE + 40), radius=28)
    drawn = Image.open(io.BytesIO(facts.code)) if facts.code is not None else qr(facts.url or "")
    paper.picture((WIDTH - MARGIN - 20 - CODE, y + 20), CODE, drawn)
    width = WIDTH - MARGIN - CODE - 44 - left
    call, hint = lines_of(facts.call, 34, width, 2), lines_of(facts.hint, 24, width, 4)
    high = LEADING * (34 * call + 24 * hint) + 8
    under = paper.paragraph((left, y + 20 + (CODE - high) / 2, width), facts.call, 34, most=2, bold=True)
    paper.paragraph((left, under + 8, width), facts.hint, 24, most=4, colour=GREY)
