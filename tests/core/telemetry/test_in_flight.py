"""Requests in flight: the counters outlive a process that is killed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app.core.telemetry.in_flight import DeadProcess, InFlight, Unfinished, find_remains

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import os, signal, sys
from pathlib import Path
from app.core.telemetry.in_flight import InFlight

counters = InFlight(Path(sys.argv[1]), "host:1:2", now_s=1_740_000_000)
events, summary = ("/events", "POST"), ("/accounts/{id}/summary", "GET")
for route in (events, events, events, summary):
    counters.begin(*route)
counters.finish(counters.begin(*events))
counters.finish(counters.begin(*summary))
counters.seen(1_740_000_005, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_a_process_at_work(directory: Path) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, str(directory)], check=False)


def read_all(directory: Path) -> list[DeadProcess | None]:
    found = find_remains(directory)
    dead = [remains.read() for remains in found]
    for remains in found:
        remains.release()
    return dead


def test_what_a_killed_process_had_begun_is_found(tmp_path: Path) -> None:
    kill_a_process_at_work(tmp_path)

    assert read_all(tmp_path) == [
        DeadProcess(
            writer="host:1:2",
            last_seen=1_740_000_005,
            unfinished=(Unfinished("/events", "POST", 3), Unfinished("/accounts/{id}/summary", "GET", 1)),
            uncounted=1,
        )
    ]


def test_the_file_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    counters = InFlight(tmp_path, "host:1:2", now_s=0)
    counters.begin("/events", "POST")

    assert find_remains(tmp_path) == []

    counters.close()


def test_only_one_finds_what_a_dead_process_left(tmp_path: Path) -> None:
    kill_a_process_at_work(tmp_path)
    (first,) = find_remains(tmp_path)

    assert find_remains(tmp_path) == []

    first.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_ends_in_good_order_leaves_nothing(tmp_path: Path) -> None:
    counters = InFlight(tmp_path, "host:1:2", now_s=0)
    counters.finish(counters.begin("/events", "POST"))
    counters.seen(1, 1)

    counters.close()

    assert list(tmp_path.iterdir()) == []


def test_a_process_that_ends_without_an_answer_is_found(tmp_path: Path) -> None:
    counters = InFlight(tmp_path, "host:1:2", now_s=0)
    counters.begin("/events", "POST")

    counters.close()

    (dead,) = read_all(tmp_path)
    assert dead is not None
    assert dead.unfinished == (Unfinished("/events", "POST", 1),)


def test_more_routes_than_there_are_slots_are_counted_together(tmp_path: Path) -> None:
    counters = InFlight(tmp_path, "host:1:2", now_s=0)
    for number in range(1_500):
        counters.begin(f"/route/{number}", "GET")

    counters.close()

    (dead,) = read_all(tmp_path)
    assert dead is not None
    assert len(dead.unfinished) == 1_024
    assert dead.unfinished[-1] == Unfinished("__other__", "__other__", 1_500 - 1_023)


@pytest.mark.parametrize("content", [b"", b"SLIPFLY1", bytes(200_000)])
def test_a_file_that_is_not_whole_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "host_1_2.inflight").write_bytes(content)

    assert read_all(tmp_path) == [None]


def test_a_name_with_odd_characters_makes_one_file_in_the_directory(tmp_path: Path) -> None:
    counters = InFlight(tmp_path, "../host/:1", now_s=0)

    assert [path.parent for path in tmp_path.rglob("*")] == [tmp_path]

    counters.close()
