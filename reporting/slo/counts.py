"""Good out of total, as integers: what every figure of an SLO is made from."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.slo.exact import quotient, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal


class ImpossibleCountsError(ValueError):
    """More good than total, or fewer than none: the indicator counts something else than it says."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Good and total, in events or in slices of time; in parts of which `scale` make one, where slices are divided.

    They add up: the counts of two spans that follow each other are the counts of both. `bad` is total - good.
    """

    good: int
    total: int
    scale: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.good <= self.total:
            raise ImpossibleCountsError(f"{self.good} good of {self.total} in total")

    @property
    def bad(self) -> int:
        return self.total - self.good

    @property
    def sli(self) -> Decimal | None:
        """Good ÷ total; None when there was nothing to measure, which is not 100 %."""
        return quotient(self.good, self.total) if self.total else None

    @property
    def error_ratio(self) -> Decimal | None:
        """Bad ÷ total; None when there was nothing to measure."""
        return quotient(self.bad, self.total) if self.total else None

    def in_units(self, part: int) -> Decimal:
        """Return a number of parts in events or slices, exactly: the scale is a power of ten."""
        return shown(Fraction(part, self.scale))

    def meets(self, target: Decimal) -> bool | None:
        """Say whether good ÷ total is at least the target, without rounding; None when there was nothing to measure."""
        wanted = Fraction(target)
        return self.good * wanted.denominator >= wanted.numerator * self.total if self.total else None

    def __add__(self, other: Counts) -> Counts:
        if self.scale != other.scale:
            raise ValueError("counts in different units do not add up")
        return Counts(self.good + other.good, self.total + other.total, self.scale)

    def __sub__(self, other: Counts) -> Counts:
        """Take away what is excluded; it must have been in."""
        if self.scale != other.scale:
            raise ValueError("counts in different units are not subtracted")
        return Counts(self.good - other.good, self.total - other.total, self.scale)


def added(counts: Iterable[Counts], *, scale: int = 1) -> Counts:
    """Add up; nothing is nought of nought."""
    return sum(counts, Counts(0, 0, scale))
