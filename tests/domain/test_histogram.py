"""The histogram: fixed edges, exact thresholds, quantiles within one per cent."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.histogram import (
    InexactThresholdError,
    bucket_of,
    count_below,
    edges,
    first_bucket_from,
    merge,
    quantile,
)

HOUR = 3_600_000_000
durations = st.integers(0, 24 * HOUR)
samples = st.lists(durations, max_size=200)
ratios = st.fractions(Fraction(1, 1000), 1, max_denominator=1000)


def histogram(values: list[int]) -> dict[int, int]:
    return dict(Counter(map(bucket_of, values)))


@given(durations)
def test_a_duration_lies_between_the_edges_of_its_bucket(duration: int) -> None:
    lower, upper = edges(bucket_of(duration))

    assert lower <= duration < upper


@given(st.integers(0, 10_000))
def test_buckets_follow_each_other_without_gap_or_overlap(bucket: int) -> None:
    lower, upper = edges(bucket)

    assert bucket_of(lower) == bucket
    assert bucket_of(upper - 1) == bucket
    assert bucket_of(upper) == bucket + 1


@given(st.integers(100, 10_000))
def test_a_bucket_is_never_wider_than_one_per_cent(bucket: int) -> None:
    lower, upper = edges(bucket)

    assert (upper - lower) * 100 <= lower


@given(st.integers(100, 999), st.integers(0, 8))
def test_edges_have_three_significant_digits(digits: int, power: int) -> None:
    lower, upper = edges(bucket_of(digits * 10**power))

    assert (lower, upper) == (digits * 10**power, (digits + 1) * 10**power)


@pytest.mark.parametrize(
    ("duration", "bucket"), [(0, 0), (99, 99), (100, 100), (999, 999), (1_000, 1_000), (1_009, 1_000), (500_000, 3_200)]
)
def test_bucket_numbers_are_fixed_because_they_are_stored(duration: int, bucket: int) -> None:
    assert bucket_of(duration) == bucket


def test_a_negative_duration_or_bucket_is_refused() -> None:
    with pytest.raises(ValueError, match="never negative"):
        bucket_of(-1)
    with pytest.raises(ValueError, match="no bucket"):
        edges(-1)


@given(samples, st.integers(1, 999), st.integers(0, 7))
def test_the_count_below_a_threshold_of_three_significant_digits_is_exact(
    values: list[int], digits: int, power: int
) -> None:
    threshold = digits * 10**power

    assert count_below(histogram(values), threshold) == sum(value < threshold for value in values)


@given(st.integers(1_000, HOUR))
def test_any_other_threshold_is_refused_with_the_two_nearest(threshold: int) -> None:
    significant = len(str(threshold).rstrip("0"))
    if significant <= 3:
        assert edges(first_bucket_from(threshold))[0] == threshold
        return

    with pytest.raises(InexactThresholdError) as refusal:
        first_bucket_from(threshold)

    assert refusal.value.below < threshold < refusal.value.above
    assert first_bucket_from(refusal.value.below) + 1 == first_bucket_from(refusal.value.above)
    assert str(refusal.value.below) in str(refusal.value)


@given(samples, ratios)
def test_a_quantile_is_within_one_per_cent_of_the_nearest_rank(values: list[int], ratio: Fraction) -> None:
    estimate = quantile(histogram(values), ratio)

    if not values:
        assert estimate is None
        return
    exact = sorted(values)[math.ceil(ratio * len(values)) - 1]
    assert estimate is not None
    assert abs(estimate - exact) * 100 <= exact


def test_a_quantile_counts_ranks_in_integers() -> None:
    values = list(range(1, 101))

    assert quantile(histogram(values), Decimal("0.07")) == 7
    assert quantile(histogram(values), Decimal(1)) == 100


@pytest.mark.parametrize("ratio", [Decimal(0), Decimal("1.01"), Decimal(-1)])
def test_a_quantile_outside_of_zero_to_one_is_refused(ratio: Decimal) -> None:
    with pytest.raises(ValueError, match="ratio"):
        quantile({1: 1}, ratio)


@given(st.lists(samples, max_size=5))
def test_merging_histograms_is_counting_everything_at_once(parts: list[list[int]]) -> None:
    everything = [value for part in parts for value in part]

    assert merge(map(histogram, parts)) == histogram(everything)
