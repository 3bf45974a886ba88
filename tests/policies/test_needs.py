"""Who may do what about a need of 锦阳 that 小林 wrote, 阿梅 stands behind, and 何楼长 posted."""

import pytest

from models.needs import Need
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
        ("he", True, True, True, True, True),  # posted it on 小林's behalf
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
    assert policies.speaks_for(actor, need) is withdraw


async def test_where_somebody_serves_is_where_he_is_staff(people: People) -> None:
    for who in ("lin", "guest", "chen", "he", "ma", "sun", "wu", "deng", "qian", "root"):
        actor = people[who]
        for community_id in (people.jy, people.yl):
            assert (community_id in actor.serves(*STAFF)) is actor.is_staff(community_id), who
            assert (community_id in actor.serves(Role.COMMITTEE)) is actor.is_committee(community_id), who
