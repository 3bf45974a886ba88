"""Talking: support, the pinned answer, hiding with a reason, on needs, deliberations and campaigns alike; options."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.core.errors import AlreadyExists, DomainError, Forbidden, Invalid, InvalidState, NotFound, NotVerified
from app.core.pages import Page
from models.base import Moderation
from models.comments import Comment
from models.deliberations import BallotKind, Deliberation, NotChecked, Option, SameOption
from models.events import Event, Notice
from models.moderation import Check, CheckState
from models.needs import NeedField, ServiceClass
from models.proposals import DiscussionOver, OptionProposalState
from services import comments, crowdfunding, deliberations, needs
from services.policies import Actor
from tests.passing import passed
from tests.people import People
from tests.raising import opened
from tests.services.test_deliberations import lamp

Move = Callable[[timedelta], Awaitable[None]]
Say = Callable[[Actor, str], Awaitable[Comment]]
List = Callable[[Actor], Awaitable[list[Comment]]]


async def about_a_need(people: People) -> tuple[str, Say, List]:
    made = await passed(
        await needs.submit(
            people.lin,
            community_id=people.jy,
            service_class=ServiceClass.CARE,
            field=NeedField.SAFETY,
            title="楼道灯坏了",
            body="晚上看不见。",
        )
    )

    async def say(actor: Actor, body: str) -> Comment:
        return await passed(await needs.comment(actor, made.id, body=body))

    async def listed(actor: Actor) -> list[Comment]:
        return (await needs.listed_comments(actor, made.id, page=Page())).items

    return "need", say, listed


async def about_a_question(people: People) -> tuple[str, Say, List]:
    made = await in_discussion(people)

    async def say(actor: Actor, body: str) -> Comment:
        return await passed(await deliberations.comment(actor, made.id, body=body))

    async def listed(actor: Actor) -> list[Comment]:
        return (await deliberations.comments_on(actor, made.id, page=Page())).items

    return "deliberation", say, listed


async def about_a_campaign(people: People) -> tuple[str, Say, List]:
    made = await opened(people)

    async def say(actor: Actor, body: str) -> Comment:
        return await passed(await crowdfunding.comment(actor, made.id, body=body))

    async def listed(actor: Actor) -> list[Comment]:
        return (await crowdfunding.comments_on(actor, made.id, page=Page())).items

    return "campaign", say, listed


async def in_discussion(people: People, **other: object) -> Deliberation:
    made = await passed(await deliberations.propose(people.lin, await lamp(people, **other)))
    return await deliberations.open_discussion(people.chen, made.id)


ABOUT = pytest.mark.parametrize("about", [about_a_need, about_a_question, about_a_campaign])


@ABOUT
async def test_neighbours_support_a_comment_and_the_answer_stands_on_top(
    people: People, about: Callable[[People], Awaitable[tuple[str, Say, List]]]
) -> None:
    kind, say, listed = await about(people)
    first = await say(people.mei, "我家门口也坏了")
    answer = await say(people.chen, "周五前修好")
    newest = await say(people.wang, "谢谢")
    for _ in range(2):
        seen = await comments.support(people.lin, first.id)
        assert (seen.supports, seen.supported_by_me) == (1, True)
    assert (await comments.support(people.wang, first.id)).supports == 2
    for _ in range(2):
        seen = await comments.unsupport(people.wang, first.id)
        assert (seen.supports, seen.supported_by_me) == (1, False)
    pinned = await comments.pin(people.zhao, answer.id)
    assert pinned.pinned
    assert [one.id for one in await listed(people.lin)] == [answer.id, newest.id, first.id]
    assert [(one.supports, one.supported_by_me) for one in await listed(people.lin)][-1] == (1, True)
    better = await say(people.zhao, "周四就修")
    await comments.pin(people.chen, better.id)
    assert [one.pinned for one in await listed(people.mei)] == [True, False, False, False]
    assert (await listed(people.mei))[0].id == better.id
    await comments.unpin(people.chen, better.id)
    assert not any(one.pinned for one in await listed(people.mei))
    assert await Event.filter(verb=f"{kind}.answer_pinned").count() == 2


@ABOUT
async def test_the_committee_hides_and_says_why(
    people: People, about: Callable[[People], Awaitable[tuple[str, Say, List]]]
) -> None:
    kind, say, listed = await about(people)
    rude = await say(people.mei, "你们都是骗子")
    await say(people.wang, "请文明发言")
    hidden = await comments.hide(people.chen, rude.id, reason="辱骂他人")
    assert (hidden.moderation, hidden.hidden_reason) == (Moderation.HIDDEN, "辱骂他人")
    assert rude.id not in [one.id for one in await listed(people.lin)]
    own = next(one for one in await listed(people.mei) if one.id == rude.id)
    assert own.hidden_reason == "辱骂他人"
    told = await Notice.get(kind="comment.hidden", resident_id=people.mei.id)
    assert (told.subject_kind, told.subject_id) == ("comment", rude.id)
    event = await Event.get(verb=f"{kind}.comment_hidden")
    assert (event.actor_id, event.facts["comment_id"]) == (people.chen.id, rude.id)
    with pytest.raises(InvalidState):
        await comments.hide(people.zhao, rude.id, reason="再次")
    with pytest.raises(NotFound):
        await comments.support(people.lin, rude.id)


async def test_the_history_of_the_thing_shows_everybody_what_was_hidden_and_why(people: People) -> None:
    question = await in_discussion(people)
    rude = await passed(await deliberations.comment(people.mei, question.id, body="骗子"))
    await passed(await comments.hide(people.chen, rude.id, reason="辱骂他人"))
    line = (await deliberations.detail(people.wu, question.id)).timeline[-1]
    assert (line.verb, line.reason, line.by) == ("deliberation.comment_hidden", "辱骂他人", "committee")


@pytest.mark.parametrize(
    ("who", "support", "pin", "hide"),
    [
        ("lin", None, Forbidden, Forbidden),
        ("mei", Forbidden, Forbidden, Forbidden),  # her own words
        ("guest", NotVerified, Forbidden, Forbidden),
        ("wu", Forbidden, Forbidden, Forbidden),
        ("deng", Forbidden, Forbidden, Forbidden),
        ("ma", None, Forbidden, Forbidden),
        ("sun", None, Forbidden, Forbidden),
        ("qian", NotVerified, Forbidden, Forbidden),
        ("chen", None, Forbidden, None),  # pins the committee's words only
    ],
)
async def test_who_may(
    people: People,
    who: str,
    support: type[DomainError] | None,
    pin: type[DomainError] | None,
    hide: type[DomainError] | None,
) -> None:
    _, say, _ = await about_a_question(people)
    said = await say(people.mei, "支持")
    for refusal, deed in (
        (support, lambda: comments.support(people[who], said.id)),
        (pin, lambda: comments.pin(people[who], said.id)),
        (hide, lambda: comments.hide(people[who], said.id, reason="离题")),
    ):
        if refusal is None:
            await deed()
        else:
            with pytest.raises(refusal) as refused:
                await deed()
            assert type(refused.value) is refusal


async def test_a_comment_is_behind_the_door_of_its_thing(people: People) -> None:
    _, say, _ = await about_a_campaign(people)
    said = await say(people.mei, "灯具贵不贵")
    for stranger in (people.wu, people.deng, people.guest):
        with pytest.raises(NotFound):
            await comments.support(stranger, said.id)
        with pytest.raises(NotFound):
            await comments.find(stranger, said.id)


async def test_only_a_first_level_comment_that_is_shown_is_pinned(people: People) -> None:
    question = await in_discussion(people)
    first = await passed(await deliberations.comment(people.mei, question.id, body="何时装"))
    answer = await passed(await deliberations.comment(people.chen, question.id, body="下月", parent_id=first.id))
    with pytest.raises(Invalid):
        await comments.pin(people.chen, answer.id)
    unchecked = await deliberations.comment(people.chen, question.id, body="下月五号")
    with pytest.raises(InvalidState):
        await comments.pin(people.chen, unchecked.id)


async def test_what_is_hidden_by_hand_is_not_shown_by_a_check_that_comes_later(people: People) -> None:
    question = await in_discussion(people)
    said = await deliberations.comment(people.mei, question.id, body="骗子")
    await comments.hide(people.chen, said.id, reason="辱骂")
    check = await Check.get(subject_kind="comment", subject_id=said.id)
    assert check.state is CheckState.HIDDEN
    assert (await Comment.get(id=said.id)).moderation is Moderation.HIDDEN


# --- options ----------------------------------------------------------------------------------------------------


async def colours(people: People) -> Deliberation:
    return await in_discussion(people, ballot_kind=BallotKind.APPROVAL, options=("红", "黄"), max_choices=2)


async def test_an_option_is_proposed_and_taken_in(people: People) -> None:
    question = await colours(people)
    wish = await passed(await deliberations.propose_option(people.mei, question.id, title="蓝"))
    assert {notice.resident_id for notice in await Notice.filter(kind="option_proposal.made", subject_id=wish.id)} == {
        people.lin.id,
        people.chen.id,
        people.zhao.id,
    }
    taken = await deliberations.accept_option(people.chen, wish.id)
    assert taken.state is OptionProposalState.ACCEPTED
    vote = await deliberations.open_voting(people.chen, question.id)
    blue = await Option.get(deliberation_id=question.id, title="蓝")
    assert blue.position == 3
    await deliberations.cast(people.wang, vote.id, {"option_ids": [blue.id]})
    assert await Notice.exists(kind="option_proposal.accepted", resident_id=people.mei.id)


async def test_where_all_could_be_named_all_still_can(people: People) -> None:
    question = await in_discussion(people, ballot_kind=BallotKind.APPROVAL, options=("红", "黄"))
    wish = await passed(await deliberations.propose_option(people.mei, question.id, title="蓝"))
    with pytest.raises(Forbidden):  # her own question, but the committee decides
        await deliberations.accept_option(people.lin, wish.id)
    with pytest.raises(Forbidden):
        await deliberations.decline_option(people.lin, wish.id, reason="不要")
    await deliberations.accept_option(people.chen, wish.id)
    vote = await deliberations.open_voting(people.chen, question.id)
    assert vote.max_choices == 3
    everything = [option.id for option in await Option.filter(deliberation_id=vote.id)]
    await deliberations.cast(people.wang, vote.id, {"option_ids": everything})


async def test_a_project_is_proposed_with_what_it_costs(people: People) -> None:
    asked = {"ballot_kind": BallotKind.BUDGET, "options": ("灯", "椅"), "costs_fen": (100, 200), "budget_fen": 500}
    question = await in_discussion(people, **asked)
    with pytest.raises(Invalid):
        await deliberations.propose_option(people.mei, question.id, title="花坛")
    wish = await passed(await deliberations.propose_option(people.mei, question.id, title="花坛", cost_fen=300))
    await deliberations.accept_option(people.chen, wish.id)
    assert (await Option.get(deliberation_id=question.id, title="花坛")).cost_fen == 300


async def test_an_option_is_declined_with_a_reason_or_taken_back(people: People) -> None:
    question = await colours(people)
    black = await passed(await deliberations.propose_option(people.mei, question.id, title="黑"))
    await passed(await deliberations.decline_option(people.chen, black.id, reason="夜间看不清"))
    line = (await deliberations.detail(people.wu, question.id)).timeline[-1]
    assert (line.verb, line.reason) == ("deliberation.option_declined", "夜间看不清")
    again = await passed(await deliberations.propose_option(people.mei, question.id, title="黑"))
    with pytest.raises(Forbidden):
        await deliberations.withdraw_option(people.wang, again.id)
    await deliberations.withdraw_option(people.mei, again.id)
    with pytest.raises(InvalidState):
        await deliberations.accept_option(people.chen, again.id)
    states = [one.state for one in (await deliberations.option_proposals(people.wu, question.id, page=Page())).items]
    assert states == [OptionProposalState.WITHDRAWN, OptionProposalState.DECLINED]


async def test_options_are_refused_by_name(people: People) -> None:
    question = await colours(people)
    for who, refusal in (("guest", NotVerified), ("wu", Forbidden)):
        with pytest.raises(refusal):
            await deliberations.propose_option(people[who], question.id, title="蓝")
    with pytest.raises(SameOption):
        await deliberations.propose_option(people.mei, question.id, title="红")
    blue = await deliberations.propose_option(people.mei, question.id, title="蓝")
    with pytest.raises(AlreadyExists):
        await deliberations.propose_option(people.wang, question.id, title="蓝")
    with pytest.raises(NotChecked):
        await deliberations.accept_option(people.chen, blue.id)
    with pytest.raises(NotFound):
        await deliberations.find_option_proposal(people.wang, blue.id)
    await passed(blue)
    for outsider in (people.mei, people.ma, people.deng):
        with pytest.raises(Forbidden):
            await deliberations.accept_option(outsider, blue.id)
    yes_no = await in_discussion(people)
    with pytest.raises(Invalid):
        await deliberations.propose_option(people.mei, yes_no.id, title="也许")
    with pytest.raises(Invalid):
        await deliberations.propose_option(people.mei, question.id, title="绿", cost_fen=100)
    await deliberations.open_voting(people.chen, question.id)
    with pytest.raises(DiscussionOver):
        await deliberations.propose_option(people.mei, question.id, title="绿")
    with pytest.raises(DiscussionOver):
        await deliberations.accept_option(people.chen, blue.id)
    await deliberations.decline_option(people.chen, blue.id, reason="已经开始表决")
