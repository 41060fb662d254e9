"""The three budgeting methods, as one thing: a series of what the budget counts.

With occurrences that is the events themselves. With slices it is one row a slice, good or bad or something between, on
which everything else (budget, burn rates, alerts, replay) then works unchanged.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from reporting.slo.objective import BudgetingMethod
from reporting.slo.series import MinuteSeries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reporting.slo.counts import Counts
    from reporting.slo.objective import Objective
    from reporting.slo.windows import CompliancePeriod

PARTS = 10**12
"""Parts of a slice under `RATIO_TIMESLICES`. A ratio is rounded down to them, so a year of minutes is off by less than
a millionth of a slice, never to its advantage, and sums stay sums of integers."""


def budget_series(objective: Objective, events: MinuteSeries) -> MinuteSeries:
    """Return what the budget counts of a series of events.

    A slice belongs to the period in which it begins; slices are counted from 1970 in UTC.
    """
    if objective.method is BudgetingMethod.OCCURRENCES:
        return events
    minutes: list[int] = []
    good: list[int] = []
    total: list[int] = []
    parts = PARTS if objective.method is BudgetingMethod.RATIO_TIMESLICES else 1
    for minute, good_events, total_events in _slices(events, objective.slice_minutes):
        if total_events:
            minutes.append(minute)
            good.append(_good_parts(objective, good_events, total_events))
            total.append(parts)
    return MinuteSeries(minutes, good, total, scale=parts)


def upcoming(objective: Objective, period: CompliancePeriod, elapsed: CompliancePeriod) -> int:
    """Return how much of the period the budget will still count: slices are known in advance, events are not.

    In the unit of `budget_series`. So a calendar month of minutes has its whole budget on the first day.
    """
    if objective.method is BudgetingMethod.OCCURRENCES:
        return 0
    parts = PARTS if objective.method is BudgetingMethod.RATIO_TIMESLICES else 1
    (_, begun), (_, end) = elapsed.minutes, period.minutes
    width = objective.slice_minutes
    # A slice has begun when its first minute has: both bounds are rounded up to a slice's edge.
    return max(0, -(-end // width) - -(-begun // width)) * parts


def coverage(objective: Objective, counts: Counts, elapsed: CompliancePeriod) -> Fraction | None:
    """Return the share of the slices of a span that were measured; None with occurrences, which know no gaps."""
    if objective.method is BudgetingMethod.OCCURRENCES:
        return None
    start, end = elapsed.minutes
    width = objective.slice_minutes
    slices = -(-end // width) - -(-start // width)
    return Fraction(counts.total, counts.scale * slices) if slices else None


def _good_parts(objective: Objective, good: int, total: int) -> int:
    if objective.method is BudgetingMethod.RATIO_TIMESLICES:
        return good * PARTS // total
    wanted = Fraction(objective.slice_target or 1)
    return int(good * wanted.denominator >= wanted.numerator * total)


def _slices(events: MinuteSeries, width: int) -> Iterable[tuple[int, int, int]]:
    """Add up the rows of each slice, under the slice's first minute."""
    if width == 1:
        yield from events
        return
    start, good, total = -1, 0, 0
    for minute, good_now, total_now in events:
        if minute - minute % width != start:
            if total:
                yield start, good, total
            start, good, total = minute - minute % width, 0, 0
        good += good_now
        total += total_now
    if total:
        yield start, good, total
