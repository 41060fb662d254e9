"""Arithmetic that does not round behind one's back.

What can be held exactly is: counts are integers, targets and budgets `Decimal`, and whatever is compared is compared as
a ratio of integers (`Fraction`). A quotient that is shown is a `Decimal` of 28 significant digits. Nothing here depends
on the decimal context of the thread.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

_TRAPS = [InvalidOperation, DivisionByZero, Overflow]
_EXACT = Context(prec=200, traps=[*_TRAPS, Inexact])
"""Two hundred digits are out of reach of counts and targets; if they were not, this raises and does not round."""
_SHOWN = Context(prec=28, rounding=ROUND_HALF_EVEN, traps=_TRAPS)


def product(left: Decimal | int, right: Decimal | int) -> Decimal:
    """Multiply exactly."""
    return _EXACT.multiply(Decimal(left), Decimal(right))


def difference(left: Decimal | int, right: Decimal | int) -> Decimal:
    """Subtract exactly."""
    return _EXACT.subtract(Decimal(left), Decimal(right))


def total(values: Iterable[Decimal]) -> Decimal:
    """Add up exactly."""
    added = Decimal(0)
    for value in values:
        added = _EXACT.add(added, value)
    return added


def quotient(numerator: Decimal | int, denominator: Decimal | int) -> Decimal:
    """Divide, to 28 significant digits."""
    return _SHOWN.divide(Decimal(numerator), Decimal(denominator))


def shown(ratio: Fraction) -> Decimal:
    """Return a ratio of integers as a decimal of 28 significant digits."""
    return quotient(ratio.numerator, ratio.denominator)


def square_root(value: Decimal) -> Decimal:
    """Return a square root, to 28 significant digits."""
    return _SHOWN.sqrt(value)
