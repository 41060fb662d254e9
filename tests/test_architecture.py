"""The house itself: every module on a floor, one owner for every top-level name, files of one subject."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
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


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_imports_only_from_its_own_floor_and_below(path: Path) -> None:
    allowed = ALLOWED_BELOW[floor_of(name_of(path))]

    ours = {name for name in imports_of(path) if name.split(".")[0] in PACKAGES}

    assert {name: floor_of(name) for name in ours if floor_of(name) not in allowed} == {}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_ingestion_and_reporting_do_not_know_each_other(path: Path) -> None:
    name = name_of(path)
    stranger = {"ingestion": "reporting", "reporting": "ingestion"}.get(name.split(".")[0])

    assert not {found for found in imports_of(path) if stranger and found.split(".")[0] == stranger}


FLASK_EDGES = ("app.core.http", "app.api", "app.factory", "app.wsgi", "dashboards.web", "dashboards.status")


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_flask_is_known_to_edges_only(path: Path) -> None:
    name = name_of(path)
    edge = name.startswith(FLASK_EDGES) or name.endswith(("api", "_api"))

    assert edge or not {found for found in imports_of(path) if found.split(".")[0] in {"flask", "werkzeug"}}


@pytest.mark.parametrize("path", [path for path in modules() if path.name == "__init__.py"], ids=name_of)
def test_package_files_are_empty(path: Path) -> None:
    assert path.read_text() == ""


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_file_has_one_subject(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


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
