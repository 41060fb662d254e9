"""Alerts on what is left of the budget, for those who plan by it; `threshold_alert.py` has those on other figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from reporting.slo.burn_rate_alert import AlertSeverity
from reporting.slo.signals import Signal
from reporting.slo.state import SLOState

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetAlert:
    """Breached while the budget's remaining share is `at_most` or less: 0.1 is 10 %, 0 is nothing."""

    name: str
    at_most: Decimal
    severity: AlertSeverity = AlertSeverity.TICKET
    hold: timedelta = timedelta(0)
    memory: timedelta = timedelta(0)

    @property
    def inhibits(self) -> bool:
        """Nothing left makes little left no news."""
        return True

    def signal(self, remaining_ratio: Decimal | None, state: SLOState) -> Signal:
        """Compare. What a handful of events says of a budget is no news."""
        if remaining_ratio is None or state is SLOState.NO_DATA:
            return Signal.NO_DATA
        if remaining_ratio > self.at_most:
            return Signal.CLEAR
        return Signal.LOW_TRAFFIC if state is SLOState.LOW_TRAFFIC else Signal.BREACHING


BUDGET_ALERTS: Sequence[BudgetAlert] = (
    BudgetAlert(name="budget-exhausted", at_most=Decimal(0)),
    BudgetAlert(name="budget-low", at_most=Decimal("0.1")),
)
"""The shipped ones, of which the first makes the second unnecessary. Both are slower than any burn rate: while one of those
fires, whoever is at it knows where the budget goes."""
