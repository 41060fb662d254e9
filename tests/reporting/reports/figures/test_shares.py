"""Shares add up to exactly 1, and none is off by more than the last digit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.reports.figures.shares import shares


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30).filter(any), st.integers(0, 6))
def test_shares_add_up_to_one(parts: list[int], digits: int) -> None:
    found = shares(parts, digits)

    assert sum(found) == 1
    for part, share in zip(parts, found, strict=True):
        assert abs(Fraction(part, sum(parts)) - Fraction(share)) < Fraction(1, 10**digits)
        assert part or not share or sum(map(bool, parts)) == 0


@given(st.lists(st.decimals(0, 1_000, places=4), min_size=1, max_size=10).filter(any))
def test_parts_may_have_decimals(parts: list[Decimal]) -> None:
    assert sum(shares(parts)) == 1


def test_what_is_missing_goes_to_those_that_lost_the_most_and_of_equals_to_the_first() -> None:
    assert shares([1, 1, 1]) == [Decimal("0.334"), Decimal("0.333"), Decimal("0.333")]
    assert shares([2, 1], 1) == [Decimal("0.7"), Decimal("0.3")]


def test_parts_of_nothing_have_no_share() -> None:
    assert shares([0, 0]) == [0, 0]
    assert shares([]) == []


def test_a_negative_part_is_refused() -> None:
    with pytest.raises(ValueError, match="not less than nothing"):
        shares([1, -1])
