"""What counts as needing more and more, and what does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import redis

from app.cli.chaos.vitals import (
    ALLOWED,
    FEWEST,
    LATELY_S,
    Life,
    Measure,
    Vitals,
    allowed,
    measure_together,
    rise,
    used_within,
)
from app.platform import Role


def life(measure: Measure) -> Life:
    return Life("worker", os.getpid(), measure)


@pytest.mark.parametrize("measure", Measure)
def test_a_series_that_rises_without_end_is_found(measure: Measure) -> None:
    step = allowed(life(measure)) // 4
    vitals = Vitals({life(measure): [100 + number * step for number in range(FEWEST)]})

    (finding,) = vitals.findings()

    assert finding.rule == "not flat"
    assert measure in finding.examples[0]


@pytest.mark.parametrize("measure", Measure)
def test_a_series_with_one_odd_sample_is_flat(measure: Measure) -> None:
    values = [100] * (2 * FEWEST)
    values[-2] += 10 * ALLOWED[measure]

    assert Vitals({life(measure): values}).findings() == []


def test_a_life_of_few_samples_tells_nothing() -> None:
    assert list(Vitals({life(Measure.THREADS): [1, 1_000]}).lives()) == []


def test_an_api_may_have_two_connections_more_for_each_thread_that_it_may_have_more() -> None:
    assert allowed(replace(life(Measure.DESCRIPTORS), process=Role.API)) >= 2 * ALLOWED[Measure.THREADS]
    assert allowed(replace(life(Measure.DESCRIPTORS), process=Role.VALKEY)) == ALLOWED[Measure.DESCRIPTORS]


def test_a_connection_to_valkey_that_nobody_uses_any_more_is_one_too_many(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        client.ping()

        assert used_within(LATELY_S, valkey_url) >= 2
        assert used_within(-1, valkey_url) == 0


def test_the_rise_is_that_of_the_slope_over_the_whole_series() -> None:
    assert rise([0, 2, 4, 6]) == 6
    assert rise([7]) == 0


FORKED = """
import os, time
held = bytearray(b"x" * 2**26)
os.fork()
os.write(1, b"%d\\n" % os.getpid())
time.sleep(60)
"""


def test_memory_that_processes_share_counts_once_for_all_of_them() -> None:
    with subprocess.Popen([sys.executable, "-c", FORKED], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = sorted(int(parent.stdout.readline()) for _ in range(2))
        try:
            together = measure_together(pids)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)

    assert 2**26 < together[Measure.MEMORY] < 2 * 2**26
    assert together[Measure.THREADS] == len(pids)
