"""`outcome_minutes`: what became of accepted events, by shard and the minute of their 202, for freshness and completeness."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from app.core.arrays import BigintArray, TimestampArray, binary_cursor, texts
from app.core.restatements_store import Restated, note_late, spans_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ingestion.batches import Outcome

NEVER_IN_TIME = -1
_MINUTE_US = 60_000_000
_SECOND_US = 1_000_000
_RECENT = 4
"""Minutes; half of `LATE_AFTER`, the rest is for clocks that differ."""
_MINUTE_MS = 60_000

_Key = tuple[int, int, str, int]
"""Shard, minute since 1970, outcome, delay in seconds."""

# A replay takes away what is there: the dead that it revives were counted when they died.
_ADD = """
INSERT INTO outcome_minutes AS kept (shard, minute, outcome, delay_s, events)
SELECT unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b)
ON CONFLICT (shard, minute, outcome, delay_s) DO UPDATE SET events = kept.events + excluded.events
"""


def add(connection: Connection, outcomes: Sequence[Outcome], stored_us: int) -> None:
    """Count the outcomes of batches that are stored at a time (µs since 1970). A second begun counts whole."""
    counts: Counter[_Key] = Counter()
    for outcome in outcomes:
        batch = outcome.batch
        delay_s = -(-max(stored_us - batch.received_us, 0) // _SECOND_US)
        place = (_shard(batch.batch_id), batch.received_us // _MINUTE_US)
        counts[(*place, "stored", delay_s)] += outcome.stored
        counts[(*place, "duplicate", delay_s)] += outcome.duplicates
        counts[(*place, "dead", NEVER_IN_TIME)] += outcome.dead
    _write(connection, counts, begun=stored_us // _MINUTE_US - _RECENT)


def revive(connection: Connection, batch_id: str, *, stored: int, duplicates: int) -> None:
    """Count dead events of a batch as what they are now. They came too late, however soon that was."""
    place = (_shard(batch_id), int(batch_id.split("-")[1]) // _MINUTE_MS)
    counts: Counter[_Key] = Counter()
    counts[(*place, "stored", NEVER_IN_TIME)] += stored
    counts[(*place, "duplicate", NEVER_IN_TIME)] += duplicates
    counts[(*place, "dead", NEVER_IN_TIME)] -= stored + duplicates
    _write(connection, counts)


def _shard(batch_id: str) -> int:
    return int(batch_id[:2])


def _write(connection: Connection, counts: Counter[_Key], *, begun: int | None = None) -> None:
    """Add counts; none of minutes from `begun` on is late, whoever's clock it is by."""
    keys = sorted(key for key, events in counts.items() if events)
    if not keys:
        return
    shards, minutes, kinds, delays = zip(*keys, strict=True)
    parameters = (
        BigintArray(shards),
        TimestampArray(minute * _MINUTE_US for minute in minutes),
        texts(kinds),
        BigintArray(delays),
        BigintArray([counts[key] for key in keys]),
    )
    binary_cursor(connection).execute(_ADD, parameters)
    if begun is None or min(minutes) < begun:
        note_late(connection, Restated.INGESTION, spans_of("", minutes))
