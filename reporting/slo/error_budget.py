"""What may go wrong, what of it has, and how fast the rest goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.slo.exact import difference, product, quotient, shown, total

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from reporting.slo.counts import Counts
    from reporting.slo.objective import Objective

_MICROSECOND = timedelta(microseconds=1)
_LONGEST = timedelta.max // _MICROSECOND


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Bad events (or slices) allowed and consumed over a compliance period, exactly."""

    allowed: Decimal
    consumed: Decimal

    @property
    def remaining(self) -> Decimal:
        """Allowed - consumed; negative when overspent."""
        return difference(self.allowed, self.consumed)

    @property
    def consumed_ratio(self) -> Decimal:
        """Consumed ÷ allowed; 1 is all of it."""
        return quotient(self.consumed, self.allowed)

    @property
    def remaining_ratio(self) -> Decimal:
        """Remaining ÷ allowed; negative when overspent."""
        return quotient(self.remaining, self.allowed)

    @property
    def exhausted(self) -> bool:
        return self.consumed >= self.allowed


def error_budget(objective: Objective, counts: Counts, *, upcoming: int = 0) -> ErrorBudget | None:
    """Return the budget: total · (1 - target) may be bad. None when nothing was measured.

    `upcoming` is what will still be counted of the period for certain (`budgeting.upcoming`), in the unit of the counts.
    """
    if counts.total == 0:
        return None
    expected = counts.in_units(counts.total + upcoming)
    return ErrorBudget(allowed=product(expected, objective.budget), consumed=counts.in_units(counts.bad))


def added_budgets(budgets: Iterable[ErrorBudget | None]) -> ErrorBudget | None:
    """Add up the budgets of pieces of a period, for example before and after its target changed."""
    known = [budget for budget in budgets if budget is not None]
    if not known:
        return None
    return ErrorBudget(
        allowed=total(budget.allowed for budget in known),
        consumed=total(budget.consumed for budget in known),
    )


def burn_rate(objective: Objective, counts: Counts) -> Decimal | None:
    """Return the error ratio of a window ÷ (1 - target): at 1 the budget lasts exactly for the period.

    None when nothing was measured. To compare it with a limit use `BurnRateAlert`, which does not round.
    """
    if counts.total == 0:
        return None
    return shown(Fraction(counts.bad, counts.total) / Fraction(objective.budget))


def time_to_exhaustion(budget: ErrorBudget, rate: Decimal | None, period: timedelta) -> timedelta | None:
    """Return how long the rest of the budget lasts at a burn rate: remaining ratio · period ÷ rate, rounded down.

    Nought when it is exhausted; None when it would last for ever (rate 0) or the rate is not known.
    """
    if budget.exhausted:
        return timedelta(0)
    if rate is None or rate <= 0:
        return None
    left = Fraction(budget.remaining) / Fraction(budget.allowed)
    microseconds = int(left * (period // _MICROSECOND) / Fraction(rate))
    return min(microseconds, _LONGEST) * _MICROSECOND
