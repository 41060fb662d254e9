"""Rows into `events` and their rollups, within the caller's transaction.

1. Of rows with the same key only the first is offered: the others are duplicates of it.
2. All go in by one statement (or a few of equal size), and what was really stored is counted into the rollups and for the
   counting rules of SLOs.
3. When PostgreSQL refuses a row, the whole transaction is run again, carefully: every piece inside a savepoint, and a
   refused piece is cut in halves until the poison stands alone. Its neighbours are stored.
4. A row whose first namesake died is no duplicate of it: it gets its own try.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.arrays import binary_cursor
from app.core.counting.counter import EventCounter
from ingestion import rollups
from ingestion.batches import evenly, first_of_each, pieces
from ingestion.event_store import add_rollups, insert_events
from ingestion.refusals import ROW_ERRORS, refusal_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ingestion.batches import Row

_STATEMENT_BYTES = 32_000_000
"""Of payloads. Bodies are bounded as they lie in the queue, compressed; PostgreSQL holds a statement's several times over."""


@dataclass(slots=True)
class Inserted:
    """What became of rows: stored, refused with the reason, or (all others) there before."""

    stored: list[Row] = field(default_factory=list)
    refused: list[tuple[Row, str]] = field(default_factory=list)


def insert(connection: Connection, rows: Sequence[Row], *, statement_events: int, careful: bool) -> Inserted:
    """Store sorted rows. Without `careful`, an error for which `refusal_of` has a reason has ended the transaction."""
    result = Inserted()
    # The counter's lock makes a backfill wait, so it is taken late; but before savepoints, with which it would go again.
    counter = EventCounter(connection) if careful else None
    while rows:
        firsts, repeats = first_of_each(rows)
        known = len(result.refused)
        for piece in pieces(firsts, most_rows=statement_events, most_bytes=_STATEMENT_BYTES):
            if counter is not None and careful:
                _isolate(connection, piece, counter, result)
            else:
                stored = _insert(connection, piece)
                counter = counter or EventCounter(connection)
                counter.stored(stored)
                result.stored += stored
        poisoned = {row[:2] for row, _ in result.refused[known:]}
        rows = [row for row in repeats if row[:2] in poisoned]
    return result


def _insert(connection: Connection, rows: Sequence[Row]) -> Sequence[Row]:
    cursor = binary_cursor(connection)
    stored = insert_events(cursor, rows)
    add_rollups(cursor, rollups.count(stored))
    return stored


def _isolate(connection: Connection, rows: Sequence[Row], counter: EventCounter, result: Inserted) -> None:
    try:
        with connection.begin_nested():
            stored = _insert(connection, rows)
            counter.stored(stored)
        result.stored += stored
    except ROW_ERRORS as error:
        detail = refusal_of(error)
        if detail is None:
            raise
        if len(rows) == 1:
            result.refused.append((rows[0], detail))
            return
        for half in evenly(rows, -(-len(rows) // 2)):
            _isolate(connection, half, counter, result)
