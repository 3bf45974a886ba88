"""Codes to print, cut out and hang up: A4 upright, six to a page, or one large one."""

import io
from dataclasses import dataclass

from PIL import Image

from services.drawing.paper import FAINT, GREY, LINE, Paper, clean, fitting, qr

DPI, WIDTH, HEIGHT, MARGIN = 150, 1240, 1754, 70
TOP, FOOT, ACROSS, DOWN = 170, 80, 2, 3
PAGES_MOST = 10
A_PAGE = ACROSS * DOWN


@dataclass(frozen=True)
class Card:
    """One code and what it says beneath; `code` is a PNG, without it `url` becomes a QR."""

    title: str
    hint: str
    code: bytes | None = None
    url: str | None = None


@dataclass(frozen=True)
class Sheet:
    """Cards under one heading."""

    heading: str
    brand: str
    cards: tuple[Card, ...]


def sheet(facts: Sheet) -> bytes:
    """A PDF of at most ten pages; what a page more would be needed for is left out."""
    pages = pages_of(facts)
    made = io.BytesIO()
    pages[0].save(made, "PDF", save_all=True, append_images=pages[1:], resolution=DPI, quality=90)
    return made.getvalue()


def pages_of(facts: Sheet) -> list[Image.Image]:
    """The pages as pictures, one at least."""
    parts = [facts.cards[at : at + A_PAGE] for at in range(0, len(facts.cards), A_PAGE)][:PAGES_MOST] or [()]
    return [_page(facts, part, number, len(parts)) for number, part in enumerate(parts, start=1)]


def _page(facts: Sheet, cards: tuple[Card, ...], number: int, pages: int) -> Image.Image:
    paper = Paper(WIDTH, HEIGHT)
    size = fitting(facts.heading, (48, 40, 32), WIDTH - 2 * MARGIN, 1)
    paper.paragraph((MARGIN, 60, WIDTH - 2 * MARGIN), facts.heading, size, most=1, align="middle", bold=True)
    across, down = (1, 1) if len(facts.cards) == 1 else (ACROSS, DOWN)
    wide, high = (WIDTH - 2 * MARGIN) / across, (HEIGHT - TOP - FOOT) / down
    for nth, card in enumerate(cards):
        x, y = MARGIN + nth % across * wide, TOP + nth // across * high
        _card(paper, card, (x, y, x + wide, y + high))
    paper.write((MARGIN, HEIGHT - 60), clean(facts.brand), 24, colour=FAINT)
    paper.write((WIDTH - MARGIN, HEIGHT - 60), f"{number} / {pages}", 24, colour=FAINT, align="right")
    return paper.image


def _card(paper: Paper, card: Card, box: tuple[float, float, float, float]) -> None:
    x, y, right, bottom = box
    large = right - x > WIDTH / 2
    title, hint, side = (64, 34, 800) if large else (34, 22, 330)
    paper.pen.rectangle(box, outline=LINE, width=2)
    middle, width = (x + right) / 2, right - x - 40
    top = y + (bottom - y - side - title * 3 - hint * 2) / 2
    drawn = Image.open(io.BytesIO(card.code)) if card.code is not None else qr(card.url or "")
    paper.picture((round(middle - side / 2), round(top)), side, drawn)
    size = fitting(card.title, (title, title * 5 // 6, title * 2 // 3), width, 1)
    end = paper.paragraph((x + 20, top + side + hint, width), card.title, size, most=2, align="middle", bold=True)
    paper.paragraph((x + 20, end + 4, width), card.hint, hint, most=1, colour=GREY, align="middle")
