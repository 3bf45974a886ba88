"""Two at once: reports, hides and appeals of one thing meet, and each has its effect once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

from app.core import db
from app.core.errors import DomainError
from models.moderation import Check, CheckState, Pause, Report
from models.needs import Need, NeedField, ServiceClass
from services import moderation, needs, reports
from services.moderation.pausing import HIDDEN_MAX
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People


async def shown(people: People) -> Need:
    made = await needs.submit(
        people.lin,
        community_id=people.jy,
        service_class=ServiceClass.CARE,
        field=NeedField.SAFETY,
        title="楼道灯坏了",
        body="三层的灯坏了",
    )
    return await passed(made)


async def together(*deeds: Awaitable[Any]) -> Counter[str]:
    """How often each outcome came: `done`, or the code of a refusal."""
    found = await asyncio.gather(*deeds, return_exceptions=True)
    unexpected = [one for one in found if isinstance(one, BaseException) and not isinstance(one, DomainError)]
    assert not unexpected, unexpected
    return Counter(one.code if isinstance(one, DomainError) else "done" for one in found)


async def test_many_report_at_once_and_stand_in_one_line_of_the_queue(committed: str) -> None:
    people = await People.load()
    subject = f"need:{(await shown(people)).id}"
    who = [people.mei, people.wang, people.zhao] * 3
    outcome = await together(*(reports.report(one, subject, reason="广告") for one in who))
    assert outcome == {"done": 3, "already_exists": 6}
    assert await Check.filter(state=CheckState.QUEUED).count() == 1
    assert await Report.all().count() == 3


async def test_two_who_hide_at_once_decide_once(committed: str) -> None:
    people = await People.load()
    subject = f"need:{(await shown(people)).id}"
    outcome = await together(*(reports.hide(one, subject, reason="广告") for one in (people.chen, people.zhao) * 2))
    assert outcome == {"done": 1, "invalid_state": 3}
    assert await Check.filter(state=CheckState.HIDDEN).count() == 1


async def test_a_report_and_a_hide_at_once_leave_no_report_open(committed: str) -> None:
    people = await People.load()
    for _ in range(HIDDEN_MAX - 1):
        subject = f"need:{(await shown(people)).id}"
        await together(
            reports.report(people.mei, subject, reason="广告"), reports.hide(people.chen, subject, reason="广告")
        )
    assert await Report.filter(check__state=CheckState.QUEUED).count() == 0


async def test_things_hidden_at_once_bring_one_pause(committed: str) -> None:
    people = await People.load()
    subjects = [f"need:{(await shown(people)).id}" for _ in range(HIDDEN_MAX + 1)]
    assert await together(*(reports.hide(people.chen, one, reason="广告") for one in subjects)) == {"done": 4}
    assert await Pause.all().count() == 1


async def test_one_appeal_of_many_at_once(committed: str) -> None:
    people = await People.load()
    decided = await reports.hide(people.chen, f"need:{(await shown(people)).id}", reason="广告")
    appeals = [moderation.appeal(people.lin, decided.id, reason="不是广告") for _ in range(4)]
    assert await together(*appeals) == {"done": 1, "already_exists": 3}


async def test_without_its_constraint_one_reports_twice(committed: str) -> None:
    people = await People.load()
    subject = f"need:{(await shown(people)).id}"
    async with db.tx():
        await as_owner(lambda: db.execute("ALTER TABLE reports DROP CONSTRAINT reports_once"))
    assert await together(*(reports.report(people.mei, subject, reason="广告") for _ in range(2))) == {"done": 2}
    assert await db.value("SELECT count(*) FROM reports") == 2
