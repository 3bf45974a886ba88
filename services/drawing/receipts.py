"""The receipt of a gift of money, 750 pixels wide. It is no tax invoice, and says so."""

from dataclasses import dataclass

from services.drawing.paper import FAINT, GREY, INK, LEADING, WHITE, Paper, clean, fitting, lines_of
from services.drawing.words import yuan
from services.rules.capitals import in_capitals

WIDTH, MARGIN, TOP, SIDE = 750, 60, 150, 210
GREEN, PALE, RED = "#2f6b4f", "#e0ebe5", "#c62828"
NOTE = (
    "本凭证由社区公益金账本自动生成，用于证明这笔款项已入账；不是发票，也不是财政部门监制的公益事业捐赠票据，"
    "不能用于税前扣除。"
)


@dataclass(frozen=True)
class Receipt:
    """All that a receipt says; what was given back, or is on its way, in fen, is marked on it."""

    number: str
    giver: str
    amount_fen: int
    refunded_fen: int
    refunding_fen: int
    kind: str
    campaign: str
    community: str
    paid_at: str
    transfer: str
    log: str
    verify_url: str


def receipt(facts: Receipt) -> bytes:
    """The receipt as a PNG."""
    width = WIDTH - 2 * MARGIN
    rows = (
        ("认捐人", facts.giver),
        ("项目", facts.campaign),
        ("方式", facts.kind),
        ("入账单位", f"{facts.community}（社区公益金）"),
        ("到账时间", facts.paid_at),
        ("账本流水", facts.transfer),
        ("公开日志", facts.log),
    )
    beside = 160
    high = sum(lines_of(value, 30, width - beside, 3) * round(30 * LEADING) + 16 for _, value in rows)
    amount_top = TOP + 30
    capitals = f"人民币{in_capitals(facts.amount_fen)}"
    rows_top = round(amount_top + 150 + lines_of(capitals, 30, width, 2) * 30 * LEADING + 40)
    scan_top = rows_top + high + (76 if facts.refunded_fen or facts.refunding_fen else 0) + 20
    paper = Paper(WIDTH, scan_top + SIDE + 196, PALE)
    paper.pen.rectangle((0, 0, WIDTH, TOP + 40), fill=GREEN)
    paper.write((MARGIN, 28), "认捐收款凭证", 48, colour=WHITE, bold=True)
    paper.write((MARGIN, 94), f"编号  {clean(facts.number)}", 24, colour="#d8eadf")
    paper.write((WIDTH - MARGIN, 94), "邻里", 24, colour="#d8eadf", align="right")
    paper.card((24, TOP, WIDTH - 24, paper.height - 24), radius=24)
    figures = f"¥{yuan(facts.amount_fen)}"
    size = fitting(figures, (84, 72, 60), width, 1)
    paper.write((WIDTH / 2, amount_top + 84 - size), figures, size, colour=GREEN, align="middle", bold=True)
    paper.paragraph((MARGIN, amount_top + 134, width), capitals, 30, most=2, colour=GREY, align="middle")
    paper.rule(rows_top - 20, left=MARGIN, right=WIDTH - MARGIN)
    y: float = rows_top
    for word, value in rows:
        paper.write((MARGIN, y), word, 28, colour=FAINT)
        y = paper.paragraph((MARGIN + beside, y, width - beside), value, 30, most=3, colour=INK) + 16
    if facts.refunded_fen or facts.refunding_fen:
        _refunded(paper, facts, y, rows_top)
    _scan(paper, facts, scan_top)
    return paper.png()


def _refunded(paper: Paper, facts: Receipt, y: float, rows_top: float) -> None:
    fully = facts.refunded_fen >= facts.amount_fen
    words = "其中 " if not fully else "已全部退款 "
    parts = ((facts.refunded_fen, "" if fully else " 已退款"), (facts.refunding_fen, " 正在退款"))
    words += "，".join(f"¥{yuan(fen)}{word}" for fen, word in parts if fen)
    paper.card((MARGIN, y, WIDTH - MARGIN, y + 60), colour="#fdecea", radius=12)
    paper.write(
        (WIDTH / 2, y + 8), words, fitting(words, (30, 26), WIDTH - 2 * MARGIN - 30, 1), colour=RED, align="middle"
    )
    if fully:
        paper.stamp((WIDTH - 210, rows_top), "已退款", 72, colour=RED)


def _scan(paper: Paper, facts: Receipt, y: int) -> None:
    paper.rule(y, left=MARGIN, right=WIDTH - MARGIN)
    paper.qr((MARGIN - 16, y + 10), SIDE, facts.verify_url)
    left = MARGIN + SIDE
    paper.write((left, y + 48), "扫码核对公开日志", 32, bold=True)
    hint = "这笔款项写在不可更改的公开日志里，任何人都可以核对，不必登录。"
    paper.paragraph((left, y + 104, WIDTH - MARGIN - left), hint, 24, most=3, colour=GREY)
    paper.paragraph((MARGIN, y + SIDE + 20, WIDTH - 2 * MARGIN), NOTE, 22, most=4, colour=FAINT)
