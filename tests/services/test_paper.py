"""Objections to rolls and ballots; ballots entered for those without a phone; paper typed in by two people."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from app.core import db
from app.core.errors import AlreadyExists, DomainError, Forbidden, Invalid, InvalidState, NotFound, NotVerified
from app.core.pages import Page
from models.deliberations import (
    Ballot,
    BallotKind,
    Deliberation,
    DeliberationState,
    Elector,
    NotOnRoll,
    Result,
    Roll,
    Rule,
    VoteClosed,
)
from models.events import Event, Notice
from models.residents import Assistance, ConsentKind, Household
from models.rolls import (
    AlreadyVoted,
    BadSheet,
    BatchState,
    Channel,
    Objection,
    ObjectionsOpen,
    ObjectionState,
    ObjectionTooLate,
    OwnObjection,
    PaperBatch,
    SamePerson,
    SecretInPerson,
)
from services import assistances, deliberations, residents
from services.deliberations import sheets
from services.policies import Actor
from services.residents import OnBehalfOf
from tests.passing import passed
from tests.people import People
from tests.reading_qr import read_qr
from tests.voting import discussed, dwellers, flats, voting

Move = Callable[[timedelta], Awaitable[None]]
YES, NO = {"choice": "yes"}, {"choice": "no"}


async def grandma(people: People) -> Actor:
    """An elector without a phone, in a home of 7号楼, where 何楼长 serves."""
    household = await Household.get(id=people.mei.household_id)
    home = await db.value(
        "INSERT INTO households (community_id, building_id, unit, room) VALUES ($1, $2, '2', '909') RETURNING id",
        people.jy,
        household.building_id,
    )
    return await residents.actor((await dwellers(people, [home]))[0])


def consent(helped: Actor, people: People) -> OnBehalfOf:
    return OnBehalfOf(helped.id, ConsentKind.WITNESS, witness_id=people.wang.id)


async def codes(vote: Deliberation) -> dict[int, str]:
    return {e.resident_id or 0: e.code for e in await Elector.filter(deliberation_id=vote.id)}


def sheet(*rows: tuple[str, str]) -> bytes:
    return "\n".join(["code,choice", *(f"{code},{choice}" for code, choice in rows)]).encode()


async def outcomes(batch: PaperBatch) -> dict[str, str]:
    return {line["code"]: line["outcome"] for line in batch.report}


# --- objections to the roll -------------------------------------------------------------------------------------


async def test_a_vote_opens_once_objections_are_decided(people: People, move_clock: Move) -> None:
    vote = await discussed(people)
    made = await passed(
        await deliberations.object_to(people.lin, vote.id, reason="王伯已搬走", resident_id=people.wang.id)
    )
    assert await Notice.exists(kind="objection.made", resident_id=people.zhao.id)
    standing = await deliberations.roll(people.mei, vote.id)
    assert (standing.size, standing.objections_open) == (8, 1)
    with pytest.raises(ObjectionsOpen):
        await deliberations.open_voting(people.chen, vote.id)
    await move_clock(timedelta(days=8))
    await deliberations.advance_due()
    assert (await Deliberation.get(id=vote.id)).state is DeliberationState.DISCUSSION
    struck = await deliberations.decide_objection(
        people.chen, made.id, state=ObjectionState.STRUCK, answer="已核实迁出"
    )
    assert deliberations.answer_shown(people.lin, struck) is None  # its words are being checked
    assert deliberations.answer_shown(people.zhao, struck) == "已核实迁出"
    assert deliberations.answer_shown(people.lin, await passed(struck)) == "已核实迁出"
    assert await Notice.filter(kind="objection.decided").count() == 2
    await deliberations.advance_due()
    opened = await Deliberation.get(id=vote.id)
    assert (opened.state, opened.roll_size) == (DeliberationState.VOTING, 7)
    with pytest.raises(NotOnRoll):
        await deliberations.cast(people.wang, vote.id, YES)


@pytest.mark.parametrize("state", [ObjectionState.DISMISSED, ObjectionState.CORRECTED])
async def test_a_dismissed_objection_leaves_the_roll_as_it_is(people: People, state: ObjectionState) -> None:
    vote = await discussed(people)
    made = await deliberations.object_to(people.lin, vote.id, reason="王伯已搬走", resident_id=people.wang.id)
    await deliberations.decide_objection(people.chen, made.id, state=state, answer="住在这里")
    assert (await deliberations.open_voting(people.chen, vote.id)).roll_size == 8
    with pytest.raises(InvalidState):
        await deliberations.decide_objection(people.chen, made.id, state=state, answer="再次")


@pytest.mark.parametrize(
    ("who", "refusal"),
    [("lin", None), ("ma", None), ("guest", NotVerified), ("wu", Forbidden), ("qian", NotVerified)],
)
async def test_who_objects(people: People, who: str, refusal: type[DomainError] | None) -> None:
    vote = await discussed(people)
    if refusal is None:
        made = await deliberations.object_to(people[who], vote.id, reason="面积不对")
        assert made.state is ObjectionState.OPEN
        with pytest.raises(AlreadyExists):
            await deliberations.object_to(people[who], vote.id, reason="面积不对")
    else:
        with pytest.raises(refusal):
            await deliberations.object_to(people[who], vote.id, reason="面积不对")


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("zhao", None),
        ("qian", None),
        ("chen", OwnObjection),  # it is about her
        ("ma", Forbidden),
        ("he", Forbidden),
        ("lin", Forbidden),
        ("mei", NotFound),
        ("deng", NotFound),
    ],
)
async def test_who_decides(people: People, who: str, refusal: type[DomainError] | None) -> None:
    vote = await discussed(people)
    made = await deliberations.object_to(people.lin, vote.id, reason="陈主任住别处", resident_id=people.chen.id)
    decide = deliberations.decide_objection(people[who], made.id, state=ObjectionState.DISMISSED, answer="不属实")
    if refusal is None:
        assert (await decide).decided_by_id == people[who].id
    else:
        with pytest.raises(refusal):
            await decide


async def test_only_a_named_resident_is_struck_and_only_from_rolls_of_people(people: People) -> None:
    for other, about in (
        ({}, None),
        ({"roll": Roll.HOUSEHOLDS}, people.wang.id),
        ({"roll": Roll.OWNERS}, people.wang.id),
    ):
        vote = await discussed(people, **other)
        made = await deliberations.object_to(people.lin, vote.id, reason="不对", resident_id=about)
        with pytest.raises(Invalid):
            await deliberations.decide_objection(people.chen, made.id, state=ObjectionState.STRUCK, answer="是")


async def test_who_is_struck_reads_why_objects_and_stands_again(people: People) -> None:
    vote = await discussed(people)
    made = await deliberations.object_to(people.lin, vote.id, reason="王伯已搬走", resident_id=people.wang.id)
    assert await Notice.exists(kind="objection.about_you", resident_id=people.wang.id)
    seen = await deliberations.find_objection(people.wang, made.id)
    assert deliberations.reason_shown(people.wang, seen) is None  # its words are being checked
    assert deliberations.reason_shown(people.lin, seen) == "王伯已搬走"
    assert deliberations.reason_shown(people.wang, await passed(seen)) == "王伯已搬走"
    await deliberations.decide_objection(people.chen, made.id, state=ObjectionState.STRUCK, answer="已迁出")
    assert (await deliberations.roll(people.wang, vote.id)).size == 7
    event = (await deliberations.detail(people.wu, vote.id)).timeline[-1]
    assert (event.verb, event.facts["objection_id"]) == ("deliberation.objection_struck", made.id)
    own = await deliberations.object_to(people.wang, vote.id, reason="我一直住在这里")
    await deliberations.decide_objection(people.chen, own.id, state=ObjectionState.CORRECTED, answer="已更正")
    assert (await deliberations.roll(people.wang, vote.id)).size == 8
    again = await deliberations.object_to(people.lin, vote.id, reason="还是搬走了", resident_id=people.wang.id)
    await deliberations.decide_objection(people.chen, again.id, state=ObjectionState.STRUCK, answer="已迁出")
    assert (await deliberations.open_voting(people.chen, vote.id)).roll_size == 7


async def test_a_frozen_roll_is_not_objected_to(people: People) -> None:
    vote = await voting(people)
    with pytest.raises(ObjectionTooLate):
        await deliberations.object_to(people.lin, vote.id, reason="名册不对")
    await deliberations.close(people.chen, vote.id)
    with pytest.raises(ObjectionTooLate):
        await deliberations.object_to(people.lin, vote.id, reason="名册不对")


# --- assisted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["he", "ma", "chen"])
async def test_staff_enter_the_ballot_of_one_without_a_phone(people: People, who: str) -> None:
    helped = await grandma(people)
    vote = await voting(people)
    kept = await deliberations.cast_for(people[who], vote.id, YES, on_behalf_of=consent(helped, people))
    ballot = await Ballot.get(id=kept.subject_id, receipt=kept.receipt)
    assert (ballot.resident_id, ballot.channel, ballot.entered_by_id) == (helped.id, "assisted", people[who].id)
    assert (kept.resident_id, kept.assistant_id, kept.witness_id) == (helped.id, people[who].id, people.wang.id)
    event = await Event.get(verb="deliberation.ballot_entered", subject_id=vote.id)
    assert (event.actor_id, event.on_behalf_of_id) == (people[who].id, helped.id)
    assert await Notice.exists(kind="deliberation.ballot_entered", resident_id=helped.id)
    again = await deliberations.cast_for(people[who], vote.id, NO, on_behalf_of=consent(helped, people))
    assert (again.subject_id, again.receipt == kept.receipt) == (ballot.id, False)
    await deliberations.close(people.chen, vote.id)
    assert (await Result.get(deliberation_id=vote.id)).voted == 1


@pytest.mark.parametrize(
    ("who", "refusal"),
    [("lin", Forbidden), ("sun", Forbidden), ("wu", Forbidden), ("deng", Forbidden), ("qian", Forbidden)],
)
async def test_nobody_else_enters_ballots(people: People, who: str, refusal: type[DomainError]) -> None:
    helped, vote = await grandma(people), await voting(people)
    with pytest.raises(refusal):
        await deliberations.cast_for(people[who], vote.id, YES, on_behalf_of=consent(helped, people))


async def test_a_building_head_enters_only_for_his_building_and_for_who_stands_on_the_roll(people: People) -> None:
    vote = await voting(people)
    with pytest.raises(Forbidden):
        await deliberations.cast_for(people.he, vote.id, YES, on_behalf_of=OnBehalfOf(people.sun.id, ConsentKind.VOICE))
    with pytest.raises(Invalid):
        await deliberations.cast_for(people.he, vote.id, YES, on_behalf_of=OnBehalfOf(people.he.id, ConsentKind.VOICE))
    late = await grandma(people)
    with pytest.raises(NotOnRoll):
        await deliberations.cast_for(people.he, vote.id, YES, on_behalf_of=consent(late, people))


async def test_ones_own_phone_has_the_last_word(people: People) -> None:
    vote = await voting(people)
    await deliberations.cast_for(people.he, vote.id, YES, on_behalf_of=consent(people.mei, people))
    await deliberations.cast(people.mei, vote.id, NO)
    ballot = await Ballot.get(deliberation_id=vote.id)
    assert (ballot.choice, ballot.channel, ballot.entered_by_id) == (NO, "phone", None)
    with pytest.raises(AlreadyVoted):
        await deliberations.cast_for(people.he, vote.id, YES, on_behalf_of=consent(people.mei, people))


async def test_nobody_replaces_what_was_entered_for_another(people: People) -> None:
    helped, vote = await grandma(people), await voting(people)
    agreed = consent(helped, people)
    kept = await deliberations.cast_for(people.he, vote.id, YES, on_behalf_of=agreed)
    for who in ("ma", "chen"):
        with pytest.raises(AlreadyVoted):
            await deliberations.cast_for(people[who], vote.id, NO, on_behalf_of=agreed)
    left = await Ballot.get(deliberation_id=vote.id)
    assert (left.choice, left.entered_by_id, left.receipt) == (YES, people.he.id, kept.receipt)


async def test_in_a_secret_vote_nobody_enters_a_ballot_for_another(people: People) -> None:
    vote = await discussed(people)
    await Deliberation.filter(id=vote.id).update(secret=True)
    await deliberations.open_voting(people.chen, vote.id)
    with pytest.raises(SecretInPerson):
        await deliberations.cast_for(people.he, vote.id, YES, on_behalf_of=consent(people.mei, people))
    with pytest.raises(SecretInPerson):
        await deliberations.enter_paper(people.he, vote.id, sheet(("A", "yes")))
    with pytest.raises(SecretInPerson):
        await deliberations.printed_sheets(people.he, vote.id)


async def test_this_was_not_me(people: People) -> None:
    helped, vote = await grandma(people), await voting(people)
    kept = await deliberations.cast_for(people.he, vote.id, YES, on_behalf_of=consent(helped, people))
    agreed = consent(helped, people)
    with pytest.raises(Forbidden):  # not by whoever entered it
        await assistances.act(people.he, agreed, "objection.made", deliberations.object_to, vote.id, reason="x")
    for who in ("lin", "ma"):  # nor by a neighbour, nor by staff without her consent
        with pytest.raises(Forbidden):
            await deliberations.object_to(people[who], vote.id, reason="x", resident_id=helped.id)
    with pytest.raises(NotFound):
        await assistances.act(people.lin, agreed, "objection.made", deliberations.object_to, vote.id, reason="x")
    made = await assistances.act(
        people.ma, agreed, "objection.made", deliberations.object_to, vote.id, reason="她说没有委托过"
    )
    assert await Assistance.exists(verb="objection.made", resident_id=helped.id, subject_id=made.id)
    assert (made.state, made.ballot_id, made.channel, made.entered_by_id, made.receipt) == (
        ObjectionState.INVALIDATED,
        kept.subject_id,
        Channel.ASSISTED,
        people.he.id,
        kept.receipt,
    )
    assert not await Ballot.exists(deliberation_id=vote.id)
    timeline = (await deliberations.detail(people.wu, vote.id)).timeline
    assert timeline[-1].verb == "deliberation.ballot_invalidated"
    assert timeline[-1].facts["objection_id"] == made.id
    assert await Notice.filter(kind="deliberation.ballot_invalidated").count() == 2
    with pytest.raises(ObjectionTooLate):
        await assistances.act(people.ma, agreed, "objection.made", deliberations.object_to, vote.id, reason="x")
    await deliberations.cast(helped, vote.id, NO)  # and may vote again
    await deliberations.close(people.chen, vote.id)
    result = await Result.get(deliberation_id=vote.id)
    assert [line["votes"] for line in result.tally] == [0, 1, 0]
    assert result.invalidated == 1


@pytest.mark.parametrize("who", ["guest", "wu", "lin", "ma", "he"])
async def test_nobody_learns_by_objecting_whether_a_ballot_was_entered_for_another(people: People, who: str) -> None:
    vote = await voting(people)
    await deliberations.cast_for(people.ma, vote.id, YES, on_behalf_of=consent(people.mei, people))
    for resident in (people.mei, people.sun):
        with pytest.raises(Forbidden):
            await deliberations.object_to(people[who], vote.id, reason="x", resident_id=resident.id)


async def test_ones_own_ballot_is_no_cause_for_an_objection_and_after_the_close_it_is_too_late(people: People) -> None:
    vote = await voting(people)
    await deliberations.cast(people.mei, vote.id, YES)
    with pytest.raises(ObjectionTooLate):
        await deliberations.object_to(people.mei, vote.id, reason="x")
    await deliberations.cast_for(people.ma, vote.id, YES, on_behalf_of=consent(people.lin, people))
    await deliberations.close(people.chen, vote.id)
    with pytest.raises(ObjectionTooLate):
        await deliberations.object_to(people.lin, vote.id, reason="x")


# --- paper ------------------------------------------------------------------------------------------------------


async def test_what_two_people_type_alike_is_entered_and_the_rest_is_named(people: People) -> None:
    electors = await dwellers(people, await flats(people, 8))
    vote = await voting(people)
    await deliberations.cast(people.mei, vote.id, NO)
    code = await codes(vote)
    agree, differ, alone, other, twice, bad = (code[one] for one in electors[:6])
    first = await deliberations.enter_paper(
        people.he,
        vote.id,
        sheet(
            (f"{agree[:4]} {agree[4:8]}-{agree[8:]}".lower(), "同意"),
            (differ, "yes"),
            (alone, "yes"),
            (twice, "yes"),
            (twice, "yes"),
            (bad, "maybe"),
            ("123456789XYZ", "yes"),
            (code[people.mei.id], "yes"),
            (code[people.he.id], "yes"),
        ),
    )
    assert (first.state, first.report) == (BatchState.WAITING, None)
    assert await Ballot.filter(deliberation_id=vote.id).count() == 1
    second = await deliberations.enter_paper(
        people.ma,
        vote.id,
        sheet(
            (agree, "yes"),
            (differ, "no"),
            (other, "abstain"),
            (twice, "yes"),
            (bad, "no"),
            ("123456789XYZ", "yes"),
            (code[people.mei.id], "yes"),
            (code[people.he.id], "yes"),
        ),
    )
    assert await outcomes(second) == {
        agree: "entered",
        differ: "differs",
        alone: "only_first",
        other: "only_second",
        twice: "twice",
        bad: "unreadable",
        "123456789XYZ": "unknown_code",
        code[people.mei.id]: "already_voted",
        code[people.he.id]: "own_ballot",
    }
    ballot = await Ballot.get(deliberation_id=vote.id, channel="paper")
    assert (ballot.resident_id, ballot.entered_by_id, ballot.choice) == (electors[0], people.ma.id, YES)
    assert (await Ballot.get(resident_id=people.mei.id)).choice == NO  # what came by phone stays
    assert await Notice.exists(kind="deliberation.ballot_entered", resident_id=electors[0])
    event = await Event.get(verb="deliberation.paper_entered")
    assert (event.facts["entered"], event.facts["left_out"]) == (1, 8)
    rows = sorted(row for line in second.report for row in line["first_rows"])
    assert rows == list(range(2, 11))  # each row of the file stands in the report
    # What was left out is looked at and typed in again.
    for who in ("ma", "he"):
        third = await deliberations.enter_paper(people[who], vote.id, sheet((differ, "no"), (agree, "no")))
    assert await outcomes(third) == {differ: "entered", agree: "already_voted"}
    table = list(
        csv.reader(io.StringIO((await deliberations.report_csv(people.chen, second.id)).removeprefix("\ufeff")))
    )
    assert len(table) == 10
    assert table[1][:2] == [agree, "entered"]


async def test_the_second_time_another_person_types(people: People) -> None:
    vote = await voting(people)
    first = await deliberations.enter_paper(people.he, vote.id, sheet(("A", "yes")))
    with pytest.raises(SamePerson):
        await deliberations.enter_paper(people.he, vote.id, sheet(("A", "yes")))
    with pytest.raises(Forbidden):
        await deliberations.withdraw_batch(people.ma, first.id)
    assert (await deliberations.withdraw_batch(people.he, first.id)).state is BatchState.WITHDRAWN
    with pytest.raises(InvalidState):
        await deliberations.withdraw_batch(people.he, first.id)
    await deliberations.enter_paper(people.he, vote.id, sheet(("A", "yes")))
    assert len((await deliberations.paper_batches(people.chen, vote.id, page=Page())).items) == 2
    assert (await deliberations.paper_batches(people.lin, vote.id, page=Page())).items == []
    with pytest.raises(NotFound):
        await deliberations.find_batch(people.deng, first.id)


@pytest.mark.parametrize("who", ["lin", "sun", "wu", "deng", "qian", "guest"])
async def test_only_the_staff_type_and_print(people: People, who: str) -> None:
    vote = await voting(people)
    with pytest.raises(Forbidden):
        await deliberations.enter_paper(people[who], vote.id, sheet(("A", "yes")))
    with pytest.raises(Forbidden):
        await deliberations.printed_sheets(people[who], vote.id)


async def test_paper_is_typed_while_the_vote_runs(people: People, move_clock: Move) -> None:
    vote = await discussed(people)
    with pytest.raises(InvalidState):
        await deliberations.enter_paper(people.he, vote.id, sheet(("A", "yes")))
    with pytest.raises(InvalidState):
        await deliberations.printed_sheets(people.he, vote.id)
    await deliberations.open_voting(people.chen, vote.id)
    await deliberations.enter_paper(people.he, vote.id, sheet(("A", "yes")))
    await move_clock(timedelta(days=15))
    with pytest.raises(VoteClosed):
        await deliberations.enter_paper(people.ma, vote.id, sheet(("A", "yes")))


@pytest.mark.parametrize("raw", [b"", b"a,b\n", b"code,choice\n", b'code,choice\n"', b"\xff\xff\xff"])
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(people: People, raw: bytes) -> None:
    vote = await voting(people)
    with pytest.raises(BadSheet):
        await deliberations.enter_paper(people.he, vote.id, raw)
    assert not await PaperBatch.exists()


async def test_options_are_named_by_their_numbers(people: People) -> None:
    vote = await voting(people, ballot_kind=BallotKind.APPROVAL, options=("红", "黄", "蓝"), max_choices=2)
    code = (await codes(vote))[people.mei.id]
    for who in ("he", "ma"):
        batch = await deliberations.enter_paper(people[who], vote.id, sheet((code, "3;1")))
    assert await outcomes(batch) == {code: "entered"}
    options = [option.id for option in vote.options]
    assert (await Ballot.get(deliberation_id=vote.id)).choice == {"option_ids": sorted([options[0], options[2]])}


async def test_for_a_household_its_sheet_counts_as_its_representatives(people: People) -> None:
    homes = await flats(people, 2)
    speaker = (await dwellers(people, homes))[0]
    await Household.filter(id=homes[0]).update(representative_id=speaker)
    vote = await voting(people, roll=Roll.HOUSEHOLDS)
    with_one, without = [(await Elector.get(deliberation_id=vote.id, household_id=home)).code for home in homes]
    for who in ("he", "ma"):
        batch = await deliberations.enter_paper(people[who], vote.id, sheet((with_one, "yes"), (without, "yes")))
    assert await outcomes(batch) == {with_one: "entered", without: "no_representative"}
    assert (await Ballot.get(deliberation_id=vote.id)).resident_id == speaker


async def test_a_paper_ballot_is_objected_to_by_whom_it_was_entered_for(people: People) -> None:
    vote = await voting(people, rule=Rule.RESIDENTS_MEETING)
    code = (await codes(vote))[people.mei.id]
    for who in ("he", "ma"):
        await deliberations.enter_paper(people[who], vote.id, sheet((code, "yes")))
    made = await deliberations.object_to(people.mei, vote.id, reason="这不是我填的票")
    assert (made.state, made.channel, made.entered_by_id) == (ObjectionState.INVALIDATED, "paper", people.ma.id)
    assert not await Ballot.exists(deliberation_id=vote.id)
    assert await Objection.filter(deliberation_id=vote.id).count() == 1


async def test_sheets_are_printed_a_page_each_and_it_is_recorded(people: People) -> None:
    vote = await voting(people)
    pdf = await deliberations.printed_sheets(people.he, vote.id, first=3, count=4)
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") == 4
    facts = (await Event.get(verb="deliberation.sheets_printed")).facts
    assert (facts["first"], facts["sheets"]) == (3, 4)
    with pytest.raises(NotFound):  # eight stand on the roll
        await deliberations.printed_sheets(people.he, vote.id, first=9)


async def test_the_code_on_a_sheet_is_read_back_and_typed_in(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    vote = await voting(people)
    pages: list[Image.Image] = []
    draw_page = sheets._page

    def keep(*asked: Any) -> Image.Image:
        pages.append(draw_page(*asked))
        return pages[-1]

    monkeypatch.setattr(sheets, "_page", keep)
    await deliberations.printed_sheets(people.he, vote.id)
    side = 29 * 9
    corners = [(page.width - sheets.MARGIN - side, 130) for page in pages]
    read = [read_qr(page.crop((x, y, x + side, y + side))) for page, (x, y) in zip(pages, corners, strict=True)]
    assert read == [one.code for one in await Elector.filter(deliberation_id=vote.id).order_by("number")]


async def test_a_code_says_nothing_of_its_elector(people: People) -> None:
    first, second = await voting(people), await voting(people)
    here, there = await codes(first), await codes(second)
    assert len(set(here.values()) | set(there.values())) == 2 * len(here)
    assert all(len(code) == 12 and set(code) <= set("0123456789ABCDEF") for code in here.values())
