"""A register of homes and people comes in from a spreadsheet: line by line, again and again, whatever it looks like."""

import csv
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from app.core import crypto, db
from app.core.crypto import Keys
from app.seed import DISTRICT, JY, STREET
from models.places import Place, PlaceKind
from models.residents import Capacity, Household, Membership, Resident
from services import places, registers, residents
from services.registers import Outcome, Told, Unreadable
from tests.people import People
from tests.registers import HEADINGS, as_csv, made_up, write_xlsx

ROOT = Path(__file__).resolve().parents[2]
KEYS = Keys.of("a key of these tests")
HOME = ("青羊区", "草堂街道", "浣花社区", "一网格", "1号楼", "1", "101")
WANG = (*HOME, "89.5", "王淑芬", "1951", "13800001111", "产权人", "是")
LI = (*HOME, "89.5", "李大明", "1949", "", "家人", "否")


async def bring_in(file: Path, *, street: tuple[str, str] | None = None, dry_run: bool = False) -> list[Told]:
    """What became of each line."""
    told: list[Told] = []
    await registers.import_register(
        registers.open_register(file), told.append, secret=KEYS, street=street, dry_run=dry_run
    )
    return told


async def lines(tmp_path: Path, *rows: tuple[object, ...], headings: tuple[str, ...] = HEADINGS) -> list[Told]:
    """What becomes of these lines of a CSV file."""
    file = tmp_path / "register.csv"
    file.write_text(as_csv(rows, headings), "utf-8", newline="")
    return await bring_in(file)


async def counted() -> tuple[int, ...]:
    """How much there is of all that an import may touch."""
    tables = ("places", "households", "household_records", "residents", "memberships", "events")
    return tuple([int(await db.value(f"SELECT count(*) FROM {table}")) for table in tables])


async def test_a_line_makes_all_that_is_missing_and_keeps_names_and_numbers_sealed(tmp_path: Path) -> None:
    told = await lines(tmp_path, WANG, LI)
    assert told == [
        Told(2, Outcome.MADE, "区、街道、社区、网格、楼栋、户、居民、户代表"),
        Told(3, Outcome.MADE, "居民"),
    ]
    home = await Household.get(room="101", building__name="1号楼", building__parent__name="一网格")
    assert (home.unit, home.area_cm2) == ("1", 895_000)
    wang, li = await Resident.filter(memberships__household_id=home.id).order_by("id")
    assert home.representative_id == wang.id
    assert (wang.nickname, wang.birth_year, wang.openid) == ("王**", 1951, None)
    assert crypto.unseal(KEYS, wang.name_sealed, table="residents", column="name", row=wang.id) == "王淑芬"
    assert residents.phone_masked(wang, KEYS) == "138****1111"
    assert li.phone_sealed is None
    capacities = await Membership.filter(household_id=home.id).order_by("id").values_list("capacity", flat=True)
    assert capacities == [Capacity.OWNER, Capacity.FAMILY]
    building = await Place.get(id=home.building_id)
    assert await Place.filter(id__in=building.path.strip("/").split("/")).order_by("path").values_list(
        "name", flat=True
    ) == ["青羊区", "草堂街道", "浣花社区", "一网格", "1号楼"]


async def test_run_again_it_changes_nothing_and_says_so(tmp_path: Path) -> None:
    await lines(tmp_path, WANG, LI)
    before = await counted()
    assert await lines(tmp_path, WANG, LI) == [Told(2, Outcome.FOUND, ""), Told(3, Outcome.FOUND, "")]
    assert await counted() == before


BAD = {
    "缺少社区": (*HOME[:2], "", *HOME[3:], *LI[7:]),
    "面积「很大」不是数字": (*HOME, "很大", *LI[8:]),
    "面积「-3」不可能": (*HOME, "-3", *LI[8:]),
    "面积「1.00001」的小数超过四位": (*HOME, "1.00001", *LI[8:]),
    "出生年 1850 不可能": (*LI[:9], "1850", *LI[10:]),
    "出生年「六零年」看不懂，请写四位年份": (*LI[:9], "六零年", *LI[10:]),
    "缺少出生年": (*LI[:9], "", *LI[10:]),
    "电话看不懂，请写成文本格式的完整号码": (*LI[:10], "1.38E+10", *LI[11:]),
    "身份「房东」须为产权人、租户或家人": (*LI[:11], "房东", "否"),
    "户代表「也许」须为是或否": (*LI[:12], "也许"),
    "「姓名」超过 30 个字": (*LI[:8], "长" * 31, *LI[9:]),
    "有姓名而没有房号": (*HOME[:6], "", "", *LI[8:]),
    "本户已有另一位户代表；更换请由本户办理": (*LI[:12], "是"),
    "户代表必须年满十八周岁": (*HOME[:6], "102", "", "王小宝", "2020", "", "家人", "是"),
    "电话已登记给本户另一位居民": (*LI[:10], "138 0000 1111", *LI[11:]),
    "电话已登记给另一位居民": (*HOME[:6], "103", "", "王淑芬", "1951", "+86-13800001111", "家人", "否"),
    "本户已登记面积 89.5 ㎡，与此不同；更正请由居委会办理": (*HOME, "90", *LI[8:]),
}


async def test_a_bad_line_is_refused_by_name_and_spoils_no_other(tmp_path: Path) -> None:
    rows = list(BAD.values())
    last = (*HOME[:6], "999", "", "赵末", "1980", "", "租户", "")
    told = await lines(tmp_path, WANG, *rows, last)
    refused = {one.number: one.what for one in told if one.outcome is Outcome.REFUSED}
    assert refused == dict(enumerate(BAD, start=3))
    assert told[-1] == Told(len(rows) + 3, Outcome.MADE, "户、居民")
    assert await Resident.filter(memberships__household__building__name="1号楼", openid=None).count() == 2
    assert not await Household.exists(room__in=["102", "103"])


async def test_a_line_the_database_alone_refuses_is_found_among_its_batch(tmp_path: Path) -> None:
    rows = [(*HOME[:6], str(room), "", "赵甲", "1980", "", "家人", "") for room in range(300)]
    with pytest.MonkeyPatch.context() as patched:  # as another import would, between our look and our writing
        patched.setattr(
            "services.registers.importing._Batch._indexes", lambda self, phone: [phone.encode()] if phone else []
        )
        rows[150] = (*rows[150][:10], "13800009999", *rows[150][11:])
        rows[151] = (*rows[151][:10], "13800009999", *rows[151][11:])
        told = await lines(tmp_path, *rows)
    assert Counter(one.outcome for one in told) == {Outcome.MADE: 299, Outcome.REFUSED: 1}


async def test_a_corrected_line_comes_in_alone(tmp_path: Path) -> None:
    wrong = (*LI[:9], "一九四九", *LI[10:])
    assert [one.outcome for one in await lines(tmp_path, WANG, wrong)] == [Outcome.MADE, Outcome.REFUSED]
    assert await lines(tmp_path, LI) == [Told(2, Outcome.MADE, "居民")]
    assert [one.outcome for one in await lines(tmp_path, WANG, LI)] == [Outcome.FOUND, Outcome.FOUND]


async def test_whoever_uses_wechat_already_is_not_entered_a_second_time(tmp_path: Path, people: People) -> None:
    home = (DISTRICT, STREET, JY, "", "7号楼", "1", "101", "")
    told = await lines(tmp_path, (*home, "林晓", "1988", "", "产权人", ""), (*home, "林小宝", "2019", "", "家人", ""))
    assert told[0].outcome is Outcome.REFUSED
    assert "用微信" in told[0].what
    assert told[1] == Told(3, Outcome.MADE, "居民")
    assert (await Resident.filter(nickname="小朋友").count()) == 1  # a child's name is not shown


async def test_buildings_of_one_name_are_told_apart_by_their_grid(tmp_path: Path) -> None:
    first, second = WANG, (*HOME[:3], "二网格", *HOME[4:], "", "孙二", "1970", "", "租户", "")
    await lines(tmp_path, first, second)
    assert await Place.filter(name="1号楼", parent__kind=PlaceKind.GRID).count() == 2
    told = await lines(tmp_path, (*HOME[:3], "", *HOME[4:], "", "孙三", "1970", "", "租户", ""))
    assert told == [Told(2, Outcome.REFUSED, "社区有几个「1号楼」，请写明网格")]
    told = await lines(tmp_path, (DISTRICT, STREET, JY, "一网格", "7号楼", "1", "777", *LI[7:]))
    assert told == [Told(2, Outcome.REFUSED, "「7号楼」已直接登记在社区之下，不属于网格「一网格」")]


async def test_a_line_without_a_room_makes_a_building_only(tmp_path: Path) -> None:
    told = await lines(tmp_path, (*HOME[:4], "9号楼", *[""] * 8))
    assert told[0].what == "区、街道、社区、网格、楼栋"
    assert not await Household.exists(building__name="9号楼")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
async def test_however_the_text_was_saved(tmp_path: Path, encoding: str, newline: str) -> None:
    file = tmp_path / "register.csv"
    text = as_csv([WANG, LI]).replace("\r\n", newline)
    file.write_text(f"浣花社区住户台账{',' * 12}{newline}{newline}{text}", encoding, newline="")
    told = await bring_in(file)
    assert [(one.number, one.outcome) for one in told] == [(4, Outcome.MADE), (5, Outcome.MADE)]


async def test_headings_may_be_english_in_any_order_and_cells_full_width(tmp_path: Path) -> None:
    headings = ("Room", "Name", "Birth year", "Area (m²)", "Building", "Community", "Representative", "remarks")
    row = ("１０１室", "王　芳", "１９９０年５月", "８９．５㎡", "１号楼", "浣花社区", "yes", "x")
    file = tmp_path / "register.csv"
    file.write_text(as_csv([row], headings))
    assert [one.outcome for one in await bring_in(file, street=("青羊区", "草堂街道"))] == [Outcome.MADE]
    home = await Household.get(building__name="1号楼", area_cm2=895_000)
    assert (home.unit, home.room) == ("1", "101")
    resident = await Resident.get(id=home.representative_id)
    assert resident.birth_year == 1990
    assert crypto.unseal(KEYS, resident.name_sealed, table="residents", column="name", row=resident.id) == "王芳"
    told = await bring_in(file)
    assert told[0].what == "缺少区或街道：请加上这两列，或用 --street 区/街道 指明"


async def test_a_spreadsheet_with_merged_cells_numbers_dates_and_formulas(tmp_path: Path) -> None:
    file = tmp_path / "register.xlsx"
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.merge_range(0, 0, 0, len(HEADINGS) - 1, "住户台账")
    sheet.write_row(1, 0, HEADINGS)
    for column, value in enumerate(HOME):
        sheet.merge_range(2, column, 3, column, value if column < 6 else 101)
    sheet.merge_range(2, 7, 3, 7, 89.55)
    sheet.write_row(2, 8, ["王淑芬"])
    sheet.write_datetime(2, 9, date(1951, 5, 1), day)
    sheet.write_number(2, 10, 13_800_001_111)
    sheet.write_row(2, 11, ["产权人", True])
    sheet.write_row(3, 8, ["李大明"])
    sheet.write_formula(3, 9, "=1900+49", value=1949)
    sheet.write_row(5, 0, [*HOME[:6], 102])
    sheet.write_formula(5, 7, "=1/0", value="#DIV/0!")
    book.close()
    told = await bring_in(file)
    assert [(one.number, one.outcome) for one in told] == [
        (3, Outcome.MADE),
        (4, Outcome.MADE),
        (6, Outcome.REFUSED),
    ]
    assert told[2].what == "面积「#DIV/0!」不是数字"
    home = await Household.get(building__name="1号楼", area_cm2=895_500)
    years = await Resident.filter(memberships__household_id=home.id).order_by("id").values_list("birth_year", flat=True)
    assert years == [1951, 1949]


async def test_a_dry_run_tells_the_same_and_keeps_nothing(tmp_path: Path) -> None:
    file = tmp_path / "register.csv"
    file.write_text(as_csv([WANG, LI, (*LI[:12], "也许")]))
    before = await counted()
    tried = await bring_in(file, dry_run=True)
    assert await counted() == before
    assert tried == await bring_in(file)


def unreadable_bomb(file: Path) -> None:
    with zipfile.ZipFile(write_xlsx(file, []), "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/media/nothing.bin", bytes(100_000_000))


def unreadable_laughs(file: Path) -> None:
    write_xlsx(file, [])
    kept = {}
    with zipfile.ZipFile(file) as packed:
        kept = {name: packed.read(name) for name in packed.namelist()}
    laughs = b'<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'
    sheet = kept["xl/worksheets/sheet1.xml"]
    kept["xl/worksheets/sheet1.xml"] = sheet.replace(b"<worksheet", laughs + b"<worksheet", 1)
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in kept.items():
            packed.writestr(name, content)


UNREADABLE = {
    "解开后过大": unreadable_bomb,
    "ValueError": unreadable_laughs,
    "无法读取": lambda file: file.write_bytes(b"PK\x03\x04 and no more"),
    "编码无法识别": lambda file: file.write_bytes("社区,楼栋\n".encode() + b"\xff\xff\xff"),
    "没有找到表头": lambda file: file.write_text("甲,乙\n" * 30),
    "重复": lambda file: file.write_text("社区,楼栋,社区\n"),
}


@pytest.mark.parametrize("why", UNREADABLE)
async def test_what_cannot_be_read_or_is_hostile_is_refused_whole(tmp_path: Path, why: str) -> None:
    file = tmp_path / "register.xlsx"
    UNREADABLE[why](file)
    with pytest.raises(Unreadable, match=why):
        await bring_in(file)


async def test_a_quote_that_is_never_closed_is_named_with_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "register.csv"
    file.write_text(as_csv([WANG]) + '"青羊区,草堂街道\n' + as_csv([LI]).partition("\n")[2])
    told = await bring_in(file)
    assert [one.outcome for one in told] == [Outcome.MADE, Outcome.REFUSED]
    assert told[1].what == "第 3 至 4 行无法读取：引号不成对，或单元格过长"


async def test_places_added_by_hand_are_found(tmp_path: Path, people: People) -> None:
    await places.add(people.qian, parent_id=people.jy, kind=PlaceKind.BUILDING, name="8号楼")
    told = await lines(tmp_path, (DISTRICT, STREET, JY, "", "8号楼", "1", "101", *LI[7:]))
    assert told == [Told(2, Outcome.MADE, "户、居民")]


@pytest.mark.parametrize("homes", [2, pytest.param(60, marks=pytest.mark.prove)])
async def test_sixty_four_communities_come_in(
    committed: str, tmp_path: Path, homes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(made_up(64, 4, homes, 3))  # 60 homes in each building: 46,080 lines
    file = write_xlsx(tmp_path / "register.xlsx", rows)
    tracemalloc.start()
    started = time.perf_counter()
    told = Counter(one.outcome for one in await bring_in(file))
    took = time.perf_counter() - started
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told == {Outcome.MADE: len(rows)}
    assert await Household.filter(building__name="4号楼").count() == 64 * homes
    assert most < 120_000_000
    with capsys.disabled():
        print(f"\n{len(rows)} lines in {took:.1f} s, at most {most / 1e6:.0f} MB of Python's memory")  # noqa: T201
    assert Counter(one.outcome for one in await bring_in(file)) == {Outcome.FOUND: len(rows)}


async def test_the_command_writes_a_report_and_leaves_1_where_lines_were_refused(
    committed: str, tmp_path: Path
) -> None:
    file, report = tmp_path / "register.csv", tmp_path / "report.csv"
    file.write_text(as_csv([WANG, (*LI[:12], "[red]也许")]))
    environment = os.environ | {"DATABASE_URL": committed, "REDIS_URL": "redis://unused", "LINLI_DATA": str(tmp_path)}

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli", "import-places", str(file), "--report", str(report), *more],
            env=environment, capture_output=True, text=True, cwd=ROOT, check=False,
        )  # fmt: skip

    done = run()
    assert done.returncode == 1, done.stderr
    assert "新增 1 行，已有 0 行，未导入 1 行" in done.stdout
    with report.open(encoding="utf-8-sig", newline="") as opened:
        head, wang, li = csv.reader(opened)
    assert head == ["行号", "结果", "说明"]
    assert (wang[:2], li[:2]) == (["2", "新增"], ["3", "未导入"])
    assert "王淑芬" not in report.read_text("utf-8-sig") + done.stdout
    file.write_text(as_csv([WANG]))
    assert run().returncode == 0
