"""What counts as needing more and more, and what does not."""

from __future__ import annotations

import os

import pytest

from app.cli.chaos.vitals import ALLOWED, FEWEST, Life, Measure, Vitals, rise


def life(measure: Measure) -> Life:
    return Life("worker", os.getpid(), measure)


@pytest.mark.parametrize("measure", Measure)
def test_a_series_that_rises_without_end_is_found(measure: Measure) -> None:
    step = ALLOWED[measure] // 4
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


def test_the_rise_is_that_of_the_slope_over_the_whole_series() -> None:
    assert rise([0, 2, 4, 6]) == 6
    assert rise([7]) == 0
