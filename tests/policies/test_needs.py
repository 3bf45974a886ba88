"""Who may do what about a need of 锦阳 that 小林 wrote, 阿梅 stands behind, and 何楼长 posted."""

import pytest

from models.needs import Need, NeedLevel
from models.residents import Role
from services.policies import needs as policies
from services.policies.actor import STAFF
from tests.people import People


@pytest.mark.parametrize(
    ("who", "handle", "endorse", "rate", "reopen", "withdraw"),
    [
        ("lin", False, False, True, True, True),  # the author
        ("mei", False, True, True, True, False),  # an endorser
        ("wang", False, True, False, True, False),  # a neighbour
        ("guest", False, False, False, False, False),
        ("chen", True, True, False, True, False),
        ("sun", False, True, False, True, False),  # supervises, does not handle
        ("he", True, False, False, True, False),  # posted it on 小林's behalf; then he needs consent anew
        ("ma", True, True, False, True, False),
        ("wu", False, False, False, False, False),  # lives next door
        ("deng", False, False, False, False, False),  # sits on the committee next door
        ("qian", False, False, False, False, False),
        ("root", False, False, False, False, False),
    ],
)
async def test_who_may(
    people: People, who: str, handle: bool, endorse: bool, rate: bool, reopen: bool, withdraw: bool
) -> None:
    actor = people[who]
    need = Need(community_id=people.jy, author_id=people.lin.id, assistant_id=people.he.id)
    need.endorsed_by_me = who == "mei"
    assert policies.may_handle(actor, need) is handle
    assert policies.may_endorse(actor, need) is endorse
    assert policies.may_rate(actor, need) is rate
    assert policies.may_reopen(actor, need) is reopen
    assert policies.is_author(actor, need) is withdraw


@pytest.mark.parametrize(
    ("who", "near_by", "committee", "street", "district", "street_overdue"),
    [
        ("lin", False, False, False, False, False),
        ("chen", True, True, False, False, True),  # the committee
        ("he", True, False, False, False, True),  # heads a building
        ("ma", True, False, False, False, True),  # social worker
        ("sun", False, False, False, False, False),
        ("deng", False, False, False, False, False),  # the committee next door
        ("qian", False, False, True, False, True),  # the street
        ("root", False, False, False, True, False),  # the district
    ],
)
async def test_who_handles_it_at_which_level(
    people: People, who: str, near_by: bool, committee: bool, street: bool, district: bool, street_overdue: bool
) -> None:
    actor = people[who]
    need = Need(community_id=people.jy, author_id=people.lin.id)
    for level, may in zip(NeedLevel, (near_by, committee, street, district), strict=True):
        need.level = level
        assert policies.may_handle(actor, need) is may, level
        assert policies.may_hand_back(actor, need) is may, level
    need.level, need.overdue = NeedLevel.STREET, True
    assert policies.may_handle(actor, need) is street_overdue
    assert policies.may_hand_back(actor, need) is street
    assert policies.may_set_urgency(actor, need) is (who == "chen")


@pytest.mark.parametrize(
    ("who", "near_by", "committee", "street", "district"),
    [
        ("he", "community", "street", "district", None),
        ("ma", "community", "street", "district", None),
        ("chen", "street", "street", "district", None),
        ("qian", "district", "district", "district", None),
        ("root", None, None, None, None),
    ],
)
async def test_where_the_next_level_is(
    people: People, who: str, near_by: str, committee: str, street: str, district: str
) -> None:
    need = Need(community_id=people.jy, author_id=people.lin.id)
    for level, above in zip(NeedLevel, (near_by, committee, street, district), strict=True):
        need.level = level
        assert policies.level_above(people[who], need) == above, level


async def test_where_somebody_serves_is_where_he_is_staff(people: People) -> None:
    for who in ("lin", "guest", "chen", "he", "ma", "sun", "wu", "deng", "qian", "root"):
        actor = people[who]
        for community_id in (people.jy, people.yl):
            assert (community_id in actor.serves(*STAFF)) is actor.is_staff(community_id), who
            assert (community_id in actor.serves(Role.COMMITTEE)) is actor.is_committee(community_id), who
