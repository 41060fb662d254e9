"""Counts of events by minute, hour and day, from which every window of a summary is a sum.

Buckets are by the event's own time, in UTC, half-open: an event on the full minute belongs to the minute it begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestion.batches import Row

WIDTHS = (1, 60, 1_440)
"""Minutes in a bucket, each a multiple of the one before."""
_MINUTE_US = 60_000_000


class Rollup(NamedTuple):
    """Events of one account and type in one bucket. Times are microseconds since 1970-01-01 UTC."""

    account_id: str
    width: int
    bucket_us: int
    type: str
    events: int
    first_us: int
    last_us: int


def count(rows: Iterable[Row]) -> list[Rollup]:
    """Count rows into buckets of every width, sorted by key, so that all writers lock in the same order."""
    minutes: dict[tuple[str, int, str], list[int]] = {}
    for row in rows:
        occurred = row.occurred_us
        key = (row.account_id, occurred // _MINUTE_US, row.type)
        bucket = minutes.get(key)
        if bucket is None:
            minutes[key] = [1, occurred, occurred]
        else:
            bucket[0] += 1
            if occurred < bucket[1]:
                bucket[1] = occurred
            elif occurred > bucket[2]:
                bucket[2] = occurred
    rollups: list[Rollup] = []
    for width in WIDTHS:
        rollups += _widen(minutes, width)
    return sorted(rollups)


def _widen(minutes: dict[tuple[str, int, str], list[int]], width: int) -> Iterable[Rollup]:
    buckets: dict[tuple[str, int, str], tuple[int, int, int]] = {}
    for (account_id, minute, event_type), (events, first, last) in minutes.items():
        key = (account_id, minute // width * width, event_type)
        more = buckets.get(key, (0, first, last))
        buckets[key] = (more[0] + events, min(more[1], first), max(more[2], last))
    for (account_id, minute, event_type), (events, first, last) in buckets.items():
        yield Rollup(account_id, width, minute * _MINUTE_US, event_type, events, first, last)
