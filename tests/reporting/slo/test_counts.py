"""Counts and series of minutes: integers that add up, however a window is cut."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.slo.counts import Counts, ImpossibleCountsError, added
from reporting.slo.series import MinuteSeries

counted = st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)).map(lambda parts: Counts(parts[0], sum(parts)))
rows = st.dictionaries(st.integers(0, 300), st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=60)


def series(minutes: dict[int, tuple[int, int]]) -> MinuteSeries:
    ascending = sorted(minutes)
    good = [minutes[minute][0] for minute in ascending]
    return MinuteSeries(ascending, good, [sum(minutes[minute]) for minute in ascending])


@given(rows, st.integers(0, 301), st.lists(st.integers(0, 301), max_size=5))
def test_splitting_a_window_never_changes_its_sum(
    minutes: dict[int, tuple[int, int]], end: int, cuts: list[int]
) -> None:
    whole = series(minutes)
    bounds = sorted({0, end, *(cut for cut in cuts if cut < end)})

    parts = [whole.counts(since, until) for since, until in pairwise(bounds)]

    assert added(parts) == whole.counts(0, end)


@given(rows, st.integers(0, 301), st.integers(0, 301))
def test_the_sum_of_a_window_is_the_sum_of_its_minutes(
    minutes: dict[int, tuple[int, int]], start: int, end: int
) -> None:
    inside = [counts for minute, counts in minutes.items() if start <= minute < end]

    assert series(minutes).counts(start, end) == Counts(
        sum(good for good, _ in inside), sum(good + bad for good, bad in inside)
    )


@given(rows, rows, st.integers(0, 301))
def test_replacing_the_last_minutes_is_building_the_series_anew(
    before: dict[int, tuple[int, int]], after: dict[int, tuple[int, int]], start: int
) -> None:
    kept = {minute: counts for minute, counts in before.items() if minute < start}
    newer = {minute: counts for minute, counts in after.items() if minute >= start}
    changed = series(before)

    changed.replace_from(start, *zip(*series(newer), strict=True)) if newer else changed.replace_from(start, [], [], [])

    assert list(changed) == list(series(kept | newer))
    assert changed.counts(0, 301) == series(kept | newer).counts(0, 301)
    assert list(changed.rows(10, 200)) == [row for row in series(kept | newer) if 10 <= row[0] < 200]


@given(counted, counted)
def test_what_was_added_can_be_taken_away(left: Counts, right: Counts) -> None:
    assert left + right - right == left


@pytest.mark.parametrize(("good", "total"), [(2, 1), (-1, 5), (0, -1)])
def test_good_beyond_total_is_refused_and_never_a_negative_error_rate(good: int, total: int) -> None:
    """pyrra #448: success > total silently gives an absurd budget."""
    with pytest.raises(ImpossibleCountsError):
        Counts(good, total)
    with pytest.raises(ImpossibleCountsError):
        MinuteSeries([1], [good], [total])


def test_minutes_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValueError, match="follows"):
        MinuteSeries([1, 1], [0, 0], [1, 1])
    with pytest.raises(ValueError, match="before"):
        MinuteSeries([1], [0], [1]).replace_from(5, [4], [0], [1])


def test_nothing_measured_is_none_and_never_perfect() -> None:
    """slo-generator, pyrra (NaN is 1) and service-level-operator #19: no data is 100 %."""
    nothing = Counts(0, 0)

    assert nothing.sli is None
    assert nothing.error_ratio is None
    assert nothing.meets(Decimal("0.99")) is None


def test_counts_in_different_units_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="units"):
        Counts(1, 1) + Counts(1, 1, 10)
    with pytest.raises(ValueError, match="units"):
        Counts(1, 1) - Counts(1, 1, 10)


@given(st.integers(1, 10**15), st.data())
def test_meeting_a_target_is_decided_without_rounding(total: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(0, total))
    target = Decimal(data.draw(st.integers(1, 999_999_999))).scaleb(-9)

    assert Counts(good, total).meets(target) is (good * 10**9 >= int(target.scaleb(9)) * total)


def test_a_target_that_is_met_exactly_is_met() -> None:
    assert Counts(999, 1_000).meets(Decimal("0.999")) is True
    assert Counts(998, 1_000).meets(Decimal("0.999")) is False
