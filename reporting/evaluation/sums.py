"""Sums of measures over spans of minutes, remembered tile by tile.

1. A span is cut into tiles. Tiles that ended a while ago do not change, and are read once.
2. Before they are used, those are forgotten that somebody wrote to since (`app.core.restatements_store`).
3. Tiles that the last evaluation did not use are forgotten too, so what is kept does not grow.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from app.core.restatements_store import KEPT, SETTLED, Restated, restated_since
from app.domain.filters import Source
from reporting.evaluation.series_cache import SeriesCache
from reporting.evaluation.tiles import tiles_of
from reporting.slo.counts import Counts
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.restatements_store import Restatement
    from reporting.evaluation.measure import Book, Measure
    from reporting.evaluation.tiles import Tile
    from reporting.slo.series import MinuteSeries

    BookOf = Callable[[Source, Sequence[Measure]], Book]
    """Makes the book of a source."""

Span = tuple[int, int]
"""`[start, end)` in minutes since 1970."""

_SOURCES = {
    Source.REQUESTS: (Restated.REQUESTS, Restated.ROLLUPS),
    Source.EVENTS: (Restated.EVENTS,),
    Source.INGESTION: (Restated.INGESTION,),
}
_FORGET_AFTER = KEPT / 2


class _Remembered:
    """The tiles of one book."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.slots = {measure: slot for slot, measure in enumerate(book.measures)}
        self.tiles: dict[Tile, array[int] | None] = {}

    def read(self, connection: Connection, spans: Iterable[Span], now: datetime) -> None:
        """Have the tiles of these spans, and no others."""
        wanted = {tile for start, end in spans for tile in tiles_of(start, end)}
        settled = minute_of(now - SETTLED - self.book.undecided)
        kept = {tile: sums for tile, sums in self.tiles.items() if tile in wanted and tile.end <= settled}
        found = self.book.load(connection, wanted - kept.keys(), now=now)
        self.tiles = {tile: kept[tile] if tile in kept else found.get(tile) for tile in wanted}

    def forget(self, restated: Iterable[Restatement]) -> None:
        for each in restated:
            if not self.book.concerned(each.scope):
                continue
            for tile in [tile for tile in self.tiles if tile.start <= each.last and each.first < tile.end]:
                del self.tiles[tile]


class Sums:
    """Sums for a set of measures. Not thread-safe; one that is used once remembers nothing."""

    def __init__(self, measures: Iterable[Measure], book_of: BookOf) -> None:
        by_source: dict[Source, dict[Measure, None]] = {}
        for measure in measures:
            by_source.setdefault(measure.source, {})[measure] = None
        self._books = {source: _Remembered(book_of(source, tuple(found))) for source, found in by_source.items()}
        self._series = SeriesCache(book_of)
        self._seen_xid: int | None = None
        self._seen_at: datetime | None = None
        self._spans: dict[tuple[Source, Span], list[array[int]]] = {}

    def read(self, connection: Connection, spans: Mapping[Source, Iterable[Span]], *, now: datetime) -> None:
        """Bring what is remembered up to date for these spans; then `counts` and `series` answer."""
        self._forget_restated(connection, now)
        self._spans = {}
        for source, remembered in self._books.items():
            remembered.read(connection, spans.get(source, ()), now)

    def counts(self, measure: Measure, start: int, end: int) -> Counts:
        """Return good and total of `[start, end)`, a span that was read."""
        remembered = self._books[measure.source]
        key = (measure.source, (start, end))
        parts = self._spans.get(key)
        if parts is None:
            found = [remembered.tiles[tile] for tile in tiles_of(start, end)]
            parts = self._spans[key] = [sums for sums in found if sums is not None]
        good = 2 * remembered.slots[measure]
        total = good + 1
        # Lists, because a thousand SLOs ask for nine spans of fifty tiles each.
        return Counts(sum([part[good] for part in parts]), sum([part[total] for part in parts]))

    def series(self, connection: Connection, measure: Measure, span: Span, *, now: datetime) -> MinuteSeries:
        """Return the minutes of a span, and perhaps of earlier ones; call it after `read`."""
        return self._series.read(connection, measure, span, now=now)

    def _forget_restated(self, connection: Connection, now: datetime) -> None:
        every = [restated for sources in _SOURCES.values() for restated in sources]
        stale = self._seen_at is None or abs(now - self._seen_at) > _FORGET_AFTER
        noted, seen_xid = restated_since(connection, self._seen_xid or 0, [] if stale else every)
        for source, remembered in self._books.items():
            if stale:
                remembered.tiles = {}
            ours = [each for each in noted if each.source in _SOURCES[source]]
            remembered.forget(ours)
            concerned = (remembered.book.concerned(scope) for scope in {each.scope for each in ours})
            self._series.forget(remembered.book.measures if stale else chain.from_iterable(concerned))
        self._seen_xid, self._seen_at = seen_xid, now
