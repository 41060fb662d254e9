"""Notes for those who remember sums: minutes that were thought to be over, and were written to again.

1. A writer of minutes notes what it writes later than `LATE_AFTER`, in the transaction that writes it.
2. A reader may remember what ended `SETTLED` ago or earlier. Between the two lies the longest time a transaction takes.
3. Before it uses what it remembers it asks for what was noted since, and forgets those minutes.

"Since" is by transactions, not by time: the reader keeps the oldest transaction that still ran when it asked, so that
one which commits late is never passed over. Some notes are read twice, which costs a second look and nothing else.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

LATE_AFTER = timedelta(minutes=8)
SETTLED = timedelta(minutes=10)
KEPT = timedelta(hours=1)
"""Who has not asked for half as long forgets everything."""
_GAP = 15
"""Minutes; sums are remembered by the quarter of an hour."""

_NOTE = text("""
    INSERT INTO restatements (xid, source, scope, first_minute, last_minute)
    SELECT pg_current_xact_id()::text::bigint, :source, note.scope,
           to_timestamp(note.first_minute * 60), to_timestamp(note.last_minute * 60)
      FROM unnest(CAST(:scopes AS text[]), CAST(:firsts AS bigint[]), CAST(:lasts AS bigint[]))
        AS note (scope, first_minute, last_minute)
     WHERE to_timestamp(note.first_minute * 60) < now() - CAST(:late_after AS interval)
""")

_SINCE = text("""
    SELECT source, scope, extract(epoch FROM first_minute)::bigint / 60, extract(epoch FROM last_minute)::bigint / 60
      FROM restatements WHERE xid >= :xid AND source = ANY(:sources)
""")

_OLDEST_RUNNING = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")

# Whoever adds requests up has no half hour after which it forgets everything: it may come back after days.
_PURGE = text("""
    DELETE FROM restatements
     WHERE id IN (
       SELECT id FROM restatements
        WHERE at < :before AND (source <> 'requests' OR xid < (SELECT min(seen_xid) FROM rollup_progress))
        LIMIT :limit
     )
""")


class Restated(StrEnum):
    """What was written to. `ROLLUPS` are requests that were added up again."""

    REQUESTS = "requests"
    ROLLUPS = "rollups"
    EVENTS = "events"
    INGESTION = "ingestion"


class Span(NamedTuple):
    """Minutes since 1970 of a service or rule (`scope`), both ends included."""

    scope: str
    first: int
    last: int


class Restatement(NamedTuple):
    source: str
    scope: str
    first: int
    last: int


def note_late(connection: Connection, source: Restated, spans: Iterable[Span]) -> None:
    """Note those of the spans that begin with minutes which are over; call it in the transaction that writes to them."""
    noted = sorted(spans)
    if not noted:
        return
    connection.execute(
        _NOTE,
        {
            "source": source,
            "scopes": [span.scope for span in noted],
            "firsts": [span.first for span in noted],
            "lasts": [span.last for span in noted],
            "late_after": LATE_AFTER,
        },
    )


def restated_since(connection: Connection, xid: int, sources: Sequence[Restated]) -> tuple[list[Restatement], int]:
    """Return what was noted since the transaction of a number, and the number to ask with the next time."""
    oldest_running = int(connection.execute(_OLDEST_RUNNING).scalar_one())
    rows = connection.execute(_SINCE, {"xid": xid, "sources": list(sources)})
    return [Restatement(*row) for row in rows], oldest_running


def purge(connection: Connection, now: datetime, *, limit: int) -> int:
    """Delete some of the notes that nobody asks for any more; return how many."""
    return connection.execute(_PURGE, {"before": now - KEPT, "limit": limit}).rowcount


def spans_of(scope: str, minutes: Iterable[int]) -> list[Span]:
    """Return the spans of some minutes, each without a gap of a quarter of an hour: what lies in between stays remembered."""
    spans: list[Span] = []
    for minute in sorted(set(minutes)):
        if spans and minute - spans[-1].last < _GAP:
            spans[-1] = spans[-1]._replace(last=minute)
        else:
            spans.append(Span(scope, minute, minute))
    return spans
