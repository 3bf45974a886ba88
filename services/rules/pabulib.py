"""Reading PaBuLib files (`.pb`): participatory budgets of other cities, as text, into projects and votes.

The format: https://pabulib.org/format — three sections META, PROJECTS, VOTES, each a `;`-separated table.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

TITLE_MOST = 60
MOST_FEN = 10**12
# How a file's votes are cast here, and by what they are read; the first name is that of today's format.
KINDS = {
    "approval": "budget",
    "choose-1": "budget",
    "ordinal": "ranked",
    "cumulative": "score",
    "scoring": "score",
}
# The rules of files that we count ourselves; variants (with completion, with thresholds) are others.
COUNTS = {"greedy": "greedy", "equalshares": "equal_shares", "equal_shares": "equal_shares"}
Row = Mapping[str, str]
T = TypeVar("T")


class Unreadable(ValueError):
    """The file breaks the format, or holds what is not counted here; the message names the line and the cause."""


@dataclass(frozen=True)
class Project:
    """One project. `selected` as the file has it: 1 chosen, 0 not, other numbers as the file's comment says."""

    external_id: str
    title: str
    cost_fen: int
    selected: int | None = None
    votes: int | None = None


@dataclass(frozen=True)
class Vote:
    """One voter's projects by external id, in the order given (best first where the vote is ordinal)."""

    voter_id: str
    projects: tuple[str, ...]
    points: tuple[int, ...] = ()

    def choice(self, kind: str, ids: Mapping[str, int]) -> dict[str, Any]:
        """What our ballot of that kind says. `ids`: external id → the option's id here."""
        options = [ids[one] for one in self.projects]
        if kind == "score":
            return {"scores": {str(one): points for one, points in zip(options, self.points, strict=True)}}
        return {"ranking": options} if kind == "ranked" else {"option_ids": sorted(options)}


@dataclass(frozen=True)
class Election:
    """A whole file. Amounts are read as yuan, whatever currency META names."""

    meta: dict[str, str]
    budget_fen: int
    vote_type: str
    kind: str
    """The kind of ballot here: budget, ranked or score."""
    rule: str | None
    """As META names it."""
    count: str | None
    """`greedy` or `equal_shares`; None when the file's rule is another."""
    projects: tuple[Project, ...]
    votes: tuple[Vote, ...]
    doubts: tuple[str, ...] = ()
    """Where META promises other numbers of projects or votes than the file holds: it may have been cut off."""


def read(text: str) -> Election:
    """Read a file's text (a byte order mark and any line ends are fine). Raises Unreadable."""
    sections = _sections(text)
    meta = {row["key"]: row.get("value", "") for _, row in sections["META"] if row.get("key")}
    vote_type = meta.get("vote_type", "").lower()
    if vote_type not in KINDS:
        raise Unreadable(f"META: votes of type {vote_type or '(none)'} are not counted here, only {', '.join(KINDS)}")
    if not meta.get("budget"):
        raise Unreadable("META: no budget")
    projects = dict[str, Project]()
    for line, row in sections["PROJECTS"]:
        project = _at(line, _project, row)
        if project.external_id in projects:
            raise Unreadable(f"line {line}: project {project.external_id} stands there twice")
        projects[project.external_id] = project
    votes, voters = list[Vote](), set[str]()
    for line, row in sections["VOTES"]:
        vote = _at(line, lambda row: _vote(row, vote_type, projects), row)
        if vote.voter_id in voters:
            raise Unreadable(f"line {line}: voter {vote.voter_id} stands there twice")
        voters |= {vote.voter_id} - {""}
        votes.append(vote)
    rule = meta.get("rule") or None
    return Election(
        meta=meta,
        budget_fen=_at("META", lambda row: _fen(row, "budget"), meta),
        vote_type=vote_type,
        kind=KINDS[vote_type],
        rule=rule,
        count=COUNTS.get((rule or "").lower()),
        projects=tuple(projects.values()),
        votes=tuple(votes),
        doubts=tuple(
            f"META {key} is {meta[key]}, found {found}"
            for key, found in (("num_projects", len(projects)), ("num_votes", len(votes)))
            if meta.get(key, str(found)) != str(found)
        ),
    )


def _sections(text: str) -> dict[str, list[tuple[int, Row]]]:
    """The rows of each section by column name, with the line they end on."""
    sections: dict[str, list[tuple[int, Row]]] = {}
    rows, columns = list[tuple[int, Row]](), list[str]()
    for line, cells in _rows(text):
        name = cells[0].upper()
        if name in ("META", "PROJECTS", "VOTES") and not any(cells[1:]):
            if name in sections:
                raise Unreadable(f"line {line}: a second section {name}")
            rows = sections[name] = []
            columns = ["key", "value"] if name == "META" else []
        elif not sections:
            raise Unreadable(f"line {line}: the file begins with META")
        elif not columns:
            columns = [cell.lower() for cell in cells]
        elif [cell.lower() for cell in cells[:2]] != ["key", "value"] or rows is not sections.get("META"):
            rows.append((line, dict(zip(columns, cells, strict=False))))
    for name in ("META", "PROJECTS", "VOTES"):
        if name not in sections:
            raise Unreadable(f"no section {name}")
    return sections


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    text = text.removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            cells = ["" if cell.strip().lower() == "none" else cell.strip() for cell in cells]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}: {error}") from error


def _at(line: int | str, part: Callable[[Row], T], row: Row) -> T:
    try:
        return part(row)
    except Unreadable as error:
        raise Unreadable(f"{f'line {line}' if isinstance(line, int) else line}: {error}") from error


def _project(row: Row) -> Project:
    external_id = row.get("project_id", "")
    if not external_id or "," in external_id or not external_id.isprintable():
        raise Unreadable("a project needs an id without commas and control characters")
    printable = "".join(char if char.isprintable() else " " for char in row.get("name", ""))
    return Project(
        external_id=external_id,
        title=" ".join(printable.split())[:TITLE_MOST].rstrip() or external_id[:TITLE_MOST],
        cost_fen=_fen(row, "cost"),
        selected=_number(row["selected"], "selected") if row.get("selected") else None,
        votes=_number(row["votes"], "votes") if row.get("votes") else None,
    )


def _vote(row: Row, vote_type: str, projects: Mapping[str, Project]) -> Vote:
    if "vote" not in row:
        raise Unreadable("no vote")
    named = _list(row["vote"])
    for one in named:
        if one not in projects:
            raise Unreadable(f"there is no project {one}")
    if len(set(named)) != len(named):
        raise Unreadable("a project is named twice")
    points = (
        tuple(_number(one, "points") for one in _list(row.get("points", ""))) if KINDS[vote_type] == "score" else ()
    )
    if KINDS[vote_type] == "score" and len(points) != len(named):
        raise Unreadable(f"{len(named)} projects, but {len(points)} points")
    if vote_type == "choose-1" and len(named) > 1:
        raise Unreadable("only one project may be chosen")
    voter_id = row.get("voter_id", "")
    if not voter_id.isprintable():
        raise Unreadable("a voter's id has control characters")
    return Vote(voter_id, named, points)


def _list(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(",")) if cell else ()


def _number(cell: str, name: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", cell):
        raise Unreadable(f"{name} {cell} is not a whole number")
    return int(cell)


def _fen(row: Row, name: str) -> int:
    """An amount in yuan, its decimals after a point or a comma, in fen."""
    found = re.fullmatch(r"([0-9]{1,15})(?:[.,]([0-9]{1,15}))?", row.get(name, ""))
    if not found:
        raise Unreadable(f"{name} {row.get(name, '')} is not an amount")
    yuan, decimals = found[1], (found[2] or "").ljust(2, "0")
    if decimals[2:].strip("0"):
        raise Unreadable(f"{name} {found[0]} has parts of a fen")
    fen = int(yuan + decimals[:2])
    if not 1 <= fen <= MOST_FEN:
        raise Unreadable(f"{name} {found[0]} lies beyond 0.01 to {MOST_FEN // 100} yuan")
    return fen
