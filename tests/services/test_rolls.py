"""Who stands on a roll: representatives with their terms, owners with their area; what a place asks for by itself."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from app.core import clock, db
from app.core.errors import AlreadyExists, DomainError, Forbidden, Invalid, InvalidState, NotFound, NotVerified
from app.core.pages import Page
from models.deliberations import Deliberation, DeliberationState, Elector, NotOnRoll, Resolution, Result, Roll, Rule
from models.residents import (
    Household,
    NoElection,
    Ownership,
    Representative,
    Resident,
    SelfGrant,
    TermsOverlap,
    WrongShare,
    WrongSize,
    WrongTerm,
)
from models.rolls import AreasMissing, NotRecognisable, ObjectionState, TooLow
from services import deliberations, residents
from services.deliberations import OwnTerms
from services.residents import ConstituencySeen, Owner
from services.rules.quorum import Threshold
from tests.conftest import as_owner
from tests.people import People
from tests.proofs import roll_line
from tests.voting import discussed, dwellers, flats, owned, voting

Move = Callable[[timedelta], Awaitable[None]]
YES, NO = {"choice": "yes"}, {"choice": "no"}
HALF, TWO_THIRDS, MORE_THAN_TWO_THIRDS = Threshold(1, 2, True), Threshold(2, 3, False), Threshold(2, 3, True)


async def today() -> date:
    return (await clock.now()).astimezone(clock.SHANGHAI).date()


async def group(people: People, homes: int = 20, name: str = "第一居民小组") -> ConstituencySeen:
    """A constituency of new households and that of 阿梅."""
    ids = await flats(people, homes - 1)
    assert people.mei.household_id is not None
    return await residents.add_constituency(
        people.chen, community_id=people.jy, name=name, household_ids=[*ids, people.mei.household_id]
    )


async def elected(people: People, constituency_id: int, **other: Any) -> Representative:
    asked = {
        "resident_id": people.mei.id,
        "from_on": await today(),
        "until_on": await today() + timedelta(days=365),
        "minutes": "小组会议记录",
    } | other
    return await residents.record_representative(people.chen, constituency_id, **asked)


# --- representatives --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("homes", "fits"), [(19, False), (20, True), (50, True), (51, False)])
async def test_a_constituency_has_20_to_50_households(people: People, homes: int, fits: bool) -> None:
    if fits:
        assert (await group(people, homes)).households == homes
    else:
        with pytest.raises(WrongSize):
            await group(people, homes)


async def test_households_come_and_go_together(people: People) -> None:
    first = await group(people)
    members = await Household.filter(constituency_id=first.id).values_list("id", flat=True)
    newcomers = await flats(people, 20)
    changed = await residents.change_constituency(people.chen, first.id, name="新组", household_ids=newcomers)
    assert (changed.name, changed.households) == ("新组", 20)
    assert not await Household.exists(id__in=members, constituency_id=first.id)
    assert (await residents.change_constituency(people.chen, first.id, name="新组", household_ids=[])).households == 0
    with pytest.raises(WrongSize):
        await residents.change_constituency(people.chen, first.id, name="新组", household_ids=newcomers[:19])


async def test_a_household_belongs_to_one_constituency_of_its_community(people: People) -> None:
    first = await group(people)
    taken = await Household.filter(constituency_id=first.id).values_list("id", flat=True)
    for ids in (taken, [*await flats(people, 20), people.wu.household_id], [10**9]):
        with pytest.raises(Invalid):
            await residents.add_constituency(people.chen, community_id=people.jy, name="另一组", household_ids=ids)
    with pytest.raises(AlreadyExists):
        await group(people)


@pytest.mark.parametrize("who", ["lin", "he", "ma", "sun", "deng", "qian"])
async def test_only_the_committee_draws_constituencies_and_records_representatives(people: People, who: str) -> None:
    made = await group(people)
    with pytest.raises(Forbidden):
        await residents.add_constituency(people[who], community_id=people.jy, name="x", household_ids=[])
    with pytest.raises(Forbidden):
        await residents.change_constituency(people[who], made.id, name="x", household_ids=[])
    with pytest.raises(Forbidden):
        await residents.record_representative(
            people[who],
            made.id,
            resident_id=people.mei.id,
            from_on=await today(),
            until_on=await today() + timedelta(days=1),
            minutes="m",
        )


async def test_a_representative_is_shown_with_his_constituency_until_his_term_ends(
    people: People, move_clock: Move
) -> None:
    made = await group(people)
    term = await elected(people, made.id)
    page = await residents.constituencies(people.lin, community_id=people.jy, page=Page())
    assert page.items[0].representative is not None
    assert page.items[0].representative.resident_id == people.mei.id
    await residents.end_term(people.zhao, term.id, reason="本人辞去")
    assert (await residents.find_constituency(people.lin, made.id)).representative is None
    with pytest.raises(InvalidState):
        await residents.end_term(people.zhao, term.id, reason="again")
    await elected(people, made.id)  # the same day another may begin


@pytest.mark.parametrize(
    ("other", "refusal"),
    [
        ({"until_on": date(2000, 1, 1)}, WrongTerm),
        ({"from_on": date(2027, 1, 1), "until_on": date(2032, 1, 2)}, WrongTerm),
        ({"minutes": None}, NoElection),
        ({"minutes": None, "resolution_id": 10**6}, NoElection),
        ({"resident_id": "wang"}, Invalid),  # of no household there
        ({"resident_id": "wu"}, Invalid),
    ],
)
async def test_what_a_term_needs(people: People, other: dict[str, Any], refusal: type[DomainError]) -> None:
    made = await group(people)
    if isinstance(other.get("resident_id"), str):
        other = other | {"resident_id": people[other["resident_id"]].id}
    with pytest.raises(refusal):
        await elected(people, made.id, **other)


async def test_one_represents_one_constituency_at_a_time(people: People) -> None:
    first = await group(people)
    await elected(people, first.id)
    with pytest.raises(TermsOverlap):
        await elected(people, first.id)
    with pytest.raises(SelfGrant):
        await residents.change_constituency(
            people.chen, first.id, name="g", household_ids=[*await flats(people, 19), people.chen.household_id or 0]
        )
        await elected(people, first.id, resident_id=people.chen.id, from_on=date(2040, 1, 1), until_on=date(2041, 1, 1))


@pytest.mark.parametrize(("starts", "ends", "on_roll"), [(0, 1, True), (-9, 0, False), (1, 9, False), (-9, 1, True)])
async def test_on_the_roll_of_representatives_stand_those_whose_term_runs(
    people: People, starts: int, ends: int, on_roll: bool
) -> None:
    made, day = await group(people), await today()
    await elected(people, made.id, from_on=day + timedelta(days=starts), until_on=day + timedelta(days=ends))
    vote = await discussed(people, roll=Roll.REPRESENTATIVES, rule=Rule.REPRESENTATIVES_MEETING)
    assert (await deliberations.own_roll_line(people.mei, vote.id)).on_roll is on_roll
    opened = await deliberations.open_voting(people.chen, vote.id)
    assert opened.roll_size == int(on_roll)


async def test_who_moved_away_represents_nobody(people: People) -> None:
    await elected(people, (await group(people)).id)
    await db.execute("UPDATE memberships SET until_at = clock_now() WHERE resident_id = $1", people.mei.id)
    assert (await voting(people, roll=Roll.REPRESENTATIVES)).roll_size == 0


# --- owners -----------------------------------------------------------------------------------------------------


async def test_an_owner_of_several_flats_is_one_head_with_all_their_area(people: People) -> None:
    small, large = (await flats(people, 1, 500_000))[0], (await flats(people, 1, 1_200_000))[0]
    for flat in (small, large):
        await residents.set_owners(people.chen, flat, [Owner(people.lin.id)])
    preview = await deliberations.roll(people.mei, (await discussed(people, roll=Roll.OWNERS)).id)
    assert (preview.frozen, preview.size, preview.area_cm2, preview.hash) == (False, 1, 1_700_000, None)


@pytest.mark.parametrize(
    ("shares", "named", "votes"),
    [
        ((Fraction(1, 2), Fraction(1, 2)), None, "lin"),  # who was recorded first
        ((Fraction(1, 3), Fraction(2, 3)), None, "mei"),  # who has more
        ((Fraction(1, 3), Fraction(2, 3)), "lin", "lin"),  # whom they named
    ],
)
async def test_for_a_flat_of_two_one_votes_with_all_its_area(
    people: People, shares: tuple[Fraction, Fraction], named: str | None, votes: str
) -> None:
    flat = (await flats(people, 1, 800_000))[0]
    owners = [
        Owner(people[who].id, share, votes=who == named) for who, share in zip(("lin", "mei"), shares, strict=True)
    ]
    await residents.set_owners(people.chen, flat, owners)
    assert (await residents.owners_of(people.mei, flat))[1] == owners
    vote = await voting(people, roll=Roll.OWNERS)
    elector = await Elector.get(deliberation_id=vote.id)
    assert (elector.resident_id, elector.area_cm2, vote.roll_area_cm2) == (people[votes].id, 800_000, 800_000)


async def test_what_owners_may_not_be(people: People) -> None:
    flat = (await flats(people, 1, 800_000))[0]
    two_thirds = Fraction(2, 3)
    for owners, refusal in (
        ([Owner(people.lin.id, two_thirds), Owner(people.mei.id, two_thirds)], WrongShare),
        ([Owner(people.lin.id, Fraction(1, 2)), Owner(people.lin.id, Fraction(1, 2))], WrongShare),
        ([Owner(people.lin.id, Fraction(1, 2), True), Owner(people.mei.id, Fraction(1, 2), True)], WrongShare),
        ([Owner(10**9)], Invalid),
    ):
        with pytest.raises(refusal):
            await residents.set_owners(people.chen, flat, owners)
    for who, expected in (("lin", NotFound), ("deng", NotFound), ("ma", Forbidden), ("he", Forbidden)):
        with pytest.raises(expected):
            await residents.set_owners(people[who], flat, [])
    with pytest.raises(NotFound):
        await residents.owners_of(people.wang, flat)


async def test_owners_before_stay_on_record(people: People) -> None:
    flat = (await flats(people, 1, 800_000))[0]
    await residents.set_owners(people.chen, flat, [Owner(people.lin.id)])
    await residents.set_owners(people.chen, flat, [Owner(people.mei.id)])
    assert await Ownership.filter(household_id=flat).count() == 2
    assert (await residents.owners_of(people.chen, flat))[1] == [Owner(people.mei.id)]


async def test_who_was_confirmed_as_owner_votes_with_the_area_until_the_owners_are_recorded(people: People) -> None:
    vote = await discussed(people, roll=Roll.OWNERS)
    flat = people.lin.household_id
    assert flat is not None

    async def on_the_rolls() -> list[tuple[int, int | None]]:
        of_today = await residents.electorate_at(
            people.chen, people.jy, at=await clock.now(), roll=Roll.OWNERS, page=Page(100)
        )
        preview = await deliberations.roll(people.lin, vote.id)
        assert (preview.size, preview.area_cm2) == (of_today.size, of_today.area_cm2)
        return [(voter.id, voter.area_cm2) for voter in of_today.voters]

    assert await on_the_rolls() == [], "nobody's area is known"
    await residents.update_household(people.chen, flat, area_cm2=800_000, representative_id=None)
    assert await on_the_rolls() == [(people.lin.id, 800_000)]
    assert (await deliberations.own_roll_line(people.lin, vote.id)).on_roll
    await residents.set_owners(people.chen, flat, [Owner(people.wu.id)])
    assert await on_the_rolls() == [(people.wu.id, 800_000)]


async def test_a_vote_of_owners_does_not_open_while_a_flat_has_no_area(people: People, move_clock: Move) -> None:
    flat = (await flats(people, 1))[0]
    await residents.set_owners(people.chen, flat, [Owner(people.lin.id)])
    vote = await discussed(people, roll=Roll.OWNERS)
    assert (await deliberations.roll(people.lin, vote.id)).areas_missing == 1
    with pytest.raises(AreasMissing):
        await deliberations.open_voting(people.chen, vote.id)
    await move_clock(timedelta(days=8))
    await deliberations.advance_due()
    assert (await Deliberation.get(id=vote.id)).state is DeliberationState.DISCUSSION
    await residents.update_household(people.chen, flat, area_cm2=800_000, representative_id=None)
    await deliberations.advance_due()
    assert (await Deliberation.get(id=vote.id)).state is DeliberationState.VOTING


async def nine_flats(people: People, areas: list[int]) -> list[Any]:
    """The eight adults of 锦阳 and one without a phone each own a flat of these areas."""
    homes = [(await flats(people, 1, area))[0] for area in areas]
    actors = [people[who] for who in ("lin", "mei", "wang", "chen", "zhao", "sun", "he", "ma")]
    ninth = (await dwellers(people, await flats(people, 1)))[0]
    everybody = [*actors, await residents.actor(ninth)]
    await owned(people, homes, [one.id for one in everybody])
    return everybody


@pytest.mark.parametrize(
    ("areas", "voters", "yes", "rule", "quorate", "passed"),
    [
        # Quorum 2/3 of 9 heads and 2/3 of 900: 6 heads with 600 cm² are just enough.
        ([100] * 9, 6, 6, Rule.OWNERS_ORDINARY, True, True),
        ([100] * 9, 5, 5, Rule.OWNERS_ORDINARY, False, False),
        ([99, *[100] * 7, 101], 6, 6, Rule.OWNERS_ORDINARY, False, False),  # 6 heads, 599 cm²
        ([101, *[100] * 7, 99], 6, 6, Rule.OWNERS_ORDINARY, True, True),  # 6 heads, 601 cm²
        # More than half of those who took part: heads and area both.
        ([100] * 9, 8, 4, Rule.OWNERS_ORDINARY, True, False),
        ([100] * 9, 8, 5, Rule.OWNERS_ORDINARY, True, True),
        ([1, 1, 1, 1, 1, 200, 200, 200, 1], 8, 5, Rule.OWNERS_ORDINARY, True, False),  # heads yes, area no
        # At least three quarters.
        ([100] * 9, 8, 6, Rule.OWNERS_MAJOR, True, True),
        ([100] * 9, 8, 5, Rule.OWNERS_MAJOR, True, False),
        ([99, *[100] * 5, 101, 100, 100], 8, 6, Rule.OWNERS_MAJOR, True, False),  # 599 of 800
        ([101, *[100] * 5, 99, 100, 100], 8, 6, Rule.OWNERS_MAJOR, True, True),
    ],
)
async def test_owners_decide_by_heads_and_by_area(
    people: People, areas: list[int], voters: int, yes: int, rule: Rule, quorate: bool, passed: bool, move_clock: Move
) -> None:
    electors = await nine_flats(people, areas)
    vote = await voting(people, roll=Roll.OWNERS, rule=rule)
    assert (vote.roll_size, vote.roll_area_cm2) == (9, sum(areas))
    for number, elector in enumerate(electors[:voters]):
        await deliberations.cast(elector, vote.id, YES if number < yes else NO)
    await move_clock(timedelta(days=15))
    await deliberations.advance_due()
    result = await Result.get(deliberation_id=vote.id)
    assert (result.voted, result.voted_area_cm2, result.passed) == (voters, sum(areas[:voters]), passed)
    assert [line["area_cm2"] for line in result.tally] == [sum(areas[:yes]), sum(areas[yes:voters]), 0]
    assert "平方米" in result.explanation_zh
    assert "第二百七十八条" in result.explanation_zh
    assert "不是法定的业主表决" in result.explanation_zh
    resolution = await Resolution.get_or_none(deliberation_id=vote.id)
    assert (resolution is not None) is quorate
    if resolution is not None:
        assert (resolution.binding, resolution.passed) == (False, passed)


@pytest.mark.parametrize("who", ["wu", "guest"])
async def test_an_owner_who_lives_elsewhere_may_object_sees_his_line_and_votes(people: People, who: str) -> None:
    homes = await flats(people, 1, 800_000)
    await owned(people, homes, [people[who].id])
    vote = await discussed(people, roll=Roll.OWNERS, rule=Rule.OWNERS_ORDINARY)
    made = await deliberations.object_to(people[who], vote.id, reason="面积不对")
    assert made.author_id == people[who].id
    await deliberations.decide_objection(people.chen, made.id, state=ObjectionState.DISMISSED, answer="面积属实")
    await deliberations.open_voting(people.chen, vote.id)
    assert (await deliberations.own_roll_line(people[who], vote.id)).area_cm2 == 800_000
    sent = await deliberations.cast(people[who], vote.id, YES)
    seen = await deliberations.detail(people[who], vote.id)
    assert seen.my_ballot is not None
    assert (seen.my_ballot.receipt, seen.has_voted) == (sent, True)
    await deliberations.close(people.chen, vote.id)
    assert (await deliberations.outcome(vote.id)).result.voted_area_cm2 == 800_000


@pytest.mark.parametrize(
    ("who", "roll", "refused"),
    [
        ("wu", Roll.OWNERS, Forbidden),  # owns nothing here
        ("guest", Roll.OWNERS, NotVerified),
        ("mei", Roll.OWNERS, NotOnRoll),
        ("wu", Roll.RESIDENTS, Forbidden),  # owning is no residing
    ],
)
async def test_who_owns_nothing_here_casts_no_owner_s_vote(
    people: People, who: str, roll: Roll, refused: type[Exception]
) -> None:
    homes = await flats(people, 1, 800_000)
    await owned(people, homes, [people.wu.id if roll is Roll.RESIDENTS else people.lin.id])
    vote = await voting(people, roll=roll)
    with pytest.raises(refused):
        await deliberations.cast(people[who], vote.id, YES)


async def test_a_suspended_owner_stays_on_the_roll_and_votes_on_paper(people: People) -> None:
    homes = await flats(people, 1, 800_000)
    await owned(people, homes, [people.wu.id])
    await Resident.filter(id=people.wu.id).update(suspended=True)
    vote = await voting(people, roll=Roll.OWNERS)
    assert vote.roll_size == 1
    with pytest.raises(NotVerified):
        await deliberations.cast(await residents.actor(people.wu.id), vote.id, YES)


async def test_where_it_is_recognised_a_vote_of_owners_binds(people: People, move_clock: Move) -> None:
    await deliberations.set_terms(people.qian, people.jy, [OwnTerms(Rule.OWNERS_ORDINARY, recognised=True)])
    electors = await nine_flats(people, [100] * 9)
    vote = await voting(people, roll=Roll.OWNERS, rule=Rule.OWNERS_ORDINARY)
    for elector in electors:
        await deliberations.cast(elector, vote.id, YES)
    await deliberations.close(people.chen, vote.id)
    resolution = await Resolution.get(deliberation_id=vote.id)
    assert (resolution.binding, resolution.passed) == (True, True)
    assert "不是法定" not in resolution.explanation_zh


# --- the frozen roll --------------------------------------------------------------------------------------------


async def test_everybody_can_check_his_own_line_and_nobody_anothers(people: People) -> None:
    vote = await discussed(people)
    before = await deliberations.own_roll_line(people.mei, vote.id)
    assert (before.on_roll, before.frozen, before.line) == (True, False, None)
    assert await deliberations.roll_lines(vote.id) == []
    opened = await deliberations.open_voting(people.chen, vote.id)
    own = await deliberations.own_roll_line(people.mei, vote.id)
    assert own.number
    assert own.salt
    assert own.line == roll_line(own.number, "residents", people.mei.id, 0, bytes.fromhex(own.salt))
    lines = await deliberations.roll_lines(vote.id)
    assert own.line == lines[own.number - 1]
    assert opened.roll_hash == hashlib.sha256("\n".join(lines).encode()).hexdigest()
    standing = await deliberations.roll(people.wu, vote.id)
    assert (standing.frozen, standing.size, standing.hash) == (True, opened.roll_size, opened.roll_hash)
    assert not (await deliberations.own_roll_line(people.wu, vote.id)).on_roll


async def test_a_roll_that_was_tampered_with_is_found(people: People) -> None:
    vote = await voting(people)
    assert await deliberations.altered_rolls() == []

    async def tamper() -> None:
        await db.execute("ALTER TABLE electors DISABLE TRIGGER electors_append_only")
        await db.execute("UPDATE electors SET resident_id = $2 WHERE resident_id = $1", people.mei.id, people.wu.id)

    await as_owner(tamper)
    assert await deliberations.altered_rolls() == [vote.id]


async def test_the_preview_counts_as_of_now(people: People) -> None:
    vote = await discussed(people)
    before = (await deliberations.roll(people.lin, vote.id)).size
    await Resident.filter(id=people.mei.id).update(suspended=True)
    assert (await deliberations.roll(people.lin, vote.id)).size == before - 1


# --- what a place asks for by itself ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "quorum", "majority", "fits"),
    [
        (Rule.RESIDENTS_MEETING, Threshold(2, 3, False), None, True),
        (Rule.RESIDENTS_MEETING, Threshold(1, 2, True), Threshold(1, 2, True), True),
        (Rule.RESIDENTS_MEETING, Threshold(1, 2, False), None, False),
        (Rule.RESIDENTS_MEETING, Threshold(49, 100, True), None, False),
        (Rule.RESIDENTS_MEETING, None, Threshold(499, 1000, True), False),
        (Rule.REPRESENTATIVES_MEETING, Threshold(666, 1000, True), None, False),
        (Rule.REPRESENTATIVES_MEETING, Threshold(667, 1000, False), None, True),
        (Rule.OWNERS_MAJOR, None, Threshold(3, 4, True), True),
        (Rule.OWNERS_MAJOR, None, Threshold(74, 100, True), False),
        (Rule.RESIDENTS_MEETING, Threshold(1, 1, False), None, True),
        (Rule.RESIDENTS_MEETING, Threshold(1, 1, True), None, False),
        (Rule.CONSULTATION, Threshold(1, 10, False), None, True),
        (Rule.CONSULTATION, None, Threshold(1, 2, True), False),
    ],
)
async def test_thresholds_only_go_upwards(
    people: People, rule: Rule, quorum: Threshold | None, majority: Threshold | None, fits: bool
) -> None:
    own = OwnTerms(rule, quorum, majority)
    if not fits:
        with pytest.raises(TooLow):
            await deliberations.set_terms(people.chen, people.jy, [own])
        return
    terms = {one.rule: one.preset for one in await deliberations.set_terms(people.chen, people.jy, [own])}
    assert terms[rule].quorum == (quorum or terms[rule].quorum)
    assert terms[rule].majority == (majority or terms[rule].majority)


@pytest.mark.parametrize(
    ("who", "may", "recognises"),
    [
        ("chen", True, False),
        ("qian", True, True),
        ("root", True, True),
        ("lin", False, False),
        ("ma", False, False),
        ("sun", False, False),
        ("deng", False, False),
    ],
)
async def test_who_sets_thresholds_and_who_recognises(people: People, who: str, may: bool, recognises: bool) -> None:
    for own, allowed in (
        (OwnTerms(Rule.OWNERS_MAJOR, TWO_THIRDS), may),
        (OwnTerms(Rule.OWNERS_MAJOR, TWO_THIRDS, recognised=True), recognises),
    ):
        if allowed:
            await deliberations.set_terms(people[who], people.jy, [own])
        else:
            with pytest.raises(Forbidden):
                await deliberations.set_terms(people[who], people.jy, [own])


async def test_only_owners_votes_are_recognised_and_only_communities_and_above_have_rules(people: People) -> None:
    with pytest.raises(NotRecognisable):
        await deliberations.set_terms(people.qian, people.jy, [OwnTerms(Rule.RESIDENTS_MEETING, recognised=True)])
    building = await db.value("SELECT min(id) FROM places WHERE community_id = $1 AND kind = 'building'", people.jy)
    with pytest.raises(Invalid):
        await deliberations.set_terms(people.chen, building, [])


async def test_of_a_place_and_those_above_the_strictest_counts(people: People) -> None:
    street = await db.value("SELECT parent_id FROM places WHERE id = $1", people.jy)
    await deliberations.set_terms(people.qian, street, [OwnTerms(Rule.RESIDENTS_MEETING, MORE_THAN_TWO_THIRDS)])
    await deliberations.set_terms(people.chen, people.jy, [OwnTerms(Rule.RESIDENTS_MEETING, TWO_THIRDS, TWO_THIRDS)])
    here = next(one for one in await deliberations.terms_of(people.jy) if one.rule is Rule.RESIDENTS_MEETING)
    assert (here.preset.quorum, here.preset.majority) == (MORE_THAN_TWO_THIRDS, TWO_THIRDS)
    next_door = next(one for one in await deliberations.terms_of(people.yl) if one.rule is Rule.RESIDENTS_MEETING)
    assert (next_door.preset.quorum, next_door.preset.majority) == (MORE_THAN_TWO_THIRDS, HALF)


@pytest.mark.parametrize(("yes", "passed"), [(5, False), (6, True), (7, True)])
async def test_a_vote_is_judged_by_what_was_in_force_at_its_opening(people: People, yes: int, passed: bool) -> None:
    voters = [people[who] for who in ("lin", "mei", "wang", "chen", "zhao", "sun", "he", "ma")]
    await deliberations.set_terms(
        people.chen, people.jy, [OwnTerms(Rule.RESIDENTS_MEETING, None, Threshold(3, 4, False))]
    )
    vote = await voting(people, rule=Rule.RESIDENTS_MEETING)
    await deliberations.set_terms(people.chen, people.jy, [OwnTerms(Rule.RESIDENTS_MEETING)])  # too late for this one
    for number, voter in enumerate(voters):
        await deliberations.cast(voter, vote.id, YES if number < yes else NO)
    await deliberations.close(people.chen, vote.id)
    outcome = await deliberations.outcome(vote.id)
    assert (outcome.result.passed, outcome.terms.preset.majority) == (passed, Threshold(3, 4, False))
    assert "四分之三以上" in outcome.result.explanation_zh
