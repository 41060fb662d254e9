"""Numbers in sentences, as `reporting.wording` has them; a large one by its first digits."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.slo.presentation import percent_down, percent_up
from reporting.wording import FEW

if TYPE_CHECKING:
    from decimal import Decimal

_MILLION, _BILLION = 10**6, 10**9
_TENTHS_BELOW = 10


def amount(count: int) -> str:
    """Return a large number by its first digits, rounded down, `41.2 M`; a smaller one in full, `24,721`."""
    for unit, name in ((_BILLION, "G"), (_MILLION, "M")):
        if count >= unit:
            tenths = count * 10 // unit
            return f"{tenths // 10:,}.{tenths % 10} {name}"
    return f"{count:,}"


def share_of(good: int, total: int, things: str) -> str:
    """Return how many of some things, `99.94 % of 41.2 M requests`, or of few `997 of 998 requests`."""
    if total < FEW:
        return f"{good:,} of {total:,} {plural(things, total)}"
    return f"{percent_down(Fraction(good, total))} % of {amount(total)} {things}"


def whole_percent_up(ratio: Decimal | Fraction) -> str:
    """Return a bad ratio in whole per cent, `62 %`."""
    return f"{percent_up(ratio, 0):,} %"


def whole_percent_down(ratio: Decimal | Fraction) -> str:
    """Return a good ratio in whole per cent."""
    return f"{percent_down(ratio, 0):,} %"


def plural(things: str, count: int) -> str:
    """Return a word in the number that fits."""
    return things.removesuffix("s") if count == 1 else things


def count_of(value: Decimal) -> str:
    """Return a number of events or minutes, rounded down; below ten with its tenth."""
    whole, tenth = divmod(int(value * 10), 10)
    return f"{whole}.{tenth}" if tenth and whole < _TENTHS_BELOW else f"{whole:,}"
