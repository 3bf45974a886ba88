"""The needs as a table: for staff alone, without names, and nothing in it that a spreadsheet would run."""

import csv
import io
import zipfile
from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.core.errors import Forbidden
from models.base import Moderation
from models.needs import Need, NeedState, Urgency
from services import needs
from services.needs import export
from services.policies import Actor
from tests.people import People
from tests.services.test_needs import written

As = Callable[[str], Awaitable[httpx.AsyncClient]]


async def lines(actor: Actor, **narrowed: object) -> list[dict[str, str]]:
    text = "".join([part async for part in await needs.as_csv(actor, **narrowed)])  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


async def test_a_need_is_a_line(people: People) -> None:
    need = await written(people, title="楼道灯，坏了", body='他说"快修"\n谢谢')
    await needs.endorse(people.mei, need.id)
    line = (await lines(people.chen, community_id=people.jy))[0]
    assert (line["编号"], line["标题"], line["内容"]) == (str(need.id), "楼道灯，坏了", '他说"快修"\n谢谢')
    assert (line["状态"], line["附议数"], line["优先分"], line["已超期"]) == ("submitted", "1", "2", "")


async def test_a_negative_priority_is_a_number(people: People) -> None:
    need = await written(people)
    await needs.set_urgency(people.chen, need.id, urgency=Urgency.LOW)
    assert (await lines(people.chen, community_id=people.jy))[0]["优先分"] == "-20"


@pytest.mark.parametrize(
    "formula", ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "＋1", "－1", "＠A1", '=cmd|"/c calc"!A1']
)
async def test_nothing_in_it_runs(people: People, formula: str) -> None:
    await written(people, title=formula.strip(), body=formula)
    line = (await lines(people.chen))[0]
    assert line["内容"] == f"'{formula}"
    assert line["标题"].startswith("'")
    made = await needs.as_xlsx(people.chen)
    with made, zipfile.ZipFile(made) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet


async def test_batches_follow_one_another(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 2)
    made = [(await written(people, title=f"第{n}件")).id for n in range(5)]
    ids = [int(line["编号"]) for line in await lines(people.ma, community_id=people.jy)]
    assert ids[:5] == sorted(made, reverse=True)
    assert len(ids) == len(set(ids))
    monkeypatch.setattr(export, "ROWS_MAX", 3)
    assert len(await lines(people.ma, community_id=people.jy)) == 3


@pytest.mark.parametrize(
    ("who", "own", "next_door"),
    [
        ("lin", False, False),
        ("guest", False, False),
        ("sun", False, False),
        ("chen", True, False),
        ("ma", True, False),
        ("he", True, False),
        ("wu", False, False),
        ("deng", False, True),
        ("qian", True, True),
        ("root", True, True),
    ],
)
async def test_who_may_export(people: People, who: str, own: bool, next_door: bool) -> None:
    for community_id, may in ((people.jy, own), (people.yl, next_door)):
        for made in (needs.as_csv, needs.as_xlsx):
            if may:
                await made(people[who], community_id=community_id)
            else:
                with pytest.raises(Forbidden):
                    await made(people[who], community_id=community_id)


async def test_the_table_keeps_the_door(people: People) -> None:
    here, hidden = await written(people), await written(people)
    there = await written(people, "wu", community_id=people.yl)
    await Need.filter(id=hidden.id).update(moderation=Moderation.HIDDEN)

    async def ids(who: str) -> set[int]:
        return {int(line["编号"]) for line in await lines(people[who])} & {here.id, hidden.id, there.id}

    assert await ids("chen") == {here.id, hidden.id}
    assert await ids("deng") == {there.id}
    assert await ids("qian") == {here.id, there.id}
    await needs.accept(people.chen, here.id)
    assert [line["编号"] for line in await lines(people.chen, state=NeedState.ACCEPTED)] == [str(here.id)]


async def test_over_http(as_: As, people: People) -> None:
    need = await written(people)
    chen, lin = await as_("chen"), await as_("lin")
    table = await chen.get("/v1/needs/export.csv", params={"community_id": people.jy})
    assert table.status_code == 200
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in table.headers["content-disposition"]
    assert table.text.startswith("\ufeff编号")
    assert need.title in table.text
    assert "小林" not in table.text
    book = await chen.get("/v1/needs/export.xlsx")
    assert book.status_code == 200
    assert need.title in zipfile.ZipFile(io.BytesIO(book.content)).read("xl/worksheets/sheet1.xml").decode()
    for name in ("csv", "xlsx"):
        assert (await lin.get(f"/v1/needs/export.{name}")).status_code == 403
