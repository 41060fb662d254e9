"""What was promised, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from reporting.slo.exact import difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from decimal import Decimal

MINUTES_OF_A_DAY = 1_440


class BudgetingMethod(StrEnum):
    """How time and events are weighed; the names are OpenSLO's.

    `OCCURRENCES`: good events of all events. `TIMESLICES`: good slices of all slices, where a slice is good when its own
    ratio meets the slice target. `RATIO_TIMESLICES`: the mean of the slices' ratios. A slice without events is not
    measured, and is in neither number.
    """

    OCCURRENCES = "occurrences"
    TIMESLICES = "timeslices"
    RATIO_TIMESLICES = "ratio_timeslices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A target in (0, 1) and the way it is budgeted.

    `slice_target` in (0, 1] only with `TIMESLICES`; `slice_minutes`, the width of a slice, with both slicing methods.
    """

    target: Decimal
    method: BudgetingMethod = BudgetingMethod.OCCURRENCES
    slice_target: Decimal | None = None
    slice_minutes: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.target < 1:
            raise ValueError(f"a target lies between 0 and 1, and {self.target} does not")
        if (self.slice_target is not None) is not (self.method is BudgetingMethod.TIMESLICES):
            raise ValueError("time slices have a slice target, and nothing else has")
        if self.slice_target is not None and not 0 < self.slice_target <= 1:
            raise ValueError(f"a slice target is above 0 and at most 1, and {self.slice_target} is not")
        if not 1 <= self.slice_minutes <= MINUTES_OF_A_DAY:
            raise ValueError(f"a slice lasts from a minute to a day, and not {self.slice_minutes} minutes")

    @property
    def budget(self) -> Decimal:
        """The ratio that may be bad: 1 - target, exactly."""
        return difference(1, self.target)


@dataclass(frozen=True, slots=True)
class ObjectiveVersion:
    """An objective and the instant from which it holds."""

    effective_from: datetime
    objective: Objective


def promised(
    history: Sequence[ObjectiveVersion], objective: Objective, effective_from: datetime
) -> tuple[ObjectiveVersion, ...]:
    """Return the history with one more promise; the same one again adds nothing, and the past is never rewritten.

    Raises `ValueError` for a promise that would hold before one already made.
    """
    versions = sorted(history, key=lambda version: version.effective_from)
    if versions and versions[-1].objective == objective:
        return tuple(versions)
    if versions and effective_from <= versions[-1].effective_from:
        raise ValueError(f"an objective of {versions[-1].effective_from} is not replaced by one of {effective_from}")
    return (*versions, ObjectiveVersion(effective_from, objective))


def effective_target(history: Sequence[ObjectiveVersion], at: datetime) -> Objective | None:
    """Return the objective that held at an instant, whatever was promised later.

    What happened before the first promise is measured by the first one: there was no other. None without any.
    The history may be in any order.
    """
    versions = sorted(history, key=lambda version: version.effective_from)
    held = None
    for version in versions:
        if held is None or version.effective_from <= at:
            held = version.objective
    return held


def effective_targets(
    history: Sequence[ObjectiveVersion], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, Objective]]:
    """Cut `[start, end)` where the objective changes: from, until, and what held between.

    An error budget over a change is the sum of the budgets of the pieces.
    """
    changes = sorted({version.effective_from for version in history if start < version.effective_from < end})
    bounds = [start, *changes, end]
    for since, until in pairwise(bounds):
        held = effective_target(history, since)
        if held is not None and since < until:
            yield since, until, held
