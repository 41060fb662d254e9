"""What one process counted, as rows that only grow.

A row is the count since the process began its minute, not since the last flush. So the same row may be written twice,
or again when it is not known whether a COMMIT took effect: the larger number is the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OTHER = "__other__"
"""Stands for the routes, methods and reasons beyond those that are told apart."""

Observation = tuple[int, str | None, str, str, str, int, str, int | None]
"""Minute, account id, route, method, tier, status, reason, histogram bucket: what requests are counted by.

A plain tuple, because one is built for every request. The minute is in minutes since 1970; the account is None when
nobody was authenticated, the bucket when the duration is not known.
"""


class RowKey(NamedTuple):
    """What a row counts: all requests of a minute with these properties; of one account, or of all (None)."""

    minute: int
    account_id: str | None
    route: str
    method: str
    tier: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is written; `buckets` and `counts` belong together (app.domain.histogram), in order of bucket."""

    key: RowKey
    requests: int
    buckets: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()


class _Count:
    __slots__ = ("histogram", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.histogram: dict[int, int] = {}


class Ledger:
    """The rows of the minutes that are not over yet, and of those that could not be written yet.

    Bounded: while PostgreSQL is away for hours, accounts are given up before the service as a whole, and what is given
    up is counted in `overflowed`. Not thread-safe: the flusher alone uses it.
    """

    def __init__(self, *, max_service_rows: int = 50_000, max_account_rows: int = 100_000) -> None:
        self._service_rows: dict[RowKey, _Count] = {}
        self._account_rows: dict[RowKey, _Count] = {}
        self._max_service_rows = max_service_rows
        self._max_account_rows = max_account_rows
        self._unwritten: set[RowKey] = set()
        self._oldest_open = 0
        self.overflowed = 0

    def add(self, observations: Mapping[Observation, int]) -> None:
        """Add what was counted since the last time."""
        # Few differ in anything but their duration.
        alike: dict[tuple[Any, ...], dict[int | None, int]] = {}
        for observation, requests in observations.items():
            alike.setdefault(observation[:7], {})[observation[7]] = requests
        for properties, durations in alike.items():
            key = RowKey(*properties)
            # A row of a closed minute has left memory, and a new one that starts at zero would hide it.
            # Only a clock that was set back leads here.
            key = key._replace(minute=max(key.minute, self._oldest_open))
            self._count(self._service_rows, self._max_service_rows, key._replace(account_id=None), durations)
            if key.account_id is not None:
                self._count(self._account_rows, self._max_account_rows, key, durations)

    def _count(self, rows: dict[RowKey, _Count], limit: int, key: RowKey, durations: dict[int | None, int]) -> None:
        count = rows.get(key)
        if count is None:
            if len(rows) >= limit:
                self.overflowed += sum(durations.values())
                return
            count = rows[key] = _Count()
        histogram = count.histogram
        for bucket, requests in durations.items():
            count.requests += requests
            if bucket is not None:
                histogram[bucket] = histogram.get(bucket, 0) + requests
        self._unwritten.add(key)

    def unwritten(self) -> list[Row]:
        """Return the rows that have grown since they were last written, oldest minute first."""
        return [self._row(key) for key in sorted(self._unwritten, key=lambda key: (key.minute, key.account_id or ""))]

    def _row(self, key: RowKey) -> Row:
        count = (self._service_rows if key.account_id is None else self._account_rows)[key]
        buckets = tuple(sorted(count.histogram))
        return Row(key, count.requests, buckets, tuple(count.histogram[bucket] for bucket in buckets))

    def written(self, rows: Iterable[Row]) -> None:
        """Take note that these rows, as `unwritten` returned them, are stored."""
        self._unwritten.difference_update(row.key for row in rows)

    def close_minutes(self, before: int) -> None:
        """Forget the rows of earlier minutes that are stored; nothing is added to those minutes any more."""
        self._oldest_open = max(self._oldest_open, before)
        for rows in (self._service_rows, self._account_rows):
            for key in [key for key in rows if key.minute < before and key not in self._unwritten]:
                del rows[key]
