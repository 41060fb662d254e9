from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from app.cli.demo.data import MARKER, claim, clear
from app.cli.main import main
from app.embedded.binaries import EmbeddedError
from app.embedded.directory import DataDirectory
from app.embedded.service_user import service_user

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the engines' own user can enter."""
    directory = Path(tempfile.mkdtemp(prefix="slipstream-demo-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


def claimed(path: Path) -> bool:
    """Claim a directory; return whether an earlier demo's data were there."""
    earlier: list[bool] = []
    claim(path, on_earlier=lambda: earlier.append(True))
    return bool(earlier)


def test_a_directory_of_other_files_is_kept_and_the_demo_refused_in_one_sentence(place: Path) -> None:
    (place / "thesis").mkdir()
    (place / "thesis" / "chapter.txt").write_text("years of work")

    result = CliRunner().invoke(main, ["demo", "--once", "--data", str(place)])

    assert result.exit_code == 1
    assert result.stderr == f"Error: {place} holds other files: give a new or empty directory by --data.\n"
    assert (place / "thesis" / "chapter.txt").read_text() == "years of work"


def test_the_data_of_an_instance_that_is_no_demo_are_kept(place: Path) -> None:
    directory = DataDirectory(place, user=service_user())
    directory.prepare()
    directory.lock()
    directory.unlock()

    with pytest.raises(EmbeddedError, match="holds other files"):
        claimed(place)
    assert "valkey" in names(place)


def test_a_file_is_refused(place: Path) -> None:
    (place / "file").touch()

    with pytest.raises(EmbeddedError, match="not a directory"):
        claimed(place / "file")


def test_a_running_instance_is_refused_also_where_a_demo_once_was(place: Path) -> None:
    claimed(place / "data")
    (place / "data" / "postgresql").mkdir()
    running = DataDirectory(place / "data", user=service_user())
    running.lock()
    try:
        with pytest.raises(EmbeddedError, match=rf"in use by another instance \(process {os.getpid()}\)"):
            claimed(place / "data")
        assert "postgresql" in names(place / "data")
    finally:
        running.unlock()


def test_an_earlier_demo_s_data_are_replaced_and_the_lock_stays(place: Path) -> None:
    data = place / "data"
    assert not claimed(data)
    (data / "postgresql").mkdir()
    (data / "postgresql" / "rows").touch()
    (data / "link").symlink_to(place)
    lock = (data / "lock").stat().st_ino

    assert claimed(data)

    assert not {"postgresql", "link"} & names(data)
    assert (data / "lock").stat().st_ino == lock
    assert place.exists()


def test_a_demo_that_has_ended_leaves_nothing_but_its_mark(place: Path) -> None:
    claimed(place / "data")
    (place / "data" / "secrets.json").touch()

    clear(place / "data")

    assert "secrets.json" not in names(place / "data")
    assert MARKER in names(place / "data")
