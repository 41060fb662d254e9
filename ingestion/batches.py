"""A batch on its way from the queue into the store, and its events as rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ingestion.events.model import NULL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.events.model import StoredEvent

_T = TypeVar("_T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

WHOLE_BATCH = -1
"""The position of a body in which not even single events can be told apart."""


@dataclass(frozen=True, slots=True)
class Unread:
    """An event of a batch, or all of it, that could not be read."""

    position: int
    body: bytes
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an Idempotency-Key is answered with once Valkey has forgotten the batch: SHA-256 of the key and of the body."""

    key_digest: bytes
    body_digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one 202 accepted."""

    account_id: str
    batch_id: str
    received_us: int
    """Microseconds since 1970-01-01 UTC, by Valkey's clock; the time of every event that names none."""
    accepted: int
    events: Sequence[StoredEvent] = ()
    positions: Sequence[int] = ()
    """Where in the batch each of `events` stood; empty when that is where it stands."""
    unread: Sequence[Unread] = ()
    attempts: int = 0
    answer: Answer | None = None

    def position(self, index: int) -> int:
        """Return where in the batch the event stood that is number `index` here."""
        return self.positions[index] if self.positions else index


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: accepted = stored + duplicates + dead."""

    batch: Batch
    stored: int
    duplicates: int
    dead: int


class Row(NamedTuple):
    """One event as a row of `events`, and where it came from.

    Rows sort by key, then by arrival, so that the first row of a key is the one that came first. `payload` and
    `envelope` are JSON that nobody has touched since it was sent.
    """

    account_id: str
    event_id: str
    batch: int
    """Index of its batch in the bundle."""
    number: int
    """Index of the event among its batch's `events`."""
    type: str
    occurred_us: int
    received_us: int
    payload: bytes | None
    envelope: bytes | None


def rows_of(batches: Sequence[Batch]) -> list[Row]:
    """Lay out the events of a bundle, sorted."""
    rows = []
    for number, batch in enumerate(batches):
        account_id, received = batch.account_id, batch.received_us
        for index, event in enumerate(batch.events):
            occurred = received if event.timestamp is None else microseconds(event.timestamp)
            payload = None if event.payload == NULL else event.payload
            envelope = None if event.envelope == NULL else event.envelope
            key = (account_id, event.event_id, number, index)
            rows.append(Row(*key, event.type, occurred, received, payload, envelope))
    rows.sort()
    return rows


def microseconds(instant: datetime) -> int:
    """Count from 1970-01-01 UTC, exactly: a float has not enough digits for the year 9999."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(since_us: int) -> datetime:
    """Return what `microseconds` was given."""
    return _EPOCH + timedelta(microseconds=since_us)


def first_of_each(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Split sorted rows into the first of each key, and all that repeat one."""
    firsts: list[Row] = []
    repeats: list[Row] = []
    last = None
    for row in rows:
        key = row[:2]
        if key == last:
            repeats.append(row)
        else:
            firsts.append(row)
            last = key
    return firsts, repeats


def pieces(rows: Sequence[Row], *, most_rows: int, most_bytes: int) -> Iterator[Sequence[Row]]:
    """Cut rows into few pieces of equal length, each of at most so many rows and, on average, so many bytes."""
    size = sum(len(row.payload) for row in rows if row.payload is not None)
    yield from evenly(rows, max(1, min(most_rows, len(rows) * most_bytes // max(1, size))))


def evenly(items: Sequence[_T], limit: int) -> Iterator[Sequence[_T]]:
    """Cut into as few pieces of at most `limit` as will do, of sizes that differ by one at most."""
    pieces = -(-len(items) // limit)
    for number in range(pieces):
        yield items[len(items) * number // pieces : len(items) * (number + 1) // pieces]
