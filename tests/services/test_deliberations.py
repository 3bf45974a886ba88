"""Deliberations: the neighbours discuss, the roll is frozen, each votes once, and what was decided stays."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core import clock, db
from app.core.errors import DomainError, Forbidden, Invalid, InvalidState, NotFound, NotVerified
from app.core.pages import Page
from models.base import Moderation
from models.deliberations import (
    BadChoice,
    BadDates,
    Ballot,
    BallotKind,
    BallotMisfitsRule,
    Deliberation,
    DeliberationState,
    Elector,
    Form,
    NoSuchResolution,
    NotChecked,
    NotOnRoll,
    Resolution,
    Result,
    Roll,
    Rule,
    RuleMisfitsRoll,
    SameOption,
    StillVoting,
    Uncosted,
    VoteClosed,
)
from models.events import Event, Notice
from models.needs import NeedField, NeedState, ServiceClass
from models.residents import Capacity, Household, Resident, Role
from services import deliberations, needs, residents
from services.deliberations import Proposal
from services.rules.tally import receipt
from tests.conftest import as_owner
from tests.homing import KEYS
from tests.passing import passed
from tests.people import People

Move = Callable[[timedelta], Awaitable[None]]
ADULTS = 8  # lin, mei, wang, chen, zhao, sun, he, ma
YES, NO, ABSTAIN = {"choice": "yes"}, {"choice": "no"}, {"choice": "abstain"}


async def lamp(people: People, **other: object) -> Proposal:
    now = await clock.now()
    asked = Proposal(
        community_id=people.jy,
        form=Form.DIALOGUE,
        title="在 7 号楼前装一盏路灯",
        body="晚上看不清台阶。",
        ballot_kind=BallotKind.YES_NO,
        roll=Roll.RESIDENTS,
        rule=Rule.RESIDENTS_MEETING,
        discussion_until=now + timedelta(days=7),
        voting_until=now + timedelta(days=14),
    )
    return replace(asked, **other)  # type: ignore[arg-type]


async def in_voting(people: People, **other: object) -> Deliberation:
    made = await passed(await deliberations.propose(people.lin, await lamp(people, **other)))
    await deliberations.open_discussion(people.chen, made.id)
    return await deliberations.open_voting(people.chen, made.id)


async def three_colours(people: People, kind: BallotKind, **other: object) -> tuple[Deliberation, list[int]]:
    vote = await in_voting(people, ballot_kind=kind, options=("红", "黄", "蓝"), **other)
    return vote, [option.id for option in vote.options]


# --- it works ---------------------------------------------------------------------------------------------------


async def test_from_a_proposal_to_a_resolution(people: People, move_clock: Move) -> None:
    made = await passed(await deliberations.propose(people.lin, await lamp(people)))
    assert made.state is DeliberationState.PROPOSED
    await deliberations.open_discussion(people.chen, made.id)
    await deliberations.comment(people.mei, made.id, body="支持")
    vote = await deliberations.open_voting(people.zhao, made.id)
    assert (vote.state, vote.roll_size) == (DeliberationState.VOTING, ADULTS)
    for who, choice in {"lin": YES, "mei": YES, "wang": NO, "chen": YES, "ma": ABSTAIN}.items():
        await deliberations.cast(people[who], vote.id, choice)
    await move_clock(timedelta(days=14))
    await deliberations.advance_due()

    outcome = await deliberations.outcome(vote.id)
    assert outcome.deliberation.state is DeliberationState.DECIDED
    assert (outcome.result.voted, outcome.result.roll_size, outcome.result.passed) == (5, ADULTS, True)
    assert [(line["choice"], line["votes"], line["share"], line["passed"]) for line in outcome.result.tally] == [
        ("yes", 3, "3/5", True),
        ("no", 1, "1/5", None),
        ("abstain", 1, "1/5", None),
    ]
    assert outcome.resolution_id is not None
    resolution = await deliberations.find_resolution(outcome.resolution_id)
    year = (await clock.now()).astimezone(clock.SHANGHAI).year
    assert (resolution.number, resolution.binding, resolution.passed) == (f"{year}-001", True, True)
    assert "第二十七条" in resolution.explanation_zh
    assert "3/5" in resolution.explanation_zh
    assert resolution.counts["voted"] == 5
    verbs = [line.verb for line in (await deliberations.detail(people.wu, vote.id)).timeline]
    assert verbs == [
        "deliberation.proposed",
        "deliberation.discussion_opened",
        "deliberation.voting_opened",
        "deliberation.decided",
    ]


async def test_the_proposer_and_everybody_on_the_roll_are_told_once(people: People) -> None:
    vote = await in_voting(people, rule=Rule.CONSULTATION)
    await deliberations.close(people.chen, vote.id)
    for kind in ("deliberation.voting_opened", "deliberation.decided"):
        told = await Notice.filter(kind=kind, subject_id=vote.id).values_list("resident_id", flat=True)
        assert len(told) == ADULTS == len(set(told))
        assert people.lin.id in told


async def test_numbers_of_resolutions_go_on_within_the_community_and_year(people: People) -> None:
    numbers = []
    for _ in range(3):
        vote = await in_voting(people, rule=Rule.CONSULTATION)
        await deliberations.close(people.chen, vote.id)
        numbers.append((await Resolution.get(deliberation_id=vote.id)).number[5:])
    assert numbers == ["001", "002", "003"]


async def test_lists_are_newest_first_and_filtered_by_phase(people: People) -> None:
    first = await passed(await deliberations.propose(people.lin, await lamp(people)))
    second = await in_voting(people)

    async def ids(state: DeliberationState | None) -> list[int]:
        page = await deliberations.listed(people.wu, community_id=people.jy, state=state, page=Page())
        return [found.id for found in page.items]

    assert await ids(None) == [second.id, first.id]
    assert await ids(DeliberationState.PROPOSED) == [first.id]
    assert (await deliberations.listed(people.wu, community_id=people.yl, state=None, page=Page())).items == []


async def test_the_needs_it_came_from_are_named_and_their_people_told(people: People) -> None:
    need = await passed(
        await needs.submit(
            people.mei,
            community_id=people.jy,
            service_class=ServiceClass.MUTUAL_AID,
            field=NeedField.SAFETY,
            title="楼道灯坏了",
            body="晚上看不见台阶",
        )
    )
    await needs.accept(people.chen, need.id)
    made = await passed(
        await deliberations.propose(people.chen, await lamp(people, need_ids=[need.id], rule=Rule.CONSULTATION))
    )
    assert list(made.need_ids) == [need.id]
    assert (await needs.find(people.mei, need.id)).state is NeedState.ROUTED
    page = await deliberations.listed(people.wu, community_id=people.jy, state=None, page=Page())
    assert list(page.items[0].need_ids) == [need.id]
    await Resident.filter(id=people.mei.id).update(birth_year=2020)  # told although not on the roll
    await deliberations.open_discussion(people.chen, made.id)
    await deliberations.open_voting(people.chen, made.id)
    assert await Notice.exists(kind="deliberation.voting_opened", resident_id=people.mei.id)
    with pytest.raises(Invalid):
        await passed(await deliberations.propose(people.lin, await lamp(people, need_ids=[10**6])))


# --- proposing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "refusal"),
    [("lin", None), ("chen", None), ("ma", None), ("guest", NotVerified), ("wu", Forbidden), ("qian", NotVerified)],
)
async def test_who_proposes(people: People, who: str, refusal: type[DomainError] | None) -> None:
    proposal = await lamp(people)
    if refusal is None:
        assert (await passed(await deliberations.propose(people[who], proposal))).author_id == people[who].id
    else:
        with pytest.raises(refusal):
            await passed(await deliberations.propose(people[who], proposal))


@pytest.mark.parametrize(
    ("other", "refusal"),
    [
        ({"options": ("红", "黄")}, Invalid),
        ({"ballot_kind": BallotKind.SINGLE, "options": ("红",)}, Invalid),
        ({"ballot_kind": BallotKind.SINGLE, "options": ("红", "黄"), "max_choices": 1}, Invalid),
        ({"ballot_kind": BallotKind.APPROVAL, "options": ("红", "黄"), "max_choices": 3}, Invalid),
        ({"ballot_kind": BallotKind.RANKED, "options": ("红", "黄"), "max_choices": 1}, Invalid),
        ({"ballot_kind": BallotKind.BUDGET, "options": ("红", "黄")}, Invalid),
        ({"ballot_kind": BallotKind.BUDGET, "options": ("红", "黄"), "budget_fen": 5}, Uncosted),
        ({"ballot_kind": BallotKind.SINGLE, "options": ("红", "黄"), "budget_fen": 5}, Invalid),
        ({"secret": True, "roll": Roll.OWNERS, "rule": Rule.OWNERS_ORDINARY}, BallotMisfitsRule),
        (
            {
                "ballot_kind": BallotKind.RANKED,
                "options": ("红", "黄"),
                "roll": Roll.OWNERS,
                "rule": Rule.OWNERS_MAJOR,
            },
            BallotMisfitsRule,
        ),
        ({"ballot_kind": BallotKind.SINGLE, "options": ("红", "红")}, SameOption),
        ({"rule": Rule.OWNERS_MAJOR}, RuleMisfitsRoll),
        ({"rule": Rule.REPRESENTATIVES_MEETING, "roll": Roll.HOUSEHOLDS}, RuleMisfitsRoll),
    ],
)
async def test_options_and_rule_must_fit(people: People, other: dict[str, object], refusal: type[Invalid]) -> None:
    proposal = await lamp(people, **other)
    with pytest.raises(refusal):
        await passed(await deliberations.propose(people.lin, proposal))


@pytest.mark.parametrize(
    ("discussion", "voting", "fits"),
    [
        (timedelta(days=7), timedelta(days=7), False),
        (timedelta(days=8), timedelta(days=7), False),
        (timedelta(days=7), timedelta(days=7, seconds=1), True),
        (timedelta(days=-2), timedelta(seconds=-1), False),
        (timedelta(days=-2), timedelta(minutes=1), False),
        (timedelta(minutes=1), timedelta(minutes=2), True),
        (timedelta(days=1), timedelta(days=90) - timedelta(minutes=1), True),
        (timedelta(days=1), timedelta(days=90, minutes=1), False),
    ],
)
async def test_dates(people: People, discussion: timedelta, voting: timedelta, fits: bool) -> None:
    now = await clock.now()
    proposal = await lamp(people, discussion_until=now + discussion, voting_until=now + voting)
    if fits:
        await passed(await deliberations.propose(people.lin, proposal))
    else:
        with pytest.raises(BadDates):
            await passed(await deliberations.propose(people.lin, proposal))


# --- who may do what, when --------------------------------------------------------------------------------------

STEPS = {
    "open_discussion": deliberations.open_discussion,
    "open_voting": deliberations.open_voting,
    "close": deliberations.close,
}


@pytest.mark.parametrize("who", ["lin", "mei", "guest", "wu", "deng", "ma", "he", "sun", "qian"])
@pytest.mark.parametrize("step", STEPS)
async def test_only_the_committee_opens_and_closes(people: People, who: str, step: str) -> None:
    made = await passed(await deliberations.propose(people.lin, await lamp(people)))
    with pytest.raises(Forbidden):
        await STEPS[step](people[who], made.id)


@pytest.mark.parametrize(
    ("state", "possible"),
    [
        (DeliberationState.PROPOSED, {"open_discussion"}),
        (DeliberationState.DISCUSSION, {"open_voting"}),
        (DeliberationState.VOTING, {"close"}),
        (DeliberationState.DECIDED, set()),
        (DeliberationState.WITHDRAWN, set()),
    ],
)
@pytest.mark.parametrize("step", STEPS)
async def test_each_step_is_possible_in_its_state_only(
    people: People, state: DeliberationState, possible: set[str], step: str
) -> None:
    made = await in_state(people, state)
    if step in possible:
        await STEPS[step](people.chen, made.id)
    else:
        with pytest.raises(InvalidState) as refused:
            await STEPS[step](people.chen, made.id)
        assert refused.value.extra["state"] == state


async def in_state(people: People, state: DeliberationState) -> Deliberation:
    made = await passed(await deliberations.propose(people.lin, await lamp(people, rule=Rule.CONSULTATION)))
    for reached, step in (
        (DeliberationState.DISCUSSION, deliberations.open_discussion),
        (DeliberationState.VOTING, deliberations.open_voting),
        (DeliberationState.DECIDED, deliberations.close),
    ):
        if made.state is not state and state is not DeliberationState.WITHDRAWN:
            made = await step(people.chen, made.id)
            assert made.state is reached
    return await deliberations.withdraw(people.chen, made.id) if state is DeliberationState.WITHDRAWN else made


@pytest.mark.parametrize(
    ("who", "proposed", "discussion", "voting"),
    [
        ("lin", True, True, False),  # the proposer
        ("chen", True, True, True),
        ("mei", False, False, False),
        ("deng", False, False, False),
        ("qian", False, False, False),
    ],
)
async def test_who_withdraws_when(people: People, who: str, proposed: bool, discussion: bool, voting: bool) -> None:
    for state, allowed in zip(list(DeliberationState)[:3], (proposed, discussion, voting), strict=True):
        made = await in_state(people, state)
        if allowed:
            gone = await deliberations.withdraw(people[who], made.id, reason="已经解决")
            assert gone.state is DeliberationState.WITHDRAWN
        else:
            with pytest.raises(Forbidden):
                await deliberations.withdraw(people[who], made.id)


@pytest.mark.parametrize("who", ["lin", "chen"])
@pytest.mark.parametrize("state", [DeliberationState.WITHDRAWN, DeliberationState.DECIDED])
async def test_what_is_over_is_not_withdrawn_again(people: People, who: str, state: DeliberationState) -> None:
    made = await in_state(people, state)
    with pytest.raises(InvalidState) as refused:
        await deliberations.withdraw(people[who], made.id)
    assert refused.value.extra["state"] == state


@pytest.mark.parametrize(
    ("who", "refusal"), [("lin", None), ("ma", None), ("guest", NotVerified), ("wu", Forbidden), ("qian", NotVerified)]
)
async def test_who_joins_the_discussion(people: People, who: str, refusal: type[DomainError] | None) -> None:
    made = await in_state(people, DeliberationState.DISCUSSION)
    if refusal is None:
        await passed(await deliberations.comment(people[who], made.id, body="支持"))
        assert len((await deliberations.comments_on(people.wu, made.id, page=Page())).items) == 1
    else:
        with pytest.raises(refusal):
            await deliberations.comment(people[who], made.id, body="支持")


@pytest.mark.parametrize(
    ("state", "open_"),
    [
        (DeliberationState.PROPOSED, False),
        (DeliberationState.DISCUSSION, True),
        (DeliberationState.VOTING, True),
        (DeliberationState.DECIDED, True),
        (DeliberationState.WITHDRAWN, False),
    ],
)
async def test_when_the_discussion_is_open(people: People, state: DeliberationState, open_: bool) -> None:
    made = await in_state(people, state)
    if open_:
        await deliberations.comment(people.mei, made.id, body="支持")
    else:
        with pytest.raises(InvalidState):
            await deliberations.comment(people.mei, made.id, body="支持")


async def test_what_is_hidden_is_not_there_but_for_its_author(people: People) -> None:
    made = await in_voting(people)
    await as_owner(lambda: db.execute("ALTER TABLE deliberations DISABLE TRIGGER deliberations_keep_in_sight"))
    await Deliberation.filter(id=made.id).update(moderation=Moderation.HIDDEN)
    assert (await deliberations.find(people.lin, made.id)).id == made.id
    for look in (deliberations.find(people.mei, made.id), deliberations.cast(people.mei, made.id, YES)):
        with pytest.raises(NotFound):
            await look
    with pytest.raises(NotFound):
        await deliberations.outcome(made.id)


@pytest.mark.parametrize("shown_again", [True, False])
async def test_what_was_hidden_while_discussed_does_not_open(
    people: People, move_clock: Move, shown_again: bool
) -> None:
    made = await in_state(people, DeliberationState.DISCUSSION)
    await Deliberation.filter(id=made.id).update(moderation=Moderation.HIDDEN)
    with pytest.raises(NotChecked):
        await deliberations.open_voting(people.chen, made.id)
    await move_clock(timedelta(days=8))
    await deliberations.advance_due()
    assert (await deliberations.find(people.chen, made.id)).state is DeliberationState.DISCUSSION
    if shown_again:
        await Deliberation.filter(id=made.id).update(moderation=Moderation.PASSED)
    else:
        await move_clock(timedelta(days=7))
    await deliberations.advance_due()
    expected = DeliberationState.VOTING if shown_again else DeliberationState.WITHDRAWN
    assert (await deliberations.find(people.chen, made.id)).state is expected


# --- the roll ---------------------------------------------------------------------------------------------------


async def move_in(people: People, room: str, birth_year: int) -> Resident:
    """Somebody new, registered in a household of building 7."""
    home = await Household.get(id=people.lin.household_id)
    openid = f"new-{room}-{birth_year}"
    newcomer = await residents.actor((await residents.enrol(openid)).id)
    claim = await residents.claim_household(
        newcomer,
        building_id=home.building_id,
        unit="1",
        room=room,
        capacity=Capacity.FAMILY,
        birth_year=birth_year,
        secret=KEYS,
    )
    await residents.confirm_claim(people.he, claim.id, secret=KEYS)
    return await Resident.get(openid=openid)


async def test_adults_by_the_calendar_year_stand_on_the_roll(people: People) -> None:
    year = (await clock.now()).astimezone(clock.SHANGHAI).year
    exactly_18, over_18 = await move_in(people, "901", year - 18), await move_in(people, "902", year - 19)
    suspended = await move_in(people, "903", 1980)
    await Resident.filter(id=suspended.id).update(suspended=True)
    vote = await in_voting(people)
    on_roll = set(await Elector.filter(deliberation_id=vote.id).values_list("resident_id", flat=True))
    assert over_18.id in on_roll
    assert not {exactly_18.id, suspended.id, people.guest.id, people.wu.id, people.qian.id} & on_roll
    assert vote.roll_size == len(on_roll) == ADULTS + 1


async def test_a_household_stands_once_whoever_lives_there(people: People) -> None:
    year = (await clock.now()).astimezone(clock.SHANGHAI).year
    await move_in(people, "101", 1990)  # with 小林
    await move_in(people, "801", year - 10)  # a child alone is no elector
    vote = await in_voting(people, roll=Roll.HOUSEHOLDS)
    assert vote.roll_size == ADULTS
    assert await Elector.filter(deliberation_id=vote.id, household_id=people.lin.household_id).count() == 1


async def test_the_roll_is_published_as_a_hash_anybody_can_recompute(people: People) -> None:
    for roll, column in ((Roll.RESIDENTS, "resident_id"), (Roll.HOUSEHOLDS, "household_id")):
        vote = await in_voting(people, roll=roll)
        electors = await Elector.filter(deliberation_id=vote.id).order_by("number")
        assert [elector.number for elector in electors] == list(range(1, ADULTS + 1))
        lines = [
            hashlib.sha256(
                f"{elector.number}\n{roll}\n{getattr(elector, column)}\n0\n{bytes(elector.salt).hex()}".encode()
            ).hexdigest()
            for elector in electors
        ]
        assert len({bytes(elector.salt) for elector in electors}) == len(lines)
        assert await deliberations.roll_lines(vote.id) == lines
        assert vote.roll_hash == hashlib.sha256("\n".join(lines).encode()).hexdigest()


async def test_who_comes_later_is_not_on_the_roll(people: People) -> None:
    vote = await in_voting(people)
    late = await residents.actor((await move_in(people, "905", 1985)).id)
    with pytest.raises(NotOnRoll):
        await deliberations.cast(late, vote.id, YES)
    assert (await deliberations.find(people.lin, vote.id)).roll_size == ADULTS


# --- ballots ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("lin", None),
        ("chen", None),
        ("sun", None),
        ("guest", NotVerified),
        ("wu", Forbidden),
        ("deng", Forbidden),
        ("qian", NotVerified),
    ],
)
async def test_who_votes(people: People, who: str, refusal: type[DomainError] | None) -> None:
    vote = await in_voting(people)
    if refusal is None:
        await deliberations.cast(people[who], vote.id, YES)
        assert await Ballot.filter(deliberation_id=vote.id, resident_id=people[who].id).count() == 1
    else:
        with pytest.raises(refusal):
            await deliberations.cast(people[who], vote.id, YES)
        assert not await Ballot.exists(deliberation_id=vote.id)


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (DeliberationState.PROPOSED, InvalidState),
        (DeliberationState.DISCUSSION, InvalidState),
        (DeliberationState.VOTING, None),
        (DeliberationState.DECIDED, VoteClosed),
        (DeliberationState.WITHDRAWN, VoteClosed),
    ],
)
async def test_when_one_votes(people: People, state: DeliberationState, refusal: type[DomainError] | None) -> None:
    vote = await in_state(people, state)
    if refusal is None:
        await deliberations.cast(people.lin, vote.id, YES)
    else:
        with pytest.raises(refusal):
            await deliberations.cast(people.lin, vote.id, YES)


async def test_the_clock_ends_the_vote_although_nobody_closed_it(people: People, move_clock: Move) -> None:
    vote = await in_voting(people)
    await deliberations.cast(people.lin, vote.id, YES)
    await move_clock(timedelta(days=14, seconds=1))
    for who in ("lin", "mei"):
        with pytest.raises(VoteClosed):
            await deliberations.cast(people[who], vote.id, NO)
    assert (await Ballot.get(deliberation_id=vote.id)).choice == YES


async def test_a_vote_may_be_changed_and_counts_once(people: People) -> None:
    vote = await in_voting(people, rule=Rule.CONSULTATION)
    first = await deliberations.cast(people.lin, vote.id, YES)
    assert await deliberations.cast(people.lin, vote.id, YES) == first  # sent again, the same receipt
    second = await deliberations.cast(people.lin, vote.id, NO)
    assert second != first
    ballot = await Ballot.get(deliberation_id=vote.id)
    assert ballot.choice == NO
    assert ballot.receipt == second == receipt(vote.id, NO, bytes(ballot.nonce))
    mine = (await deliberations.detail(people.lin, vote.id)).my_ballot
    assert mine is not None
    assert (mine.choice, mine.receipt) == (NO, second)
    assert (await deliberations.detail(people.mei, vote.id)).my_ballot is None


async def test_who_joins_a_household_does_not_read_what_was_voted_for_it(people: People) -> None:
    vote = await in_voting(people, roll=Roll.HOUSEHOLDS, rule=Rule.CONSULTATION)
    await deliberations.cast(people.lin, vote.id, YES)
    newcomer = replace(people.mei, household_id=people.lin.household_id)
    seen = await deliberations.detail(newcomer, vote.id)
    assert (seen.my_ballot, seen.has_voted) == (None, True)
    assert (await deliberations.detail(people.lin, vote.id)).my_ballot is not None


async def test_the_representative_casts_for_the_household(people: People) -> None:
    other = await residents.actor((await move_in(people, "101", 1990)).id)
    vote = await in_voting(people, roll=Roll.HOUSEHOLDS)
    with pytest.raises(NotOnRoll):
        await deliberations.cast(other, vote.id, YES)
    await deliberations.cast(people.lin, vote.id, YES)
    await residents.update_household(
        people.chen, people.lin.household_id or 0, area_cm2=None, representative_id=other.id
    )
    with pytest.raises(NotOnRoll):  # who spoke for it at the opening does until the close
        await deliberations.cast(other, vote.id, NO)
    assert (await Ballot.get(deliberation_id=vote.id)).choice == YES
    await deliberations.cast(people.lin, vote.id, NO)
    changed = await Event.get(verb="household.updated", subject_id=people.lin.household_id)
    assert changed.facts["representative_id"] == other.id
    assert changed.facts["representative_before_id"] == people.lin.id


@pytest.mark.parametrize("choice", [{"choice": "maybe"}, {"option_id": 1}, {"option_ids": [1]}, {}])
async def test_a_yes_no_vote_takes_only_its_three_answers(people: People, choice: dict[str, object]) -> None:
    vote = await in_voting(people)
    with pytest.raises(BadChoice):
        await deliberations.cast(people.lin, vote.id, choice)


async def test_a_choice_is_among_the_options_of_this_vote(people: People) -> None:
    _, elsewhere = await three_colours(people, BallotKind.SINGLE)
    vote, (red, _, _) = await three_colours(people, BallotKind.SINGLE)
    await deliberations.cast(people.lin, vote.id, {"option_id": red})
    for choice in ({"option_id": elsewhere[0]}, {"option_id": 2**62}, {"option_ids": [red]}, YES):
        with pytest.raises(BadChoice):
            await deliberations.cast(people.lin, vote.id, choice)


async def test_an_approval_names_up_to_so_many_different_options(people: People) -> None:
    _, elsewhere = await three_colours(people, BallotKind.APPROVAL)
    vote, (red, yellow, blue) = await three_colours(people, BallotKind.APPROVAL, max_choices=2)
    await deliberations.cast(people.lin, vote.id, {"option_ids": [yellow, red]})
    assert (await Ballot.get(deliberation_id=vote.id)).choice == {"option_ids": [red, yellow]}
    for ids in ([], [red, red], [red, yellow, blue], [red, elsewhere[0]], [elsewhere[0]]):
        with pytest.raises(BadChoice):
            await deliberations.cast(people.lin, vote.id, {"option_ids": ids})
    with pytest.raises(BadChoice):
        await deliberations.cast(people.lin, vote.id, {"option_id": red})


# --- closing ----------------------------------------------------------------------------------------------------


async def test_too_few_and_no_resolution_comes_of_it(people: People, move_clock: Move) -> None:
    vote = await in_voting(people)
    for who in ("lin", "mei", "wang", "chen"):  # 4 of 8: exactly half
        await deliberations.cast(people[who], vote.id, YES)
    await move_clock(timedelta(days=14))
    await deliberations.advance_due()
    outcome = await deliberations.outcome(vote.id)
    assert outcome.deliberation.state is DeliberationState.FAILED_QUORUM
    assert (outcome.result.passed, outcome.resolution_id) == (False, None)
    assert "未达到法定人数" in outcome.result.explanation_zh
    assert not await Resolution.exists(deliberation_id=vote.id)


async def test_half_of_those_taking_part_is_not_enough(people: People) -> None:
    vote = await in_voting(people)
    everybody = ("lin", "mei", "wang", "chen", "zhao", "sun", "he", "ma")
    for number, who in enumerate(everybody):
        await deliberations.cast(people[who], vote.id, YES if number < 4 else ABSTAIN)
    closed = await deliberations.close(people.chen, vote.id)  # all have voted, so it may be closed before its time
    assert closed.state is DeliberationState.DECIDED
    assert (await Resolution.get(deliberation_id=vote.id)).passed is False


async def test_a_binding_vote_is_not_closed_by_hand_before_its_time(people: People, move_clock: Move) -> None:
    vote = await in_voting(people)
    await deliberations.cast(people.lin, vote.id, YES)
    with pytest.raises(StillVoting):
        await deliberations.close(people.chen, vote.id)
    await move_clock(timedelta(days=14))
    assert (await deliberations.close(people.chen, vote.id)).state is DeliberationState.FAILED_QUORUM


async def test_a_consultation_informs_and_binds_nobody(people: People) -> None:
    vote, (red, yellow, _) = await three_colours(people, BallotKind.SINGLE, rule=Rule.CONSULTATION)
    await deliberations.cast(people.lin, vote.id, {"option_id": red})
    await deliberations.cast(people.mei, vote.id, {"option_id": red})
    await deliberations.cast(people.wang, vote.id, {"option_id": yellow})
    await deliberations.close(people.chen, vote.id)
    outcome = await deliberations.outcome(vote.id)
    assert [(line["title"], line["share"], line["passed"]) for line in outcome.result.tally] == [
        ("红", "2/3", None),
        ("黄", "1/3", None),
        ("蓝", "0/3", None),
    ]
    resolution = await Resolution.get(deliberation_id=vote.id)
    assert (resolution.binding, resolution.passed) == (False, None)
    assert "不具有约束力" in resolution.explanation_zh


async def test_several_options_of_an_approval_may_pass(people: People, move_clock: Move) -> None:
    vote, (red, yellow, blue) = await three_colours(people, BallotKind.APPROVAL)
    for who in ("lin", "mei", "wang"):
        await deliberations.cast(people[who], vote.id, {"option_ids": [red, yellow]})
    for who in ("chen", "zhao"):
        await deliberations.cast(people[who], vote.id, {"option_ids": [blue]})
    await move_clock(timedelta(days=14))
    await deliberations.advance_due()
    tally = (await deliberations.outcome(vote.id)).result.tally
    assert [(line["option_id"], line["votes"], line["passed"]) for line in tally] == [
        (red, 3, True),
        (yellow, 3, True),
        (blue, 2, False),
    ]


@pytest.mark.parametrize("state", [*list(DeliberationState)[:3], DeliberationState.WITHDRAWN])
async def test_nothing_of_the_count_is_told_before_the_close(people: People, state: DeliberationState) -> None:
    vote = await in_state(people, state)
    with pytest.raises(InvalidState) as refused:
        await deliberations.outcome(vote.id)
    assert refused.value.extra["state"] == state


# --- by the clock -----------------------------------------------------------------------------------------------


async def test_the_clock_opens_the_vote_when_the_discussion_is_over(people: People, move_clock: Move) -> None:
    made = await in_state(people, DeliberationState.DISCUSSION)
    await deliberations.advance_due()
    assert (await deliberations.find(people.lin, made.id)).state is DeliberationState.DISCUSSION
    await move_clock(timedelta(days=7))
    for _ in range(2):  # run again, nothing happens twice
        await deliberations.advance_due()
        assert (await deliberations.find(people.lin, made.id)).state is DeliberationState.VOTING
    event = await Event.get(verb="deliberation.voting_opened", subject_id=made.id)
    assert (event.actor_id, event.facts["roll_size"]) == (None, ADULTS)


async def test_what_nobody_took_up_in_time_lapses_and_its_proposer_is_told(people: People, move_clock: Move) -> None:
    proposed = await in_state(people, DeliberationState.PROPOSED)
    await move_clock(timedelta(days=8))
    with pytest.raises(InvalidState):
        await deliberations.open_voting(people.chen, proposed.id)
    await move_clock(timedelta(days=7))
    await deliberations.advance_due()
    assert (await deliberations.find(people.lin, proposed.id)).state is DeliberationState.WITHDRAWN
    assert await Notice.exists(kind="deliberation.lapsed", subject_id=proposed.id, resident_id=people.lin.id)


@pytest.mark.parametrize("days", [10, 30, 100])
async def test_when_the_worker_slept_the_vote_opens_late_and_runs_as_long_as_was_announced(
    people: People, move_clock: Move, days: int
) -> None:
    made = await in_state(people, DeliberationState.DISCUSSION)
    await move_clock(timedelta(days=days))
    await deliberations.advance_due()
    vote = await deliberations.find(people.lin, made.id)
    assert vote.state is DeliberationState.VOTING
    assert vote.opened_at is not None
    assert vote.voting_until - vote.opened_at == made.voting_until - made.discussion_until
    await deliberations.cast(people.mei, vote.id, YES)
    told = await Notice.filter(kind="deliberation.opened_late", subject_id=made.id)
    assert {notice.resident_id for notice in told} >= {people.lin.id, people.mei.id, people.wang.id}
    assert (await Event.get(verb="deliberation.voting_opened", subject_id=made.id)).facts["late"] is True
    await deliberations.advance_due()
    assert (await deliberations.find(people.lin, made.id)).state is DeliberationState.VOTING
    await move_clock(timedelta(days=7))
    await deliberations.advance_due()
    assert (await deliberations.find(people.lin, made.id)).state is DeliberationState.DECIDED


async def test_a_vote_opened_within_the_hour_ends_as_announced(people: People, move_clock: Move) -> None:
    made = await in_state(people, DeliberationState.DISCUSSION)
    await move_clock(timedelta(days=7, minutes=50))
    await deliberations.advance_due()
    vote = await deliberations.find(people.lin, made.id)
    assert (vote.state, vote.voting_until) == (DeliberationState.VOTING, made.voting_until)


@pytest.mark.parametrize(("days", "moves"), [(6, False), (8, False), (13, False), (14, True), (30, True)])
async def test_opened_by_hand_a_vote_ends_as_announced_unless_that_is_over(
    people: People, move_clock: Move, days: int, moves: bool
) -> None:
    made = await in_state(people, DeliberationState.DISCUSSION)
    await move_clock(timedelta(days=days))
    vote = await deliberations.open_voting(people.chen, made.id)
    assert vote.opened_at is not None
    if moves:
        assert vote.voting_until - vote.opened_at == made.voting_until - made.discussion_until
    else:
        assert vote.voting_until == made.voting_until
    told = "deliberation.opened_late" if moves else "deliberation.voting_opened"
    assert await Notice.exists(kind=told, subject_id=made.id, resident_id=people.mei.id)


async def test_a_discussion_that_is_over_already_cannot_be_proposed(people: People) -> None:
    with pytest.raises(BadDates):
        await deliberations.propose(people.lin, await lamp(people, discussion_until=await clock.now()))


# --- what a role rests on ---------------------------------------------------------------------------------------


async def resolved(people: People, rule: Rule, choice: dict[str, str]) -> Resolution:
    """What comes of a vote in which everybody votes alike."""
    vote = await in_voting(people, rule=rule)
    for who in ("lin", "mei", "wang", "chen", "zhao", "sun", "he", "ma"):
        await deliberations.cast(people[who], vote.id, choice)
    await deliberations.close(people.chen, vote.id)
    return await Resolution.get(deliberation_id=vote.id)


@pytest.mark.parametrize(("rule", "choice"), [(Rule.CONSULTATION, YES), (Rule.RESIDENTS_MEETING, NO)])
async def test_nobody_supervises_by_a_consultation_or_a_refusal(
    people: People, rule: Rule, choice: dict[str, str]
) -> None:
    resolution = await resolved(people, rule, choice)
    with pytest.raises(NoSuchResolution):
        await residents.grant_role(
            people.qian, people.jy, resident_id=people.mei.id, role=Role.SUPERVISOR, resolution_id=resolution.id
        )


async def test_a_supervisor_rests_on_a_resolution_of_his_own_community(people: People) -> None:
    resolution = await resolved(people, Rule.RESIDENTS_MEETING, YES)
    granted = await residents.grant_role(
        people.qian, people.jy, resident_id=people.mei.id, role=Role.SUPERVISOR, resolution_id=resolution.id
    )
    assert granted.resolution_id == resolution.id
    for place_id, resolution_id in ((people.yl, resolution.id), (people.jy, 10**6)):
        with pytest.raises(NoSuchResolution):
            await residents.grant_role(
                people.qian,
                place_id,
                resident_id=people.wang.id,
                role=Role.SUPERVISOR,
                resolution_id=resolution_id,
            )


async def test_the_result_holds_what_a_recount_of_the_ballots_gives(people: People) -> None:
    vote = await in_voting(people, rule=Rule.CONSULTATION)
    for who, choice in {"lin": YES, "mei": NO, "wang": YES}.items():
        await deliberations.cast(people[who], vote.id, choice)
    await deliberations.close(people.chen, vote.id)
    recount = await db.rows(
        "SELECT choice->>'choice' AS choice, count(*) AS votes FROM ballots WHERE deliberation_id = $1 GROUP BY 1",
        vote.id,
    )
    tally = json.loads(json.dumps((await Result.get(deliberation_id=vote.id)).tally))
    assert {line["choice"]: line["votes"] for line in tally if line["votes"]} == {
        line["choice"]: line["votes"] for line in recount
    }
