"""The house itself: every module on a floor, one owner for every top-level name, files of one subject."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "ingestion", "reporting", "dashboards", "migrations")
LONGEST_FILE = 300

FLOORS = {
    "ground": ("app.domain", "ingestion.limits", "reporting.slo"),
    "core": ("app.core",),
    "features": ("ingestion", "reporting"),
    "dashboards": ("dashboards",),
    "roof": ("app",),
    "migrations": ("migrations",),
}
ALLOWED_BELOW = {
    "ground": {"ground"},
    "core": {"ground", "core"},
    "features": {"ground", "core", "features"},
    "dashboards": {"ground", "core", "features", "dashboards"},
    "roof": {"ground", "core", "features", "dashboards", "roof", "migrations"},
    "migrations": {"ground", "core", "migrations"},
}


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> str:
    candidates = [
        (len(prefix), floor)
        for floor, prefixes in FLOORS.items()
        for prefix in prefixes
        if module == prefix or module.startswith(prefix + ".")
    ]
    return max(candidates)[1]


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports at run time, also inside functions."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def ours(path: Path) -> set[str]:
    return {name for name in imports_of(path) if name.split(".")[0] in PACKAGES}


def test_a_module_imports_only_from_its_own_floor_and_below() -> None:
    climbing = {
        (name_of(path), imported)
        for path in modules()
        for imported in ours(path)
        if floor_of(imported) not in ALLOWED_BELOW[floor_of(name_of(path))]
    }

    assert climbing == set()


def test_ingestion_and_reporting_do_not_know_each_other() -> None:
    stranger = {"ingestion": "reporting", "reporting": "ingestion"}
    acquainted = {
        (name_of(path), imported)
        for path in modules()
        for imported in ours(path)
        if imported.split(".")[0] == stranger.get(name_of(path).split(".")[0])
    }

    assert acquainted == set()


FLASK_EDGES = (
    "app.core.http",
    "app.api",
    "app.factory",
    "app.wsgi",
    "app.composition",
    "dashboards.web",
    "dashboards.status",
)


def test_flask_is_known_to_edges_only() -> None:
    knowing = {
        name_of(path)
        for path in modules()
        if {found.split(".")[0] for found in imports_of(path)} & {"flask", "werkzeug"}
        and not name_of(path).startswith(FLASK_EDGES)
        and not name_of(path).endswith(("api", "_api"))
    }

    assert knowing == set()


def test_sql_is_written_in_stores_and_migrations_only() -> None:
    # Grafana runs what stands in dashboards.grafana; nothing of ours does (ADR 28).
    places = (
        "store",
        "migrations",
        "app.core.database",
        "app.core.migrate",
        "app.embedded.engines",
        "dashboards.grafana",
    )
    statement = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b .*\b(FROM|VALUES|SET|WHERE|unnest)\b")
    elsewhere = {
        name_of(path)
        for path in modules()
        if any(statement.search(line) for line in path.read_text().splitlines())
        and not any(place in name_of(path) for place in places)
    }

    assert elsewhere == set()


def test_package_files_are_empty() -> None:
    assert [name_of(path) for path in modules() if path.name == "__init__.py" and path.read_text()] == []


def test_a_file_has_one_subject() -> None:
    assert [name_of(path) for path in modules() if len(path.read_text().splitlines()) > LONGEST_FILE] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_each_top_level_name_has_exactly_one_owner(package: str) -> None:
    owners = importlib.metadata.packages_distributions().get(package, [])
    spec = importlib.util.find_spec(package)

    assert set(owners) <= {"slipstream"}
    assert spec is not None
    assert Path(spec.origin or "").resolve().parent == ROOT / package


def test_the_command_line_answers_without_the_heavy_libraries() -> None:
    heavy = "{'flask', 'sqlalchemy', 'huey', 'pandas', 'weasyprint', 'granian'}"
    program = f"import sys, app.cli.main; print(sorted({heavy} & set(sys.modules)))"

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


def test_every_decision_has_a_number_of_its_own() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [path.name[:4] for path in decisions]

    assert len(set(numbers)) == len(numbers) > 0
    for path in decisions:
        assert path.read_text().startswith(f"# {int(path.name[:4])}. ")


def test_the_list_of_decisions_names_each_by_its_title() -> None:
    decisions = ROOT / "docs" / "adr"
    titles = {path.name: path.read_text().splitlines()[0] for path in decisions.glob("[0-9]*.md")}
    titled = {"- {} [{}]({})".format(*title.removeprefix("# ").split(". ", 1), name) for name, title in titles.items()}
    listed = {line for line in (decisions / "README.md").read_text().splitlines() if line.startswith("- ")}

    assert listed <= titled
