"""A line of a community's register of homes and people, as people type it, and what it says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from services.rules.rooms import room_form

Cell = str | int | float | bool | date | None

HEADINGS: dict[str, tuple[str, ...]] = {
    "district": ("区", "区县", "所属区", "district"),
    "street": ("街道", "街道办", "镇街", "street"),
    "community": ("社区", "居委会", "所属社区", "community"),
    "grid": ("网格", "所属网格", "grid"),
    "building": ("楼栋", "楼", "栋", "楼号", "栋号", "building"),
    "unit": ("单元", "单元号", "unit"),
    "room": ("房号", "房间", "房间号", "室", "门牌", "room"),
    "area": ("面积", "建筑面积", "专有面积", "专有部分面积", "area", "aream2"),
    "name": ("姓名", "居民姓名", "name"),
    "birth_year": ("出生年", "出生年份", "出生年月", "出生日期", "birthyear", "born"),
    "phone": ("电话", "手机", "手机号", "手机号码", "联系电话", "phone"),
    "capacity": ("身份", "与房屋关系", "capacity"),
    "representative": ("户代表", "是否户代表", "representative"),
}
REQUIRED = {"community": "社区", "building": "楼栋"}
CAPACITIES = {
    "owner": ("产权人", "业主", "owner"),
    "tenant": ("租户", "租客", "承租人", "tenant"),
    "family": ("家人", "家属", "家庭成员", "family"),
}
YES, NO = ("是", "√", "1", "yes", "y", "true"), ("否", "×", "0", "no", "n", "false")
NARROW: dict[int, str | None] = {0x3000: " ", 0xFEFF: None, 0x200B: None} | {
    code + 0xFEE0: chr(code) for code in range(ord("!"), ord("~") + 1) if chr(code).isalnum() or chr(code) in "+-./"
}
"""Full-width letters, digits and the signs of numbers as their narrow ones; what has no width is dropped."""
PHONE = re.compile(r"\+?[0-9]{6,20}")
YEAR = re.compile(r"([12][0-9]{3})(?:年|[-./年][0-9]{1,2}.{0,10})?")
AREA_MAX_CM2 = 1_000_000_000


class Unfit(ValueError):
    """Why a line cannot be taken, in a sentence for whoever keeps the register."""


@dataclass(frozen=True)
class Line:
    """What one line says: where, which home, and who lives there; without a room it is only about a building."""

    district: str
    street: str
    community: str
    grid: str | None
    building: str
    unit: str
    room: str | None
    area_cm2: int | None
    name: str | None
    birth_year: int | None
    phone: str | None
    capacity: str
    representative: bool | None
    """None: the register does not say who represents a household."""


def columns(cells: Sequence[Cell]) -> dict[str, int] | None:
    """Which column holds what, if these cells are the headings. Raises Unfit for a heading that is there twice."""
    found: dict[str, int] = {}
    for number, cell in enumerate(cells):
        heading = re.sub(r"[\s_*]|[（(].*", "", _text(cell)).lower()
        for word, spellings in HEADINGS.items():
            if heading in spellings:
                if word in found:
                    raise Unfit(f"表头「{_text(cell)}」与另一列重复")
                found[word] = number
    return found if REQUIRED.keys() <= found.keys() else None


def read(cells: Mapping[str, Cell], *, this_year: int) -> Line:
    """What a line says, its cells by their words. Raises Unfit with all that is wrong with it."""
    wrong: list[str] = []

    def taken(word: str, most: int) -> str | None:
        text = _text(cells.get(word))
        if text.startswith("#"):
            wrong.append(f"「{HEADINGS[word][0]}」是出错的公式（{text[:10]}）")
        elif len(text) > most:
            wrong.append(f"「{HEADINGS[word][0]}」超过 {most} 个字")
        elif not text.isprintable():
            wrong.append(f"「{HEADINGS[word][0]}」含有不可显示的字符")
        return text or None

    places = {word: taken(word, 60) for word in ("district", "street", "community", "grid", "building")}
    unit, room, name = taken("unit", 20), taken("room", 20), taken("name", 30)
    if name is not None and not name.isascii():
        name = name.replace(" ", "")  # 王　芳 stands under 欧阳娜 in many a table
    wrong += [f"缺少{heading}" for word, heading in REQUIRED.items() if not places[word]]
    if not (places["district"] and places["street"]):
        wrong.append("缺少区或街道：请加上这两列，或用 --street 区/街道 指明")
    for word in ("name", "birth_year", "phone", "area"):
        if room is None and _text(cells.get(word)):
            wrong.append(f"有{HEADINGS[word][0]}而没有房号")
            break
    found: dict[str, int | str | bool | None] = {}
    for word, reader in (("area", _area), ("birth_year", _year), ("phone", _phone), ("capacity", _capacity),
                         ("representative", _yes)):  # fmt: skip
        try:
            found[word] = reader(_text(cells.get(word)))
        except Unfit as exc:
            wrong.append(str(exc))
    year = found.get("birth_year")
    if isinstance(year, int) and not 1900 <= year <= this_year:
        wrong.append(f"出生年 {year} 不可能")
    if name is not None and "birth_year" in found and year is None:
        wrong.append("缺少出生年")
    if name is None and (year is not None or found.get("phone") is not None):
        wrong.append("有出生年或电话而没有姓名")
    if wrong:
        raise Unfit("；".join(wrong))
    return Line(
        **places,  # type: ignore[arg-type]
        unit=room_form(unit or "1"),
        room=room_form(room) if room else None,
        area_cm2=found["area"],  # type: ignore[arg-type]
        name=name,
        birth_year=year,  # type: ignore[arg-type]
        phone=found["phone"],  # type: ignore[arg-type]
        capacity=found["capacity"],  # type: ignore[arg-type]
        representative=bool(found["representative"]) if "representative" in cells else None,
    )


def _text(cell: Cell) -> str:
    if cell is None or isinstance(cell, bool):
        return "" if cell is None else ("是" if cell else "否")
    if isinstance(cell, date):
        return cell.strftime("%Y-%m-%d")
    if isinstance(cell, float):
        cell = int(cell) if cell.is_integer() else f"{cell:.15g}"  # as spreadsheets count: 50 + 47.48 is 97.48
    return " ".join(str(cell).translate(NARROW).split())


def _area(text: str) -> int | None:
    """Square metres in cm², exactly."""
    plain = re.sub(r"(平方米|平米|㎡|m2|m²)$", "", text.replace(",", "").replace("，", "").lower()).strip()
    if not plain:
        return None
    try:
        area_cm2 = Decimal(plain) * 10_000
    except InvalidOperation:
        raise Unfit(f"面积「{text[:20]}」不是数字") from None
    if not area_cm2.is_finite() or not 0 < area_cm2 <= AREA_MAX_CM2:
        raise Unfit(f"面积「{text[:20]}」不可能")
    if area_cm2 != int(area_cm2):
        raise Unfit(f"面积「{text[:20]}」的小数超过四位")
    return int(area_cm2)


def _year(text: str) -> int | None:
    """The year alone, of a date too: more is not kept."""
    if not text:
        return None
    match = YEAR.fullmatch(text)
    if match is None:
        raise Unfit(f"出生年「{text[:20]}」看不懂，请写四位年份")
    return int(match[1])


def _phone(text: str) -> str | None:
    plain = re.sub(r"[ ()（）-]", "", text)
    if not plain:
        return None
    if PHONE.fullmatch(plain) is None:  # 1.38E+10 has lost its digits, too
        raise Unfit("电话看不懂，请写成文本格式的完整号码")
    return plain[3:] if plain.startswith("+86") else plain


def _capacity(text: str) -> str:
    if not text:
        return "family"
    for capacity, words in CAPACITIES.items():
        if text.lower() in words:
            return capacity
    raise Unfit(f"身份「{text[:10]}」须为产权人、租户或家人")


def _yes(text: str) -> bool:
    if text.lower() in YES:
        return True
    if not text or text.lower() in NO:
        return False
    raise Unfit(f"户代表「{text[:10]}」须为是或否")
