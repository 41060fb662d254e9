"""What became of an SLO through a stretch of time: bucket by bucket, and what its bad events were.

Everything is read once: sums from tiles that are added up already, and causes from the rows behind them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from app.domain.filters import Source
from app.domain.histogram import quantile
from reporting.evaluation import request_store
from reporting.evaluation.measure import measure_of
from reporting.evaluation.request_book import properties_of, scope_of
from reporting.evaluation.request_filter import passes, take_of
from reporting.evaluation.sums import Sums
from reporting.evaluation.tiles import tiles_of
from reporting.slo.budgeting import budget_series
from reporting.slo.counts import Counts
from reporting.slo.objective import BudgetingMethod
from reporting.slo.windows import instant_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.evaluation.figures import Evaluation
    from reporting.evaluation.measure import Measure
    from reporting.evaluation.request_filter import RequestRow
    from reporting.evaluation.sums import BookOf

    Span = tuple[int, int]
    """`[start, end)` in minutes since 1970."""

_PERCENTILES = (Decimal("0.5"), Decimal("0.95"), Decimal("0.99"))
_US = 1_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A bucket `[start, end)`: bad of total, and what was left of the period's budget at its end (None: before the period)."""

    start: datetime
    end: datetime
    bad: float
    total: float
    left: float | None


@dataclass(frozen=True, slots=True)
class Speed:
    """How long requests took in a bucket from `start`, in ms."""

    start: datetime
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Part:
    """Requests that have something in common, which `name` says, and how many of them were bad."""

    name: str
    bad: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`reasons`, `routes` and `tiers` have the worst first; they are empty for SLOs that do not count requests."""

    spots: tuple[Spot, ...]
    speeds: tuple[Speed, ...]
    reasons: tuple[Part, ...]
    routes: tuple[Part, ...]
    tiers: tuple[Part, ...]


class SLOHistory:
    """Thread-safe. Raises `DependencyError`."""

    def __init__(self, database: Database, book_of: BookOf) -> None:
        self._database = database
        self._book_of = book_of

    def read(self, evaluation: Evaluation, span: Span, *, width: int, wide: int) -> History:
        """Return the history of a span in buckets of `width` minutes, durations in such of `wide`.

        Maintenance that an evaluation has excluded is left out of counts.
        """
        with self._database.begin(snapshot=True) as connection:
            spots = self._spots(connection, evaluation, span, width)
            start = span[0] - span[0] % width
            return _history(connection, measure_of(evaluation.definition.indicator), spots, (start, span[1]), wide)

    def _spots(self, connection: Connection, evaluation: Evaluation, span: Span, width: int) -> tuple[Spot, ...]:
        start = span[0] - span[0] % width
        buckets = [(since, min(since + width, span[1])) for since in range(start, span[1], width)]
        period_start = evaluation.elapsed.minutes[0]
        # What was bad before the period costs nothing of its budget: of the bucket that it begins in, a part counts.
        begun = [(period_start, until) for since, until in buckets if since < period_start < until]
        count = self._counter(connection, evaluation, [(min(period_start, start), start), *begun, *buckets])
        budget = evaluation.figures.budget
        bad = _bad_of(_of(count, period_start, start)) if start > period_start else 0.0
        spots = []
        for since, until in buckets:
            counts = _of(count, since, until)
            found = _bad_of(counts)
            left = None
            if budget is not None and budget.allowed and until > period_start:
                bad += found if since >= period_start else _bad_of(_of(count, period_start, until))
                left = 1 - bad / float(budget.allowed)
            total = float(counts.in_units(counts.total))
            spots.append(Spot(instant_of(since), instant_of(until), found, total, left))
        return tuple(spots)

    def _counter(
        self, connection: Connection, evaluation: Evaluation, spans: Sequence[Span]
    ) -> Callable[[int, int], list[Counts]]:
        """Return what counts a span, without what is excluded, in one part or more."""
        measure, objective = measure_of(evaluation.definition.indicator), evaluation.objective
        pieces = {span: list(_without(evaluation.excluded, *span)) for span in spans if span[0] < span[1]}
        sums = Sums([measure], self._book_of)
        if objective.method is BudgetingMethod.OCCURRENCES:
            wanted = [piece for found in pieces.values() for piece in found]
            sums.read(connection, {measure.source: wanted}, now=evaluation.at)
            return lambda start, end: [sums.counts(measure, *piece) for piece in pieces.get((start, end), [])]
        around = min(start for start, _ in spans), max(end for _, end in spans)
        sums.read(connection, {}, now=evaluation.at)
        budgeted = budget_series(objective, sums.series(connection, measure, around, now=evaluation.at))
        return lambda start, end: [budgeted.counts(*piece) for piece in pieces.get((start, end), [])]


def _of(count: Callable[[int, int], list[Counts]], start: int, end: int) -> Counts:
    found = count(start, end)
    return sum(found[1:], found[0]) if found else Counts(0, 0)


def _bad_of(counts: Counts) -> float:
    """Return bad events or slices, also where these are divided."""
    return float(counts.in_units(counts.bad))


def _without(excluded: Sequence[Span], start: int, end: int) -> list[Span]:
    """Return what is left of a span."""
    left = []
    for since, until in excluded:
        if until > start and since < end:
            if start < since:
                left.append((start, since))
            start = max(start, until)
    if start < end:
        left.append((start, end))
    return left


def _history(connection: Connection, measure: Measure, spots: tuple[Spot, ...], span: Span, wide: int) -> History:
    reasons: Counter[str] = Counter()
    routes: dict[str, Counter[str]] = {}
    tiers: dict[str, Counter[str]] = {}
    speeds: dict[int, Counter[int]] = {}
    if measure.source is Source.REQUESTS:
        starts = range(span[0] - span[0] % wide, span[1], wide)
        buckets = [(max(since, span[0]), min(since + wide, span[1])) for since in starts]
        tiles = {tile for bucket in buckets for tile in tiles_of(*bucket)}
        for tile, row in request_store.rows(connection, scope_of(measure), tiles, histograms=True):
            if not passes(measure.total, properties_of(row)):
                continue
            bad, total = bad_of(measure, row)
            _add(routes, f"{row.method} {row.route}", bad, total)
            _add(tiers, row.tier or "none", bad, total)
            if bad:
                reasons[f"{row.status} {row.reason}".strip()] += bad
            histogram = speeds.setdefault(tile.start - tile.start % wide, Counter())
            for bucket, requests in zip(row.buckets, row.counts, strict=True):
                histogram[bucket] += requests
    everything = sum(reasons.values())
    return History(
        spots=spots,
        speeds=tuple(_speed(start, speeds[start]) for start in sorted(speeds) if speeds[start]),
        reasons=tuple(Part(name, bad, everything) for name, bad in reasons.most_common()),
        routes=_parts(routes),
        tiers=_parts(tiers),
    )


def bad_of(measure: Measure, row: RequestRow) -> tuple[int, int]:
    """Return how many requests of a row are bad, and how many count."""
    total = take_of(measure.total, measured=measure.measures_duration).of(row)
    part = 0
    if passes(measure.part, properties_of(row)):
        part = take_of(measure.part, measured=measure.measures_duration).of(row)
    return total - measure.good(part, total), total


def _add(parts: dict[str, Counter[str]], name: str, bad: int, total: int) -> None:
    parts.setdefault(name, Counter()).update(bad=bad, total=total)


def _parts(parts: dict[str, Counter[str]]) -> tuple[Part, ...]:
    found = [Part(name, counts["bad"], counts["total"]) for name, counts in parts.items()]
    return tuple(sorted(found, key=lambda part: (-part.bad, -part.total, part.name)))


def _speed(start: int, histogram: Counter[int]) -> Speed:
    p50, p95, p99 = ((quantile(histogram, ratio) or 0) / _US for ratio in _PERCENTILES)
    return Speed(instant_of(start), p50, p95, p99)
