"""P50, P95 and P99 of the requests of an SLO, from histograms that are added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from app.domain.filters import Source
from app.domain.histogram import quantile
from reporting.evaluation import request_store
from reporting.evaluation.request_book import properties_of, scope_of, scopes_of
from reporting.evaluation.request_filter import RequestRow, passes, take_of
from reporting.evaluation.tiles import tiles_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from reporting.evaluation.measure import Measure
    from reporting.evaluation.request_store import Scope
    from reporting.evaluation.tiles import Tile

_P50, _P95, _P99 = Decimal("0.5"), Decimal("0.95"), Decimal("0.99")


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Durations in µs, within 1 % of the exact ones."""

    p50: int
    p95: int
    p99: int


Key = tuple[str, str, str, str, str, int, str]
"""Account, service, route, method, tier, status, reason."""


def percentiles(
    connection: Connection, measures: Iterable[Measure], spans: Iterable[tuple[int, int]]
) -> dict[Measure, Percentiles | None]:
    """Return those of each measure's total over spans `[start, end)` together; None without durations.

    Measures of other sources than requests have none.
    """
    found = histograms(connection, measures, spans)
    return {measure: percentiles_of(histogram) for measure, histogram in found.items()}


def histograms(
    connection: Connection, measures: Iterable[Measure], spans: Iterable[tuple[int, int]]
) -> dict[Measure, Counter[int]]:
    """Return the durations of each measure's total over spans together: how many in which bucket.

    Every row is read once, however many measures it concerns. Those of other sources than requests are left out.
    """
    requested = [measure for measure in dict.fromkeys(measures) if measure.source is Source.REQUESTS]
    tiles = {tile for span in spans for tile in tiles_of(*span)}
    found: dict[Measure, Counter[int]] = {}
    for scope, slots, _ in scopes_of(requested):
        by_service: dict[str, dict[Key, Counter[int]]] = {}
        for key, histogram in _histograms(connection, scope, tiles).items():
            by_service.setdefault(key[1], {})[key] = histogram
        for slot in slots:
            services = scope_of(requested[slot]).services
            parts = [by_service.get(service, {}) for service in (by_service if services is None else services)]
            found[requested[slot]] = _merged(requested[slot], parts)
    return found


def percentiles_of(histogram: Mapping[int, int]) -> Percentiles | None:
    """Return the percentiles of durations; None when there are none."""
    p50, p95, p99 = (quantile(histogram, ratio) for ratio in (_P50, _P95, _P99))
    return None if p50 is None or p95 is None or p99 is None else Percentiles(p50, p95, p99)


def _histograms(connection: Connection, scope: Scope, tiles: Iterable[Tile]) -> dict[Key, Counter[int]]:
    merged: dict[Key, Counter[int]] = {}
    for _, row in request_store.rows(connection, scope, set(tiles), histograms=True):
        histogram = merged.setdefault(row[1:8], Counter())
        for bucket, count in zip(row.buckets, row.counts, strict=True):
            histogram[bucket] += count
    return merged


def _merged(measure: Measure, parts: Iterable[Mapping[Key, Counter[int]]]) -> Counter[int]:
    """Add up what the measure counts; requests that never finished have no duration to show."""
    take = take_of(measure.total, measured=True)
    merged: Counter[int] = Counter()
    for key, histogram in ((key, histogram) for some in parts for key, histogram in some.items()):
        row = RequestRow(0, *key, 0, (), ())
        if passes(measure.total, properties_of(row)):
            for bucket, count in histogram.items():
                if take.cut is None or (bucket < take.cut) is take.below:
                    merged[bucket] += count
    return merged
