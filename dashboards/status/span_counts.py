"""Counts of measures over many spans of time, remembered: of 90 days 89 are over, and change only by what comes late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.filters import Source
from dashboards.status import request_days_store
from reporting.evaluation.request_book import properties_of, scope_of
from reporting.evaluation.request_filter import passes
from reporting.evaluation.sums import Sums
from reporting.slo.counts import Counts
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from reporting.evaluation.measure import Measure
    from reporting.evaluation.sums import BookOf

    Span = tuple[int, int]
    """`[start, end)` in minutes since 1970."""

_OVER = 120
"""Minutes after which a span is thought to be over."""
_LATELY, _AGAIN_LATELY, _AGAIN = 3 * 1_440, 10, 360
"""A span that was over for three days is looked at again every six hours, and a younger one every ten minutes."""


class SpanCounts:
    """Not thread-safe. `read` first, then `of`."""

    def __init__(self, book_of: BookOf) -> None:
        self._book_of = book_of
        self._known: dict[tuple[Measure, Span], Counts] = {}
        self._read_at: dict[tuple[Measure, Span], int] = {}

    def read(self, connection: Connection, wanted: dict[Measure, set[Span]], now: datetime) -> None:
        """Bring what is known up to date for these spans, and forget all others."""
        minute = minute_of(now)
        asked = [(measure, span) for measure, spans in wanted.items() for span in spans]
        kept = {key for key in asked if key in self._known and self._holds(key, minute)}
        self._known = {key: self._known[key] for key in kept}
        self._read_at = {key: self._read_at[key] if key in kept else minute for key in asked}
        for measure, spans in wanted.items():
            missing = {span for span in spans if (measure, span) not in self._known}
            if missing and _is_plain(measure):
                self._read_requests(connection, measure, missing)
            elif missing:
                self._read_others(connection, measure, missing, now)

    def of(self, measure: Measure, span: Span) -> Counts:
        """Return what was counted in a span that was read."""
        return self._known[measure, span]

    def _holds(self, key: tuple[Measure, Span], minute: int) -> bool:
        """Say whether what is known of a span needs no look."""
        over_for, known_for = minute - key[1][1], minute - self._read_at[key]
        return over_for >= _OVER and 0 <= known_for < (_AGAIN if over_for > _LATELY else _AGAIN_LATELY)

    def _read_requests(self, connection: Connection, measure: Measure, spans: Collection[Span]) -> None:
        ordered = sorted(spans)
        sums = [[0, 0] for _ in ordered]
        for number, row in request_days_store.rows(connection, scope_of(measure).services or (), ordered):
            properties = properties_of(row)
            if passes(measure.total, properties):
                part = row.requests if passes(measure.part, properties) else 0
                sums[number][0] += measure.good(part, row.requests)
                sums[number][1] += row.requests
        self._known |= {(measure, span): Counts(*found) for span, found in zip(ordered, sums, strict=True)}

    def _read_others(self, connection: Connection, measure: Measure, spans: Collection[Span], now: datetime) -> None:
        sums = Sums([measure], self._book_of)
        sums.read(connection, {measure.source: spans}, now=now)
        self._known |= {(measure, span): sums.counts(measure, *span) for span in spans}


def _is_plain(measure: Measure) -> bool:
    """Say whether whole rows of named services are counted: no durations, no accounts."""
    scope = scope_of(measure)
    of_services = scope.services is not None and scope.accounts is None
    return measure.source is Source.REQUESTS and not measure.measures_duration and of_services
