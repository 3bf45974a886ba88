"""Every kind of ballot from cast to archive; secret votes that nothing joins to their voters; what is published."""

import base64
import json
import random
import re
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tortoise.exceptions import IntegrityError

from app.core import clock, db, signing
from app.core.errors import DomainError, Forbidden, InvalidState, NotFound
from app.core.pages import Page
from models.deliberations import (
    Archive,
    BadChoice,
    Ballot,
    BallotKind,
    BudgetCount,
    Deliberation,
    DeliberationState,
    Elector,
    Form,
    NonceMisfits,
    NonceUsed,
    Resolution,
    Roll,
    Rule,
    SecretBallot,
    SecretVote,
    VoteClosed,
)
from models.events import Event
from models.rolls import AlreadyVoted
from services import deliberations
from services.deliberations import Proposal
from services.rules import budget, runoff
from services.rules.notes import Key
from services.rules.tally import receipt
from services.verification import verify
from tests.passing import passed
from tests.people import People
from tests.recount import signed_by, verified

EVERYBODY = ("lin", "mei", "wang", "chen", "zhao", "sun", "he", "ma")
COLOURS = ("红", "黄", "蓝")
COSTS = (300_00, 500_00, 600_00)
YES, NO = {"choice": "yes"}, {"choice": "no"}


async def in_voting(people: People, kind: BallotKind, **other: Any) -> tuple[Deliberation, list[int]]:
    """A running vote of a kind, and the ids of its options."""
    now = await clock.now()
    of_kind: dict[str, Any] = {} if kind is BallotKind.YES_NO else {"options": COLOURS}
    if kind is BallotKind.BUDGET:
        of_kind |= {"costs_fen": COSTS, "budget_fen": 1_000_00}
    made = await passed(
        await deliberations.propose(
            people.lin,
            Proposal(
                **{
                    "community_id": people.jy,
                    "form": Form.OPEN,
                    "title": "楼道刷什么颜色",
                    "body": "三种颜色。",
                    "ballot_kind": kind,
                    "roll": Roll.RESIDENTS,
                    "rule": Rule.CONSULTATION,
                    "discussion_until": now + timedelta(days=7),
                    "voting_until": now + timedelta(days=14),
                    **of_kind,
                    **other,
                }
            ),
        )
    )
    await deliberations.open_discussion(people.chen, made.id)
    vote = await deliberations.open_voting(people.chen, made.id)
    return vote, [option.id for option in vote.options]


async def all_cast(people: People, vote: Deliberation, choices: Sequence[dict[str, Any]]) -> list[tuple[str, bytes]]:
    """Each of the choices by one of the cast; the receipts and nonces."""
    kept = []
    for who, choice in zip(EVERYBODY, choices, strict=False):
        nonce = random.randbytes(16)
        sent = await deliberations.cast(people[who], vote.id, choice, nonce=nonce if vote.secret else None)
        kept.append((sent, nonce))
    return kept


# --- every kind, from the cast to the archive ---------------------------------------------------------------------


async def test_scores_are_added_up(people: People, tmp_path: Path) -> None:
    vote, (red, yellow, blue) = await in_voting(people, BallotKind.SCORE)
    assert vote.max_score == 10
    await all_cast(
        people,
        vote,
        [{"scores": {str(red): 10, str(yellow): 0}}, {"scores": {str(red): 3, str(blue): 7}}],
    )
    await deliberations.close(people.chen, vote.id)
    result = (await deliberations.outcome(vote.id)).result
    assert [(line["option_id"], line["votes"], line["score"], line["selected"]) for line in result.tally] == [
        (red, 2, 13, True),
        (yellow, 0, 0, False),
        (blue, 1, 7, False),
    ]
    assert "红 13 分" in result.explanation_zh
    assert "red" not in result.explanation_en
    assert "All holds." in verified((await deliberations.published(vote.id)).content, tmp_path)


async def test_a_ranked_vote_is_counted_in_rounds(people: People, tmp_path: Path) -> None:
    vote, (red, yellow, blue) = await in_voting(people, BallotKind.RANKED, rule=Rule.RESIDENTS_MEETING)
    await all_cast(
        people,
        vote,
        [
            {"ranking": ranking}
            for ranking in ([red], [red], [red, yellow], [yellow, red], [yellow], [blue, yellow], [blue, yellow])
        ]
        + [{"ranking": [yellow, blue, red]}],
    )
    await deliberations.close(people.chen, vote.id)  # all eight have voted
    outcome = await deliberations.outcome(vote.id)
    assert [(line["votes"], line["rounds"], line["selected"], line["passed"]) for line in outcome.result.tally] == [
        (3, [3, 3], False, False),
        (5, [3, 5], True, True),
        (2, [2], False, False),
    ]
    assert "第 2 轮" in outcome.result.explanation_zh
    assert (await Resolution.get(deliberation_id=vote.id)).passed is True
    assert "All holds." in verified((await deliberations.published(vote.id)).content, tmp_path)


@pytest.mark.parametrize(
    ("count", "chosen"), [(BudgetCount.GREEDY, [True, False, True]), (BudgetCount.EQUAL_SHARES, [False, False, True])]
)
async def test_a_budget_is_spent(people: People, tmp_path: Path, count: BudgetCount, chosen: list[bool]) -> None:
    vote, (red, yellow, blue) = await in_voting(
        people, BallotKind.BUDGET, budget_count=count, rule=Rule.RESIDENTS_MEETING
    )
    named = ([blue], [blue], [blue, yellow], [blue, red], [blue, red], [red], [yellow], [yellow])
    await all_cast(people, vote, [{"option_ids": ids} for ids in named])
    closed = await deliberations.close(people.chen, vote.id)
    assert closed.state is DeliberationState.DECIDED
    result = (await deliberations.outcome(vote.id)).result
    assert [(line["votes"], line["cost_fen"], line["selected"]) for line in result.tally] == [
        (3, 300_00, chosen[0]),
        (3, 500_00, chosen[1]),
        (5, 600_00, chosen[2]),
    ]
    resolution = await Resolution.get(deliberation_id=vote.id)  # a budget chooses; that a majority is in favour it
    assert (resolution.passed, resolution.binding) == (None, False)  # does not say
    assert "All holds." in verified((await deliberations.published(vote.id)).content, tmp_path)


async def test_without_a_word_on_it_a_budget_is_counted_by_votes(people: People) -> None:
    vote, _ = await in_voting(people, BallotKind.BUDGET)
    assert vote.ballot["count"] is BudgetCount.GREEDY


@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize("kind", list(BallotKind))
async def test_every_receipt_is_found_in_the_archive(
    people: People, tmp_path: Path, kind: BallotKind, secret: bool
) -> None:
    vote, ids = await in_voting(people, kind, secret=secret)
    by_kind: dict[BallotKind, list[dict[str, Any]]] = {
        BallotKind.YES_NO: [YES, NO, YES, {"choice": "abstain"}, NO],
        BallotKind.SINGLE: [{"option_id": one} for one in (*ids, *ids[:2])],
        BallotKind.APPROVAL: [{"option_ids": ids[:n]} for n in (1, 2, 3, 1, 2)],
        BallotKind.SCORE: [{"scores": {str(one): n for one in ids}} for n in range(5)],
        BallotKind.RANKED: [{"ranking": ids[n % 3 :]} for n in range(5)],
        BallotKind.BUDGET: [{"option_ids": ids[n % 3 :]} for n in range(5)],
    }
    kept = await all_cast(people, vote, by_kind[kind])
    await deliberations.close(people.chen, vote.id)
    archive = await deliberations.published(vote.id)
    content = json.loads(archive.content)
    assert len(content["ballots"]) == 5
    assert content["roll"]["hash"] == vote.roll_hash
    head = content["head"]
    signature = base64.b64decode(head["signature"])
    assert signing.is_signed(head["text"], signature, signing.signer().public_key)
    assert head["text"].split()[2] == archive.digest
    for (sent, nonce), choice in zip(kept[:2], by_kind[kind], strict=False):
        assert f'"{next(iter(choice))}"' in verified(archive.content, tmp_path, "--receipt", sent)
        if secret:
            assert sent == receipt(vote.id, choice, nonce)
            verified(archive.content, tmp_path, "--choice", json.dumps(choice), "--nonce", nonce.hex())


MISFITS: dict[BallotKind, list[Any]] = {
    BallotKind.YES_NO: [{"choice": "maybe"}, {"option_id": 1}, {"ranking": []}],
    BallotKind.SINGLE: [{"option_id": 10**9}, {"option_ids": ["red"]}, {"choice": "yes"}],
    BallotKind.APPROVAL: [{"option_ids": []}, {"option_ids": ["red", "red"]}, {"ranking": ["red"]}],
    BallotKind.SCORE: [
        {"scores": {"red": 11}},
        {"scores": {"red": -1}},
        {"scores": {"red": 1.5}},
        {"scores": {"red": "5"}},
        {"scores": {"99999999": 5}},
        {"scores": ["red"]},
        {"option_ids": ["red"]},
    ],
    BallotKind.RANKED: [{"ranking": ["red", "red"]}, {"ranking": [10**9]}, {"ranking": {}}, {"option_ids": ["red"]}],
    BallotKind.BUDGET: [{"option_ids": ["red", "red"]}, {"option_ids": ["red", "yellow", "blue"]}, {"ranking": []}],
}


@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize("kind", list(BallotKind))
async def test_a_choice_fits_its_vote(people: People, kind: BallotKind, secret: bool) -> None:
    other: dict[str, Any] = {"max_choices": 2} if kind in (BallotKind.BUDGET, BallotKind.APPROVAL) else {}
    vote, ids = await in_voting(people, kind, secret=secret, **other)
    names = dict(zip(("red", "yellow", "blue"), ids, strict=False))
    for misfit in MISFITS[kind]:
        text = json.dumps(misfit)
        for name, id_ in names.items():
            text = text.replace(f'"{name}":', f'"{id_}":').replace(f'"{name}"', str(id_))
        with pytest.raises(BadChoice):
            await deliberations.cast(people.mei, vote.id, json.loads(text), nonce=bytes(16) if secret else None)
    assert not (await deliberations.detail(people.mei, vote.id)).has_voted


@given(data=st.data())
@pytest.mark.no_database
def test_the_counts_agree_with_brute_force(data: st.DataObject) -> None:
    """Small elections, counted as one would by hand."""
    options = list(range(1, data.draw(st.integers(2, 4)) + 1))
    rankings = data.draw(st.lists(st.permutations(options).flatmap(_beginnings), max_size=7))
    winner, _ = runoff.instant_runoff(options, [(ranking, 1) for ranking in rankings])
    assert winner == _run_off_by_hand(options, rankings)
    costs = {one: data.draw(st.integers(1, 6)) for one in options}
    named = data.draw(st.lists(st.sets(st.sampled_from(options)), max_size=6))
    left, bought = data.draw(st.integers(1, 12)), []
    chosen = [one.project for one in budget.greedy(costs, [(sorted(one), 1) for one in named], left)]
    for votes in range(len(named), 0, -1):
        for one in sorted(options, key=lambda o: (costs[o], o)):
            if sum(one in ballot for ballot in named) == votes and costs[one] <= left:
                bought.append(one)
                left -= costs[one]
    assert chosen == bought


def _beginnings(ranking: list[int]) -> st.SearchStrategy[list[int]]:
    return st.integers(0, len(ranking)).map(lambda n: list(ranking)[:n])


def _run_off_by_hand(options: list[int], rankings: list[list[int]]) -> int | None:
    standing, past = list(options), list[dict[int, int]]()
    while True:
        firsts = [next((one for one in ranking if one in standing), None) for ranking in rankings]
        votes = {one: firsts.count(one) for one in standing}
        past.insert(0, votes)
        worst = min(standing, key=lambda one: ([before[one] for before in past], -one))
        best = max(standing, key=lambda one: ([before[one] for before in past], -one))
        if len(standing) <= 2 or 2 * votes[best] > len(rankings):
            return best if votes[best] else None
        standing.remove(worst)


# --- secret votes ---------------------------------------------------------------------------------------------------


async def test_a_secret_ballot_is_cast_once_and_bears_the_voters_own_nonce(people: People) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True)
    nonce = bytes(range(16))
    assert await deliberations.cast(people.lin, vote.id, YES, nonce=nonce) == receipt(vote.id, YES, nonce)
    for again in (YES, NO):
        with pytest.raises(AlreadyVoted):
            await deliberations.cast(people.lin, vote.id, again, nonce=random.randbytes(16))
    with pytest.raises(AlreadyVoted):  # the very same sent again as well
        await deliberations.cast(people.lin, vote.id, YES, nonce=nonce)
    seen = await deliberations.detail(people.lin, vote.id)
    assert (seen.my_ballot, seen.has_voted) == (None, True)
    assert not (await deliberations.detail(people.mei, vote.id)).has_voted
    assert await SecretBallot.filter(deliberation_id=vote.id).count() == 1
    assert not await Ballot.exists(deliberation_id=vote.id)


async def test_who_casts_secretly_brings_a_nonce_and_nobody_else_does(people: People) -> None:
    secret, _ = await in_voting(people, BallotKind.YES_NO, secret=True)
    open_, _ = await in_voting(people, BallotKind.YES_NO)
    with pytest.raises(NonceMisfits):
        await deliberations.cast(people.lin, secret.id, YES)
    with pytest.raises(NonceMisfits):
        await deliberations.cast(people.lin, open_.id, YES, nonce=bytes(16))
    await deliberations.cast(people.lin, secret.id, YES, nonce=bytes(16))
    with pytest.raises(NonceUsed):  # two with one receipt could not both find their ballot
        await deliberations.cast(people.mei, secret.id, YES, nonce=bytes(16))
    await deliberations.cast(people.mei, secret.id, YES, nonce=bytes(17))


@pytest.mark.parametrize("who", ["guest", "wu", "qian"])
async def test_who_is_not_on_the_roll_casts_no_secret_ballot(people: People, who: str) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True)
    with pytest.raises(Forbidden):
        await deliberations.cast(people[who], vote.id, YES, nonce=bytes(16))


async def test_the_clock_ends_a_secret_vote(people: People, move_clock: Any) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True, rule=Rule.RESIDENTS_MEETING)
    await all_cast(people, vote, [YES] * 5)
    await move_clock(timedelta(days=14, seconds=1))
    with pytest.raises(VoteClosed):
        await deliberations.cast(people.he, vote.id, YES, nonce=bytes(16))
    await deliberations.advance_due()
    outcome = await deliberations.outcome(vote.id)
    assert (outcome.result.voted, outcome.result.passed) == (5, True)


async def test_four_secret_ballots_show_only_whether_it_passed(people: People, tmp_path: Path, move_clock: Any) -> None:
    vote, _ = await in_voting(people, BallotKind.SINGLE, secret=True, rule=Rule.RESIDENTS_MEETING)
    few, ids = await in_voting(people, BallotKind.SINGLE, secret=True)
    await all_cast(people, few, [{"option_id": ids[0]}] * 4)
    await deliberations.close(people.chen, few.id)
    outcome = await deliberations.outcome(few.id)
    assert (outcome.result.tally, outcome.result.passed) == ([], None)
    assert "红" not in outcome.result.explanation_zh
    assert "不公布票数" in outcome.result.explanation_zh
    content = json.loads((await deliberations.published(few.id)).content)
    assert (content["withheld"], content["ballots"], content["tally"]) == (True, [], None)
    resolution = await Resolution.get(deliberation_id=few.id)
    assert resolution.counts["tally"] == []
    assert "All holds." in verified(json.dumps(content, ensure_ascii=False), tmp_path)
    ids = [option.id for option in vote.options]
    await all_cast(people, vote, [{"option_id": ids[1]}] * 5)
    await move_clock(timedelta(days=14))
    await deliberations.advance_due()
    assert [line["votes"] for line in (await deliberations.outcome(vote.id)).result.tally] == [0, 5, 0]


@pytest.mark.parametrize("passes", [True, False])
async def test_few_and_secret_says_in_words_whether_it_passed(people: People, passes: bool) -> None:
    for who in EVERYBODY[4:]:
        await db.execute("UPDATE residents SET suspended = true WHERE id = $1", people[who].id)
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True, rule=Rule.RESIDENTS_MEETING)
    await all_cast(people, vote, [YES if passes else NO] * 4)
    await deliberations.close(people.chen, vote.id)
    result = (await deliberations.outcome(vote.id)).result
    assert result.passed is passes
    assert ("已达到，通过" in result.explanation_zh) is passes
    assert ("未达到，未通过" in result.explanation_zh) is not passes
    assert "4/4" not in result.explanation_zh


async def test_nothing_that_is_kept_joins_a_secret_ballot_to_its_voter(people: People) -> None:
    """All tables are read, their hidden columns too, and every way to put the two together is tried."""
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True)
    events = await Event.all().count()
    voters = random.sample(EVERYBODY, 6)
    nonces = {who: random.randbytes(16) for who in voters}
    choices = {who: YES if n % 2 else NO for n, who in enumerate(voters)}
    receipts = {who: await deliberations.cast(people[who], vote.id, choices[who], nonce=nonces[who]) for who in voters}
    assert await Event.all().count() == events  # none is recorded for a cast
    await deliberations.close(people.chen, vote.id)

    assert await SecretBallot.all().count() == 0
    tables = await db.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
        "AND relname NOT IN ('archives', 'alembic_version')"
    )
    everything = ""
    for table in tables:
        lines = await db.rows(f"SELECT t.*::text AS line, xmin::text, ctid::text FROM {table['relname']} t")
        everything += "\n".join(str(line["line"]) for line in lines) + "\n"
    for who in voters:
        assert receipts[who] not in everything
        assert nonces[who].hex() not in everything
    roll = await db.rows(
        "SELECT number, has_voted, xmin::text AS xmin, resident_id FROM electors WHERE deliberation_id = $1 "
        "ORDER BY ctid",
        vote.id,
    )
    assert len({line["xmin"] for line in roll}) == 1  # one statement wrote them all, whoever voted and when
    assert {line["resident_id"] for line in roll if line["has_voted"]} == {people[who].id for who in voters}
    content = json.loads((await Archive.get(deliberation_id=vote.id)).content)
    assert [ballot["receipt"] for ballot in content["ballots"]] == sorted(receipts.values())
    assert set(content["ballots"][0]) == {"choice", "receipt", "weight"}
    assert not re.search("nonce|resident_id|elector|cast_at|created", json.dumps(content))


async def test_the_box_has_no_column_for_a_voter_a_time_or_an_order(people: People) -> None:
    columns = await db.rows(
        "SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1", "secret_ballots"
    )
    assert {line["name"] for line in columns} == {"id", "community_id", "deliberation_id", "choice", "receipt"}
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True)
    await all_cast(people, vote, [YES] * 8)
    ids = [ballot.id for ballot in await SecretBallot.filter(deliberation_id=vote.id).order_by("receipt")]
    assert all(id_.version == 4 for id_ in ids)


async def test_a_secret_vote_that_is_withdrawn_leaves_no_ballot(people: People) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True)
    await all_cast(people, vote, [YES] * 5)
    await deliberations.withdraw(people.chen, vote.id, reason="程序有误")
    assert not await SecretBallot.exists(deliberation_id=vote.id)
    assert not await Archive.exists(deliberation_id=vote.id)
    marks = await db.rows("SELECT DISTINCT xmin::text FROM electors WHERE deliberation_id = $1", vote.id)
    assert len(marks) == 1


async def test_a_secret_vote_may_end_when_all_have_voted(people: People) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True, rule=Rule.RESIDENTS_MEETING)
    await all_cast(people, vote, [YES] * 7)
    with pytest.raises(DomainError):
        await deliberations.close(people.chen, vote.id)
    await deliberations.cast(people.ma, vote.id, NO, nonce=bytes(16))
    assert (await deliberations.close(people.chen, vote.id)).state is DeliberationState.DECIDED


async def test_the_application_may_change_no_more_of_a_roll_than_the_mark(people: People) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True)
    for sql in (
        "UPDATE electors SET resident_id = 1",
        "DELETE FROM electors",
        "TRUNCATE electors CASCADE",
        "UPDATE secret_ballots SET choice = '{}'",
        "TRUNCATE secret_ballots",
        "UPDATE archives SET content = ''",
        "DELETE FROM archives",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.tx():
                await db.driver_connection().execute(sql)
    assert await Elector.filter(deliberation_id=vote.id).count() == 8


async def test_verify_names_a_secret_vote_whose_marks_and_ballots_differ(people: People) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True)
    await all_cast(people, vote, [YES] * 5)
    assert await verify() == []
    await db.execute("UPDATE electors SET has_voted = true WHERE deliberation_id = $1 AND NOT has_voted", vote.id)
    assert await verify() == [f"deliberation {vote.id} marks 8 as voted, 5 secret ballots lie in its box"]
    with pytest.raises(IntegrityError, match="not the recount"):  # and it cannot be counted
        await deliberations.close(people.chen, vote.id)


# --- who may see what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["lin", "guest", "wu", "deng", "ma", "he", "sun", "qian"])
async def test_only_the_committee_sees_who_voted_what(people: People, who: str) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO)
    await all_cast(people, vote, [YES, NO])
    with pytest.raises(InvalidState):
        await deliberations.who_voted_what(people.chen, vote.id, page=Page())
    await deliberations.close(people.chen, vote.id)
    page = await deliberations.who_voted_what(people.chen, vote.id, page=Page())
    assert [(line.resident.nickname, line.choice) for line in page.items if line.resident] == [
        ("阿梅", NO),
        ("小林", YES),
    ]
    with pytest.raises(Forbidden):
        await deliberations.who_voted_what(people[who], vote.id, page=Page())


async def test_of_a_secret_vote_not_even_the_committee_does(people: People) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO, secret=True)
    await all_cast(people, vote, [YES] * 5)
    for _ in range(2):
        with pytest.raises(SecretVote):
            await deliberations.who_voted_what(people.chen, vote.id, page=Page())
        if not await Archive.exists(deliberation_id=vote.id):
            await deliberations.close(people.chen, vote.id)


async def test_there_is_an_archive_from_the_close_on(people: People) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO)
    with pytest.raises(InvalidState):
        await deliberations.published(vote.id)
    await deliberations.close(people.chen, vote.id)
    assert json.loads((await deliberations.published(vote.id)).content)["resolution_number"]
    with pytest.raises(NotFound):
        await deliberations.published(10**6)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
async def test_the_head_is_signed_by_the_key_that_is_published(people: People, tmp_path: Path) -> None:
    vote, _ = await in_voting(people, BallotKind.YES_NO)
    await deliberations.close(people.chen, vote.id)
    content = (await deliberations.published(vote.id)).content
    signer = signing.signer()
    assert signed_by(content, str(Key(signer.name, signer.public_key)), tmp_path)
    assert not signed_by(content, str(Key(signer.name, bytes(32))), tmp_path)
    assert json.loads(content)["head"]["key_id"] == Key(signer.name, signer.public_key).id.hex()


async def test_a_vote_without_quorum_has_an_archive_too(people: People, tmp_path: Path, move_clock: Any) -> None:
    vote, _ = await in_voting(people, BallotKind.SCORE, rule=Rule.RESIDENTS_MEETING)
    await all_cast(people, vote, [{"scores": {str(vote.options[0].id): 4}}])
    await move_clock(timedelta(days=14))
    await deliberations.advance_due()
    content = (await deliberations.published(vote.id)).content
    assert (await Deliberation.get(id=vote.id)).state is DeliberationState.FAILED_QUORUM
    assert json.loads(content)["quorate"] is False
    assert "All holds." in verified(content, tmp_path)
