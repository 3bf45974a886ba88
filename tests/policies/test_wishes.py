"""Who may do what about a wish of 锦阳 that is 王伯's and that 马社工 posted."""

import pytest

from models.wishes import Wish
from services.policies import wishes as policies
from tests.people import People


@pytest.mark.parametrize(
    ("who", "approve", "claim", "confirm", "withdraw", "sees_claims"),
    [
        ("wang", False, False, True, True, True),  # the wisher
        ("ma", False, False, True, True, True),  # posted it
        ("lin", False, True, False, False, False),
        ("guest", False, False, False, False, False),
        ("chen", True, True, False, True, True),
        ("he", False, True, False, False, True),
        ("sun", False, True, False, False, False),
        ("wu", False, False, False, False, False),
        ("deng", False, False, False, False, False),
        ("qian", False, False, False, False, False),
    ],
)
async def test_who_may(
    people: People, who: str, approve: bool, claim: bool, confirm: bool, withdraw: bool, sees_claims: bool
) -> None:
    actor = people[who]
    wish = Wish(community_id=people.jy, author_id=people.wang.id, assistant_id=people.ma.id)
    assert policies.may_approve(actor, wish) is approve
    assert (actor.lives_in(people.jy) and not policies.is_own(wish, actor.id)) is claim
    assert policies.speaks_for(actor, wish) is confirm
    assert policies.may_withdraw(actor, wish) is withdraw
    assert policies.sees_all_claims(actor, wish) is sees_claims


async def test_nobody_approves_his_own_wish(people: People) -> None:
    wish = Wish(community_id=people.jy, author_id=people.chen.id)
    assert not policies.may_approve(people.chen, wish)
    assert policies.may_approve(people.zhao, wish)


@pytest.mark.parametrize(
    ("who", "consents", "extends", "reads_the_log", "resolves", "side"),
    [
        ("wang", True, True, True, False, "wisher"),
        ("ma", False, True, True, False, "wisher"),  # posted it
        ("lin", False, False, False, False, "claimer"),  # claimed it
        ("zhao", False, False, True, False, "claimer"),  # on the committee, and claimed it
        ("chen", False, True, True, True, "committee"),
        ("he", False, False, False, False, None),
        ("wu", False, False, False, False, None),
        ("deng", False, False, False, False, None),
    ],
)
async def test_who_may_while_it_is_claimed_by_lin_and_zhao(
    people: People, who: str, consents: bool, extends: bool, reads_the_log: bool, resolves: bool, side: str | None
) -> None:
    actor = people[who]
    wish = Wish(community_id=people.jy, author_id=people.wang.id, assistant_id=people.ma.id)
    wish.claimed_by_me = who in ("lin", "zhao")
    assert policies.may_consent(actor, wish) is consents
    assert policies.may_extend(actor, wish) is extends
    assert policies.may_read_disclosures(actor, wish) is reads_the_log
    assert policies.may_resolve(actor, wish) is resolves
    assert policies.side(actor, wish) == side
