"""Alerts on a plain figure over one window: the error rate, the availability, or a percentile of the durations.

Each is a share of events that are bad, compared exactly. Availability below 99 % is more than 1 % of bad events. P99 above
500 ms is more than 1 % of requests that take 500 ms or longer, so it needs no percentile, and is as exact as the histogram's
edge. Events are what is compared, also where the budget counts slices of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.slo.burn_rate_alert import AlertSeverity, is_beyond
from reporting.slo.windows import MINUTE

if TYPE_CHECKING:
    from datetime import timedelta

    from reporting.slo.counts import Counts
    from reporting.slo.objective import Objective


class Figure(StrEnum):
    """What is compared."""

    ERROR_RATE = "error_rate"
    AVAILABILITY = "availability"
    P50 = "p50"
    P95 = "p95"
    P99 = "p99"

    @property
    def slower(self) -> Fraction | None:
        """The share of requests that is slower than a percentile; None for what is no percentile."""
        quantile = _QUANTILES.get(self)
        return None if quantile is None else 1 - Fraction(quantile)


_QUANTILES = {Figure.P50: Decimal("0.5"), Figure.P95: Decimal("0.95"), Figure.P99: Decimal("0.99")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdAlert:
    """A figure and its limit.

    `error_ratio` is the share of bad events beyond which it fires; None is that of the objective. Of a percentile the bad
    ones are those that take `slower_than_ms` or longer. `text` is how a person wrote it, `p99 > 500ms`.
    """

    figure: Figure
    severity: AlertSeverity
    window: timedelta
    error_ratio: Fraction | None
    text: str
    slower_than_ms: Decimal | None = None
    hold: timedelta
    inclusive: bool = False

    def __post_init__(self) -> None:
        if self.window < MINUTE:
            raise ValueError("a window lasts a minute or longer")
        if (self.slower_than_ms is None) is not (self.figure.slower is None):
            raise ValueError("percentiles, and nothing else, have a duration")

    @property
    def long_window(self) -> timedelta:
        return self.window

    @property
    def short_window(self) -> None:
        """It has none: the alert ends as late as its window is long."""

    @property
    def memory(self) -> timedelta:
        return self.window

    @property
    def inhibits(self) -> bool:
        """Whoever was paged needs no ticket; a ticket on a figure says nothing of the budget."""
        return self.severity is AlertSeverity.PAGE

    def limit(self, objective: Objective) -> Fraction:
        """Return the error ratio beyond which it fires."""
        return Fraction(objective.budget) if self.error_ratio is None else self.error_ratio

    def exceeds(self, objective: Objective, counts: Counts) -> bool | None:
        """Say whether the window's error ratio is beyond the limit, without rounding; None when nothing was measured."""
        return is_beyond(self.limit(objective), counts, inclusive=self.inclusive)
