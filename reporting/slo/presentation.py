"""Ratios as people read them, rounded so that the number never says more than is true.

What is good is rounded down and what is bad is rounded up: one bad request in ten million never shows as 100 %, and a
promise that was missed never shows as kept.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation
from fractions import Fraction

DECIMALS = 2
_WIDE = Context(prec=60, traps=[InvalidOperation])


def percent_down(ratio: Decimal | Fraction | None, decimals: int = DECIMALS) -> Decimal | None:
    """Return a good ratio (an SLI, what remains of a budget) in per cent, rounded down; None stays None."""
    return _percent(ratio, decimals, ROUND_FLOOR)


def percent_up(ratio: Decimal | Fraction | None, decimals: int = DECIMALS) -> Decimal | None:
    """Return a bad ratio (errors, what is consumed of a budget) in per cent, rounded up; None stays None."""
    return _percent(ratio, decimals, ROUND_CEILING)


def decimals_for(target: Decimal, least: int = DECIMALS) -> int:
    """Return how many decimals a percentage beside this target needs, so that what is shown meets it when it was met."""
    exponent = target.normalize().as_tuple().exponent
    return max(least, -exponent - 2) if isinstance(exponent, int) else least


def _percent(ratio: Decimal | Fraction | None, decimals: int, rounding: str) -> Decimal | None:
    if ratio is None:
        return None
    exact = Fraction(ratio) * 100 * 10**decimals
    # Floor and ceiling of a ratio of integers are exact; a decimal of it would have been rounded before.
    whole = (
        exact.numerator // exact.denominator if rounding == ROUND_FLOOR else -(-exact.numerator // exact.denominator)
    )
    return _WIDE.scaleb(Decimal(whole), -decimals)
