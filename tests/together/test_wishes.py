"""Claims at once: exactly as many as asked for, three at a time each, and the same with the index gone shows why."""

import pytest

from app.core import db
from models.wishes import Wish, WishClaim, WishClaimState, WishKind, WishState
from services import wishes
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.together.crowd import neighbours, outcomes, outcomes_neck_and_neck

ALL_WISHES = "SELECT id FROM wishes FOR NO KEY UPDATE"


async def opened(people: People, claimers: int = 1) -> Wish:
    wish = await passed(
        await wishes.post(
            people.wang,
            community_id=people.jy,
            kind=WishKind.GOODS,
            title="想要一台收音机",
            body="想听戏",
            claimers=claimers,
        )
    )
    return await wishes.approve(people.zhao, wish.id)


async def without(index: str) -> None:
    async with db.tx():
        await as_owner(lambda: db.execute(f"DROP INDEX {index}"))


async def live(**narrowed: int) -> int:
    return await WishClaim.filter(**narrowed).exclude(state=WishClaimState.RELEASED).count()


async def test_of_two_hundred_one_wins(people: People, committed: str) -> None:
    wish = await opened(people)
    crowd = await neighbours(people, 200)
    claims = [wishes.claim(actor, wish.id) for actor in crowd]
    ended = await outcomes_neck_and_neck(claims, behind=ALL_WISHES, at_once=10)
    assert ended == {"ok": 1, "AlreadyClaimed": 199}
    assert await live(wish_id=wish.id) == 1
    assert (await Wish.get(id=wish.id)).state is WishState.CLAIMED


async def test_without_the_index_on_slots_more_than_one_would_win(people: People, committed: str) -> None:
    await without("wish_claims_one_per_slot")
    wish = await opened(people)
    crowd = await neighbours(people, 200)
    claims = [wishes.claim(actor, wish.id) for actor in crowd]
    assert (await outcomes_neck_and_neck(claims, behind=ALL_WISHES, at_once=10))["ok"] >= 10
    assert await live(wish_id=wish.id) >= 10


@pytest.mark.parametrize("claimers", [3, 10])
async def test_a_shared_wish_is_claimed_by_exactly_as_many(people: People, committed: str, claimers: int) -> None:
    wish = await opened(people, claimers)
    crowd = await neighbours(people, 60)
    ended = await outcomes(wishes.claim(actor, wish.id) for actor in crowd)
    assert ended == {"ok": claimers, "AlreadyClaimed": 60 - claimers}
    assert (await Wish.get(id=wish.id)).state is WishState.CLAIMED
    slots = await WishClaim.filter(wish_id=wish.id).values_list("slot", flat=True)
    assert sorted(slots) == list(range(1, claimers + 1))


async def test_one_neighbour_reaching_for_twelve_gets_three(people: People, committed: str) -> None:
    made = [await opened(people) for _ in range(12)]
    claims = [wishes.claim(people.lin, wish.id) for wish in made]
    ended = await outcomes_neck_and_neck(claims, behind=ALL_WISHES, at_once=10)
    assert ended == {"ok": 3, "TooManyClaims": 9}
    assert await live(resident_id=people.lin.id) == 3


async def test_without_the_index_on_hands_he_would_get_more(people: People, committed: str) -> None:
    await without("wish_claims_one_per_hand")
    made = [await opened(people) for _ in range(12)]
    claims = [wishes.claim(people.lin, wish.id) for wish in made]
    assert (await outcomes_neck_and_neck(claims, behind=ALL_WISHES, at_once=10))["ok"] >= 10


async def test_one_neighbour_claims_a_shared_wish_once_however_often_he_taps(people: People, committed: str) -> None:
    wish = await opened(people, 5)
    assert await outcomes(wishes.claim(people.lin, wish.id) for _ in range(20)) == {"ok": 1, "AlreadyClaimed": 19}


async def test_claiming_while_it_is_withdrawn_leaves_no_claim_on_a_withdrawn_wish(
    people: People, committed: str
) -> None:
    crowd = await neighbours(people, 10)
    for _ in range(5):
        wish = await opened(people)
        ended = await outcomes(
            [*(wishes.claim(actor, wish.id) for actor in crowd), wishes.withdraw(people.wang, wish.id)]
        )
        assert set(ended) <= {"ok", "AlreadyClaimed", "InvalidState", "TooManyClaims"}
        state = (await Wish.get(id=wish.id)).state
        assert (state, await live(wish_id=wish.id)) in {(WishState.WITHDRAWN, 0), (WishState.CLAIMED, 1)}


async def test_reporting_giving_back_and_running_out_at_once_end_a_claim_one_way(
    people: People, committed: str
) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    await db.execute("UPDATE wish_claims SET due_at = clock_now() WHERE wish_id = $1", wish.id)
    running_out = [wishes.release_run_out() for _ in range(5)]
    by_hand = [wishes.release(people.lin, wish.id), wishes.fulfil(people.lin, wish.id, note="已送到")]
    await outcomes([*running_out, *by_hand])
    told = await db.value("SELECT count(*) FROM events WHERE verb = 'wish.released' AND subject_id = $1", wish.id)
    assert told == 1
    assert (await Wish.get(id=wish.id)).state is WishState.OPEN
    assert await live(wish_id=wish.id) == 0
