"""The extension for alerts over two windows, which OpenSLO cannot express: an annotation of an AlertPolicy.

    slipstream/window-pairs: 2% 1h/5m, 5% 6h/30m

Each pair is what may be spent, a long and a short window: a share of the budget (`2%`), from which the burn rate
follows for any period, or a burn rate of its own (`14.4x`). A name of the catalogue (`workbook`) stands for its pairs of
the condition's severity. The standard condition of the policy is one of the pairs, for tools that do not know these.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from reporting.definitions.durations import DurationError, parse_duration
from reporting.slo.alert_catalogue import CATALOGUE
from reporting.slo.burn_rate_alert import WindowPair
from reporting.slo.windows import MINUTE

if TYPE_CHECKING:
    from reporting.slo.burn_rate_alert import AlertSeverity

ANNOTATION = "slipstream/window-pairs"
_PAIR = re.compile(r"(\d+(?:\.\d+)?)(%|x)\s+(\w+)/(\w+)")
_WHOLE = 100
_LONGEST = timedelta(days=35)
"""As long as minutes are kept by account; a long window beyond it could not be added up."""


class PairsError(ValueError):
    """An annotation that is no list of pairs; `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse_pairs(text: str, severity: AlertSeverity, *, hold: timedelta, inclusive: bool) -> tuple[WindowPair, ...]:
    """Read the annotation; hold and inclusive are those of the policy's condition. Raises `PairsError`."""
    if text.strip() in CATALOGUE:
        return tuple(pair for pair in CATALOGUE[text.strip()].pairs if pair.severity is severity)
    return tuple(_pair(part.strip(), severity, hold, inclusive=inclusive) for part in text.split(","))


def _pair(text: str, severity: AlertSeverity, hold: timedelta, *, inclusive: bool) -> WindowPair:
    found = _PAIR.fullmatch(text)
    if not found:
        names = ", ".join(CATALOGUE)
        raise PairsError("pairs", f"{text!r} is no pair of windows; write 2% 1h/5m or 14.4x 1h/5m, or one of {names}")
    amount = Decimal(found[1])
    long_window, short_window = _window(found[3]), _window(found[4])
    if short_window >= long_window:
        message = f"{text}: the short window is longer than the long one; the long one comes first"
        raise PairsError("short_window_longer", message)
    if amount == 0 or (found[2] == "%" and amount > _WHOLE):
        raise PairsError("pairs", f"{text}: more than nothing and at most all of the budget may be spent")
    share = found[2] == "%"
    return WindowPair(
        severity=severity,
        long_window=long_window,
        short_window=short_window,
        budget_share=amount.scaleb(-2) if share else None,
        factor=None if share else amount,
        hold=hold,
        inclusive=inclusive,
    )


def _window(text: str) -> timedelta:
    try:
        length = parse_duration(text).length
    except DurationError as error:
        raise PairsError("pairs", str(error)) from error
    if not MINUTE <= length <= _LONGEST:
        raise PairsError("pairs", f"a window of {text} is outside of a minute to {_LONGEST.days} days")
    return length
