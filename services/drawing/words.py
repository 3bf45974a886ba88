"""What people wrote, made drawable and broken into lines as Chinese is set (避头尾)."""

import re
import unicodedata
from collections.abc import Callable

NO_START = frozenset("，。、；：？！…—～·％‰℃°”’）》〉」』】〕〗］｝,.;:?!%)]}> 　")
"""Stops and closing marks begin no line; a space hangs at the end of the one before."""
NO_END = frozenset("“‘（《〈「『【〔〖［｛￥＄¥$#@([{<")
"""Opening marks end no line."""
JOINED = re.compile(r"[0-9A-Za-zÀ-ɏ%+\-_/.,:;@&'#]")
"""What stays together: words, numbers, addresses."""
ELLIPSIS = "…"
UNKNOWN = "〓"
"""The printer's mark for a character that no font here has."""
SHADES = range(0x1F3FB, 0x1F400)
PHONE = re.compile(r"(?<!\d)(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)")
IDENTITY = re.compile(r"(?<!\d)(\d{4})\d{10,13}([\dXx])(?![\dXx])")

Measure = Callable[[str], float]


def yuan(amount_fen: int) -> str:
    """Money as it is drawn: 123450 fen is 1,234.50."""
    return f"{amount_fen // 100:,}.{amount_fen % 100:02}"


def legible(text: str, known: Callable[[str], bool]) -> str:
    """One line of the text with nothing in it that would be drawn as a box.

    What is invisible goes (joiners, variation selectors, shades of skin), letters that no font has become 〓, other
    signs are left out, and any white space is one space.
    """
    drawn = [_drawn(char, known) for char in unicodedata.normalize("NFC", text)]
    return " ".join("".join(drawn).split())


def _drawn(char: str, known: Callable[[str], bool]) -> str:
    if char.isspace():
        return " "
    if ord(char) in SHADES or unicodedata.category(char)[0] in "CM":
        return ""
    if known(char):
        return char
    return UNKNOWN if unicodedata.category(char)[0] in "LN" else ""


def discreet(text: str) -> str:
    """The text with the middle of phone and identity numbers starred out."""
    return PHONE.sub(r"\1****\2", IDENTITY.sub(r"\1**********\2", text))


def wrapped(text: str, width: float, measure: Measure, *, most: int | None = None) -> list[str]:
    """The text in lines no wider than `width`, every character kept in its order; a space at a line's end hangs.

    With `most`, what does not go on so many lines stands on one more, however long.

    Lines break between hanzi and between words, never before a stop or after an opening mark. Only what is too long for
    a line by itself is broken elsewhere: a word between two letters, marks in a row anywhere.
    """
    lines: list[str] = []
    start = 0
    while start < len(text):
        if len(lines) == most:
            return [*lines, text[start:]]
        end = _fits(text, start, width, measure)
        if end < len(text):
            end = _last(text, start, end, _may_break) or _last(text, start, end, _may_split) or end
        lines.append(text[start:end])
        start = end
    return lines


def at_most(lines: list[str], most: int, width: float, measure: Measure) -> list[str]:
    """The first `most` lines; the last of them ends in … where something was left out."""
    if len(lines) <= most:
        return lines
    last = lines[most - 1].rstrip()
    while last and (measure(last + ELLIPSIS) > width or last[-1] in NO_START | NO_END):
        last = last[:-1]
    return [*lines[: most - 1], last + ELLIPSIS]


def _fits(text: str, start: int, width: float, measure: Measure) -> int:
    """Up to where a line from `start` may reach; one character at least."""
    end, wide = start, 0.0
    while end < len(text):
        wide += measure(text[end])
        if wide > width and not text[end].isspace():
            break
        end += 1
    return max(end, start + 1)


def _last(text: str, start: int, end: int, may: Callable[[str, int], bool]) -> int | None:
    """The last place, from `end` back to after `start`, at which the text may be broken."""
    return next((at for at in range(end, start, -1) if may(text, at)), None)


def _may_split(text: str, at: int) -> bool:
    return text[at] not in NO_START and text[at - 1] not in NO_END


def _may_break(text: str, at: int) -> bool:
    return _may_split(text, at) and not (JOINED.fullmatch(text[at]) and JOINED.fullmatch(text[at - 1]))
