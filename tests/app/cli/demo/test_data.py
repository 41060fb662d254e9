from __future__ import annotations

import os
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from app.cli.demo.data import MARKER, RATE, claim
from app.cli.main import main
from app.embedded.binaries import EmbeddedError
from app.embedded.directory import DataDirectory
from app.embedded.service_user import service_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.cli.demo.data import Claimed


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the engines' own user can enter."""
    directory = Path(tempfile.mkdtemp(prefix="slipstream-demo-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


NOW = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)


def claimed(path: Path, *, now: datetime = NOW, fresh: bool = False) -> Claimed:
    return claim(path, now=now, fresh=fresh)


def written(path: Path, *, at: float) -> None:
    """Leave in a directory what a platform leaves that wrote something last at a moment in unix seconds."""
    (path / "postgresql" / "pg_wal").mkdir(parents=True)
    (path / "postgresql" / "pg_wal" / "000000010000000000000001").touch()
    os.utime(path / "postgresql" / "pg_wal" / "000000010000000000000001", (at, at))


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


def test_an_earlier_demo_is_gone_on_with_at_the_times_of_its_events(place: Path) -> None:
    first = claimed(place / "data")
    written(place / "data", at=time.time())

    second = claimed(place / "data", now=NOW + timedelta(days=3))

    assert not first.goes_on
    assert second.goes_on
    assert second.month_ends == first.month_ends == NOW.replace(second=0)
    assert "postgresql" in names(place / "data")


def test_the_clock_of_slos_never_goes_back(place: Path) -> None:
    """It ran sixty times as fast while the earlier demo did, and at the pace of everybody's since."""
    first = claimed(place / "data")
    an_hour_later = first.clock.since + 3_600
    written(place / "data", at=an_hour_later)

    second = claimed(place / "data")

    shown = first.clock.at(an_hour_later)
    assert shown == first.clock.since + RATE * 3_600
    assert second.clock.at(second.clock.since) == pytest.approx(shown, abs=60.0)
    assert second.clock.rate == RATE


def test_after_a_long_time_the_clock_of_slos_is_right_again(place: Path) -> None:
    data = place / "data"
    first = claimed(data)
    written(data, at=first.clock.since - 86_400)

    assert claimed(data).clock.ahead_s == 0


@pytest.mark.parametrize("mark", ["The next demo removes everything in it.\n", "{}", '{"month_ends": 7, "clock": ""}'])
def test_what_a_demo_of_another_version_has_left_is_replaced(place: Path, mark: str) -> None:
    data = place / "data"
    claimed(data)
    written(data, at=time.time())
    (data / MARKER).write_text(mark)

    assert not claimed(data).goes_on
    assert "postgresql" not in names(data)


def test_a_demo_that_never_came_to_store_anything_is_begun_anew(place: Path) -> None:
    claimed(place / "data")

    assert not claimed(place / "data").goes_on


def test_on_demand_an_earlier_demo_s_data_are_removed_and_the_lock_stays(place: Path) -> None:
    data = place / "data"
    claimed(data)
    written(data, at=time.time())
    (data / "link").symlink_to(place)
    lock = (data / "lock").stat().st_ino
    told: list[bool] = []

    later = NOW + timedelta(days=3)
    again = claim(data, now=later, fresh=True, on_removal=lambda: told.append(True))

    assert told
    assert not again.goes_on
    assert again.month_ends == later.replace(second=0)
    assert not {"postgresql", "link"} & names(data)
    assert (data / "lock").stat().st_ino == lock
    assert place.exists()
