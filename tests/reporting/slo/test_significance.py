"""Too few events to tell, by Wilson's interval; and the state that says so."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.slo.counts import Counts
from reporting.slo.error_budget import burn_rate, error_budget
from reporting.slo.signals import Signal, signal
from reporting.slo.significance import Significance, wilson_interval
from reporting.slo.state import SLOState, slo_state

if TYPE_CHECKING:
    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.objective import Objective

THREE_NINES = Fraction(1, 1000)


@pytest.mark.parametrize(
    ("bad", "total", "lower", "upper"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 95 %, without continuity correction.
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_wilson_s_interval_as_newcombe_has_it(bad: int, total: int, lower: str, upper: str) -> None:
    interval = wilson_interval(Counts(total - bad, total))

    assert interval is not None
    assert [round(bound, 4) for bound in interval] == [Decimal(lower), Decimal(upper)]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_interval_holds_the_ratio_and_stays_within_nought_and_one(good: int, bad: int) -> None:
    interval = wilson_interval(Counts(good, good + bad))

    if good + bad == 0:
        assert interval is None
        return
    assert interval is not None
    lower, upper = interval
    assert 0 <= lower <= Decimal(bad) / (good + bad) <= upper <= 1


@given(st.integers(0, 3000), st.integers(3, 3000), st.integers(1, 999))
def test_few_events_tell_when_the_interval_lies_beyond_the_limit(good: int, bad: int, thousandths: int) -> None:
    limit, counts = Fraction(thousandths, 1000), Counts(good, good + bad)
    interval = wilson_interval(counts)
    assert interval is not None
    distance = Fraction(interval[0]) - limit

    if abs(distance) > Fraction(1, 10**12) and counts.total * limit <= Fraction("3.8416") * (1 - limit):
        assert Significance().enough(counts, limit) is (distance > 0)


@pytest.mark.parametrize(("target", "needed"), [("0.9", 35), ("0.99", 381), ("0.999", 3_838), ("0.9999", 38_413)])
def test_so_many_events_are_needed_to_tell_that_a_target_is_met(target: str, needed: int) -> None:
    limit = 1 - Fraction(target)

    assert Significance().enough(Counts(needed, needed), limit)
    assert not Significance().enough(Counts(needed - 1, needed - 1), limit)
    # Which is what Wilson's lower bound of good / total says when all are good.
    assert Fraction(needed) / (needed + Fraction("3.8416")) > Fraction(target)


@pytest.mark.parametrize(
    ("bad", "total", "enough"),
    [
        # SRE workbook chapter 5: ten requests an hour, one fails: a burn rate of 100.
        pytest.param(1, 10, False, id="one of ten"),
        pytest.param(1, 1, False, id="one of one"),
        pytest.param(2, 2, False, id="two of two"),
        pytest.param(3, 3, True, id="three of three"),
        pytest.param(3, 10, True, id="three of ten"),
        # sloth PR 459: an hour of 120 requests in which 100 fail spends all of a month of 90,000 requests.
        pytest.param(100, 120, True, id="a hundred of a hundred and twenty"),
        pytest.param(0, 0, False, id="none"),
    ],
)
def test_an_hour_of_low_traffic_at_the_page_s_limit(bad: int, total: int, enough: bool) -> None:
    assert Significance().enough(Counts(total - bad, total), Fraction("14.4") * THREE_NINES) is enough


def test_one_failure_of_ten_burns_a_hundred_times_and_tells_nobody(
    workbook: tuple[BurnRateAlert, ...], three_nines: Objective
) -> None:
    """The workbook's low-traffic example (13.9 % of a month's budget), pyrra #1925 and #1259."""
    hour, quiet = Counts(9, 10), Counts(0, 1)

    assert burn_rate(three_nines, hour) == 100
    assert round(burn_rate(three_nines, hour) * 1 / Decimal(720), 3) == Decimal("0.139")
    assert signal(workbook[0], three_nines, long=hour, short=quiet) is Signal.LOW_TRAFFIC


def test_busy_traffic_is_not_held_back(workbook: tuple[BurnRateAlert, ...], three_nines: Objective) -> None:
    just_beyond = Counts(100_000 - 1_441, 100_000)

    assert signal(workbook[0], three_nines, long=just_beyond, short=just_beyond) is Signal.BREACHING


@pytest.mark.parametrize(
    ("long", "short", "found"),
    [
        (Counts(0, 1000), Counts(0, 100), Signal.BREACHING),
        (Counts(0, 1000), Counts(100, 100), Signal.CLEAR),
        (Counts(1000, 1000), Counts(0, 100), Signal.CLEAR),
        (Counts(0, 1000), Counts(0, 0), Signal.NO_DATA),
        (Counts(1000, 1000), Counts(0, 0), Signal.CLEAR),
        (Counts(0, 0), Counts(0, 0), Signal.NO_DATA),
        (Counts(0, 2), Counts(0, 2), Signal.LOW_TRAFFIC),
        (Counts(0, 1000), None, Signal.BREACHING),
        (Counts(0, 0), None, Signal.NO_DATA),
    ],
)
def test_what_two_windows_say(
    long: Counts, short: Counts | None, found: Signal, workbook: tuple[BurnRateAlert, ...], three_nines: Objective
) -> None:
    assert signal(workbook[0], three_nines, long=long, short=short) is found


@pytest.mark.parametrize(
    ("bad", "total", "burning", "state"),
    [
        (0, 0, False, SLOState.NO_DATA),
        (0, 0, True, SLOState.NO_DATA),
        (0, 100, False, SLOState.LOW_TRAFFIC),
        (1, 100, False, SLOState.LOW_TRAFFIC),
        (2, 1_500, False, SLOState.LOW_TRAFFIC),
        (50, 100, False, SLOState.EXHAUSTED),
        (3, 3_837, True, SLOState.BURNING),
        (0, 3_838, False, SLOState.HEALTHY),
        (999, 1_000_000, False, SLOState.HEALTHY),
        (999, 1_000_000, True, SLOState.BURNING),
        (1_000, 1_000_000, False, SLOState.EXHAUSTED),
        # Overspent by one in a million: certain to be overspent, however little it says of the service.
        (1_001, 1_000_000, True, SLOState.EXHAUSTED),
    ],
)
def test_the_state_of_an_slo(bad: int, total: int, burning: bool, state: SLOState, three_nines: Objective) -> None:
    counts = Counts(total - bad, total)

    assert slo_state(three_nines, counts, error_budget(three_nines, counts), burning=burning) is state


def test_slices_are_told_apart_in_slices_and_not_in_their_parts(three_nines: Objective) -> None:
    assert not Significance().enough(Counts(10**15, 10**15, 10**12), THREE_NINES)
    assert Significance().enough(Counts(10**16, 10**16, 10**12), THREE_NINES)


def test_a_bound_of_all_or_nothing_is_exactly_that() -> None:
    assert wilson_interval(Counts(7, 7)) == (0, pytest.approx(Decimal("0.354"), abs=Decimal("0.001")))
    interval = wilson_interval(Counts(0, 7))
    assert interval is not None
    assert interval[1] == 1
    assert math.isclose(interval[0], 1 - 0.354, abs_tol=0.001)
