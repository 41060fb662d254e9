"""Minutes one by one, for budgets of slices: kept, with the last ones read again each time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.restatements_store import SETTLED
from reporting.evaluation.tiles import DAY, MINUTE, Tile
from reporting.slo.series import MinuteSeries
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.domain.filters import Source
    from reporting.evaluation.measure import Book, Measure


@dataclass(slots=True)
class _Kept:
    """Minutes from `start`; those from `settled` on are read again."""

    series: MinuteSeries
    start: int
    settled: int


class SeriesCache:
    """Not thread-safe."""

    def __init__(self, book_of: Callable[[Source, Sequence[Measure]], Book]) -> None:
        self._book_of = book_of
        self._kept: dict[Measure, _Kept] = {}

    def read(self, connection: Connection, measure: Measure, span: tuple[int, int], *, now: datetime) -> MinuteSeries:
        """Return a series that has every minute of the span."""
        start, end = span
        kept = self._kept.get(measure)
        # A start that lies far behind is cut off, once a day, so that the series stays as long as its window.
        if kept is None or not kept.start <= start < kept.start + DAY or kept.settled > end:
            kept = self._kept[measure] = _Kept(MinuteSeries(), start, start)
        book = self._book_of(measure.source, (measure,))
        tiles = [Tile(MINUTE, minute) for minute in range(kept.settled, end)]
        found = book.load(connection, tiles, now=now)
        minutes = sorted(tile.start for tile, sums in found.items() if sums[1])
        sums = [found[Tile(MINUTE, minute)] for minute in minutes]
        kept.series.replace_from(kept.settled, minutes, [pair[0] for pair in sums], [pair[1] for pair in sums])
        kept.settled = max(kept.settled, min(end, minute_of(now - SETTLED - book.undecided)))
        return kept.series

    def forget(self, measures: Iterable[Measure]) -> None:
        """Read everything of these measures again."""
        for measure in measures:
            self._kept.pop(measure, None)
