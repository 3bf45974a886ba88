"""The certificate of voluntary service, A4 upright: the fields of 民政部令67 (志愿服务记录与证明出具办法)."""

from dataclasses import dataclass
from datetime import date

from services.drawing.paper import FAINT, GREY, INK, WHITE, Paper, clean, fitting

WIDTH, HEIGHT, MARGIN = 1240, 1754, 130
RED, GOLD, CREAM, REVOKED = "#a3262a", "#a9833a", "#fdfaf3", "#c62828"
ROW, LINES_END = 58, HEIGHT - 560


@dataclass(frozen=True)
class Service:
    """One thing the volunteer did: when, what, how long."""

    on: date
    title: str
    minutes: int


@dataclass(frozen=True)
class Certificate:
    """All that a certificate says. Services for which there is no room are counted in one line."""

    name: str
    minutes: int
    services: tuple[Service, ...]
    begins_on: date
    ends_on: date
    issuer: str
    person_in_charge: str
    contact: str
    number: str
    issued_on: date
    verify_url: str
    identity: str | None = None
    """Of an identity document, masked already: 5101**********1234."""
    declared: tuple[str, ...] = ()
    """What is the volunteer's own word, unchecked: 姓名, 证件号码."""
    purpose: str | None = None
    revoked_on: date | None = None


def certificate(facts: Certificate) -> bytes:
    """The certificate as a PNG of 1240 × 1754 pixels, A4 at 150 dpi."""
    paper = Paper(WIDTH, HEIGHT, CREAM)
    _frame(paper)
    left, width = MARGIN, WIDTH - 2 * MARGIN
    paper.write((WIDTH / 2, 126), "志愿服务证明", 84, colour=RED, align="middle", bold=True)
    paper.write((WIDTH / 2, 244), "Certificate of Voluntary Service", 30, colour=GOLD, align="middle")
    paper.write((WIDTH / 2, 300), f"编号  {clean(facts.number)}", 28, colour=GREY, align="middle")
    size = fitting(facts.name, (68, 56, 46, 38, 32), width, 1)
    paper.paragraph((left, 372 + 68 - size, width), facts.name, size, most=1, align="middle", bold=True)
    paper.rule(480, left=left + 160, right=WIDTH - left - 160, colour=GOLD)
    if facts.identity is not None:
        paper.write((WIDTH / 2, 490), f"证件号码  {clean(facts.identity)}", 26, colour=GREY, align="middle")
    if facts.declared:
        word = f"（{'、'.join(facts.declared)}由本人申报，未经核验）"
        paper.write((WIDTH / 2, 524), word, 24, colour=GREY, align="middle")
    said = (
        f"于{_days(facts.begins_on, facts.ends_on)}，在{facts.issuer}参加志愿服务，"
        f"累计服务时间{lasting(facts.minutes)}，情况属实，特此证明。"
    )
    y = paper.paragraph((left, 566, width), said, 36, most=4) + 22
    y = _services(paper, y, facts.services) + 14
    if facts.purpose is not None:
        y = paper.paragraph((left + 24, y, width - 48), f"用途：{facts.purpose}", 28, most=2, colour=GREY) + 4
    paper.write((WIDTH / 2, y), "（以下空白）", 24, colour=FAINT, align="middle")
    _issuer(paper, facts)
    if facts.revoked_on is not None:
        paper.card((left, 70, WIDTH - left, 122), colour=REVOKED, radius=10)
        word = f"本证明已于{_day(facts.revoked_on)}撤销，不再有效"
        paper.write((WIDTH / 2, 78), word, 28, colour=WHITE, align="middle")
        paper.stamp((WIDTH / 2, 1010), "已 撤 销", 130, colour=REVOKED)
    return paper.png()


def lasting(minutes: int) -> str:
    """How long, as it is read: 12小时30分."""
    hours, rest = divmod(minutes, 60)
    return (f"{hours}小时" if hours else "") + (f"{rest}分" if rest or not hours else "")


def _frame(paper: Paper) -> None:
    paper.pen.rectangle((40, 40, WIDTH - 41, HEIGHT - 41), outline=RED, width=6)
    paper.pen.rectangle((56, 56, WIDTH - 57, HEIGHT - 57), outline=GOLD, width=2)


def _services(paper: Paper, y: float, services: tuple[Service, ...]) -> float:
    most = int((LINES_END - y - 66) // ROW)
    shown = services if len(services) <= most else services[: most - 1]
    left, right = MARGIN, WIDTH - MARGIN
    paper.card((left, y, right, y + 56), colour="#f4ead6", radius=10)
    for x, word, align in (
        (left + 24, "日期", "left"),
        (left + 230, "服务内容", "left"),
        (right - 24, "时长", "right"),
    ):
        paper.write((x, y + 8), word, 28, colour=RED, align=align)  # type: ignore[arg-type]
    y += 66
    for service in shown:
        paper.write((left + 24, y + 8), f"{service.on:%Y.%m.%d}", 28, colour=GREY)
        paper.paragraph((left + 230, y + 8, right - left - 460), service.title, 28, most=1)
        paper.write((right - 24, y + 8), lasting(service.minutes), 28, align="right")
        y += ROW
        paper.rule(y, left=left, right=right, colour="#efe6d3")
    if len(shown) < len(services):
        rest = services[len(shown) :]
        paper.write((left + 230, y + 8), f"以及另外{len(rest)}次志愿服务", 28, colour=GREY)
        total = lasting(sum(service.minutes for service in rest))
        paper.write((right - 24, y + 8), total, 28, colour=GREY, align="right")
        y += ROW
    return y


def _issuer(paper: Paper, facts: Certificate) -> None:
    left, top, side = MARGIN, HEIGHT - 410, 250
    paper.card((left - 4, top - 4, left + side + 4, top + side + 4), colour=WHITE, radius=12, outline="#efe6d3")
    paper.qr((left, top), side, facts.verify_url)
    paper.write((left + side / 2, top + side + 10), "扫码核验真伪", 26, colour=GREY, align="middle")
    x, width = left + side + 60, WIDTH - 2 * MARGIN - side - 60
    rows = (
        ("出具单位", facts.issuer),
        ("负责人", facts.person_in_charge),
        ("联系方式", facts.contact),
        ("出具日期", _day(facts.issued_on)),
    )
    y = float(top) - 10
    for word, value in rows:
        paper.write((x, y), word, 28, colour=FAINT)
        y = max(y + 54, paper.paragraph((x + 150, y, width - 150), value, 30, most=2, colour=INK) + 8)
    note = "依据《志愿服务条例》第十九条，志愿服务记录证明无偿、如实出具。"
    paper.write((WIDTH / 2, HEIGHT - 98), note, 22, colour=FAINT, align="middle")


def _days(begins: date, ends: date) -> str:
    return _day(begins) if begins == ends else f"{_day(begins)}至{_day(ends)}期间"


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
