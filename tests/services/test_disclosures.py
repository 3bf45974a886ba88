"""On display: statements on the 1st, settled campaigns, resolutions; 15 days with proof; questions and answers."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.core import clock, db
from app.core.clock import SHANGHAI
from app.core.errors import Forbidden, NotFound, NotVerified
from app.core.pages import Page
from models.disclosures import AlreadyAnswered, Disclosure, DisclosureKind, Display
from models.events import Event, Notice
from models.moderation import Check
from services import calendars, crowdfunding, disclosures, moderation, statements
from services.disclosures import Question, Shown
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.raising import opened, paid, resolution

MoveClock = Callable[[timedelta], Awaitable[None]]


async def to_the_first(move_clock: MoveClock, *, minutes: int = 11) -> str:
    """Move on into the 1st of the next month in Shanghai; the month that is over."""
    now = (await clock.now()).astimezone(SHANGHAI)
    first = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    await move_clock(first + timedelta(minutes=minutes) - now)
    return f"{now:%Y-%m}"


async def shown(people: People, kind: DisclosureKind) -> Shown:
    await disclosures.disclose_due()
    [(found, on_display)] = (await disclosures.disclosures(people.jy, kind=kind, page=Page())).items
    assert on_display
    return await disclosures.find(found.id)


async def on_show(people: People) -> Disclosure:
    """A resolution on display."""
    await resolution(people.jy, people.chen)
    return (await shown(people, DisclosureKind.RESOLUTION)).disclosure


async def asked(people: People, disclosure: Disclosure) -> Question:
    made = await disclosures.ask(people.lin, disclosure.id, body="灯具为什么买了两批？")
    await passed(None)
    return await disclosures.find_question(people.lin, made.id)


async def test_on_the_first_the_month_that_is_over_is_put_on_display(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 5_000)
    await disclosures.disclose_due()
    assert not await Disclosure.exists(kind=DisclosureKind.STATEMENT)
    month = await to_the_first(move_clock, minutes=9)
    await disclosures.disclose_due()
    assert not await Disclosure.exists(kind=DisclosureKind.STATEMENT), "what was begun in the month may still come"
    await move_clock(timedelta(minutes=2))
    found = await shown(people, DisclosureKind.STATEMENT)
    assert found.document["month"] == month
    assert found.disclosure.about == int(month.replace("-", ""))
    [line] = [line for line in found.document["accounts"] if line["kind"] == "campaign"]
    assert (line["in_fen"], line["closing_fen"]) == (5_000, 5_000)
    assert [one["campaign_id"] for one in found.document["campaigns"]] == [campaign.id]
    assert "小林" not in found.disclosure.document
    await disclosures.disclose_due()
    assert await Disclosure.filter(community_id=people.jy, kind=DisclosureKind.STATEMENT).count() == 1


async def test_a_month_ends_at_midnight_of_shanghai(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    gifts = [await paid(people.lin, campaign, 5_000), await paid(people.mei, campaign, 300)]
    month = await to_the_first(move_clock)
    midnight = (await clock.now()).astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)

    async def move_both() -> None:
        await db.execute("ALTER TABLE transfers DISABLE TRIGGER USER")
        for gift, at in zip(gifts, (midnight - timedelta(microseconds=1), midnight), strict=True):
            await db.execute("UPDATE transfers SET created_at = $2 WHERE source_id = $1", gift.id, at)

    await as_owner(move_both)
    figures = [
        [
            (line.opening_fen, line.in_fen, line.closing_fen)
            for line in (await statements.monthly(people.jy, of)).campaigns
        ]
        for of in (month, f"{midnight:%Y-%m}")
    ]
    assert figures == [[(0, 5_000, 5_000)], [(5_000, 300, 5_300)]]
    assert [line["in_fen"] for line in (await shown(people, DisclosureKind.STATEMENT)).document["campaigns"]] == [5_000]


async def test_a_month_that_nobody_was_there_for_is_made_up_for(people: People, move_clock: MoveClock) -> None:
    await opened(people)
    await to_the_first(move_clock)
    await to_the_first(move_clock)
    await disclosures.disclose_due()
    assert await Disclosure.filter(community_id=people.jy, kind=DisclosureKind.STATEMENT).count() == 2


async def test_a_settled_campaign_is_put_on_display(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 100_000)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    await move_clock(timedelta(days=1))
    await crowdfunding.begin_due()
    await crowdfunding.accept(people.chen, campaign.id)
    await disclosures.disclose_due()
    assert not await Disclosure.exists(kind=DisclosureKind.CAMPAIGN)
    await crowdfunding.settle(people.zhao, campaign.id, resolution_id=campaign.resolution_id)
    found = await shown(people, DisclosureKind.CAMPAIGN)
    assert (found.document["raised_fen"], found.document["balance_fen"]) == (100_000, 0)
    assert {one["counterpart"] for one in found.document["movements"]} == {"wechat_clearing", "general"}


async def test_it_hangs_for_fifteen_days_and_each_day_is_noted(people: People, move_clock: MoveClock) -> None:
    disclosure = await on_show(people)
    assert disclosure.shown_until - disclosure.shown_from == timedelta(days=15)
    assert disclosure.document_hash == hashlib.sha256(disclosure.document.encode()).hexdigest()
    for _ in range(2):
        await disclosures.note_displays()
    for _ in range(20):
        await move_clock(timedelta(days=1))
        await disclosures.note_displays()
    found = await disclosures.find(disclosure.id)
    assert (found.on_display, len(found.days)) == (False, 15)
    assert {one.document_hash for one in await Display.all()} == {disclosure.document_hash}


async def test_a_resolution_says_what_it_decided(people: People) -> None:
    disclosure = await on_show(people)
    assert json.loads(disclosure.document)["passed"] is True
    assert (await Event.filter(verb="disclosure.shown").count()) == 1


async def test_a_question_is_answered_once_by_the_committee(people: People) -> None:
    disclosure = await on_show(people)
    question = await asked(people, disclosure)
    assert await Notice.exists(resident_id=people.chen.id, kind="disclosure_question.asked")
    for who in ("lin", "ma", "sun", "deng"):
        with pytest.raises(Forbidden):
            await disclosures.answer(people[who], question.id, body="好")
    answered = await disclosures.answer(people.chen, question.id, body="坏了两盏，已退换")
    assert (answered.answer, answered.overdue) == ("坏了两盏，已退换", False)
    with pytest.raises(AlreadyAnswered):
        await disclosures.answer(people.zhao, question.id, body="不知道")
    assert await Notice.exists(resident_id=people.lin.id, kind="disclosure_question.answered")
    [seen] = (await disclosures.questions(people.mei, disclosure.id, page=Page())).items
    assert (seen.nickname, seen.answer) == ("小林", None), "an answer is read once it has passed its check"
    await passed(None)
    [seen] = (await disclosures.questions(people.mei, disclosure.id, page=Page())).items
    assert seen.answer == "坏了两盏，已退换"


async def test_a_hidden_answer_answers_nothing(people: People) -> None:
    question = await asked(people, await on_show(people))
    await disclosures.answer(people.chen, question.id, body="滚")
    check = await Check.get(subject_kind="disclosure_answer", state="pending")
    await Check.filter(id=check.id).update(state="queued", why="review")
    await moderation.hide(people.zhao, check.id, reason="不文明")
    assert (await disclosures.find_question(people.lin, question.id)).answered_at is None
    assert (await disclosures.answer(people.zhao, question.id, body="已退换")).answer == "已退换"


async def test_only_residents_ask_and_strangers_find_nothing_unpassed(people: People) -> None:
    disclosure = await on_show(people)
    for who, refused in (("guest", NotVerified), ("wu", Forbidden)):
        with pytest.raises(refused):
            await disclosures.ask(people[who], disclosure.id, body="为什么？")
    with pytest.raises(NotFound):
        await disclosures.ask(people.lin, 999_999, body="为什么？")
    made = await disclosures.ask(people.lin, disclosure.id, body="为什么？")
    with pytest.raises(NotFound):
        await disclosures.find_question(people.mei, made.id)


async def test_an_answer_is_due_in_five_working_days_and_overdue_after(people: People, move_clock: MoveClock) -> None:
    question = await asked(people, await on_show(people))
    left = question.due_at - question.created_at
    assert timedelta(days=6) < left <= timedelta(days=8)
    assert question.due_at.astimezone(SHANGHAI).time() == datetime.min.time()
    await move_clock(left - timedelta(seconds=30))
    await disclosures.remind_due()
    assert not (await disclosures.find_question(people.lin, question.id)).overdue
    await move_clock(timedelta(seconds=60))
    for _ in range(2):
        await disclosures.remind_due()
    assert await Notice.filter(resident_id=people.chen.id, kind="disclosure_question.overdue").count() == 1
    for who in ("chen", "sun", "qian"):
        [late] = (await disclosures.questions_owed(people[who], people.jy, overdue=True, page=Page())).items
        assert late.id == question.id
    for who in ("lin", "deng"):
        with pytest.raises(Forbidden):
            await disclosures.questions_owed(people[who], people.jy, overdue=True, page=Page())
    await disclosures.answer(people.chen, question.id, body="已退换")
    assert (await disclosures.find_question(people.lin, question.id)).overdue, "it stays marked as late"
    assert (await disclosures.questions_owed(people.chen, people.jy, overdue=False, page=Page())).items == []


async def test_days_off_of_the_community_put_an_answer_off(people: People) -> None:
    disclosure = await on_show(people)
    before = (await asked(people, disclosure)).due_at
    off = [(before + timedelta(days=days)).date() for days in range(-8, 7)]
    await calendars.update(people.qian, people.jy, days_off=off, working_days=[])
    assert (await asked(people, disclosure)).due_at >= before + timedelta(days=7)


async def test_what_hangs_cannot_be_changed_even_by_the_application(people: People) -> None:
    disclosure = await on_show(people)
    rights = await db.row(
        "SELECT has_table_privilege('disclosures', 'UPDATE') AS changes, "
        "has_table_privilege('disclosures', 'DELETE') AS takes_down"
    )
    assert rights == {"changes": False, "takes_down": False}
    assert disclosure.shown_from <= datetime.now(UTC) + timedelta(minutes=1)
