"""The wheel, which is what the image installs: everything that the packages hold is in it, and is found there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "dashboards", "ingestion", "migrations", "reporting", "slos")
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.md", ".*")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages in a directory of their own, as a build writes beside them."""
    copy = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=NOT_SHIPPED)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is installed, unpacked."""
    made = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(made)], cwd=source, check=True, capture_output=True)
    (path,) = made.glob("*.whl")
    with ZipFile(path) as file:
        file.extractall(made / "installed")
    return made / "installed"


def files_of(directory: Path) -> set[str]:
    return {
        path.relative_to(directory).as_posix()
        for name in PACKAGES
        for path in (directory / name).rglob("*")
        if path.is_file()
    }


def test_the_wheel_has_every_file_of_the_packages(source: Path, wheel: Path) -> None:
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]

    assert sorted(pattern.removesuffix("*") for pattern in packed["include"]) == list(PACKAGES)
    assert files_of(source) - files_of(wheel) == set()
    assert {Path(name).suffix for name in files_of(wheel)} >= {".css", ".html", ".js", ".lua", ".mako", ".sql", ".yaml"}


def test_what_is_promised_at_the_first_start_is_found_in_the_wheel(wheel: Path, tmp_path: Path) -> None:
    script = (
        "import slos, app.named_routes; from reporting.definitions.load import load;"
        "promised = sorted(each.name for each in load(app.named_routes.shipped_text()).definitions);"
        "print(slos.__file__, app.named_routes.__file__, *promised)"
    )
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    argv = [sys.executable, "-c", script]
    result = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
    slos, code, *promised = result.stdout.split()
    # Not those of this checkout, which is installed as well.
    assert Path(slos).is_relative_to(wheel)
    assert Path(code).is_relative_to(wheel)
    assert promised == ["availability", "freshness", "ingest-latency", "summary-latency"]
