"""Budgets of slices: minutes one by one, and what maintenance leaves of them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from reporting.slo.budgeting import budget_series
from reporting.slo.objective import BudgetingMethod
from reporting.slo.series import MinuteSeries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.evaluation.figures import Count, Subject
    from reporting.slo.counts import Counts
    from reporting.slo.objective import Objective


def budgeted(minutes: MinuteSeries) -> Count:
    """Return what budgets count of some minutes."""
    by_objective: dict[Objective, MinuteSeries] = {}

    def count(objective: Objective, start: int, end: int) -> Counts:
        if objective not in by_objective:
            by_objective[objective] = budget_series(objective, minutes)
        return by_objective[objective].counts(start, end)

    return count


def left(minutes: MinuteSeries, subject: Subject) -> MinuteSeries:
    """Leave out what is excluded; a slice is judged by what is left of it."""
    if not subject.excluded:
        return minutes
    start, end = around(subject.spans)
    edges = [start, *chain.from_iterable(subject.excluded), end]
    rows = [row for since, until in zip(edges[::2], edges[1::2], strict=True) for row in minutes.rows(since, until)]
    return MinuteSeries(*zip(*rows, strict=True)) if rows else MinuteSeries()


def is_sliced(subject: Subject) -> bool:
    """Say whether minutes are needed one by one: some promise of the period is budgeted in slices."""
    promises = (subject.objective, *(held for _, _, held in subject.pieces))
    return any(each.method is not BudgetingMethod.OCCURRENCES for each in promises)


def around(spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the span from the first start to the last end."""
    return min(start for start, _ in spans), max(end for _, end in spans)
