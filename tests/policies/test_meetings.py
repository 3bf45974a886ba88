"""Who may do what about meetings, petitions and what follows a resolution of 锦阳; 小林 started the petition."""

import pytest

from models.deliberations import Deliberation
from models.following import FollowUp
from models.meetings import Meeting, Petition
from services.policies import deliberations as deliberation_policies
from services.policies import meetings as policies
from tests.people import People


@pytest.mark.parametrize(
    ("who", "call", "run", "answer", "withdraw", "display", "finish", "choose"),
    [
        ("lin", False, False, False, True, False, False, False),
        ("mei", False, False, False, False, False, True, False),  # the task is hers
        ("guest", False, False, False, False, False, False, False),
        ("chen", True, True, True, False, True, True, True),
        ("zhao", True, True, True, False, True, True, True),
        ("sun", False, False, False, False, False, False, False),
        ("he", False, True, False, False, True, False, False),
        ("ma", False, True, False, False, True, False, False),
        ("wu", False, False, False, False, False, False, False),
        ("deng", False, False, False, False, False, False, False),
        ("qian", False, False, False, False, False, False, False),
        ("root", False, False, False, False, False, False, False),
    ],
)
async def test_who_may(
    people: People,
    who: str,
    call: bool,
    run: bool,
    answer: bool,
    withdraw: bool,
    display: bool,
    finish: bool,
    choose: bool,
) -> None:
    actor, here = people[who], people.jy
    petition = Petition(community_id=here, author_id=people.lin.id)
    task = FollowUp(community_id=here, assignee_id=people.mei.id)
    question = Deliberation(community_id=here, author_id=people.lin.id)
    assert policies.may_call(actor, here) is call
    assert policies.may_follow(actor, here) is call
    assert policies.may_review(actor, question) is call
    assert policies.may_run(actor, Meeting(community_id=here)) is run
    assert policies.may_answer(actor, petition) is answer
    assert policies.may_withdraw(actor, petition) is withdraw
    assert policies.may_display(actor, here) is display
    assert policies.may_finish(actor, task) is finish
    assert deliberation_policies.may_moderate(actor, question) is choose


@pytest.mark.parametrize(("who", "here"), [("lin", True), ("ma", True), ("guest", False), ("wu", False)])
async def test_tasks_are_given_to_those_who_live_or_work_here(people: People, who: str, here: bool) -> None:
    assert policies.may_be_assigned(people[who], people.jy) is here
