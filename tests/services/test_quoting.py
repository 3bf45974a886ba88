"""Notices quote no words that are hidden by now, whoever reads them: the inbox, WeChat, who calls, the export."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from string import Formatter
from typing import Any

import pytest

from app.core import db
from app.core.pages import Page
from models.base import Record
from models.residents import Resident
from models.volunteering import ActivityKind
from services import moderation, needs, notifications, reports, volunteering
from services.notifications import NOTICES, Told, as_shown
from services.notifications.quoting import OTHERS
from services.policies import Actor
from services.volunteering import ShiftPlan
from tests import raising
from tests.homing import KEYS, registered
from tests.passing import passed
from tests.people import People
from tests.services.test_needs import written
from tests.services.test_notifications import Post, agree, set_clock, template_id
from tests.services.test_volunteering import hours, organised, plan

Move = Callable[[timedelta], Awaitable[None]]
FIGURES = {"at", "due", "level", "minutes", "number", "outcome", "position", "score", "until", "what", "why", "yuan"}


async def hide(subject: Record) -> None:
    await db.execute(f"UPDATE {subject._meta.db_table} SET moderation = 'hidden' WHERE id = $1", subject.id)


async def inbox(who: Actor) -> str:
    return "\n".join(line.zh + line.en for line in (await notifications.inbox(who, page=Page(100))).items)


def test_every_word_of_somebodys_in_a_notice_is_looked_at_when_it_is_read() -> None:
    quoted = {name for texts in NOTICES.values() for text in texts for _, name, _, _ in Formatter().parse(text) if name}
    assert quoted == FIGURES | set(OTHERS) | {"reason", "name"}


async def test_a_reminder_says_neither_title_nor_place_of_what_is_hidden(people: People, move_clock: Move) -> None:
    made = await organised(people, await plan(after=30), title="来我家发财")
    await volunteering.sign_up(people.lin, made.shifts[0].id)
    await hide(made.activity)
    await move_clock(hours(7))
    await volunteering.remind_volunteers()
    told = await inbox(people.lin)
    assert "发财" not in told
    assert "活动室" not in told
    assert "提醒：您报名的「志愿活动」" in told
    await db.execute("UPDATE activities SET moderation = 'passed'")
    assert "提醒：您报名的「来我家发财」" in await inbox(people.lin)


@pytest.mark.parametrize("kind", ["need", "pledge"])
async def test_who_wrote_it_reads_it_others_do_not(people: People, kind: str) -> None:
    if kind == "need":
        about: Any = await written(people, "mei", title="加我微信领红包")
        await notifications.tell([people.mei.id, people.lin.id], "need.overdue", about, title=about.title)
        await hide(about)
    else:
        campaign = await raising.opened(people, title="加我微信领红包")
        about = await raising.paid(people.lin, campaign)
        await notifications.tell([people.lin.id], "pledge.received", about, title=campaign.title)
        await hide(campaign)
    assert "红包" not in await inbox(people.lin)
    assert ("红包" in await inbox(people.mei)) == (kind == "need")


async def test_hidden_twins_are_not_named(people: People) -> None:
    mine, other = await written(people, "lin"), await written(people, "mei", title="加我微信领红包")
    await needs.endorse(people.wang, mine.id)
    await needs.merge(people.chen, mine.id, into_id=other.id)
    await hide(other)
    assert "「楼道灯坏了」已并入「居民需求」" in await inbox(people.lin)
    told = await inbox(people.wang)
    assert "您附议的「楼道灯坏了」已并入「居民需求」" in told
    assert "红包" not in told


async def test_a_nickname_is_the_one_he_has_now(people: People) -> None:
    team = await passed(
        await volunteering.found_team(people.lin, community_id=people.jy, name="银杏志愿队", body="每周六")
    )
    await Resident.filter(id=people.mei.id).update(nickname="加我微信")
    await volunteering.join_team(people.mei, team.id)
    assert "加我微信申请加入志愿队「银杏志愿队」" in await inbox(people.lin)
    await reports.hide(people.chen, f"nickname:{people.mei.id}", reason="广告")
    assert "邻居申请加入志愿队「银杏志愿队」" in await inbox(people.lin)
    told = Told(people.lin.id, "volunteer_team", team.id, {"name_id": 0, "title": "银杏志愿队"})
    assert (await as_shown([told]))[0]["name"] == ("一位邻居", "A neighbour"), "of a notice from before"


async def test_neither_who_calls_nor_wechat_says_it(people: People) -> None:
    person = await registered(people)
    need = await written(people, "mei", title="加我微信领红包")
    await agree(people.lin)
    await notifications.tell([person.id, people.lin.id], "need.accepted", need, title=need.title)
    await hide(need)
    calls = await notifications.call_list(people.chen, people.jy, page=Page(), secret=KEYS)
    (said,) = next(call for call in calls.items if call.resident_id == person.id).notices
    assert "「居民需求」" in said.zh
    assert "a need" in said.en
    post = Post()
    await set_clock(12)
    await notifications.send_due(post.wechat, template_id)
    ((_, _, data, _),) = post.sent
    assert "居民需求" in data.values()
    assert "红包" not in str(data)


async def test_words_that_wait_for_their_check_are_not_sent_on(people: People) -> None:
    made = await organised(people, ShiftPlan(2, "活动室"), kind=ActivityKind.TASK)
    await volunteering.sign_up(people.lin, made.shifts[0].id)
    await volunteering.change_activity(people.ma, made.id, title="来我家发财")
    assert "您报名的活动「志愿活动」有变动" in await inbox(people.lin)
    await moderation.trust("activity", made.id)
    assert "您报名的活动「陪老人逛公园」有变动" in await inbox(people.lin)
