"""An SLO as it is shown: plain numbers, for JSON over HTTP and on the command line."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from reporting.definitions.durations import write_duration
from reporting.slo.exact import quotient
from reporting.slo.objective import BudgetingMethod
from reporting.slo.state import SLOState
from reporting.slo.windows import RollingWindow

if TYPE_CHECKING:
    from decimal import Decimal

    from reporting.definitions.definition import Definition
    from reporting.evaluation.figures import Evaluation, Figures
    from reporting.evaluation.percentiles import Percentiles
    from reporting.evaluation.success import Success
    from reporting.slo.error_budget import ErrorBudget

_US = 1_000


class BudgetView(Struct, frozen=True):
    """Bad events (or slices) that are allowed, were consumed, and are left; below zero when overspent."""

    allowed: float
    consumed: float
    remaining: float
    remaining_ratio: float


class PercentilesView(Struct, frozen=True):
    """Milliseconds, within 1 %."""

    p50: float
    p95: float
    p99: float


class FiguresView(Struct, frozen=True, kw_only=True):
    """Events, or slices of time; `sli` is null when there was nothing to measure."""

    state: SLOState
    sli: float | None
    good: float
    bad: float
    total: float
    budget: BudgetView | None
    burn_rates: dict[str, float | None]
    percentiles: PercentilesView | None


class SLOView(FiguresView, frozen=True, kw_only=True):
    """How an SLO stands. Maintenance is left out, but for `including_maintenance`.

    While it is `backfilling` nothing is known yet. When it is not `kept`, nothing is known any more: what earlier
    definitions have counted of events is kept for a while only.
    """

    name: str
    display_name: str
    service: str
    target: float
    window: str
    budgeting_method: BudgetingMethod
    unit: str
    period_start: datetime
    period_end: datetime
    maintenance_minutes: int
    including_maintenance: FiguresView
    backfilling: bool
    kept: bool
    as_of: datetime


class SuccessView(Struct, frozen=True, kw_only=True):
    """Requests of a service, maintenance included: `good` were answered with 2xx, `degraded` with 429. There is no budget."""

    name: str
    service: str
    window: str
    sli: float | None
    good: int
    total: int
    degraded: int
    degraded_ratio: float | None
    period_start: datetime
    period_end: datetime


class SLOList(Struct, frozen=True):
    """Every SLO in force, by name, and the success of the services whose requests they are about."""

    slos: list[SLOView]
    success: list[SuccessView]


def success_view(found: Success) -> SuccessView:
    """Return what is shown of a service's success."""
    counts = found.counts
    return SuccessView(
        name="success",
        service=found.service,
        window=write_duration(found.period.length),
        sli=_number(counts.sli),
        good=counts.good,
        total=counts.total,
        degraded=found.degraded,
        degraded_ratio=_number(quotient(found.degraded, counts.total)) if counts.total else None,
        period_start=found.period.start,
        period_end=found.period.end,
    )


def shown(evaluation: Evaluation, percentiles: Percentiles | None, including: Percentiles | None) -> SLOView:
    """Return what is shown of an evaluation, with percentiles without maintenance and including it."""
    definition, objective = evaluation.definition, evaluation.objective
    figures = figures_view(evaluation.figures, percentiles)
    return SLOView(
        name=definition.name,
        display_name=definition.display_name,
        service=definition.service,
        target=float(objective.target),
        window=window_text(definition),
        budgeting_method=objective.method,
        unit="events" if objective.method is BudgetingMethod.OCCURRENCES else "slices",
        period_start=evaluation.period.start,
        period_end=evaluation.period.end,
        state=figures.state,
        sli=figures.sli,
        good=figures.good,
        bad=figures.bad,
        total=figures.total,
        budget=figures.budget,
        burn_rates=figures.burn_rates,
        percentiles=figures.percentiles,
        maintenance_minutes=evaluation.excluded_minutes,
        including_maintenance=figures_view(evaluation.including_maintenance, including),
        backfilling=evaluation.backfilling,
        kept=evaluation.kept,
        as_of=evaluation.at,
    )


def figures_view(figures: Figures, percentiles: Percentiles | None) -> FiguresView:
    """Return what is shown of figures."""
    counts = figures.counts
    return FiguresView(
        state=figures.state,
        sli=_number(counts.sli),
        good=_whole(counts.in_units(counts.good)),
        bad=_whole(counts.in_units(counts.bad)),
        total=_whole(counts.in_units(counts.total)),
        budget=None if figures.budget is None else budget_view(figures.budget),
        burn_rates={window: _number(rate) for window, rate in figures.burn_rates.items()},
        percentiles=None
        if percentiles is None
        else PercentilesView(percentiles.p50 / _US, percentiles.p95 / _US, percentiles.p99 / _US),
    )


def budget_view(budget: ErrorBudget) -> BudgetView:
    """Return what is shown of a budget."""
    return BudgetView(
        allowed=_whole(budget.allowed),
        consumed=_whole(budget.consumed),
        remaining=_whole(budget.remaining),
        remaining_ratio=_whole(budget.remaining_ratio),
    )


def window_text(definition: Definition) -> str:
    """Return a window as OpenSLO writes it, `30d`; a calendar's with its zone, `1M Europe/Berlin`."""
    window = definition.window
    if isinstance(window, RollingWindow):
        return write_duration(window.length)
    return f"{definition.written.spec.time_window[0].duration} {window.calendar.zone}"


def _number(value: Decimal | None) -> float | None:
    return None if value is None else _whole(value)


def _whole(value: Decimal) -> float:
    """Return a number that JSON writes without a point when it has none."""
    return int(value) if value == value.to_integral_value() else float(value)
