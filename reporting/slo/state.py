"""How an SLO stands, in one word."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.slo.significance import DEFAULT

if TYPE_CHECKING:
    from reporting.slo.counts import Counts
    from reporting.slo.error_budget import ErrorBudget
    from reporting.slo.objective import Objective
    from reporting.slo.significance import Significance


class SLOState(StrEnum):
    """The states of the contract.

    `HEALTHY`: within budget. `BURNING`: an alert's windows are breached. `EXHAUSTED`: nothing of the budget is left.
    `LOW_TRAFFIC`: too few events to tell. `NO_DATA`: none at all, which is neither good nor bad.
    """

    HEALTHY = "HEALTHY"
    BURNING = "BURNING"
    EXHAUSTED = "EXHAUSTED"
    LOW_TRAFFIC = "LOW_TRAFFIC"
    NO_DATA = "NO_DATA"


def slo_state(
    objective: Objective,
    counts: Counts,
    budget: ErrorBudget | None,
    *,
    burning: bool,
    significance: Significance = DEFAULT,
) -> SLOState:
    """Return the state over a compliance period.

    `burning`: whether a pair of windows is breached now (`Signal.BREACHING`), which already means enough traffic.
    """
    if budget is None:
        return SLOState.NO_DATA
    enough = significance.enough(counts, Fraction(objective.budget))
    if enough and budget.exhausted:
        return SLOState.EXHAUSTED
    if burning:
        return SLOState.BURNING
    return SLOState.HEALTHY if enough else SLOState.LOW_TRAFFIC
