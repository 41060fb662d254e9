"""Durations as counts in fixed buckets, so that a month is a sum of integers and never an average of averages.

The edges are k · 10ⁿ µs with 100 ≤ k ≤ 999 and n ≥ 0, and every whole microsecond below 100. A bucket holds the
durations from its lower edge up to, not including, its upper edge. So a bucket is never wider than 1 % of its lower
edge, and the count below any threshold of three significant digits is exact. Every histogram has the same edges,
whoever counted it and whenever: two merge by adding.

A histogram is a mapping from bucket number to count, sparse: what was never counted is not in it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal
    from fractions import Fraction

_SMALLEST = 100
"""The smallest k of an edge: 1 / 100 is the 1 % of the promise."""
_STEPS = 900
"""Edges in one power of ten, from 100 to 999."""


class InexactThresholdError(ValueError):
    """A threshold that lies inside a bucket; `below` and `above` are the nearest that can be counted, in µs."""

    def __init__(self, threshold_us: int, below: int, above: int) -> None:
        super().__init__(
            f"{threshold_us} µs has more than three significant digits; the nearest that can be counted exactly are {below} and {above} µs"
        )
        self.threshold_us = threshold_us
        self.below = below
        self.above = above


def bucket_of(duration_us: int) -> int:
    """Return the number of the bucket that holds a duration in µs, which must not be negative."""
    if duration_us < 0:
        raise ValueError(f"a duration is never negative, and this one is {duration_us} µs")
    power = 0
    while duration_us >= _SMALLEST + _STEPS:
        duration_us //= 10
        power += 1
    return power * _STEPS + duration_us


def edges(bucket: int) -> tuple[int, int]:
    """Return the lower edge (inside) and the upper edge (outside) of a bucket, in µs."""
    if bucket < 0:
        raise ValueError(f"there is no bucket {bucket}")
    if bucket < _SMALLEST + _STEPS:
        return bucket, bucket + 1
    power, step = divmod(bucket - _SMALLEST, _STEPS)
    width = 10**power
    lower = (step + _SMALLEST) * width
    return lower, lower + width


def merge(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Add histograms up."""
    merged: Counter[int] = Counter()
    for histogram in histograms:
        merged.update(histogram)
    return dict(merged)


def first_bucket_from(threshold_us: int) -> int:
    """Return the bucket that begins at a threshold: the durations below it are in the buckets of smaller number.

    Raises `InexactThresholdError` for a threshold that is not an edge.
    """
    bucket = bucket_of(threshold_us)
    lower, upper = edges(bucket)
    if lower != threshold_us:
        raise InexactThresholdError(threshold_us, lower, upper)
    return bucket


def count_below(histogram: Mapping[int, int], threshold_us: int) -> int:
    """Count the durations that are shorter than a threshold, exactly; raises as `first_bucket_from` does."""
    end = first_bucket_from(threshold_us)
    return sum(count for bucket, count in histogram.items() if bucket < end)


def quantile(histogram: Mapping[int, int], ratio: Decimal | Fraction) -> int | None:
    """Return the duration in µs that a share of all durations does not exceed (nearest rank), within 1 %.

    `ratio` is in (0, 1], for example `Decimal("0.99")`. None when nothing was counted. The answer is the middle of the
    bucket that holds the duration of that rank, at most half the bucket's width from it.
    """
    if not 0 < ratio <= 1:
        raise ValueError(f"a quantile is asked for by a ratio in (0, 1], not {ratio}")
    numerator, denominator = ratio.as_integer_ratio()
    # Rounded up in integers: 0.07 · 100 is 7, and not the 7.000000000000001 that would ask for the eighth.
    rank = -(-sum(histogram.values()) * numerator // denominator)
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank > 0:
            lower, upper = edges(bucket)
            return lower + (upper - lower) // 2
    return None
