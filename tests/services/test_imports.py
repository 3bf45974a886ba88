"""Elections of elsewhere: what a file says is what is counted here, and the reference implementation agrees."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pabutools.election import Cost_Sat
from pabutools.election.pabulib import parse_pabulib
from pabutools.rules import method_of_equal_shares
from pabutools.tiebreaking import TieBreakingRule

from app.core import db
from app.core.errors import Invalid, NotFound
from models.deliberations import Ballot, BudgetCount, Deliberation, DeliberationState, Elector
from models.events import Notice
from models.residents import RoleGrant
from services import deliberations
from services.rules import pabulib
from services.verification import verify
from tests.people import People
from tests.recount import verified

ELECTIONS = Path(__file__).resolve().parents[1] / "elections"
ROOT = Path(__file__).resolve().parents[2]
CHEAPER_FIRST = TieBreakingRule(lambda _instance, _profile, project: (project.cost, project.name))


async def imported(people: People, name: str, count: BudgetCount | None = None, *, close: bool = True) -> int:
    election = pabulib.read((ELECTIONS / f"{name}.pb").read_text("utf-8"))
    made = await deliberations.import_election(election, community_id=people.jy, name=name, count=count, close=close)
    assert (made.electors, made.ballots) == (len(election.votes), len(election.votes))
    return made.deliberation_id


async def selected(deliberation_id: int) -> set[str]:
    tally = (await deliberations.outcome(deliberation_id)).result.tally
    return {line["external_id"] for line in tally if line["selected"]}


@pytest.mark.parametrize("name", ["greedy", "choose_one"])
async def test_where_the_city_was_greedy_the_same_projects_are_selected(people: People, name: str) -> None:
    election = pabulib.read((ELECTIONS / f"{name}.pb").read_text("utf-8"))
    assert await selected(await imported(people, name)) == {
        project.external_id for project in election.projects if project.selected == 1
    }


@pytest.mark.parametrize("name", ["greedy", "equal_shares", "choose_one"])
async def test_equal_shares_are_those_of_the_reference(people: People, name: str) -> None:
    instance, profile = parse_pabulib(str(ELECTIONS / f"{name}.pb"))
    theirs = method_of_equal_shares(instance, profile, sat_class=Cost_Sat, tie_breaking=CHEAPER_FIRST)
    ours = await selected(await imported(people, name, BudgetCount.EQUAL_SHARES))
    assert ours == {project.name for project in theirs}
    assert bool(ours) is (name != "choose_one")  # there nobody's supporters can pay


async def test_the_tally_has_what_the_file_calls_it(people: People) -> None:
    vote = await imported(people, "greedy")
    tally = (await deliberations.outcome(vote)).result.tally
    assert [(line["external_id"], line["votes"], line["cost_fen"]) for line in tally] == [
        ("3", 6, 90_000_00),
        ("5", 4, 45_000_00),
        ("7", 5, 120_000_00),
        ("9", 1, 150_000_00),
        ("12", 6, 60_000_00),
        ("21", 4, 55_000_00),
        ("40", 2, 30_000_00),
    ]
    assert max(len(line["title"]) for line in tally) == 60
    made = await Deliberation.get(id=vote)
    assert (made.title, made.state) == ("Budżet obywatelski, dzielnica Nad Rzeką", DeliberationState.DECIDED)
    assert await Elector.filter(deliberation_id=vote, resident_id=None).count() == 12
    assert not await Notice.exists(subject_id=vote, resident_id=None)


@pytest.mark.parametrize("name", ["greedy", "equal_shares", "choose_one", "cumulative", "ordinal"])
async def test_the_archive_of_an_import_is_recounted_alone(people: People, tmp_path: Path, name: str) -> None:
    vote = await imported(people, name)
    archive = (await deliberations.published(vote)).content
    assert "All holds." in verified(archive, tmp_path)
    assert json.loads(archive)["roll"]["hash"] == (await Deliberation.get(id=vote)).roll_hash
    assert await verify() == []


async def test_points_and_rankings_are_counted_as_such(people: People) -> None:
    points = (await deliberations.outcome(await imported(people, "cumulative"))).result
    assert [(line["score"], line["votes"]) for line in points.tally] == [(17, 2), (28, 2), (15, 1)]
    order = (await deliberations.outcome(await imported(people, "ordinal"))).result
    assert [(line["external_id"], line["rounds"]) for line in order.tally] == [("1", [2, 2]), ("2", [2, 3]), ("3", [1])]


async def test_without_close_it_runs_and_nobody_here_may_vote_in_it(people: People) -> None:
    vote = await imported(people, "greedy", close=False)
    assert (await deliberations.find(people.wu, vote)).state is DeliberationState.VOTING
    with pytest.raises(Exception, match="not on the roll"):
        await deliberations.cast(people.lin, vote, {"option_ids": [1]})
    assert (await deliberations.close(people.chen, vote)).state is DeliberationState.DECIDED
    assert await Ballot.filter(deliberation_id=vote, resident_id=None, channel="import").count() == 12


async def test_what_does_not_fit_is_refused(people: People) -> None:
    election = pabulib.read((ELECTIONS / "ordinal.pb").read_text("utf-8"))
    with pytest.raises(Invalid, match="ordinal"):
        await deliberations.import_election(
            election, community_id=people.jy, name="x", count=BudgetCount.GREEDY, close=True
        )
    with pytest.raises(NotFound):
        await deliberations.import_election(election, community_id=10**6, name="x")
    await RoleGrant.filter(place_id=people.yl).update(until_at=await db.value("SELECT clock_now()"))
    with pytest.raises(Invalid, match="no committee"):
        await deliberations.import_election(election, community_id=people.yl, name="x")


async def test_voters_whose_ids_differ_only_late_stay_two(people: People) -> None:
    text = (ELECTIONS / "choose_one.pb").read_text("utf-8")
    head, _, votes = text.partition("VOTES\n")
    columns, *lines = votes.splitlines()
    long = "\n".join("v" * 60 + line for line in lines)
    election = pabulib.read(f"{head}VOTES\n{columns}\n{long}\n")
    made = await deliberations.import_election(election, community_id=people.jy, name="x", close=True)
    assert made.electors == len(lines)
    known = await Elector.filter(deliberation_id=made.deliberation_id).values_list("external_id", flat=True)
    assert set(known) == {"v" * 60}
    assert (await deliberations.outcome(made.deliberation_id)).result.voted == len(lines)


def a_city(voters: int, projects: int = 60) -> str:
    """A file as large cities have them; everybody approves of one to ten projects."""
    chance = random.Random(voters)
    costs = "".join(f"{n};{chance.randint(5_000, 400_000)},50;Projekt {n};Rataje\n" for n in range(1, projects + 1))
    chosen = [chance.sample(range(1, projects + 1), chance.randint(1, 10)) for _ in range(voters)]
    votes = "".join(f"v{n};{chance.randint(16, 90)};{','.join(map(str, some))}\n" for n, some in enumerate(chosen))
    return (
        f"META\nkey;value\nvote_type;approval\nrule;greedy\nbudget;4000000\nnum_votes;{voters}\n"
        f"PROJECTS\nproject_id;cost;name;neighborhood\n{costs}VOTES\nvoter_id;age;vote\n{votes}"
    )


@pytest.mark.parametrize("voters", [500, pytest.param(10_000, marks=pytest.mark.prove)])
@pytest.mark.parametrize("count", list(BudgetCount))
async def test_a_city_s_ballots_are_in_and_counted_within_a_minute(
    committed: str, people: People, tmp_path: Path, voters: int, count: BudgetCount, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.perf_counter()
    election = pabulib.read(a_city(voters))
    made = await deliberations.import_election(election, community_id=people.jy, name="x", count=count, close=True)
    took = time.perf_counter() - started
    assert took < 60
    if voters > 500:
        with capsys.disabled():
            print(f"\n{count}: {voters} ballots imported and counted in {took:.1f} s")  # noqa: T201
    assert "All holds." in verified((await deliberations.published(made.deliberation_id)).content, tmp_path)


async def test_the_command_prints_one_line_of_json(committed: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"DATABASE_URL": committed, "REDIS_URL": "redis://unused", "LINLI_DATA": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-m", "app.cli", "import-pb", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )

    done = run(str(ELECTIONS / "greedy.pb"), "--count", "equal_shares", "--close")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert set(said) == {"deliberation_id", "electors", "ballots", "seconds"}
    assert (await Deliberation.get(id=said["deliberation_id"])).budget_count is BudgetCount.EQUAL_SHARES
    broken = tmp_path / "broken.pb"
    broken.write_text("META\nkey;value\nvote_type;approval\nPROJECTS\nVOTES\n")
    done = run(str(broken))
    assert (done.returncode, done.stdout) == (1, "")
    assert "no budget" in done.stderr
