"""Shares as they are shown: rounded, and yet all of it together."""

from __future__ import annotations

from decimal import Decimal
from math import lcm
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def shares(parts: Sequence[int | Decimal], digits: int = 3) -> list[Decimal]:
    """Return the share of each part, with so many digits behind the point, such that they add up to exactly 1.

    By largest remainder (Hamilton): each is rounded down, and what is then missing goes to those that lost the most, of
    equals to the first. Parts of nothing have no shares: all are 0. Raises `ValueError` for a negative part.
    """
    if any(part < 0 for part in parts):
        raise ValueError("a part of something is not less than nothing")
    ratios = [part.as_integer_ratio() for part in parts]
    common = lcm(*(denominator for _, denominator in ratios))
    whole = [numerator * (common // denominator) for numerator, denominator in ratios]
    total, units = sum(whole), 10**digits
    if not total:
        return [Decimal(0)] * len(parts)
    floors = [part * units // total for part in whole]
    lost = sorted(range(len(parts)), key=lambda at: (-(whole[at] * units % total), at))
    for at in lost[: units - sum(floors)]:
        floors[at] += 1
    return [Decimal(floor).scaleb(-digits) for floor in floors]
