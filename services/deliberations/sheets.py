"""Ballots to print: for each elector a page with the question, the options by number, and his code as a QR."""

import asyncio
import io
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from app.core import db
from app.core.errors import InvalidState, NotFound
from models.deliberations import BallotKind, Deliberation, DeliberationState
from models.rolls import SecretInPerson
from services import events
from services.deliberations.reading import find
from services.drawing.paper import clean, qr, width_of
from services.drawing.words import wrapped
from services.policies import Actor, require
from services.policies import deliberations as policies

SHEETS_MOST = 50
DPI = 200
A5, A4, A5_HOLDS, MARGIN = (1165, 1654), (1654, 2339), 12, 90  # with more options a page is A4
FONT = Path(__file__).resolve().parents[2] / "app" / "assets" / "NotoSansSC.ttf"
SIZES = (36, 30, 24, 20)
HOW = {
    BallotKind.YES_NO: "请在一项前打勾",
    BallotKind.SINGLE: "请在一项前打勾",
    BallotKind.APPROVAL: "请在赞成的各项前打勾，最多 {most} 项",
    BallotKind.SCORE: "请在各项前填写分数，0 至 {points} 分",
    BallotKind.RANKED: "请在各项前填写名次：1、2、3……",
    BallotKind.BUDGET: "请在支持的项目前打勾",
}


@dataclass(frozen=True)
class Sheet:
    """What one elector's page says of him: his number, his code, and where it is to be brought."""

    number: int
    code: str
    home: str


SHEETS = """
SELECT e.number, e.code, coalesce(b.name || ' ' || h.unit || '单元 ' || h.room, '') AS home
FROM electors e
LEFT JOIN memberships m ON m.resident_id = e.resident_id AND m.until_at IS NULL
LEFT JOIN households h ON h.id = coalesce(e.household_id, m.household_id)
LEFT JOIN places b ON b.id = h.building_id
WHERE e.deliberation_id = $1 AND e.number >= $2 ORDER BY e.number LIMIT $3
"""


async def printed(actor: Actor, deliberation_id: int, *, first: int = 1, count: int = SHEETS_MOST) -> bytes:
    """A PDF of the sheets of `count` electors from number `first` on, for the staff while the vote runs.

    Whose they are is recorded as printed. Raises NotFound, also for a number beyond the roll, Forbidden, InvalidState,
    SecretInPerson.
    """
    deliberation = await find(actor, deliberation_id)
    require(policies.may_enter_ballots(actor, deliberation))
    if deliberation.secret:
        raise SecretInPerson
    if deliberation.state is not DeliberationState.VOTING:
        raise InvalidState(deliberation.state)
    sheets = [Sheet(**line) for line in await db.rows(SHEETS, deliberation.id, first, min(count, SHEETS_MOST))]
    if not sheets:
        raise NotFound("名册上没有这个序号", "The roll has no such number")
    await events.record(actor, "deliberation.sheets_printed", deliberation, first=first, sheets=len(sheets))
    return await asyncio.to_thread(draw, deliberation, sheets)


def draw(deliberation: Deliberation, sheets: list[Sheet]) -> bytes:
    """The pages as one PDF."""
    pages = [_page(deliberation, sheet) for sheet in sheets]
    made = io.BytesIO()
    pages[0].save(made, "PDF", save_all=True, append_images=pages[1:], resolution=DPI)
    return made.getvalue()


def _page(deliberation: Deliberation, sheet: Sheet) -> Image.Image:
    width, height = size = A5 if len(deliberation.options) <= A5_HOLDS else A4
    page = Image.new("1", size, 1)
    pen = ImageDraw.Draw(page)
    pen.text((MARGIN, 60), f"第 {sheet.number} 号  {sheet.home}", font=_font(26), fill=0)
    pen.line((MARGIN, 110, width - MARGIN, 110), fill=0)
    qr = _qr(sheet.code)
    page.paste(qr, (width - MARGIN - qr.width, 130))
    beside = width - 2 * MARGIN - qr.width - 30
    y = 140
    for line in _wrapped(deliberation.title, 40, beside)[:4]:
        pen.text((MARGIN, y), line, font=_font(40), fill=0)
        y += 56
    code = " ".join(sheet.code[at : at + 4] for at in range(0, len(sheet.code), 4))
    pen.text((MARGIN, 140 + qr.height - 46), f"编号  {code}", font=_font(32), fill=0)
    y = 150 + qr.height
    how = HOW[deliberation.ballot_kind].format(most=deliberation.max_choices, points=deliberation.max_score)
    pen.text((MARGIN, y), how, font=_font(30), fill=0)
    _options(pen, deliberation, (y + 60, height - 210), width - 2 * MARGIN)
    pen.line((MARGIN, height - 200, width - MARGIN, height - 200), fill=0)
    pen.text((MARGIN, height - 180), "签名：", font=_font(30), fill=0)
    pen.text((MARGIN, height - 120), "已用手机投票的，以手机投票为准，本票不再录入。", font=_font(24), fill=0)
    return page


def _options(pen: ImageDraw.ImageDraw, deliberation: Deliberation, room: tuple[int, int], width: int) -> None:
    titles = [f"{number}. {option.title}" for number, option in enumerate(deliberation.options, start=1)]
    titles = titles or ["同意", "反对", "弃权"]
    for size in SIZES:
        wrapped = [_wrapped(title, size, width - 2 * size) for title in titles]
        if size == SIZES[-1]:
            wrapped = [lines[:1] for lines in wrapped]
        step = size * 5 // 4
        if room[0] + sum(len(lines) for lines in wrapped) * step + len(titles) * size // 3 < room[1]:
            break
    y = room[0]
    for lines in wrapped:
        pen.rectangle((MARGIN, y + size // 5, MARGIN + size, y + size // 5 + size), outline=0, width=2)
        for line in lines:
            pen.text((MARGIN + 2 * size, y), line, font=_font(size), fill=0)
            y += step
        y += size // 3


def _wrapped(text: str, size: int, width: int) -> list[str]:
    return wrapped(clean(text), width, partial(width_of, size=size)) or [""]


def _qr(code: str) -> Image.Image:
    drawn = qr(code)
    return drawn.resize((drawn.width * 9, drawn.height * 9), Image.Resampling.NEAREST)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size)
