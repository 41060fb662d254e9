from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from app.core.clock import Clock


def test_without_a_rate_it_is_real_time() -> None:
    before = time.time()

    assert before <= Clock.read("").seconds() <= time.time()
    assert Clock.read("").now().utcoffset() is not None


def test_it_runs_faster_from_its_beginning_on() -> None:
    began = time.time() - 10

    seconds = Clock(rate=60, since=began).seconds()

    assert began + 600 <= seconds < began + 1_200
    assert Clock(rate=60, since=began).real_s(3_600) == 60


def test_it_says_what_real_time_it_was(subtests: pytest.Subtests) -> None:
    clock = Clock(rate=60, since=1_000_000.0)

    for shown, real in ((1_000_600, 1_000_010), (1_000_000, 1_000_000), (999_000, 999_000)):
        with subtests.test(shown=shown):
            assert clock.real(datetime.fromtimestamp(shown, UTC)) == datetime.fromtimestamp(real, UTC)


def test_one_that_ran_before_goes_on_from_where_it_was() -> None:
    clock = Clock(rate=60, since=1_000_000.0, ahead_s=5_000.0)

    assert clock.at(1_000_000) == 1_005_000
    assert clock.at(1_000_010) == 1_005_600
    assert clock.real(datetime.fromtimestamp(1_005_600, UTC)) == datetime.fromtimestamp(1_000_010, UTC)
    assert clock.real(datetime.fromtimestamp(1_004_000, UTC)) == datetime.fromtimestamp(1_000_000, UTC)
    assert Clock.read(str(clock)) == clock


def test_every_process_that_is_told_has_the_same_time() -> None:
    clock = Clock(rate=1_000, since=time.time())
    program = "from app.core.clock import CLOCK; print(CLOCK)"

    told = subprocess.run(
        [sys.executable, "-c", program],
        env={"SLIPSTREAM_CLOCK": str(clock)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == str(clock)
    assert Clock.read(str(clock)).since == pytest.approx(clock.since, abs=0.001)


@pytest.mark.parametrize("text", ["fast", "60", "60@then", "0.5@0", "nan@0", "60@0+-1"])
def test_what_is_no_clock_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Clock.read(text)
