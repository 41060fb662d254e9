"""Whether there were enough events to tell, by Wilson's score interval.

One request of ten that fails in an hour is a burn rate of 100 at a target of 99.9 %, and tells nothing. Wilson's
interval (1927; Newcombe 1998 compares it with ten others) holds also for few events and for ratios near 0, where the
usual one collapses. A limit lies outside of it exactly when the score test rejects it, which takes no square root: so
the decisions here are made with integers, and only the bounds that are shown are rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.slo.exact import quotient, shown, square_root

if TYPE_CHECKING:
    from reporting.slo.counts import Counts


@dataclass(frozen=True, slots=True)
class Significance:
    """When to believe a ratio.

    `z` is the quantile of the normal distribution: 1.96 is 95 % of confidence on both sides. `minimum_bad` events must
    be bad before a small number of events tells anything: one failure in one request is no evidence at any z.
    """

    z: Decimal = Decimal("1.96")
    minimum_bad: int = 3

    def enough(self, counts: Counts, limit: Fraction) -> bool:
        """Say whether there were enough events to tell on which side of a limit (an error ratio) they are.

        There were when, had none been bad, Wilson's lower bound of good / total would lie above 1 - limit: at a limit of
        0.1 % from 3,838 events on. And there were, however few, when at least `minimum_bad` were bad and Wilson's lower
        bound of bad / total lies above the limit.
        """
        total, bad = _units(counts)
        square = Fraction(self.z) ** 2
        if total * limit > square * (1 - limit):
            return True
        # Far below the limit there would have been enough events above, so what is far from it is beyond it.
        distance = bad - total * limit
        return bad >= self.minimum_bad and distance**2 > square * total * limit * (1 - limit)


DEFAULT = Significance()


def wilson_interval(counts: Counts, z: Decimal = Decimal("1.96")) -> tuple[Decimal, Decimal] | None:
    """Return the lower and upper bound of the error ratio; None when nothing was measured."""
    total, bad = _units(counts)
    if total == 0:
        return None
    square = Fraction(z) ** 2
    ratio = Fraction(bad) / total
    centre = ratio + square / (2 * total)
    variance = ratio * (1 - ratio) / total + square / (4 * total**2)
    half = Fraction(z) * Fraction(square_root(shown(variance)))
    scale = 1 + square / total
    lower, upper = (centre - half) / scale, (centre + half) / scale
    # At the ends the square root's last digit would show.
    low = Decimal(0) if bad == 0 else max(shown(lower), Decimal(0))
    high = Decimal(1) if bad == total else min(quotient(upper.numerator, upper.denominator), Decimal(1))
    return low, high


def _units(counts: Counts) -> tuple[Fraction, Fraction]:
    return Fraction(counts.total, counts.scale), Fraction(counts.bad, counts.scale)
