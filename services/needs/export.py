"""The needs of a community as a table for its staff: no names, no telephones, nothing that a spreadsheet would run."""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import IO

from xlsxwriter import Workbook

from app.core.clock import SHANGHAI
from app.core.db import atomic
from app.core.errors import Forbidden
from app.core.pages import where
from models.needs import Need, NeedState
from models.places import Place
from services import events
from services.needs.reading import visible
from services.policies import Actor
from services.policies.actor import OFFICERS, STAFF

ROWS_MAX, AT_ONCE = 100_000, 500
HEADINGS = (
    "编号", "社区", "标题", "内容", "状态", "服务类别", "领域", "提出时间", "附议数", "紧急程度", "办理层级",
    "办理路径", "应答复时间", "已超期", "优先分", "并入编号", "办结时间",
)  # fmt: skip
RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


async def as_csv(
    actor: Actor, *, community_id: int | None = None, state: NeedState | None = None
) -> AsyncIterator[str]:
    """The newest 100,000 needs, part by part. Raises Forbidden for who is not staff there or above."""
    communities = await _noted(actor, _communities(actor, community_id))

    async def parts() -> AsyncIterator[str]:
        yield "\ufeff" + _lines([HEADINGS])  # the mark by which spreadsheets know UTF-8
        async for needs in _batches(actor, communities, state):
            yield _lines([[_plain(value) for value in _values(need)] for need in needs])

    return parts()


async def as_xlsx(actor: Actor, *, community_id: int | None = None, state: NeedState | None = None) -> IO[bytes]:
    """The same as a spreadsheet in a temporary file, whose cells are all plain text. Raises Forbidden."""
    communities = await _noted(actor, _communities(actor, community_id))
    made = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    book = Workbook(made, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("需求清单")
    sheet.write_row(0, 0, HEADINGS)
    row = 0
    async for needs in _batches(actor, communities, state):
        for need in needs:
            row += 1
            for column, value in enumerate(_values(need)):
                sheet.write_string(row, column, _written(value))
    await asyncio.to_thread(book.close)
    made.seek(0)
    return made


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes before what begins like one."""
    return f"'{cell}" if cell.lstrip(" \u3000").startswith(RUNS) else cell


def _communities(actor: Actor, community_id: int | None) -> list[int]:
    communities = actor.serves(*STAFF, *OFFICERS)
    if not communities or (community_id is not None and community_id not in communities):
        raise Forbidden("只有工作人员可以导出", "Only staff may export needs")
    return communities if community_id is None else [community_id]


@atomic()
async def _noted(actor: Actor, communities: list[int]) -> list[int]:
    """The audit trail of each community says that its needs were taken out, never what stood in them."""
    for community in await Place.filter(id__in=communities).order_by("id"):
        await events.record(actor, "need.exported", community)
    return communities


async def _batches(actor: Actor, communities: list[int], state: NeedState | None) -> AsyncIterator[list[Need]]:
    before, left = None, ROWS_MAX
    while left > 0:
        narrowed, values = where(
            3, ("n.community_id = ANY({}::bigint[])", communities), ("n.state = {}", state), ("n.id < {}", before)
        )
        needs = await visible(actor, f"{narrowed} ORDER BY n.id DESC LIMIT {min(AT_ONCE, left)}", *values)
        if not needs:
            return
        yield needs
        before, left = needs[-1].id, left - len(needs)


def _values(need: Need) -> tuple[object, ...]:
    return (
        need.id, need.community_id, need.title, need.body, need.state, need.service_class, need.field,
        need.created_at, need.endorsements, need.urgency, need.level, need.route, need.due_at,
        "是" if need.overdue else "", need.priority and need.priority.score, need.merged_into_id, need.done_at,
    )  # fmt: skip


def _plain(value: object) -> str:
    """A cell of the CSV: only words could be taken for a formula, a negative number is a number."""
    return str(value) if isinstance(value, int) else harmless(_written(value))


def _written(value: object) -> str:
    if value is None:
        return ""
    moment = getattr(value, "astimezone", None)
    return moment(SHANGHAI).strftime("%Y-%m-%d %H:%M") if moment else str(value)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
