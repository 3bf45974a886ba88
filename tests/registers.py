"""Registers as communities keep them: made up, of any size, and written as CSV or XLSX."""

import csv
import io
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import xlsxwriter

HEADINGS = ("区", "街道", "社区", "网格", "楼栋", "单元", "房号", "面积", "姓名", "出生年", "电话", "身份", "户代表")
FAMILY, GIVEN = "王李张刘陈杨黄赵吴周", "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚"


def made_up(communities: int, buildings: int, homes: int, people: int) -> Iterator[tuple[object, ...]]:
    """Lines of so many communities with so many buildings each, homes in each of those, and people in each home."""
    dice = random.Random(communities)
    number = 0
    for community in range(1, communities + 1):
        for building in range(1, buildings + 1):
            for home in range(homes):
                area = 50 + dice.randint(0, 10_000) / 100
                for person in range(people):
                    number += 1
                    yield (
                        "青羊区", f"第{(community - 1) // 8 + 1}街道", f"第{community}社区", f"{building % 3 + 1}网格",
                        f"{building}号楼", f"{home % 2 + 1}", f"{home // 2 // 2 + 1}{home // 2 % 2 + 1:02}", area,
                        dice.choice(FAMILY) + dice.choice(GIVEN) + GIVEN[person],
                        1940 + dice.randint(0, 60), 13_000_000_000 + number, "产权人" if person == 0 else "家人",
                        "是" if person == 0 else "否",
                    )  # fmt: skip


def as_csv(rows: Iterable[Sequence[object]], headings: Sequence[str] = HEADINGS) -> str:
    """The text of a CSV file."""
    out = io.StringIO()
    csv.writer(out).writerows([headings, *rows])
    return out.getvalue()


def write_xlsx(file: Path, rows: Iterable[Sequence[object]], headings: Sequence[str] = HEADINGS) -> Path:
    """An XLSX file, numbers as numbers."""
    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    sheet = book.add_worksheet("台账")
    for number, row in enumerate([headings, *rows]):
        sheet.write_row(number, 0, row)
    book.close()
    return file
