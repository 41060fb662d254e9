"""From a run's history to its results and to the page of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.chaos.chronicle import (
    AlarmLine,
    Chronicle,
    EndLine,
    LifeLine,
    MissingLine,
    RunLine,
    StrikeLine,
    read_chronicle,
)
from app.cli.chaos.page import as_markdown
from app.cli.chaos.results import FLAT, Spread, results_of
from app.cli.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path

    from app.cli.chaos.chronicle import Line

GREEN = StrikeLine(
    fault="kill-worker",
    round=1,
    requests=10,
    acknowledged=90,
    stored=80,
    duplicates=9,
    dead=1,
    answers={"202": 9, "503 overloaded": 1},
    slowest_ms=120,
    first_202_s=0.1,
    drain_s=13.0,
    longest_gap_s=4.25,
)
RED = StrikeLine(fault="kill-worker", round=2, slowest_ms=900, findings=("stored twice: 1 (x)",), directory="/kept")
MACHINE = Machine("some", 2, 4.0, "6", "3.11", "18", "9", "ext4", 0.5)
LINES: list[Line] = [
    RunLine(
        at="2026-11-22T20:00:00+00:00",
        seed=7,
        command="slipstream chaos --seed 7 --dir /somewhere --minutes 60",
        version="abc",
        machine=MACHINE,
    ),
    GREEN,
    AlarmLine(round=1, fired_after_s=26.0, resolved_after_s=150.0, firing=1, resolved=1),
    LifeLine(round=1, process="api", pid=1, measure="memory", samples=9, first=2**20, last=2**21, risen=2**20),
    MissingLine(fault="fsync-fails", reason="strace is not installed"),
    EndLine(at="2026-11-22T21:00:00+00:00", minutes=60.0),
]


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    chronicle = Chronicle(tmp_path / "history.ndjson")
    for line in LINES:
        chronicle.add(line)

    assert read_chronicle(chronicle.path) == chronicle.lines == LINES


def test_strikes_of_a_fault_are_added_up() -> None:
    result = results_of([*LINES, RED]).faults["kill-worker"]

    assert (result.requests, result.acknowledged, result.stored, result.duplicates, result.dead) == (10, 90, 80, 9, 1)
    assert result.slowest_ms == 900
    assert result.red == 1
    assert result.first_202 == Spread(0.1, None)
    assert result.answers["503 overloaded"] == 1


def test_everything_that_was_found_is_told_wherever_it_stands() -> None:
    alarm = AlarmLine(
        round=1, fired_after_s=None, resolved_after_s=None, firing=0, resolved=0, findings=("never told",)
    )
    rising = StrikeLine(fault=FLAT, round=1, findings=("not flat: 1",))

    assert results_of(LINES).findings == []
    assert {what for _, what, _ in results_of([*LINES, RED, alarm, rising]).findings} == {
        "stored twice: 1 (x)",
        "never told",
        "not flat: 1",
    }


def test_the_page_has_what_was_measured_of_every_fault() -> None:
    text = as_markdown([results_of(LINES)])

    assert (
        "| `kill-worker`: SIGKILL of a worker | 1 | 10 | 90 | 80 | 9 | 1 | 0.1 s | 4.2 | 0.1 / 0.1 s | 13.0 / 13.0 s | green |"
        in text
    )
    assert (
        "seed 7, commit abc: **1 strikes of 1 faults, 10 requests, 90 events with a 202, no broken promise.**" in text
    )
    assert "`fsync-fails`: strace is not installed" in text
    assert "+1.0 MiB" in text
    assert "\nslipstream chaos --seed 7 --minutes 60\n" in text
    assert "2 x some, 4 GiB" in text


def test_a_red_run_is_red_on_its_page() -> None:
    text = as_markdown([results_of(LINES), results_of([*LINES, RED])])

    assert "**red 1 of 2**" in text
    assert "1 broken promises" in text
    assert "- `kill-worker`: stored twice: 1 (x)" in text
