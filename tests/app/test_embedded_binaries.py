from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from app.embedded import binaries
from app.embedded.binaries import find_binaries, missing_packages, packages_not_found, reachable
from app.process import User

if TYPE_CHECKING:
    from pathlib import Path

STRANGER = User(uid=54321, gid=54321)


def version_of(program: Path) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def test_the_programs_of_the_wheels_run_here() -> None:
    found = find_binaries(None)

    assert version_of(found.postgres).startswith("postgres (PostgreSQL) 18.")
    assert version_of(found.initdb).startswith("initdb (PostgreSQL) 18.")
    assert version_of(found.valkey).startswith("Valkey server v=9.")
    assert missing_packages() == []


def test_libraries_that_are_not_found_are_told_by_their_debian_package() -> None:
    listing = """
        linux-vdso.so.1 (0x00007f41f321b000)
        libz.so.1 => not found
        libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f41f2f18000)
        libstrange.so.7 => not found
    """

    assert packages_not_found(listing) == {"zlib1g", "libstrange.so.7"}


def test_programs_behind_a_closed_directory_are_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root's in a clone under /root, which the engines' user cannot enter."""
    monkeypatch.setattr(binaries, "CACHE_DIR", tmp_path / "cache")
    monkeypatch.setattr(binaries, "reachable", lambda _path, _user: False)

    first = find_binaries(STRANGER)
    made = first.postgres.stat().st_ino
    second = find_binaries(STRANGER)

    assert first == second
    assert second.postgres.stat().st_ino == made
    assert first.postgres.is_relative_to(tmp_path)
    assert first.valkey.is_relative_to(tmp_path)
    assert version_of(first.initdb).startswith("initdb (PostgreSQL) 18.")  # Its library was copied along.
    assert all(path.is_symlink() or path.stat().st_mode & 0o444 == 0o444 for path in (tmp_path / "cache").rglob("*"))
    assert [path for path in (tmp_path / "cache").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("directory_mode", "file_mode", "answer"), [(0o711, 0o755, True), (0o700, 0o755, False), (0o755, 0o700, False)]
)
def test_a_stranger_reaches_what_the_mode_bits_let_through(
    tmp_path: Path, directory_mode: int, file_mode: int, answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = [(parent, parent.stat().st_mode) for parent in tmp_path.parents if parent.stat().st_uid == os.geteuid()]
    program = tmp_path / "program"
    program.touch()
    program.chmod(file_mode)
    tmp_path.chmod(directory_mode)
    closed = [parent for parent, mode in above if not mode & 0o001]
    for parent in closed:
        parent.chmod(0o711)

    try:
        assert reachable(program, STRANGER) is answer
    finally:
        for parent in closed:
            parent.chmod(0o700)


def test_everybody_reaches_their_own(tmp_path: Path) -> None:
    assert reachable(tmp_path, User(uid=os.geteuid(), gid=os.getegid()))
