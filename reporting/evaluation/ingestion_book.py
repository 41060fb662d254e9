"""Freshness and completeness: what became of accepted events, counted by the minute of their 202.

1. The total is what admission counted, so events that nobody stores are in it.
2. An event that may still become good in time is not counted yet; once its time is up it is, stored or not. A minute is
   decided when that holds for the last of its events, and until then only those count whose outcome is known.
3. What is stored later, or replayed, restates the minute of its 202.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.clock import CLOCK
from app.domain.predicates import Compared
from reporting.evaluation import ingestion_store
from reporting.evaluation.tiles import MINUTE, Tile, tiles_around
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.accepted_minutes import AcceptedMinutes
    from reporting.evaluation.ingestion_store import OutcomeRow
    from reporting.evaluation.measure import Measure

_IN_TIME_S = 60
"""Where a filter names no delay."""


class IngestionBook:
    """See `Book`."""

    def __init__(self, measures: Sequence[Measure], accepted: AcceptedMinutes) -> None:
        self.measures = measures
        self._accepted = accepted
        self._delays = [timedelta(seconds=_delay_s(measure)) for measure in measures]
        self._empty = array("q", bytes(16 * len(measures)))
        self.undecided = max(self._delays, default=timedelta(0)) + timedelta(minutes=1)

    def concerned(self, scope: str) -> Sequence[Measure]:  # noqa: ARG002 - See `Book`; all ingestion is of one scope.
        return self.measures

    def load(self, connection: Connection, tiles: Iterable[Tile], *, now: datetime) -> dict[Tile, array[int]]:
        wanted = set(tiles)
        kept_until = self._accepted.kept_until(connection, now)
        decided = minute_of(CLOCK.real(now) - self.undecided)
        # What PostgreSQL has all of, and no time can change any more, it adds up by itself.
        whole = {tile for tile in wanted if tile.width > MINUTE and tile.end <= min(kept_until, decided)}
        return {**self._whole(connection, whole), **self._by_minute(connection, wanted - whole, now)}

    def _whole(self, connection: Connection, tiles: set[Tile]) -> dict[Tile, array[int]]:
        sums: dict[Tile, array[int]] = {}
        for width in {tile.width for tile in tiles}:
            spans = _spans(tile for tile in tiles if tile.width == width)
            found, totals = ingestion_store.tile_sums(connection, width, spans)
            by_tile: dict[int, list[OutcomeRow]] = defaultdict(list)
            for row in found:
                by_tile[row.minute].append(row)
            for start, total in totals.items():
                sum_of = sums[Tile(width, start)] = self._empty[:]
                for slot, measure in enumerate(self.measures):
                    sum_of[2 * slot], sum_of[2 * slot + 1] = _counts(measure, by_tile[start], total)
        return sums

    def _by_minute(self, connection: Connection, tiles: set[Tile], now: datetime) -> dict[Tile, array[int]]:
        spans = _spans(tiles)
        if not spans:
            return {}
        by_minute: dict[int, list[OutcomeRow]] = defaultdict(list)
        for row in ingestion_store.outcomes(connection, spans):
            by_minute[row.minute].append(row)
        accepted = self._accepted.accepted(connection, spans, now)
        # Events are received and stored by real time, however fast a demonstration lets that of SLOs run.
        decided = [minute_of(CLOCK.real(now) - delay) for delay in self._delays]
        sums: dict[Tile, array[int]] = {}
        for minute in by_minute.keys() | accepted.keys():
            around = [sums.setdefault(tile, self._empty[:]) for tile in tiles_around(minute) if tile in tiles]
            for slot, measure in enumerate(self.measures):
                known = accepted.get(minute, 0) if minute < decided[slot] else 0
                good, total = _counts(measure, by_minute.get(minute, ()), known)
                for sum_of in around:
                    sum_of[2 * slot] += good
                    sum_of[2 * slot + 1] += total
        return sums


def _counts(measure: Measure, rows: Iterable[OutcomeRow], accepted: int) -> tuple[int, int]:
    """Return good and total of a minute, or of more, in which so many events were accepted and had their time."""
    total = part = known = 0
    for row in rows:
        record = _record(row)
        known += row.events
        if measure.total.matches(record):
            total += row.events
            if measure.part.matches(record):
                part += row.events
    if not measure.total.conditions:
        # Valkey may have lost what PostgreSQL knows of; the reverse is what is being measured.
        total = max(accepted, known)
    return measure.good(part, total), total


def _record(row: OutcomeRow) -> Mapping[str, object]:
    if row.delay_s < 0:
        return {"outcome": row.outcome}
    return {"outcome": row.outcome, "delay_s": row.delay_s}


def _delay_s(measure: Measure) -> int:
    for field, predicate in (*measure.part.conditions, *measure.total.conditions):
        if field == "delay_s" and isinstance(predicate, Compared):
            return int(predicate.limit)
    return _IN_TIME_S


def _spans(tiles: Iterable[Tile]) -> list[tuple[int, int]]:
    """Return what the tiles cover together, once."""
    spans: list[tuple[int, int]] = []
    for tile in sorted(tiles, key=lambda tile: tile.start):
        if spans and tile.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], tile.end))
        else:
            spans.append((tile.start, tile.end))
    return spans
