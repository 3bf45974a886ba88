"""Whatever a resident can write, a helper can write for him, but for what docs/clients.md says only he himself does."""

import re
from pathlib import Path

import pytest

from tests.everything import ROLES
from tests.house.matrix import MATRIX
from tests.house.test_openapi import CONTRACT, OPERATIONS

pytestmark = pytest.mark.no_database

RESIDENTS = [ROLES.index(who) for who in ("guest", "moved", "wu", "lin", "mei")]
"""Who holds no office; 小林 and 阿梅 lead and represent."""
OF_NO_RESIDENT = {"POST /v1/deliberations/{deliberation_id}/ballots/import", "POST /v1/wechat/pay/notify"}
"""The staff's, which refuses others only once it has read their file, and WeChat's own."""


def in_the_table() -> set[str]:
    """The operations named in the table of docs/clients.md."""
    text = (Path(__file__).parents[2] / "docs/clients.md").read_text()
    table = text.split("### What only he himself does")[1].split("\n## ")[0]
    named = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    return {one for line in named for one in re.findall(r"`((?:POST|PUT|DELETE) /v1/[^`]+)`", line)}


def written_by_residents() -> set[str]:
    """The writing operations that the matrix lets somebody without an office do."""
    allowed = {
        operation
        for signs, _, *operations in (line.split() for line in MATRIX.strip().splitlines())
        if any(signs[place] == "o" for place in RESIDENTS)
        for operation in operations
    }
    return {where for where, said in OPERATIONS if said["operationId"] in allowed and not where.startswith("GET")}


def helped() -> set[str]:
    """The operations that take `on_behalf_of`, in the body or the query."""
    shapes = CONTRACT["components"]["schemas"]
    found = set()
    for where, said in OPERATIONS:
        body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        named = [part["$ref"].rsplit("/", 1)[-1] for part in [body, *body.get("anyOf", [])] if "$ref" in part]
        fields = {name for shape in named for name in shapes[shape].get("properties", {})}
        fields |= {one["name"] for one in said.get("parameters", []) if one["in"] == "query"}
        if "on_behalf_of" in fields:
            found.add(where)
    return found


def test_a_helper_does_whatever_a_resident_does() -> None:
    alone = written_by_residents() - helped() - OF_NO_RESIDENT
    assert alone <= in_the_table(), "let it take `on_behalf_of`, or say in docs/clients.md why only he himself does it"


def test_the_table_names_what_there_is_and_what_takes_no_help() -> None:
    table = in_the_table()
    assert table <= {where for where, _ in OPERATIONS}
    assert not table & helped()
