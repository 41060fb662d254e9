"""Percentiles of windows that move on: what is remembered of a window is mended at its edges, and not read again.

1. A window's histogram is remembered up to the minute that nothing changes any more. The last minutes are read each time.
2. When it moves on, what it has left is subtracted and what it has come to is added: integers, so nothing is lost by it.
3. What somebody wrote to since (`app.core.restatements_store`) is forgotten first, and read as a whole.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from app.core.restatements_store import KEPT, SETTLED, Restated, restated_since
from reporting.evaluation.percentiles import histograms, percentiles_of
from reporting.evaluation.request_book import scope_of
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from reporting.evaluation.measure import Measure
    from reporting.evaluation.percentiles import Percentiles

Spans = tuple[tuple[int, int], ...]
"""Minutes since 1970, `[start, end)` each; they ascend and do not overlap."""
_FORGET_AFTER = KEPT / 2


class Asked(NamedTuple):
    """Whose percentiles, and over which time. A name stays the same while its window moves on."""

    name: tuple[str, bool]
    measure: Measure
    spans: Spans


@dataclass(slots=True)
class _Kept:
    """A histogram as two columns: a thousand of them as dictionaries would be tens of megabytes."""

    measure: Measure
    spans: Spans
    buckets: array[int]
    counts: array[int]


class PercentileCache:
    """Not thread-safe. What is not asked for any more is forgotten."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bool], _Kept] = {}
        self._seen_xid: int | None = None
        self._seen_at: datetime | None = None

    def read(
        self, connection: Connection, asked: Sequence[Asked], *, now: datetime
    ) -> dict[tuple[str, bool], Percentiles | None]:
        """Return the percentiles of each name."""
        self._forget_restated(connection, now)
        settled = minute_of(now - SETTLED)
        kept: dict[tuple[str, bool], _Kept] = {}
        changes: dict[tuple[Spans, Spans, Spans], list[Asked]] = defaultdict(list)
        for each in asked:
            before = self._kept.get(each.name)
            remembered = before.spans if before is not None and before.measure == each.measure else ()
            whole = _cut(each.spans, until=settled)
            left, come = minus(remembered, whole), minus(whole, remembered)
            changes[left, come, minus(each.spans, whole)].append(each)
        found: dict[tuple[str, bool], Percentiles | None] = {}
        for (left, come, open_spans), some in changes.items():
            measures = [each.measure for each in some]
            gone, added, tail = (
                histograms(connection, measures, spans) if spans else {} for spans in (left, come, open_spans)
            )
            for each in some:
                histogram = self._moved(each, gone.get(each.measure), added.get(each.measure))
                whole = _cut(each.spans, until=settled)
                kept[each.name] = _Kept(
                    each.measure, whole, array("l", histogram.keys()), array("q", histogram.values())
                )
                histogram.update(tail.get(each.measure, {}))
                found[each.name] = percentiles_of(histogram)
        self._kept = kept
        return found

    def _moved(self, asked: Asked, gone: Counter[int] | None, added: Counter[int] | None) -> Counter[int]:
        before = self._kept.get(asked.name)
        histogram: Counter[int] = Counter()
        if before is not None and before.measure == asked.measure:
            histogram.update(dict(zip(before.buckets, before.counts, strict=True)))
        histogram.update(added or {})
        histogram.subtract(gone or {})
        return +histogram

    def _forget_restated(self, connection: Connection, now: datetime) -> None:
        stale = self._seen_at is None or abs(now - self._seen_at) > _FORGET_AFTER
        sources = [] if stale else [Restated.REQUESTS, Restated.ROLLUPS]
        noted, seen_xid = restated_since(connection, self._seen_xid or 0, sources)
        if stale:
            self._kept = {}
        for each in noted:
            for name in [
                name for name, kept in self._kept.items() if _concerns(kept, each.scope, each.first, each.last)
            ]:
                del self._kept[name]
        self._seen_xid, self._seen_at = seen_xid, now


def minus(spans: Spans, others: Iterable[tuple[int, int]]) -> Spans:
    """Return what of some spans lies in none of the others."""
    left: list[tuple[int, int]] = list(spans)
    for start, end in others:
        left = [
            piece
            for since, until in left
            for piece in ((since, min(until, start)), (max(since, end), until))
            if piece[0] < piece[1]
        ]
    return tuple(left)


def _cut(spans: Spans, *, until: int) -> Spans:
    return tuple((start, min(end, until)) for start, end in spans if start < until)


def _concerns(kept: _Kept, service: str, first: int, last: int) -> bool:
    services = scope_of(kept.measure).services
    if services is not None and service not in services:
        return False
    return any(start <= last and first < end for start, end in kept.spans)
