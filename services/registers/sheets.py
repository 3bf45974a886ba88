"""The lines of a register out of a CSV or XLSX file, one at a time, however it was saved; nothing hostile gets far."""

import codecs
import csv
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from services.rules.register import Cell, Unfit, columns

FILE_MAX, PART_MAX, STRINGS_MAX = 50_000_000, 300_000_000, 60_000_000
LINES_MAX, COLUMNS_MAX, HEADINGS_WITHIN, CELL_MAX, MERGED_MAX = 200_000, 60, 20, 10_000, 100_000
ENCODINGS = ("utf-8-sig", "gb18030")
BLOCK = 1 << 20


class Unreadable(ValueError):
    """Why nothing of a file can be read."""


@dataclass(frozen=True)
class Raw:
    """A line as it stands in the file: its number, its cells by their words, or why it cannot be read."""

    number: int
    cells: dict[str, Cell] = field(default_factory=dict)
    wrong: str | None = None


def open_register(file: Path) -> Iterator[Raw]:
    """The lines below the headings that are not empty, at most 200,000. Raises Unreadable."""
    if file.stat().st_size > FILE_MAX:
        raise Unreadable("文件超过 50 MB，请分开导入")
    with file.open("rb") as opened:
        excel = opened.read(4) == b"PK\x03\x04"
    return _below_the_headings(_spreadsheet(file) if excel else _text(file))


def _below_the_headings(lines: Iterator[tuple[int, list[Cell] | str]]) -> Iterator[Raw]:
    where: dict[str, int] | None = None
    for number, cells in lines:
        if where is None:
            where = _headings(cells)
            if where is None and number >= HEADINGS_WITHIN:
                break
        elif number > LINES_MAX:
            raise Unreadable(f"超过 {LINES_MAX} 行，其后的没有导入，请分开导入")
        elif isinstance(cells, str):
            yield Raw(number, wrong=cells)
        else:
            found = {word: cells[column] if column < len(cells) else None for word, column in where.items()}
            if any(cell not in (None, "") for cell in found.values()):
                yield Raw(number, found)
    if where is None:
        raise Unreadable(f"前 {HEADINGS_WITHIN} 行中没有找到表头：至少要有「社区」和「楼栋」两列")


def _headings(cells: list[Cell] | str) -> dict[str, int] | None:
    try:
        return None if isinstance(cells, str) else columns(cells)
    except Unfit as exc:
        raise Unreadable(str(exc)) from exc


def _text(file: Path) -> Iterator[tuple[int, list[Cell] | str]]:
    with file.open(encoding=_encoding(file), newline="") as opened:
        first = next((line for line in opened if line.strip()), "")
        opened.seek(0)
        comma = max(",;\t", key=first.count)
        lines, before = csv.reader((line.replace("\0", "\ufffd") for line in opened), delimiter=comma, strict=True), 0
        csv.field_size_limit(CELL_MAX)
        while True:
            try:
                cells = next(lines)
                yield before + 1, list(cells[:COLUMNS_MAX])
            except StopIteration:
                return
            except csv.Error:
                yield before + 1, f"第 {before + 1} 至 {lines.line_num} 行无法读取：引号不成对，或单元格过长"
            before = lines.line_num


def _encoding(file: Path) -> str:
    for encoding in ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()
        with file.open("rb") as opened:
            try:
                while block := opened.read(BLOCK):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
                return encoding
            except UnicodeDecodeError:
                continue
    raise Unreadable("文字编码无法识别：请存为 UTF-8 或 GB18030（GBK）的 CSV，或者 XLSX")


def _spreadsheet(file: Path) -> Iterator[tuple[int, list[Cell] | str]]:
    try:
        _refuse_bombs(file)
        with closing(load_workbook(file, read_only=True, data_only=True, keep_links=False)) as book:
            sheet = book.worksheets[0]
            with sheet._get_source() as source:
                merged = _merged(source)
            sheet.reset_dimensions()
            rows = sheet.iter_rows(max_col=COLUMNS_MAX, values_only=True)
            for number, cells in enumerate(islice(rows, LINES_MAX + 1), start=1):
                yield number, merged.fill(number, list(cells))
    except (
        InvalidFileException, zipfile.BadZipFile, DefusedXmlException, ParseError,
        KeyError, ValueError, IndexError, TypeError, AttributeError, EOFError, OSError,
    ) as exc:  # fmt: skip
        if isinstance(exc, Unreadable):
            raise
        raise Unreadable(f"这个 XLSX 文件无法读取（{type(exc).__name__}）") from exc


def _refuse_bombs(file: Path) -> None:
    """Raises Unreadable for parts that would unpack to more than we hold; zipfile reads no more than is declared."""
    with zipfile.ZipFile(file) as packed:
        parts = packed.infolist()
    strings = sum(part.file_size for part in parts if not part.filename.startswith("xl/worksheets/"))
    if sum(part.file_size for part in parts) > PART_MAX or strings > STRINGS_MAX:
        raise Unreadable("XLSX 文件解开后过大")


class _Merged:
    """Merged cells: what stands in the first one stands in all of them."""

    def __init__(self) -> None:
        self.starting: dict[int, list[tuple[int, int, int]]] = {}
        self.open: list[tuple[int, int, int, Cell]] = []

    def add(self, reference: str) -> None:
        left, top, right, bottom = range_boundaries(reference)
        if left <= COLUMNS_MAX:
            self.starting.setdefault(top, []).append((left - 1, min(right, COLUMNS_MAX), bottom))

    def fill(self, number: int, cells: list[Cell]) -> list[Cell]:
        self.open = [one for one in self.open if one[2] >= number]
        for left, right, bottom in self.starting.get(number, ()):
            self.open.append((left, right, bottom, cells[left] if left < len(cells) else None))
        for left, right, _, value in self.open:
            cells += [None] * (right - len(cells))
            cells[left:right] = [value] * (right - left)
        return cells


def _merged(source: IO[bytes]) -> _Merged:
    found, count = _Merged(), 0
    for _, element in iterparse(source):
        if element.tag.endswith("}mergeCell"):
            count += 1
            if count > MERGED_MAX:
                raise Unreadable("合并单元格过多")
            found.add(element.get("ref"))
        element.clear()
    return found
