"""Reading PaBuLib files: one by hand of each kind, every refusal by name, and whatever is written comes back."""

import csv
import io
import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pabutools.election.pabulib import parse_pabulib_from_string

from services.rules.budget import equal_shares, greedy
from services.rules.pabulib import KINDS, Election, Project, Unreadable, Vote, read

pytestmark = pytest.mark.no_database

APPROVAL = '''META
key; value
description; Municipal PB in Wieliczka
country; Poland
num_projects; 5
num_votes; 10
budget; 2500
rule; greedy
vote_type; approval
min_length; 1
max_length; 3
PROJECTS
project_id; cost; category; votes; name; selected
1; 600; culture, education; 3; Dom kultury; 0
2; 800; sport; 4; Boisko; 0
4; 1400; culture; 5; "Teatr; scena ""Pod Dębem"""; 1
5; 1000; health, sport; 5; ; 1
7; 1200; education; 4; None; 2
VOTES
voter_id; age; sex; vote
1; 34; f; 1,2,4
2; 51; m; 1,2
3; 23; m; 2,4,5
4; 19; f; 5,7
5; 62; f; 1,4,7
6; 54; m; 7
7; 49; m; 5
8; 27; f; 4
9; 39; f; 2,4,5
10; 44; m; 5, 7
'''


def pb(vote_type: str, votes: str, *, meta: str = "", cost: str = "600", budget: str = "1000") -> str:
    """A small file; its second project stands in line 8, its first vote line 11."""
    return (
        f"META\nkey;value\nbudget;{budget}\nvote_type;{vote_type}\n{meta}"
        f"PROJECTS\nproject_id;cost;name\n1;{cost};装路灯\nB-2;800;修电梯\nVOTES\n{votes}"
    )


def test_an_approval_file_is_read_whole() -> None:
    election = read(APPROVAL)
    assert (election.kind, election.rule, election.count) == ("budget", "greedy", "greedy")
    assert election.budget_fen == 2500_00
    assert election.meta["description"] == "Municipal PB in Wieliczka"
    assert [one.external_id for one in election.projects] == ["1", "2", "4", "5", "7"]
    assert election.projects[2] == Project("4", 'Teatr; scena "Pod Dębem"', 1400_00, selected=1, votes=5)
    assert [one.title for one in election.projects[3:]] == ["5", "7"]  # without a name the id stands for it
    assert [one.selected for one in election.projects] == [0, 0, 1, 1, 2]
    assert election.votes[0] == Vote("1", ("1", "2", "4"))
    assert election.votes[9].projects == ("5", "7")
    assert election.doubts == ()


def test_it_counts_like_the_file_says() -> None:
    election = read(APPROVAL)
    ids = {one.external_id: number for number, one in enumerate(election.projects, 1)}
    costs = {ids[one.external_id]: one.cost_fen for one in election.projects}
    ballots = [(vote.choice("budget", ids)["option_ids"], 1) for vote in election.votes]
    chosen = [ids[one.external_id] for one in election.projects if one.selected == 1]
    assert sorted(one.project for one in greedy(costs, ballots, election.budget_fen)) == chosen == [3, 4]
    assert [one.project for one in equal_shares(costs, ballots, election.budget_fen)] == [4, 1]


def test_ordinal_votes_keep_their_order() -> None:
    election = read(pb("ordinal", "voter_id;vote\na;B-2,1\nb;1\nc;\n"))
    assert election.kind == "ranked"
    assert [vote.choice(election.kind, {"1": 11, "B-2": 12}) for vote in election.votes] == [
        {"ranking": [12, 11]},
        {"ranking": [11]},
        {"ranking": []},
    ]


@pytest.mark.parametrize("vote_type", ["cumulative", "scoring"])
def test_points_belong_to_their_projects(vote_type: str) -> None:
    election = read(pb(vote_type, "voter_id;points;vote\na;5,3;B-2,1\nb;7;1\nc;;\n"))
    assert election.kind == "score"
    assert [vote.choice(election.kind, {"1": 11, "B-2": 12}) for vote in election.votes] == [
        {"scores": {"12": 5, "11": 3}},
        {"scores": {"11": 7}},
        {"scores": {}},
    ]


def test_choosing_one_is_an_approval_of_one() -> None:
    election = read(pb("choose-1", "voter_id;vote\na;B-2\n"))
    assert election.votes[0].choice(election.kind, {"1": 11, "B-2": 12}) == {"option_ids": [12]}
    with pytest.raises(Unreadable, match="line 11: only one"):
        read(pb("choose-1", "voter_id;vote\na;B-2,1\n"))


@pytest.mark.parametrize(
    ("named", "count"),
    [
        ("greedy", "greedy"),
        ("equalshares", "equal_shares"),
        ("equalshares/add1", None),
        ("greedy-no-skip", None),
        ("", None),
    ],
)
def test_the_rule_is_named_and_ours_when_we_count_it(named: str, count: str | None) -> None:
    election = read(pb("approval", "voter_id;vote\n", meta=f"rule;{named}\n"))
    assert (election.rule, election.count) == (named or None, count)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_marks_and_line_ends_do_not_matter(ends: str, mark: str) -> None:
    assert read(mark + APPROVAL.replace("\n", ends)) == read(APPROVAL)


@pytest.mark.parametrize(
    ("cost", "fen"),
    [("600", 600_00), ("600.5", 600_50), ("600,05", 600_05), ("0.01", 1), ("12,500", 12_50), ("10000000000", 10**12)],
)
def test_amounts_are_yuan_with_a_point_or_a_comma(cost: str, fen: int) -> None:
    election = read(pb("approval", "voter_id;vote\n", cost=cost, budget=cost))
    assert election.projects[0].cost_fen == election.budget_fen == fen


@pytest.mark.parametrize(
    "cost", ["", "0", "0.00", "-5", "1.234", "1 000", "1e6", "６００", "10000000000.01", "1.2.3", "many"]
)
def test_what_is_no_amount_is_refused_with_its_line(cost: str) -> None:
    with pytest.raises(Unreadable, match="line 7: cost"):
        read(pb("approval", "voter_id;vote\n", cost=cost))
    with pytest.raises(Unreadable, match=r"META: (no )?budget"):
        read(pb("approval", "voter_id;vote\n", budget=cost))


def test_long_names_are_cut_and_cleaned() -> None:
    name = "社" * 59 + " 区" + "花园"
    text = pb("approval", "voter_id;vote\n").replace("装路灯", name).replace("修电梯", '" 修\n电\t梯\x07 "')
    first, second = read(text).projects
    assert first.title == "社" * 59
    assert second.title == "修 电 梯"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no section META"),
        ("budget;5\n", "line 1: the file begins with META"),
        ("META\nkey;value\nbudget;5\nvote_type;approval\n", "no section PROJECTS"),
        (pb("approval", "").removesuffix("VOTES\n"), "no section VOTES"),
        (pb("approval", "voter_id;vote\nMETA\n"), "line 11: a second section META"),
        (pb("knapsack", "voter_id;vote\n"), "votes of type knapsack are not counted here"),
        (pb("", "voter_id;vote\n"), r"votes of type \(none\)"),
        (pb("approval", "voter_id;vote\na;9\n"), "line 11: there is no project 9"),
        (pb("approval", "voter_id;vote\na;1,1\n"), "line 11: a project is named twice"),
        (pb("approval", "voter_id;vote\na;1,\n"), "line 11: there is no project "),
        (pb("approval", "voter_id;votes\na;1\n"), "line 11: no vote"),
        (pb("scoring", "voter_id;vote;points\na;1,B-2;3\n"), "line 11: 2 projects, but 1 points"),
        (pb("scoring", "voter_id;vote\na;1\n"), "line 11: 1 projects, but 0 points"),
        (pb("cumulative", "voter_id;vote;points\na;1;2.5\n"), "line 11: points 2.5 is not a whole number"),
        (pb("approval", "voter_id;vote\n").replace("B-2;800", "1;800"), "line 8: project 1 stands there twice"),
        (pb("approval", "voter_id;vote\n").replace("B-2;800", ";800"), "line 8: a project needs an id"),
        (pb("approval", 'voter_id;vote\na;"1\n'), "line 11: unexpected end of data"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        read(text)


def test_a_file_that_was_cut_off_shows() -> None:
    cut = APPROVAL[: APPROVAL.index("9; 39")]
    assert read(cut).doubts == ("META num_votes is 10, found 8",)


words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=70)
ids = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6).filter(
    lambda one: one.lower() not in {"none", "meta", "projects", "votes"}
)


@given(
    names=st.dictionaries(ids, words.filter(lambda name: name.lower() != "none"), min_size=1, max_size=5),
    vote_type=st.sampled_from(sorted(KINDS)),
    seed=st.randoms(use_true_random=False),
    ends=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_comes_back(names: dict[str, str], vote_type: str, seed: random.Random, ends: str) -> None:
    most = 1 if vote_type == "choose-1" else len(names)
    votes = [seed.sample(sorted(names), seed.randint(0, most)) for _ in range(seed.randint(0, 5))]
    costs = {one: seed.randint(1, 10**12) for one in names}
    out = io.StringIO()
    table = csv.writer(out, delimiter=";", lineterminator=ends)
    table.writerows([["META"], ["key", "value"], ["budget", "7,5"], ["vote_type", vote_type]])
    table.writerows([["PROJECTS"], ["name", "cost", "project_id"]])
    table.writerows([name, f"{costs[one] // 100},{costs[one] % 100:02}", one] for one, name in names.items())
    table.writerows([["VOTES"], ["vote", "voter_id", "points"]])
    table.writerows([",".join(vote), number, ",".join("3" for _ in vote)] for number, vote in enumerate(votes))
    election = read(out.getvalue())
    assert {one.external_id: one.title for one in election.projects} == {one: name[:60] for one, name in names.items()}
    assert {one.external_id: one.cost_fen for one in election.projects} == costs
    assert [list(vote.projects) for vote in election.votes] == votes
    assert election.budget_fen == 7_50


@given(st.text(st.sampled_from('META\nPROJECTS\nVOTES;,"123 \r\ufeff\x00'), max_size=60) | st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    for whole in (text, APPROVAL + text, APPROVAL.replace("Boisko", text)):
        with suppress(Unreadable):
            assert isinstance(read(whole), Election)


def test_it_reads_what_pabutools_reads() -> None:
    instance, profile = parse_pabulib_from_string(APPROVAL.replace("; ", ";").replace(", ", ","))
    election = read(APPROVAL)
    assert {(one.name, int(one.cost) * 100) for one in instance} == {
        (one.external_id, one.cost_fen) for one in election.projects
    }
    assert [{one.name for one in ballot} for ballot in profile] == [set(vote.projects) for vote in election.votes]


@pytest.mark.parametrize(
    ("project", "voters", "says"),
    [
        ("p\x00", "12", "line 7: a project needs an id without commas and control characters"),
        ("p", "1\x00", "line 10: a voter's id has control characters"),
        ("p", "11", "line 11: voter 1 stands there twice"),
    ],
)
def test_ids_that_cannot_be_kept_are_refused_by_name(project: str, voters: str, says: str) -> None:
    first, second = (voters, "2") if "\x00" in voters else voters
    text = (
        f"META\nkey;value\nvote_type;approval\nbudget;10\nPROJECTS\nproject_id;cost\n{project};5\n"
        f"VOTES\nvoter_id;vote\n{first};{project}\n{second};{project}\n"
    )
    with pytest.raises(Unreadable, match=says):
        read(text)
