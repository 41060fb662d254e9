"""When an alert fires and when it ends, were everything fine before and the error ratio steady from then on.

Formulas of the SRE workbook, chapter 5, with steady traffic: what a person wants to know before saving a policy.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.slo.exact import shown

if TYPE_CHECKING:
    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.objective import Objective

_MICROSECOND = timedelta(microseconds=1)
OUTAGE = Decimal(1)
"""The error ratio of a total outage."""


def detection_time(alert: BurnRateAlert, objective: Objective, error_ratio: Decimal = OUTAGE) -> timedelta | None:
    """Return how long the errors last until the alert fires: limit / error ratio · long window, and the hold.

    None when it never does at this error ratio. The short window is never the later one.
    """
    reached = _share_of_window(alert, objective, error_ratio)
    return None if reached is None else _times(alert.long_window, reached) + alert.hold


def reset_time(alert: BurnRateAlert, objective: Objective, error_ratio: Decimal = OUTAGE) -> timedelta | None:
    """Return how long the alert goes on after the errors have ended: short window · (1 - limit / error ratio).

    None when it never fires at this error ratio. That is for errors which lasted as long as the window; after shorter
    ones it is the same, unless they were too short for it to fire at all.
    """
    reached = _share_of_window(alert, objective, error_ratio)
    window = alert.long_window if alert.short_window is None else alert.short_window
    return None if reached is None else _times(window, 1 - reached)


def budget_spent_at_detection(alert: BurnRateAlert, period: timedelta) -> Decimal:
    """Return the share of the period's budget that is gone when the alert fires: factor · long window / period.

    It does not depend on the error ratio. What the hold costs comes on top.
    """
    return shown(alert.factor * Fraction(alert.long_window // _MICROSECOND, period // _MICROSECOND))


def _share_of_window(alert: BurnRateAlert, objective: Objective, error_ratio: Decimal) -> Fraction | None:
    """Return the share of a window that must be filled with errors to reach the limit."""
    if not 0 < error_ratio <= 1:
        raise ValueError(f"an error ratio lies above 0 and is at most 1, and {error_ratio} is not")
    share = alert.limit(objective) / Fraction(error_ratio)
    return share if share < 1 or (share == 1 and alert.inclusive) else None


def _times(duration: timedelta, share: Fraction) -> timedelta:
    return int(duration // _MICROSECOND * share) * _MICROSECOND
