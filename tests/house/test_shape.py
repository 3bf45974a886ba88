"""The shape of the house, read from its source: rules that prose alone would not keep."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import events, jobs, notifications

pytestmark = pytest.mark.no_database

ROOT = Path(__file__).resolve().parents[2]
OURS = ["app", "routers", "services", "models"]


def sources(*folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text()


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the name of what is called, chains joined: `a.b().c()` is `a.b.c`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ".".join(reversed(list(_names(node.func)))), node


def _names(node: ast.AST) -> Iterator[str]:
    while True:
        if isinstance(node, ast.Attribute):
            yield node.attr
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            if isinstance(node, ast.Name):
                yield node.id
            return


def test_no_transaction_is_opened_but_through_db() -> None:
    for path, source in sources(*OURS):
        if path == "app/core/db.py":
            continue
        assert "tortoise.transactions" not in source, f"{path}: use tx() or @atomic() of app/core/db.py"
        for name, _ in calls(source):
            last = name.rsplit(".", 1)[-1]
            assert last not in {"_in_transaction", "in_transaction"}, f"{path}: use tx() of app/core/db.py"


def test_services_do_one_thing_at_a_time() -> None:
    for path, source in sources("services", "models"):
        for name, _ in calls(source):
            forbidden = {"gather", "create_task", "ensure_future", "TaskGroup"}
            assert name.rsplit(".", 1)[-1] not in forbidden, f"{path}: a transaction belongs to one task"


def test_a_locked_read_keeps_its_lock() -> None:
    for path, source in sources(*OURS):
        for name, _ in calls(source):
            chain = name.split(".")
            locked = "select_for_update" in chain
            assert not (locked and {"values", "values_list"} & set(chain)), f"{path}: Tortoise drops FOR UPDATE here"


def test_no_request_changes_session_state() -> None:
    """The pool's reset query is off, so nothing may outlive its transaction."""
    for path, source in sources("services", "routers", "models"):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value.strip().upper()
                changes = text.startswith(("SET ", "LISTEN ")) and not text.startswith(("SET LOCAL", "SET CONSTRAINTS"))
                assert not changes, f"{path}: {node.value}"
                assert "PG_ADVISORY_LOCK" not in text, f"{path}: only pg_advisory_xact_lock"


def test_every_deadline_reads_the_one_clock() -> None:
    for path, source in sources("services", "models", "routers"):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "SELECT" in node.value.upper():
                assert not re.search(r"(?<!clock_)\bnow\(\)|CURRENT_TIMESTAMP", node.value), f"{path}: clock_now()"
        if path != "routers/callbacks.py":  # signatures of WeChat live in real time
            assert "datetime.now(" not in source, f"{path}: await clock.now()"


def test_only_the_settings_read_the_environment() -> None:
    for path, source in sources(*OURS):
        if path not in {"app/core/settings.py", "app/cli.py", "app/run.py"}:  # the last two hand it to children
            assert "os.environ" not in source, path
            assert "getenv" not in source, path


def test_alembic_stays_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_every_foreign_key_restricts() -> None:
    for path, source in sources("models"):
        for name, call in calls(source):
            if name.endswith("ForeignKeyField"):
                on_delete = [word.value for word in call.keywords if word.arg == "on_delete"]
                assert on_delete, f"{path}: say on_delete=RESTRICT"
                assert getattr(on_delete[0], "id", "") == "RESTRICT", path


def test_the_jobs_owed_are_the_jobs_there_are() -> None:
    for owed, there in ((events.OWED, jobs.JOBS), (events.OWED_FOR, jobs.ROW_JOBS)):
        assert {job for names in owed.values() for job in names} == set(there)


def test_notices_say_the_same_in_both_languages() -> None:
    for kind, (zh, en) in notifications.NOTICES.items():
        assert set(re.findall(r"{(\w+)}", zh)) == set(re.findall(r"{(\w+)}", en)), kind


def test_public_functions_say_what_they_do() -> None:
    for path, source in sources("services", "app/core", "app/gateways", "models"):
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_":
                short = isinstance(node, ast.ClassDef) and len(node.body) <= 3
                dataclass = isinstance(node, ast.ClassDef) and node.decorator_list
                assert ast.get_docstring(node) or short or dataclass or _is_enum(node), f"{path}: {node.name}"


def _is_enum(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        getattr(base, "id", "") in {"StrEnum", "IntEnum", "Protocol", "BaseModel", "Conflict", "Forbidden", "Invalid"}
        for base in node.bases
    )


def test_files_can_be_read_in_a_sitting() -> None:
    long = {path: lines for path, source in sources(*OURS) if (lines := source.count("\n")) > 500}
    assert not long, long


def test_no_page_holds_two_versions_of_itself() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for line in path.read_text().splitlines():
            assert not line.startswith(("<<<<<<<", ">>>>>>>")), f"{path.name}: {line}"
