"""Paper ballots typed in twice: reading a file of them, and comparing what two people typed line by line."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINES_MOST = 2000
CELL_MOST = 200
HEADER = ("code", "choice")
ANSWERS = {
    "yes": "yes",
    "no": "no",
    "abstain": "abstain",
    "同意": "yes",
    "反对": "no",
    "不同意": "no",
    "弃权": "abstain",
}
LOOKS_LIKE = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})
SEPARATORS = re.compile(r"[;；、,，\s]+")

Choice = dict[str, Any]


class Unreadable(ValueError):
    """The file as a whole cannot be read; says in Chinese and English why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True)
class Line:
    """A row of the file (the header is row 1): the elector's code, and his choice, None where it cannot be read."""

    row: int
    code: str
    choice: Choice | None


@dataclass(frozen=True)
class Compared:
    """What the two say of one code: `agrees`, `differs`, `only_first`, `only_second`, `unreadable` or `twice`."""

    code: str
    outcome: str
    first: Choice | None
    second: Choice | None
    first_rows: tuple[int, ...]
    second_rows: tuple[int, ...]


def read(
    raw: bytes, kind: str, options: Sequence[int], max_choices: int | None = None, max_score: int | None = None
) -> list[Line]:
    """Read a CSV of `code,choice` in UTF-8 or, as spreadsheets here save it, GB18030. Raises Unreadable.

    Options are named by their numbers on the sheet: `2`, several as `1;3`, ranked ones best first, scores as `1:5;2:0`;
    a yes/no ballot says yes, no, abstain, 同意, 反对 or 弃权.
    """
    try:
        rows = list(csv.reader(io.StringIO(_text(raw), newline=""), strict=True))
    except csv.Error as exc:
        raise Unreadable("这不是 CSV 文件", f"This is no CSV file: {exc}") from exc
    rows = [[cell.strip() for cell in row] for row in rows]
    if not rows or tuple(cell.lower() for cell in rows[0][:2]) != HEADER:
        raise Unreadable("第一行应为 code,choice", "The first row reads code,choice")
    lines = [
        Line(number, _code(row[0]), _choice(row, kind, options, max_choices, max_score))
        for number, row in enumerate(rows[1:], start=2)
        if any(row)
    ]
    if not 1 <= len(lines) <= LINES_MOST:
        raise Unreadable(f"一次录入 1 至 {LINES_MOST} 行", f"Enter 1 to {LINES_MOST} rows at a time")
    return lines


def compare(first: Sequence[Line], second: Sequence[Line]) -> list[Compared]:
    """Both files against each other, by code; each row of both is in the answer."""
    ours, theirs = _by_code(first), _by_code(second)
    return [_compared(code, ours.get(code, []), theirs.get(code, [])) for code in dict.fromkeys([*ours, *theirs])]


def harmless(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _text(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("文件编码须为 UTF-8 或 GB18030", "The file is neither UTF-8 nor GB18030")


def _code(cell: str) -> str:
    return cell.upper().translate(LOOKS_LIKE).replace("\0", "")[:CELL_MOST]


def _choice(
    row: Sequence[str], kind: str, options: Sequence[int], max_choices: int | None, max_score: int | None
) -> Choice | None:
    cell = row[1] if len(row) > 1 else ""
    if not cell or len(cell) > CELL_MOST or any(row[2:]):
        return None
    if kind == "yes_no":
        answer = ANSWERS.get(cell.lower())
        return {"choice": answer} if answer else None
    if kind == "score":
        return _scores(cell, options, max_score)
    named = [_option(part, options) for part in SEPARATORS.split(cell) if part]
    if None in named or not named or len(set(named)) != len(named):
        return None
    if kind == "single":
        return {"option_id": named[0]} if len(named) == 1 else None
    if kind == "ranked":
        return {"ranking": named}
    if max_choices is not None and len(named) > max_choices:
        return None
    return {"option_ids": sorted(one for one in named if one is not None)}


def _scores(cell: str, options: Sequence[int], max_score: int | None) -> Choice | None:
    scores: dict[str, int] = {}
    for part in (part for part in SEPARATORS.split(cell) if part):
        number, _, points = part.replace("：", ":").partition(":")
        option = _option(number, options)
        if option is None or str(option) in scores or not re.fullmatch(r"[0-9]{1,3}", points):
            return None
        if max_score is not None and int(points) > max_score:
            return None
        scores[str(option)] = int(points)
    return {"scores": scores} if scores else None


def _option(number: str, options: Sequence[int]) -> int | None:
    if not re.fullmatch(r"[0-9]{1,3}", number):
        return None
    return options[int(number) - 1] if 1 <= int(number) <= len(options) else None


def _by_code(lines: Sequence[Line]) -> Mapping[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.code, []).append(line)
    return found


def _compared(code: str, first: Sequence[Line], second: Sequence[Line]) -> Compared:
    ours, theirs = first[0].choice if first else None, second[0].choice if second else None
    if len(first) > 1 or len(second) > 1:
        outcome = "twice"
    elif any(line.choice is None for line in (*first, *second)) or not code:
        outcome = "unreadable"
    elif not second:
        outcome = "only_first"
    elif not first:
        outcome = "only_second"
    else:
        outcome = "agrees" if ours == theirs else "differs"
    rows = (tuple(line.row for line in first), tuple(line.row for line in second))
    return Compared(code, outcome, ours, theirs, *rows)
