"""What `make` sets up: locked, hashed, from whichever index the machine is configured for."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text()


def canonical(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")


def test_every_locked_package_has_its_version_and_hashes() -> None:
    packages = re.split(r"\n(?=\S)", LOCK.strip())

    assert packages
    assert [package for package in packages if not re.match(r"\S+==\S+ (;.*)?\\\n\s+--hash=sha256:", package)] == []


def test_the_lock_names_no_index() -> None:
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links", LOCK)


def test_the_lock_has_every_dependency_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    locked = {canonical(line) for line in LOCK.splitlines() if "==" in line}

    assert {canonical(name) for name in wanted} - locked == set()


@pytest.mark.parametrize("target", ["demo", "test", "check", "test-tools", "bench", "chaos", "lock"])
def test_make_help_shows_every_command(target: str) -> None:
    result = subprocess.run(["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert re.search(rf"^  make {target} +\S", result.stdout, re.MULTILINE)
