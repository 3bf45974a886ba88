"""Many cast at once, on several processes, while the vote is closed: one ballot each, none after the count."""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core import clock, db, tokens
from app.core.embedded import free_port
from models.deliberations import (
    Archive,
    Ballot,
    BallotKind,
    Deliberation,
    DeliberationState,
    Elector,
    Form,
    Result,
    Roll,
    Rule,
    SecretBallot,
    VoteClosed,
)
from models.rolls import AlreadyVoted
from services import deliberations
from services.deliberations import Proposal, voting
from services.rules.tally import receipt
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.recount import verified
from tests.sandbox_process import SandboxProcess
from tests.together.crowd import neighbours
from tests.together.test_ballots import all_at_once

ONE_USE = httpx.Limits(max_keepalive_connections=0)  # a busy server closes what was idle, and an answer would be lost
ROOT = Path(__file__).resolve().parents[2]
YES, NO = {"choice": "yes"}, {"choice": "no"}
KINDS = (BallotKind.YES_NO, BallotKind.SCORE, BallotKind.RANKED, BallotKind.BUDGET)


async def running(people: People, kind: BallotKind = BallotKind.YES_NO, *, secret: bool = True) -> Deliberation:
    """A consultation that runs."""
    now = await clock.now()
    options: dict[str, Any] = {} if kind is BallotKind.YES_NO else {"options": ("红", "黄", "蓝")}
    if kind is BallotKind.BUDGET:
        options |= {"costs_fen": (30, 50, 60), "budget_fen": 100}
    asked = Proposal(
        community_id=people.jy,
        form=Form.OPEN,
        title="楼道刷什么颜色",
        body="三种颜色。",
        ballot_kind=kind,
        secret=secret,
        roll=Roll.RESIDENTS,
        rule=Rule.CONSULTATION,
        discussion_until=now + timedelta(days=7),
        voting_until=now + timedelta(days=14),
        **options,
    )
    made = await passed(await deliberations.propose(people.lin, asked))
    await deliberations.open_discussion(people.chen, made.id)
    return await deliberations.open_voting(people.chen, made.id)


async def test_each_casts_three_times_at_once_and_one_secret_ballot_lies_in_the_box(
    committed: str, people: People
) -> None:
    voters = await neighbours(people, 40)
    vote = await running(people)
    answers = await all_at_once(
        [
            deliberations.cast(voter, vote.id, choice, nonce=random.randbytes(16))
            for voter in voters
            for choice in (YES, NO, YES)
        ]
    )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(answer, AlreadyVoted) for answer in refused), refused
    assert len(refused) == 80
    assert await SecretBallot.filter(deliberation_id=vote.id).count() == 40
    assert await Elector.filter(deliberation_id=vote.id, has_voted=True).count() == 40
    await deliberations.close(people.chen, vote.id)
    kept = json.loads((await Archive.get(deliberation_id=vote.id)).content)
    assert {ballot["receipt"] for ballot in kept["ballots"]} == {one for one in answers if isinstance(one, str)}


async def test_while_a_secret_vote_is_closed_nobody_is_marked_whose_ballot_does_not_count(
    committed: str, people: People
) -> None:
    voters = await neighbours(people, 60)
    vote = await running(people)
    casts = [deliberations.cast(voter, vote.id, YES, nonce=random.randbytes(16)) for voter in voters]
    answers = await all_at_once([*casts[:30], deliberations.close(people.chen, vote.id), *casts[30:]])
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(answer, VoteClosed) for answer in refused), refused
    voted = (await Result.get(deliberation_id=vote.id)).voted
    assert voted == await Elector.filter(deliberation_id=vote.id, has_voted=True).count() == 60 - len(refused)
    assert not await SecretBallot.exists(deliberation_id=vote.id)


@pytest.mark.parametrize("unguarded", [False, True])
async def test_only_the_conditional_mark_keeps_the_second_secret_ballot_out(
    committed: str, people: People, monkeypatch: pytest.MonkeyPatch, unguarded: bool
) -> None:
    """Without the condition on `has_voted`, and without the trigger behind it, an elector has three ballots."""
    vote = await running(people)
    if unguarded:
        condition = "AND NOT e.has_voted "
        assert condition in voting.CAST_SECRETLY
        monkeypatch.setattr(voting, "CAST_SECRETLY", voting.CAST_SECRETLY.replace(condition, ""))

        async def drop() -> None:
            await db.execute("DROP TRIGGER electors_append_only ON electors")

        async with db.tx():
            await as_owner(drop)
    await all_at_once([deliberations.cast(people.lin, vote.id, YES, nonce=random.randbytes(16)) for _ in range(3)])
    assert await SecretBallot.filter(deliberation_id=vote.id).count() == (3 if unguarded else 1)


# --- two processes ----------------------------------------------------------------------------------------------


@contextmanager
def two_processes(database_url: str, redis_url: str, sandbox: SandboxProcess, folder: Path) -> Iterator[list[str]]:
    """The API twice, on ports of their own; their addresses."""
    ports = [free_port(), free_port()]
    environment = (
        os.environ
        | sandbox.config
        | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "MEDIA_STORE": f"file://{folder}",
            "LINLI_DATA": str(folder),
        }
    )
    running = []
    for port in ports:
        with open(folder / f"{port}.log", "wb") as log:
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "app.cli", "serve"],
                    cwd=ROOT,
                    env=environment | {"PORT": str(port)},
                    stdout=log,
                    stderr=log,
                )
            )
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        deadline = time.monotonic() + 60
        for url in urls:
            while not _answers(url):
                assert time.monotonic() < deadline, "the API does not answer"
                time.sleep(0.2)
        yield urls
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


async def logged_in(ids: list[int]) -> list[str]:
    """A token for each resident."""
    made = [tokens.new_token() for _ in ids]
    await db.execute(
        "INSERT INTO sessions (resident_id, token_hash, expires_at, ends_at) "
        "SELECT id, hash, clock_now() + interval '1 day', clock_now() + interval '2 days' "
        "FROM unnest($1::bigint[], $2::bytea[]) AS one (id, hash)",
        ids,
        [tokens.token_hash(token) for token in made],
    )
    return made


def a_choice(kind: BallotKind, ids: list[int]) -> dict[str, Any]:
    some = random.sample(ids, random.randint(1, len(ids))) if ids else []
    return {
        BallotKind.YES_NO: {"choice": random.choice(["yes", "no", "abstain"])},
        BallotKind.SCORE: {"scores": {str(one): random.randint(0, 10) for one in some}},
        BallotKind.RANKED: {"ranking": some},
        BallotKind.BUDGET: {"option_ids": sorted(some)},
    }[kind]


async def storm(
    urls: list[str], vote: Deliberation, voters: list[str], committee: str
) -> tuple[list[tuple[str, dict[str, Any], str | None, int, dict[str, Any]]], float]:
    """Each voter casts three times at once, spread over the processes, and the committee closes amid them.

    Every cast: token, choice, nonce, status, answer.
    """
    ids = [option.id for option in vote.options]
    doors, total = asyncio.Semaphore(24), len(voters) * 3
    close_after, done = random.randrange(total // 5, total // 2), 0
    answers = []

    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=ONE_USE) as client:

        async def cast(token: str, number: int) -> None:
            nonlocal done
            choice, nonce = a_choice(vote.ballot_kind, ids), os.urandom(16).hex() if vote.secret else None
            async with doors:
                answer = await client.put(
                    f"{urls[number % 2]}/v1/deliberations/{vote.id}/ballot",
                    json=choice | ({"nonce": nonce} if nonce else {}),
                    headers={"Authorization": f"Bearer {token}"},
                )
            done += 1
            answers.append((token, choice, nonce, answer.status_code, answer.json()))
            if done == close_after:
                closed = await client.post(
                    f"{urls[0]}/v1/deliberations/{vote.id}/close", headers={"Authorization": f"Bearer {committee}"}
                )
                assert closed.status_code == 200, closed.text

        casts = [(token, number) for token in voters for number in range(3)]
        # A voter's three come close together, and those of different voters mixed.
        casts.sort(key=lambda one, at={token: random.random() for token in voters}: at[one[0]] + random.random() / 50)
        started = time.perf_counter()
        await asyncio.gather(*(cast(*one) for one in casts))
    return answers, time.perf_counter() - started


def written(folder: Path) -> str:
    """What both processes have logged."""
    return "".join(path.read_text() for path in folder.glob("*.log"))


@pytest.fixture
async def two(committed: str, settings: Any, sandbox: SandboxProcess, tmp_path: Path) -> AsyncIterator[list[str]]:
    with two_processes(committed, settings.redis_url, sandbox, tmp_path) as urls:
        yield urls


@pytest.mark.parametrize(("votes", "electors"), [(4, 40), pytest.param(20, 500, marks=pytest.mark.prove)])
async def test_over_two_processes_each_has_one_ballot_and_none_lands_after_the_close(
    two: list[str],
    people: People,
    tmp_path: Path,
    votes: int,
    electors: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    voters = await logged_in([one.id for one in await neighbours(people, electors)])
    [committee] = await logged_in([people.chen.id])
    late = 0
    for number in range(votes):
        vote = await running(people, KINDS[number // 2 % 4], secret=bool(number % 2))
        answers, took = await storm(two, vote, voters, committee)
        said = Counter((status, body.get("code")) for *_, status, body in answers)
        assert set(said) <= {(200, None), (409, "vote_closed"), (409, "already_voted")}, said
        late += said[409, "vote_closed"]
        content = (await Archive.get(deliberation_id=vote.id)).content
        assert "All holds." in verified(content, tmp_path)
        archive, landed = json.loads(content), [one for one in answers if one[3] == 200]
        heard = {token for token, *_ in landed}
        # One each of whom an answer said so; none whose every cast was refused.
        assert len(archive["ballots"]) == len(heard) == (await Result.get(deliberation_id=vote.id)).voted
        assert {ballot["receipt"] for ballot in archive["ballots"]} <= {body["receipt"] for *_, body in landed}
        if vote.secret:
            assert len(landed) == len(heard)
            assert not await SecretBallot.exists(deliberation_id=vote.id)
            for _, choice, nonce, _, body in landed:
                assert body["receipt"] == receipt(vote.id, choice, bytes.fromhex(nonce or ""))
            secrets = {one[2] for one in landed} | {body["receipt"] for *_, body in landed}
            logs = written(tmp_path)
            assert logs
            assert not [one for one in secrets if one and one in logs]
        else:
            assert await Ballot.filter(deliberation_id=vote.id).count() == len(heard)
        assert (await Deliberation.get(id=vote.id)).state is DeliberationState.DECIDED
        if votes > 4:
            with capsys.disabled():
                print(f"{vote.ballot_kind} secret={vote.secret}: {len(answers)} casts in {took:.1f} s, {dict(said)}")  # noqa: T201
    assert late > 0, "the close came amid the casts"


# --- what joins a secret ballot to its voter ------------------------------------------------------------------------


async def stored() -> dict[str, list[tuple[str, str, str]]]:
    """Every row of every table: its text, `xmin` and `ctid`."""
    tables = await db.rows(
        "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return {
        table["name"]: [
            (line["text"], line["xmin"], line["ctid"])
            for line in await db.rows(f"SELECT t.*::text AS text, xmin::text, ctid::text FROM {table['name']} t")
        ]
        for table in tables
    }


async def counters() -> list[dict[str, Any]]:
    """How far every sequence has counted."""
    return await db.rows("SELECT sequencename AS name, last_value FROM pg_sequences ORDER BY 1")


async def read_by(url: str, token: str, vote_id: int) -> str:
    """All that somebody is told of a vote and of himself, and the headers it comes with."""
    said = ""
    async with httpx.AsyncClient(trust_env=False, timeout=30, headers={"Authorization": f"Bearer {token}"}) as client:
        for path in (
            f"deliberations/{vote_id}",
            "deliberations",
            *(f"deliberations/{vote_id}/{one}" for one in ("ballots", "roll", "roll/lines", "roll/me", "objections")),
            "me",
            "me/inbox",
            "me/export",
        ):
            answer = await client.get(f"{url}/v1/{path}")
            said += f"{answer.status_code} {answer.headers} {answer.text}\n"
    return said


async def test_no_answer_log_line_or_table_joins_a_secret_ballot_to_its_voter(
    two: list[str], people: People, tmp_path: Path
) -> None:
    """Fifteen of twenty cast over both processes, all committed; then everything that is kept is read, twice."""
    tokens_of = await logged_in([one.id for one in await neighbours(people, 20)])
    vote = await running(people)
    [committee] = await logged_in([people.chen.id])
    before = await counters()
    kept: list[tuple[str, str]] = []

    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=ONE_USE) as client:

        async def cast(token: str, number: int) -> None:
            nonce = os.urandom(16).hex()
            answer = await client.put(
                f"{two[number % 2]}/v1/deliberations/{vote.id}/ballot",
                json=random.choice([YES, NO]) | {"nonce": nonce},
                headers={"Authorization": f"Bearer {token}"},
            )
            assert answer.status_code == 200, answer.text
            kept.append((nonce, answer.json()["receipt"]))

        await asyncio.gather(*(cast(token, n) for n, token in enumerate(random.sample(tokens_of, 15))))

    secrets = {one for pair in kept for one in pair}
    ids = {str(line["id"]) for line in await db.rows("SELECT id FROM secret_ballots")}
    assert await counters() == before  # a cast takes no number from any row of numbers
    running_rows = await stored()
    casts = {xmin for _, xmin, _ in running_rows["secret_ballots"]}
    assert len(casts) == 15
    # While it runs, whoever reads system columns joins the ballot and the mark, and these two alone: docs/verifying.md.
    assert {name for name, rows in running_rows.items() if casts & {xmin for _, xmin, _ in rows}} == {
        "secret_ballots",
        "electors",
    }
    elsewhere = str({name: rows for name, rows in running_rows.items() if name != "secret_ballots"})
    assert not [one for one in secrets | ids if one in elsewhere]
    answers = [await read_by(two[n % 2], token, vote.id) for n, token in enumerate([*tokens_of[:6], committee])]
    assert all("200" in answer for answer in answers)
    assert not [one for one in secrets | ids if one in str(answers)]

    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        url = f"{two[0]}/v1/deliberations/{vote.id}"
        closed = await client.post(f"{url}/close", headers={"Authorization": f"Bearer {committee}"})
        assert closed.status_code == 200, closed.text
        published = (await client.get(f"{url}/archive")).json()["ballots"]
    assert [one["receipt"] for one in published] == sorted(receipt for _, receipt in kept)
    assert {key for one in published for key in one} == {"choice", "receipt", "weight"}
    after = await stored()
    assert after["secret_ballots"] == []
    # Of the casts' transactions no row is left, and one transaction wrote the whole roll again.
    assert not [name for name, rows in after.items() if casts & {xmin for _, xmin, _ in rows}]
    assert len({xmin for _, xmin, _ in after["electors"]}) == 1
    elsewhere = str({name: rows for name, rows in after.items() if name != "archives"})
    assert not [one for one in secrets | ids if one in elsewhere]
    assert not [one for one in ids | {nonce for nonce, _ in kept} if one in str(after["archives"])]
    answers = [await read_by(two[n % 2], token, vote.id) for n, token in enumerate([*tokens_of[:6], committee])]
    assert not [one for one in secrets | ids if one in str(answers)]
    logs = written(tmp_path)
    assert "/ballot " in logs
    assert not [one for one in secrets | ids if one in logs]
    assert not any(f'"{word}"' in logs for word in ("choice", "nonce", "receipt"))
