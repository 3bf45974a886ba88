"""Amounts of money in Chinese capitals, which nobody alters with a stroke of the pen (支付结算办法 附一)."""

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
SECTIONS = ("", "万", "亿", "万亿")
MOST_FEN = 10**18


def in_capitals(amount_fen: int) -> str:
    """An amount in fen as it is written on receipts: 12345 is 壹佰贰拾叁元肆角伍分, 100 is 壹元整."""
    assert 0 <= amount_fen < MOST_FEN
    yuan, rest = divmod(amount_fen, 100)
    jiao, fen = divmod(rest, 10)
    said = f"{_whole(yuan)}元" if yuan or not rest else ""
    if jiao:
        said += f"{DIGITS[jiao]}角"
    elif fen and yuan:
        said += "零"
    return said + (f"{DIGITS[fen]}分" if fen else "整")


def _whole(number: int) -> str:
    """Sections of four digits, with one 零 for the zeros between two other digits."""
    if number == 0:
        return DIGITS[0]
    said, gap = "", False
    for nth in reversed(range(4)):
        section = number // 10_000**nth % 10_000
        if section:
            if said and (gap or section < 1000):
                said += DIGITS[0]
            said += _section(section) + SECTIONS[nth]
        gap = section == 0
    return said


def _section(section: int) -> str:
    said, gap = "", False
    for nth in reversed(range(4)):
        digit = section // 10**nth % 10
        if digit:
            if said and gap:
                said += DIGITS[0]
            said += DIGITS[digit] + PLACES[nth]
        gap = digit == 0
    return said
