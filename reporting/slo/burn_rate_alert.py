"""Alerts on burn rates over two windows, after the SRE workbook's chapter "Alerting on SLOs".

The long window says that enough of the budget was spent to matter, the short one that it is still being spent, so that
the alert ends soon after its cause. The limit follows from how much of the budget may be gone before somebody is told,
and is never a number of its own: 2 % of 30 days' budget in an hour are a burn rate of 0.02 · 720 h / 1 h = 14.4, and of
28 days' budget 13.44.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.slo.windows import MINUTE

if TYPE_CHECKING:
    from decimal import Decimal

    from reporting.slo.counts import Counts
    from reporting.slo.objective import Objective

_MICROSECOND = timedelta(microseconds=1)


class AlertSeverity(StrEnum):
    """`PAGE`: a person, now. `TICKET`: somebody, in working hours."""

    PAGE = "page"
    TICKET = "ticket"


def burn_rate_factor(budget_share: Decimal, period: timedelta, long_window: timedelta) -> Fraction:
    """Return the burn rate that spends a share of a period's budget within the long window: share · period / window."""
    return Fraction(budget_share) * Fraction(period // _MICROSECOND, long_window // _MICROSECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPair:
    """A long and a short window, and how much may be spent: a share of the budget, or a fixed burn rate.

    One of `budget_share` (0.02 is 2 %) and `factor` is given. Without a short window the alert looks at the long one
    alone, and then ends as late as that.
    """

    severity: AlertSeverity
    long_window: timedelta
    short_window: timedelta | None
    budget_share: Decimal | None = None
    factor: Decimal | None = None
    hold: timedelta = timedelta(0)
    """How long it must be breached before it fires (OpenSLO's `alertAfter`, Prometheus' `for`)."""
    inclusive: bool = False
    """Whether the limit itself breaches (OpenSLO's `gte`)."""

    def __post_init__(self) -> None:
        if (self.budget_share is None) is (self.factor is None):
            raise ValueError("a pair of windows has either a share of the budget or a burn rate")
        spent = self.factor if self.budget_share is None else self.budget_share
        if spent is None or spent <= 0:
            raise ValueError("an alert needs some of the budget to be spent")
        if self.short_window is not None and not MINUTE <= self.short_window < self.long_window:
            raise ValueError("the short window is a minute or more, and shorter than the long one")

    def for_period(self, period: timedelta) -> BurnRateAlert:
        """Return the alert for a compliance period of a length: of a calendar month, that of the month in question."""
        if self.budget_share is None:
            factor = Fraction(self.factor or 0)
        else:
            factor = burn_rate_factor(self.budget_share, period, self.long_window)
        return BurnRateAlert(
            severity=self.severity,
            factor=factor,
            long_window=self.long_window,
            short_window=self.short_window,
            hold=self.hold,
            inclusive=self.inclusive,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRateAlert:
    """One pair with its burn rate: what is evaluated."""

    severity: AlertSeverity
    factor: Fraction
    long_window: timedelta
    short_window: timedelta | None
    hold: timedelta = timedelta(0)
    inclusive: bool = False

    @property
    def memory(self) -> timedelta:
        """For how long its windows still hold what is over: when that is inhibited no more, it is news again."""
        return self.long_window if self.short_window is None else self.short_window

    @property
    def inhibits(self) -> bool:
        """While it burns, slower ones keep quiet."""
        return True

    def limit(self, objective: Objective) -> Fraction:
        """Return the error ratio beyond which it fires: factor · (1 - target), exactly."""
        return self.factor * Fraction(objective.budget)

    def exceeds(self, objective: Objective, counts: Counts) -> bool | None:
        """Say whether a window's error ratio is beyond the limit, without rounding; None when nothing was measured."""
        return is_beyond(self.limit(objective), counts, inclusive=self.inclusive)

    def can_fire(self, objective: Objective) -> bool:
        """Say whether any error ratio is beyond the limit: at 90 % a burn rate of 14.4 would be 144 % of errors."""
        limit = self.limit(objective)
        return limit < 1 or (self.inclusive and limit == 1)


def is_beyond(limit: Fraction, counts: Counts, *, inclusive: bool) -> bool | None:
    """Say whether an error ratio is beyond a limit, without rounding; None when nothing was measured."""
    if counts.total == 0:
        return None
    bad, allowed = counts.bad * limit.denominator, counts.total * limit.numerator
    return bad >= allowed if inclusive else bad > allowed


def haste(alert: BurnRateAlert) -> tuple[bool, Fraction]:
    """Return what to sort by, so that one makes the next unnecessary: pages before tickets, high before low burn."""
    return alert.severity is not AlertSeverity.PAGE, -alert.factor


def fastest_first(alerts: tuple[BurnRateAlert, ...]) -> tuple[BurnRateAlert, ...]:
    """Return alerts in the order in which one makes the next unnecessary."""
    return tuple(sorted(alerts, key=haste))
