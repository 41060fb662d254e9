"""The three budgeting methods over the same minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import Calendar, Unit
from reporting.slo.budgeting import PARTS, budget_series, coverage, upcoming
from reporting.slo.counts import Counts, added
from reporting.slo.error_budget import error_budget
from reporting.slo.objective import BudgetingMethod, Objective
from reporting.slo.series import MinuteSeries
from reporting.slo.windows import CalendarWindow, CompliancePeriod, RollingWindow, instant_of, minute_of

TWO_WEEKS, WEEK = 20_160, 10_080


def slices(target: str, slice_target: str | None, minutes: int = 1) -> Objective:
    method = BudgetingMethod.RATIO_TIMESLICES if slice_target is None else BudgetingMethod.TIMESLICES
    return Objective(
        target=Decimal(target),
        method=method,
        slice_target=None if slice_target is None else Decimal(slice_target),
        slice_minutes=minutes,
    )


def steady(good: int, total: int, minutes: int, first: int = 0) -> MinuteSeries:
    return MinuteSeries(range(first, first + minutes), [good] * minutes, [total] * minutes)


rows = st.dictionaries(st.integers(0, 300), st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=60)
objectives = st.one_of(
    st.builds(Objective, target=st.just(Decimal("0.9"))),
    st.integers(1, 30).map(lambda width: slices("0.9", "0.8", width)),
    st.integers(1, 30).map(lambda width: slices("0.9", None, width)),
)


def series(minutes: dict[int, tuple[int, int]]) -> MinuteSeries:
    ascending = sorted(minutes)
    return MinuteSeries(ascending, [minutes[each][0] for each in ascending], [sum(minutes[each]) for each in ascending])


@given(objectives, rows, st.lists(st.integers(0, 331), max_size=5))
def test_splitting_a_window_never_changes_its_sum_under_any_method(
    objective: Objective, minutes: dict[int, tuple[int, int]], cuts: list[int]
) -> None:
    counted = budget_series(objective, series(minutes))
    bounds = sorted({0, 331, *cuts})

    parts = [counted.counts(since, until) for since, until in pairwise(bounds)]

    assert added(parts, scale=counted.scale) == counted.counts(0, 331)


@given(st.integers(1, 30), rows)
def test_a_slice_is_good_when_its_own_ratio_meets_the_slice_target(
    width: int, minutes: dict[int, tuple[int, int]]
) -> None:
    expected = []
    for start in range(0, 331, width):
        inside = [counts for minute, counts in minutes.items() if start <= minute < start + width]
        good, total = sum(good for good, _ in inside), sum(good + bad for good, bad in inside)
        if total:
            expected.append((start, int(Fraction(good, total) >= Fraction(4, 5)), 1))

    assert list(budget_series(slices("0.9", "0.8", width), series(minutes))) == expected


@given(st.integers(1, 30), rows)
def test_ratio_slices_are_the_mean_of_the_slices_never_better_and_within_a_trillionth(
    width: int, minutes: dict[int, tuple[int, int]]
) -> None:
    counts = budget_series(slices("0.9", None, width), series(minutes)).counts(0, 331)
    ratios = []
    for start in range(0, 331, width):
        inside = [counts for minute, counts in minutes.items() if start <= minute < start + width]
        if any(map(sum, inside)):
            ratios.append(Fraction(sum(good for good, _ in inside), sum(map(sum, inside))))

    if not ratios:
        assert counts.sli is None
        return
    mean = sum(ratios, Fraction(0)) / len(ratios)
    assert mean - Fraction(1, PARTS) < Fraction(counts.good, counts.total) <= mean


def test_two_weeks_of_minutes_at_95_per_cent_have_16_hours_and_48_minutes() -> None:
    """OpenSLO examples/budgeting-method/README.md: 20,160 slices."""
    objective = slices("0.95", "0.95")
    budget = error_budget(objective, budget_series(objective, steady(99, 100, TWO_WEEKS)).counts(0, TWO_WEEKS))

    assert budget is not None
    assert timedelta(minutes=int(budget.allowed)) == timedelta(hours=16, minutes=48)


def test_ratio_slices_last_13_hours_and_43_minutes_from_99_down_to_1_per_cent() -> None:
    """OpenSLO examples/budgeting-method/README.md, which rounds to 13 h 45 min: 822.9 minutes."""
    objective = slices("0.95", None)

    def remaining(attack: int) -> Decimal:
        good = [99] * (TWO_WEEKS - attack) + [1] * attack
        counted = budget_series(objective, MinuteSeries(range(TWO_WEEKS), good, [100] * TWO_WEEKS))
        budget = error_budget(objective, counted.counts(0, TWO_WEEKS))
        assert budget is not None
        return budget.remaining

    assert remaining(822) > 0 > remaining(823)


def test_an_attack_needs_16_632_bad_requests_by_occurrences() -> None:
    """The same README: 336,000 requests, and 1 % of the attack's own are good: 99 % of the budget of 16,800."""
    budget = error_budget(Objective(target=Decimal("0.95")), Counts(336_000, 336_000))

    assert budget is not None
    assert budget.allowed * Decimal("0.99") == 16_632


def test_a_week_of_minutes_at_99_95_per_cent_has_5_minutes_and_2_4_seconds() -> None:
    """OpenSLO examples/treat-low-traffic-as-equally-important/README.md: 10,080 minutes, a slice allowance of 95 %."""
    objective = slices("0.9995", "0.95")

    budget = error_budget(objective, budget_series(objective, steady(1, 1, WEEK)).counts(0, WEEK))

    assert budget is not None
    assert timedelta(minutes=float(budget.allowed)) == timedelta(minutes=5, seconds=2.4)


@pytest.mark.parametrize(
    ("bad", "total", "good_slice"), [(5, 99, False), (5, 100, True), (6, 100, False), (1, 19, False)]
)
def test_a_minute_is_bad_when_5_of_fewer_than_100_requests_fail(bad: int, total: int, good_slice: bool) -> None:
    """The same README: with an allowance of 95 % five failures are too many below a hundred requests."""
    counted = budget_series(slices("0.9995", "0.95"), MinuteSeries([7], [total - bad], [total]))

    assert counted.counts(0, 10) == Counts(int(good_slice), 1)


def test_a_busy_minute_weighs_as_much_as_any_other_only_with_slices() -> None:
    minutes = MinuteSeries([1, 2], [0, 9_999], [10_000, 9_999])

    assert budget_series(Objective(target=Decimal("0.9")), minutes).counts(0, 3) == Counts(9_999, 19_999)
    assert budget_series(slices("0.9", "0.9"), minutes).counts(0, 3) == Counts(1, 2)


def test_the_average_of_ratios_is_not_the_ratio_of_the_sums() -> None:
    """sloth's optimised 30-day rule averages 5-minute ratios (#332, #354, #618, #656): 4,600 times too good here."""
    quiet = 8_639
    good, total = [1] * quiet + [5_000], [1] * quiet + [10_000]
    exact = MinuteSeries(range(0, 5 * (quiet + 1), 5), good, total).counts(0, 43_200)
    average = sum(1 - Fraction(g, t) for g, t in zip(good, total, strict=True)) / (quiet + 1)

    assert exact.error_ratio is not None
    assert round(exact.error_ratio, 3) == Decimal("0.268")
    assert float(average) == pytest.approx(0.000058, abs=1e-6)
    assert 4_600 < Fraction(exact.bad, exact.total) / average < 4_700


def test_slices_without_events_are_not_measured_and_show_in_the_coverage() -> None:
    objective = slices("0.9", "0.9", 5)
    counts = budget_series(objective, MinuteSeries([0, 27], [1, 0], [1, 0])).counts(0, 30)
    elapsed = CompliancePeriod(instant_of(0), instant_of(30))

    assert counts == Counts(1, 1)
    assert coverage(objective, counts, elapsed) == Fraction(1, 6)
    assert coverage(Objective(target=Decimal("0.9")), Counts(1, 1), elapsed) is None


@pytest.mark.parametrize("objective", [slices("0.9", "0.9"), slices("0.9", None), slices("0.9", "0.9", 5)])
def test_a_row_of_no_events_is_no_slice(objective: Objective) -> None:
    assert list(budget_series(objective, MinuteSeries([3, 4, 60], [0, 0, 0], [0, 0, 0]))) == []


def test_a_calendar_month_of_minutes_has_its_whole_budget_on_the_first_day() -> None:
    objective = slices("0.99", "0.9")
    window = CalendarWindow(Calendar(Unit.MONTH, "Europe/Berlin"))
    now = datetime(2026, 10, 1, 7, 30, 10, tzinfo=UTC)
    period, elapsed = window.at(now), window.elapsed(now)
    first, last = elapsed.minutes
    measured = budget_series(objective, steady(10, 10, last - first, first)).counts(first, last)

    budget = error_budget(objective, measured, upcoming=upcoming(objective, period, elapsed))

    # October has 31 days, and in Berlin one hour more.
    assert budget is not None
    assert budget.allowed == Decimal("0.01") * (31 * 24 + 1) * 60


def test_events_are_not_known_in_advance() -> None:
    now = datetime(2026, 10, 1, 7, 30, tzinfo=UTC)
    window = CalendarWindow(Calendar(Unit.MONTH))

    assert upcoming(Objective(target=Decimal("0.9")), window.at(now), window.elapsed(now)) == 0


def test_nothing_is_to_come_in_a_rolling_window() -> None:
    now = datetime(2026, 10, 1, 7, 30, 59, tzinfo=UTC)
    window = RollingWindow(timedelta(days=14))

    assert window.at(now).end == datetime(2026, 10, 1, 7, 31, tzinfo=UTC)
    assert window.at(now).minutes == (minute_of(now) + 1 - TWO_WEEKS, minute_of(now) + 1)
    assert upcoming(slices("0.9", "0.9"), window.at(now), window.elapsed(now)) == 0


@pytest.mark.parametrize(
    "given",
    [
        {"method": BudgetingMethod.TIMESLICES},
        {"slice_target": Decimal("0.9")},
        {"method": BudgetingMethod.TIMESLICES, "slice_target": Decimal("1.1")},
        {"method": BudgetingMethod.RATIO_TIMESLICES, "slice_minutes": 0},
        {"method": BudgetingMethod.RATIO_TIMESLICES, "slice_minutes": 1_441},
    ],
)
def test_an_objective_that_does_not_fit_its_method_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="slice"):
        Objective(target=Decimal("0.9"), **given)
