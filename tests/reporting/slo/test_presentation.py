"""Percentages that never say more than is true."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.slo.counts import Counts
from reporting.slo.presentation import decimals_for, percent_down, percent_up

totals = st.integers(1, 10**15)


@given(totals, st.integers(0, 4))
def test_one_bad_event_never_shows_as_100_per_cent(total: int, decimals: int) -> None:
    shown = percent_down(Fraction(total - 1, total), decimals)

    assert shown is not None
    assert shown < 100
    assert percent_down(Fraction(1), decimals) == 100


@given(totals, st.integers(0, 4))
def test_one_bad_event_never_shows_as_no_errors(total: int, decimals: int) -> None:
    errors = percent_up(Fraction(1, total), decimals)

    assert errors is not None
    assert errors > 0
    assert percent_up(Fraction(0), decimals) == 0


@given(totals, st.data(), st.integers(1, 99_999))
def test_what_is_shown_meets_the_target_exactly_when_it_was_met(total: int, data: st.DataObject, nines: int) -> None:
    counts, target = Counts(data.draw(st.integers(0, total)), total), Decimal(nines).scaleb(-5)

    shown = percent_down(Fraction(counts.good, counts.total), decimals_for(target))

    assert shown is not None
    assert (shown >= target * 100) is counts.meets(target)


@given(st.fractions(-3, 3), st.integers(0, 4))
def test_what_is_left_and_what_is_consumed_add_up_to_100(consumed: Fraction, decimals: int) -> None:
    left, gone = percent_down(1 - consumed, decimals), percent_up(consumed, decimals)

    assert left is not None
    assert gone is not None
    assert left + gone == 100


@pytest.mark.parametrize(
    ("ratio", "decimals", "shown"),
    [
        ("0.9999999", 2, "99.99"),
        ("0.999", 2, "99.90"),
        ("1", 2, "100.00"),
        ("-0.0000001", 2, "-0.01"),
        ("-4", 0, "-400"),
        ("0", 2, "0.00"),
        ("0.12345", 1, "12.3"),
    ],
)
def test_percentages_by_example(ratio: str, decimals: int, shown: str) -> None:
    assert str(percent_down(Decimal(ratio), decimals)) == shown


def test_no_data_is_shown_as_none() -> None:
    assert percent_down(None) is None
    assert percent_up(None) is None


@pytest.mark.parametrize(
    ("target", "decimals"), [("0.9", 2), ("0.999", 2), ("0.99990", 2), ("0.99995", 3), ("0.999999", 4)]
)
def test_as_many_decimals_as_the_target_has(target: str, decimals: int) -> None:
    assert decimals_for(Decimal(target)) == decimals
