from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from app.embedded.binaries import EmbeddedError
from app.embedded.directory import DataDirectory, default_data_dir, running_environment
from app.process import User


def test_a_user_s_instance_lives_among_their_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/me/data")
    assert default_data_dir() == Path("/home/me/data/slipstream")

    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert default_data_dir() == Path("/home/me/.local/share/slipstream")


def test_root_s_instance_lives_outside_of_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert default_data_dir() == Path("/var/lib/slipstream")


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data", user=None)
    directory.prepare()

    made = directory.secrets()

    assert directory.secrets() == made
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    token = tmp_path / "data" / "admin.token"
    assert (token.read_text().strip(), stat.S_IMODE(token.stat().st_mode)) == (made.admin_token, 0o600)
    assert len({made.postgres_password, made.database_password, made.valkey_password, made.admin_token}) == 4


def test_a_long_path_has_its_sockets_elsewhere(tmp_path: Path) -> None:
    """A socket's path is at most 107 bytes long."""
    directory = DataDirectory(tmp_path / ("long" * 30), user=None)
    directory.prepare()
    directory.lock()
    try:
        run = directory.run
        assert run.is_relative_to("/tmp")
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        assert len(os.fsencode(run)) < 80
    finally:
        directory.unlock()
    assert not run.exists()


def test_a_socket_directory_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / ("long" * 30), user=None)
    directory.prepare()
    directory.run.mkdir()
    directory.run.chmod(0o755)
    try:
        with pytest.raises(EmbeddedError, match="not a private directory"):
            directory.lock()
    finally:
        directory.unlock()


def test_a_directory_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    mode = tmp_path.stat().st_mode

    with pytest.raises(EmbeddedError, match="holds other files"):
        DataDirectory(tmp_path, user=None).prepare()
    assert tmp_path.stat().st_mode == mode


def test_a_directory_that_the_engines_user_cannot_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    with pytest.raises(EmbeddedError, match="cannot enter"):
        DataDirectory(tmp_path / "data", user=User(uid=54321, gid=54321)).prepare()


def test_a_directory_without_an_instance_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="slipstream up --data"):
        running_environment(tmp_path)
