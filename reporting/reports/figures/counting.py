"""What promises count over parts of a period: each part by the objective of its time, without maintenance or with it.

1. Whoever wants a span says so first (`want`); then everything is read at once (`read`), a row once for all promises.
2. Counts are linear, so days add up to their period, and what is excluded is taken away. Slices are not: those are made of
   minutes, and without maintenance of what it leaves of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from reporting.evaluation.measure import measure_of
from reporting.evaluation.sums import Sums
from reporting.reports.figures import minutes_store
from reporting.reports.figures.spans import pieces_of
from reporting.slo.budgeting import budget_series
from reporting.slo.counts import Counts
from reporting.slo.error_budget import ErrorBudget, added_budgets, error_budget
from reporting.slo.exact import product
from reporting.slo.objective import BudgetingMethod, effective_targets
from reporting.slo.series import MinuteSeries
from reporting.slo.windows import instant_of, minute_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.domain.filters import Source
    from reporting.definitions.definition import Definition
    from reporting.evaluation.measure import Measure
    from reporting.evaluation.sums import BookOf
    from reporting.slo.objective import Objective, ObjectiveVersion

Span = tuple[int, int]
"""`[start, end)` in minutes since 1970."""


@dataclass(frozen=True, eq=False)
class Pledge:
    """A promise as it is counted: `objective` held at the end; `excluded` spans ascend and do not overlap.

    It held until `until`, where it was removed before the period was over. With a `note` nothing is known of it.
    """

    definition: Definition
    history: Sequence[ObjectiveVersion]
    objective: Objective
    until: int
    excluded: Sequence[Span] = ()
    note: str = ""

    @cached_property
    def measure(self) -> Measure:
        return measure_of(self.definition.indicator)

    @property
    def sliced(self) -> bool:
        return self.objective.method is not BudgetingMethod.OCCURRENCES

    @property
    def by_minute(self) -> bool:
        """Whether it is told by minutes alone: its slices cannot be made again of quarters of an hour."""
        return self.sliced and minutes_store.can_add_up(self.measure)

    @property
    def name(self) -> str:
        return self.definition.name

    def parts(self, start: int, end: int) -> list[tuple[int, int, Objective]]:
        """Cut a span where the objective changes; whatever is budgeted, all parts are counted in one unit."""
        end = min(end, self.until)
        if start >= end:
            return []
        cut = effective_targets(self.history, instant_of(start), instant_of(end))
        return [
            (minute_of(since), minute_of(until), self._comparable(held))
            for since, until, held in cut
            if minute_of(since) < minute_of(until)
        ]

    def left(self, start: int, end: int) -> Iterator[Span]:
        """Give what maintenance leaves of a span."""
        for first, last in overlaps(self.excluded, start, end):
            if start < first:
                yield start, first
            start = last
        if start < end:
            yield start, end

    def _comparable(self, held: Objective) -> Objective:
        own = self.objective
        alike = (held.method, held.slice_minutes) == (own.method, own.slice_minutes)
        return held if alike else replace(own, target=held.target)


@dataclass(frozen=True, slots=True)
class Judged:
    """Counts of a span in which a promise held, and what was allowed and consumed there; None of nothing."""

    counts: Counts
    budget: ErrorBudget | None

    def __add__(self, other: Judged) -> Judged:
        return Judged(self.counts + other.counts, added_budgets([self.budget, other.budget]))


@dataclass(slots=True)
class Tallier:
    """Counts pledges as of one moment; not thread-safe. `want`, then `read`, then ask."""

    connection: Connection
    book_of: BookOf
    now: datetime
    _wanted: dict[Pledge, set[Span]] = field(default_factory=dict)
    _sums: Sums | None = None
    _minutes_from: int = 0
    _widest: dict[Pledge, Span] = field(default_factory=dict)
    _series: dict[tuple[Pledge, bool], MinuteSeries] = field(default_factory=dict)
    _slices: dict[tuple[Pledge, bool, Objective], MinuteSeries] = field(default_factory=dict)

    def want(self, pledge: Pledge, spans: Iterable[Span]) -> None:
        """Have these spans read."""
        self._wanted.setdefault(pledge, set()).update(spans)

    def read(self) -> None:
        """Read what is wanted, and forget what was read before but for minutes of slices: want the widest span first."""
        wanted_of, self._wanted = self._wanted, {}
        pledges = [pledge for pledge in wanted_of if not pledge.note]
        measures = list(dict.fromkeys(pledge.measure for pledge in pledges))
        spans: dict[Source, set[Span]] = {}
        for pledge in pledges:
            if not pledge.sliced:
                wanted = spans.setdefault(pledge.measure.source, set())
                for start, end in wanted_of[pledge]:
                    for since, until, _ in pledge.parts(start, end):
                        wanted.update(
                            span
                            for some in (pledge.left(since, until), ((since, until),))
                            for _, span in self._signed(some)
                        )
        self._sums = Sums(measures, self.book_of)
        self._sums.read(self.connection, spans, now=self.now)
        self._minutes_from = minutes_store.kept_from(self.connection)
        for pledge in pledges:
            if pledge.sliced:
                found = wanted_of[pledge]
                widest = min(start for start, _ in found), max(end for _, end in found)
                self._widest.setdefault(pledge, widest)

    def over(self, pledge: Pledge, start: int, end: int, *, maintenance: bool = False) -> Judged:
        """Return what a pledge comes to over a span that is wanted, or made of such; nothing where some of it is gone."""
        judged = Judged(Counts(0, 0, self._scale(pledge)), None)
        if pledge.note or (pledge.by_minute and start < self._minutes_from):
            return judged
        for since, until, held in pledge.parts(start, end):
            counts = self._counts(pledge, held, since, until, maintenance=maintenance)
            judged += Judged(counts, error_budget(held, counts))
        return judged

    def _counts(self, pledge: Pledge, held: Objective, start: int, end: int, *, maintenance: bool) -> Counts:
        if pledge.sliced:
            key = (pledge, maintenance, held)
            if key not in self._slices:
                self._read_series(pledge)
                self._slices[key] = budget_series(held, self._series[pledge, maintenance])
            return self._slices[key].counts(start, end)
        assert self._sums is not None  # noqa: S101 - `read` comes first.
        good = total = 0
        spans: Iterable[Span] = ((start, end),) if maintenance else pledge.left(start, end)
        for sign, (since, until) in self._signed(spans):
            counts = self._sums.counts(pledge.measure, since, until)
            good += sign * counts.good
            total += sign * counts.total
        return Counts(good, total)

    def _read_series(self, pledge: Pledge) -> None:
        """Read the minutes from the first to the last, and those that the last slice goes on for."""
        if (pledge, False) in self._series:
            return
        assert self._sums is not None  # noqa: S101
        start, end = self._widest[pledge]
        end += -end % pledge.objective.slice_minutes
        if pledge.by_minute:
            series = minutes_store.minutes(self.connection, pledge.measure, (start, end), over=minute_of(self.now))
        else:
            series = self._sums.series(self.connection, pledge.measure, (start, end), now=self.now)
        rows = list(chain.from_iterable(series.rows(*span) for span in pledge.left(start, end)))
        self._series[pledge, True] = series
        self._series[pledge, False] = MinuteSeries(*zip(*rows, strict=True)) if rows else MinuteSeries()

    def _signed(self, spans: Iterable[Span]) -> Iterator[tuple[int, Span]]:
        over = minute_of(self.now)
        for start, end in spans:
            for piece in pieces_of(start, end, over=over):
                yield piece.sign, (piece.since, piece.until)

    @staticmethod
    def _scale(pledge: Pledge) -> int:
        return budget_series(pledge.objective, MinuteSeries()).scale


def overlaps(excluded: Iterable[Span], start: int, end: int) -> Iterator[Span]:
    """Give what of some spans lies in `[start, end)`."""
    for first, last in excluded:
        if first < end and start < last:
            yield max(first, start), min(last, end)


def in_unit(pledge: Pledge, budget: ErrorBudget) -> ErrorBudget:
    """Return a budget in events, or in minutes of slices."""
    width = pledge.objective.slice_minutes if pledge.sliced else 1
    return ErrorBudget(product(budget.allowed, width), product(budget.consumed, width))
