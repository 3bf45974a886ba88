"""Who calls for volunteers, who may be asked to lead, who leads, who confirms: 马社工 called, 阿梅 leads."""

from dataclasses import replace

import pytest

from models.volunteering import Activity
from services.policies import volunteering as policies
from tests.people import People


@pytest.mark.parametrize(
    ("who", "organises", "may_be_asked", "leads", "confirms"),
    [
        ("mei", False, True, True, True),
        ("ma", True, True, False, True),
        ("he", True, True, False, True),
        ("chen", True, True, False, True),
        ("lin", False, True, False, False),
        ("sun", False, True, False, False),
        ("guest", False, False, False, False),
        ("wu", False, False, False, False),
        ("deng", False, False, False, False),
        ("qian", False, False, False, False),
        ("root", False, False, False, False),
    ],
)
def test_who_may(people: People, who: str, organises: bool, may_be_asked: bool, leads: bool, confirms: bool) -> None:
    activity = Activity(community_id=people.jy, leader_id=people.mei.id, author_id=people.ma.id)
    assert policies.may_organise(people[who], people.jy) is organises
    assert policies.may_be_leader(people[who], people.jy) is may_be_asked
    assert policies.may_lead(people[who], activity) is leads
    assert policies.may_confirm_hours(people[who], activity) is confirms


@pytest.mark.parametrize("change", [{"suspended": True}, {"household_id": None, "community_id": None}])
def test_a_leader_who_was_suspended_or_moved_away_no_longer_leads(people: People, change: dict[str, None]) -> None:
    activity = Activity(community_id=people.jy, leader_id=people.mei.id, author_id=people.ma.id)
    assert not policies.may_lead(replace(people.mei, **change), activity)  # type: ignore[arg-type]
