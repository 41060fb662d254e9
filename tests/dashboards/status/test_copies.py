"""Copies of the page: one for many who ask, the last one while no other can be made, and one on disk."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.errors import DependencyUnavailableError
from dashboards.status import disk
from dashboards.status.copies import Copies
from dashboards.status.rendering import rendered
from tests.dashboards.status.pages import NOW, page, service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dashboards.status.rendering import Copy

FRESH = timedelta(seconds=15)
COPY = rendered(page(service()), "https://status.example")


class Making:
    """Makes a page, or cannot, and counts."""

    def __init__(self) -> None:
        self.times = 0
        self.away = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.begun = threading.Event()

    def __call__(self) -> Copy:
        self.times += 1
        self.begun.set()
        assert self.may_go_on.wait(60)
        if self.away:
            raise DependencyUnavailableError("postgresql", "is away")
        return rendered(page(service(), as_of=NOW + timedelta(minutes=self.times)), "https://status.example")


@pytest.fixture
def making() -> Making:
    return Making()


@pytest.fixture
def copies(making: Making) -> Copies:
    return Copies(making, fresh=FRESH, directory=None)


def test_a_copy_serves_until_it_is_old(copies: Copies, making: Making) -> None:
    first = copies.current(100.0)
    assert copies.current(114.9) == first
    assert making.times == 1

    assert copies.current(115.0) != first
    assert making.times == 2


def test_a_stampede_makes_one_page(copies: Copies, making: Making) -> None:
    making.may_go_on.clear()
    found: list[tuple[Copy, bool]] = []
    crowd = [threading.Thread(target=lambda: found.append(copies.current(100.0))) for _ in range(50)]
    for one in crowd:
        one.start()
    assert making.begun.wait(60)
    making.may_go_on.set()
    for one in crowd:
        one.join()

    assert making.times == 1
    assert len(found) == 50
    assert len({id(copy) for copy, _ in found}) == 1


def test_while_somebody_makes_a_page_others_get_the_last_one(copies: Copies, making: Making) -> None:
    first = copies.current(100.0)
    making.may_go_on.clear()
    making.begun.clear()
    slow = threading.Thread(target=lambda: copies.current(200.0))
    slow.start()
    assert making.begun.wait(60)

    assert copies.current(200.0) == first
    making.may_go_on.set()
    slow.join()
    assert copies.current(200.0) != first


def test_the_last_page_is_shown_while_none_can_be_made_and_nobody_waits_for_it(
    copies: Copies, making: Making, eventually: Callable[..., None]
) -> None:
    first, failed = copies.current(100.0)
    assert not failed
    making.away = True

    assert copies.current(120.0) == (first, True)
    assert copies.current(121.0) == (first, True)
    assert making.times == 2
    making.may_go_on.clear()
    making.begun.clear()
    assert copies.current(135.0) == (first, True)  # Tried again, beside it.
    assert making.begun.wait(60)
    making.away = False
    making.may_go_on.set()
    eventually(lambda: copies.current(136.0)[0].as_of > first.as_of)
    assert not copies.current(136.0)[1]


def test_a_process_that_never_made_one_shows_that_on_disk(making: Making, tmp_path: Path) -> None:
    disk.write(COPY, tmp_path)
    making.away = True

    copy, failed = Copies(making, fresh=FRESH, directory=tmp_path).current(100.0)

    assert (copy.as_of, copy.files, failed) == (COPY.as_of, COPY.files, True)


def test_without_any_copy_it_says_so(copies: Copies, making: Making, tmp_path: Path) -> None:
    making.away = True

    with pytest.raises(DependencyUnavailableError):
        copies.current(100.0)
    with pytest.raises(DependencyUnavailableError):
        Copies(making, fresh=FRESH, directory=tmp_path / "none").current(100.0)


def test_files_on_disk_are_whole_and_for_everybody_to_read(tmp_path: Path) -> None:
    disk.write(COPY, tmp_path / "status")
    disk.write(COPY, tmp_path / "status")

    files = {
        str(path.relative_to(tmp_path / "status")): path for path in (tmp_path / "status").rglob("*") if path.is_file()
    }
    assert {name: path.read_bytes() for name, path in files.items()} == COPY.files
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o644}


def test_rubbish_on_disk_is_no_copy(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text('{"as_of": 7}')

    assert disk.read(tmp_path) is None
    assert disk.read(tmp_path / "none") is None
