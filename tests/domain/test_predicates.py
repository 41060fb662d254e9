"""Predicates: what they let through, and which of them lies within which."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.predicates import Compared, Comparison, Equal, OneOf, StatusClass, implies, number

if TYPE_CHECKING:
    from app.domain.predicates import Predicate

STATUSES = range(100, 600)

comparisons = st.sampled_from(list(Comparison))
equals = st.integers(100, 599).map(lambda status: Equal(Decimal(status)))
classes = st.integers(1, 5).map(StatusClass)
lists = st.lists(equals | classes, min_size=1, max_size=4).map(lambda members: OneOf(tuple(members)))
limits = st.decimals(90, 610, places=1, allow_nan=False)
compared = st.builds(Compared, comparisons, limits)
predicates = st.one_of(equals, classes, lists, compared)


def below(limit: str) -> Compared:
    return Compared(Comparison.BELOW, Decimal(limit))


@given(predicates, predicates, st.integers(100, 599))
def test_what_is_proven_to_lie_within_lets_nothing_through_that_the_other_does_not(
    narrow: Predicate, wide: Predicate, status: int
) -> None:
    if implies(narrow, wide, whole=True) and narrow.matches(status):
        assert wide.matches(status)


@given(compared, compared, st.decimals(90, 610, places=3, allow_nan=False))
def test_the_proof_holds_for_fractions_when_it_was_made_for_them(
    narrow: Compared, wide: Compared, value: Decimal
) -> None:
    if implies(narrow, wide) and narrow.matches(value):
        assert wide.matches(value)


@given(equals | classes | lists, predicates)
def test_for_what_has_an_end_the_proof_is_found_whenever_comparisons_or_classes_hold_all_of_it(
    narrow: Equal | StatusClass | OneOf, wide: Predicate
) -> None:
    held = all(wide.matches(status) for status in STATUSES if narrow.matches(status))

    if isinstance(wide, Compared | StatusClass):
        assert implies(narrow, wide, whole=True) is held


@given(predicates)
def test_everything_lies_within_itself(predicate: Predicate) -> None:
    assert implies(predicate, predicate, whole=True)


@pytest.mark.parametrize(
    ("narrow", "wide", "proven"),
    [
        (below("500"), below("500.0"), True),
        (below("500"), Compared(Comparison.AT_MOST, Decimal(499)), True),
        (Compared(Comparison.AT_MOST, Decimal(499)), below("500"), True),
        (below("500"), below("499"), False),
        (Compared(Comparison.ABOVE, Decimal(499)), Compared(Comparison.AT_LEAST, Decimal(500)), True),
        (StatusClass(4), below("500"), True),
        (StatusClass(5), below("500"), False),
        (Compared(Comparison.AT_LEAST, Decimal(500)), StatusClass(5), False),
        (OneOf((StatusClass(2), Equal(Decimal(304)))), OneOf((StatusClass(2), StatusClass(3))), True),
        (Equal("GET"), OneOf((Equal("GET"), Equal("HEAD"))), True),
        (OneOf((Equal("GET"), Equal("POST"))), Equal("GET"), False),
        (Equal("x"), below("5"), False),
    ],
)
def test_proofs_by_example(narrow: Predicate, wide: Predicate, proven: bool) -> None:
    assert implies(narrow, wide, whole=True) is proven


def test_among_fractions_at_most_499_is_not_below_500() -> None:
    assert implies(Compared(Comparison.AT_MOST, Decimal(499)), below("500"))
    assert not implies(below("500"), Compared(Comparison.AT_MOST, Decimal(499)))


@pytest.mark.parametrize(
    ("predicate", "value", "passes"),
    [
        (Equal("5"), "5", True),
        (Equal("5"), 5, False),
        (Equal(Decimal(5)), 5.0, True),
        (Equal(Decimal(1)), True, False),
        (Equal(True), True, True),
        (Equal(True), 1, False),
        (below("15"), 14.99, True),
        (below("15"), "14", False),
        (below("15"), None, False),
        (below("15"), True, False),
        (below("15"), float("nan"), False),
        (Compared(Comparison.AT_MOST, Decimal("14.99")), 14.99, True),
        (Compared(Comparison.ABOVE, Decimal("14.99")), 14.99, False),
        (StatusClass(5), 599, True),
        (StatusClass(5), "599", False),
    ],
)
def test_a_value_passes_by_what_its_json_text_says(predicate: Predicate, value: object, passes: bool) -> None:
    assert predicate.matches(value) is passes


@given(st.decimals(-1000, 1000, places=4, allow_nan=False))
def test_a_float_is_the_number_that_was_written(written: Decimal) -> None:
    assert number(float(written)) == written
