"""Nobody is ranked by what he gave (慈善法 32: no apportioning): no query adds up money by person or household, no list
is sorted by it, and no shape shows a person beside a sum."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.applications import FIRST

pytestmark = pytest.mark.no_database

ROOT = Path(__file__).resolve().parents[2]
WHO = r"(giver_id|household_id|resident_id|building_id|nickname|room)"
SUMS = {"given_fen", "total_fen", "raised_fen", "sum_fen", "donated_fen"}
PEOPLE = {"giver", "giver_id", "nickname", "household_id", "resident_id", "room", "building_id"}
CONTRACT = FIRST.openapi()


def texts() -> list[tuple[str, str]]:
    found = []
    for folder in ("services", "routers", "models", "app"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append((str(path.relative_to(ROOT)), node.value))
                elif isinstance(node, ast.JoinedStr):
                    parts = [str(part.value) for part in node.values if isinstance(part, ast.Constant)]
                    found.append((str(path.relative_to(ROOT)), "{}".join(parts)))
    return found


def ranks(sql: str) -> bool:
    grouped = re.search(rf"GROUP BY [^)]*\b{WHO}\b", sql) and re.search(r"sum\([^)]*_fen", sql)
    ordered = re.search(r"FROM pledges[^)]*ORDER BY [^)]*amount_fen", sql, re.S)
    return bool(grouped or ordered)


def test_no_query_adds_up_money_by_person_or_household() -> None:
    for path, text in texts():
        assert not ranks(text), f"{path}: {text}"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT giver_id, sum(amount_fen) FROM pledges GROUP BY giver_id",
        "SELECT h.id, sum(p.amount_fen) FROM pledges p GROUP BY m.household_id",
        "SELECT * FROM pledges ORDER BY amount_fen DESC",
    ],
)
def test_the_rule_finds_what_it_forbids(sql: str) -> None:
    assert ranks(sql)


def test_no_list_is_sorted_by_money() -> None:
    for path, verbs in CONTRACT["paths"].items():
        for operation in verbs.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "sort":
                    assert words(parameter["schema"]) <= {"new", "support", "helpers", "priority", "needed_by"}, path


def test_no_shape_shows_a_person_beside_a_sum() -> None:
    for name, shape in CONTRACT["components"]["schemas"].items():
        said = set(shape.get("properties", {}))
        assert not (said & SUMS and said & PEOPLE), name


def words(schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        schema = CONTRACT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if "pattern" in schema:
        return set(re.findall(r"\w+", schema["pattern"]))
    return set(schema.get("enum", [schema["const"]] if "const" in schema else []))
