"""Events that could not be stored: what is kept of them, how they are named, and how they come back.

A dead letter is named `<batch_id>.<position>`. Its place in the balance is the `dead` of its batch's outcome, so a
letter that is purged stays dead. One that is replayed goes through the queue as an entry of its own (task `replay`,
which names letters and carries no events, so that nothing is accepted or counted twice) and is settled where it is
stored, in one transaction: the event is inserted, the letter is deleted, and its batch's outcome says `stored` (or
`duplicates`) where it said `dead`, and one more `revived`. Killed before that COMMIT, the letter is still there;
after it, a second delivery finds no letter and changes nothing. So at any moment, also with replays in flight,
accepted = stored + duplicates + dead + in flight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from ingestion.batches import WHOLE_BATCH, instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from ingestion.batches import Batch
    from ingestion.insertion import Inserted

_LETTER_ID = re.compile(r"(\d{2}[hnlo]-\d{1,16}-\d{1,20})\.(-1|\d{1,6})", re.ASCII)
_LONGEST_DETAIL = 500


class Reason(StrEnum):
    """Why an event died."""

    REFUSED_BY_STORE = "refused-by-store"
    """PostgreSQL does not take the row, and never will."""
    KEPT_FAILING = "kept-failing"
    """Its batch failed as often as it may, alone."""
    UNREADABLE = "unreadable"
    """What lay in the queue is no event, or no batch of events."""


@dataclass(frozen=True, slots=True, order=True)
class LetterId:
    """The name of a dead letter."""

    batch_id: str
    position: int

    def __str__(self) -> str:
        return f"{self.batch_id}.{self.position}"

    @classmethod
    def parse(cls, text: str) -> LetterId:
        """Read what `str` wrote; raises `ValueError`."""
        match = _LETTER_ID.fullmatch(text)
        if match is None:
            raise ValueError("a dead letter is named <batch_id>.<position>")
        return cls(match[1], int(match[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One event, or one batch of which not even single events can be read."""

    account_id: str
    id: LetterId
    event_id: str | None
    type: str | None
    reason: str
    detail: str
    attempts: int
    """How often its batch was tried before it died, and each replay."""
    body: bytes
    """The event as JSON, or the batch's body as it lay in the queue."""
    received_at: datetime
    died_at: datetime


def letters_of_refused(batches: Sequence[Batch], inserted: Inserted, now: datetime) -> Iterator[DeadLetter]:
    """Make a letter of every row that PostgreSQL refused."""
    for row, detail in inserted.refused:
        yield letter_of(batches[row.batch], row.number, reason=Reason.REFUSED_BY_STORE, detail=detail, now=now)


def letters_of_unread(batch: Batch, now: datetime) -> Iterator[DeadLetter]:
    """Make a letter of everything in a batch that could not be read."""
    for unread in batch.unread:
        yield DeadLetter(
            account_id=batch.account_id,
            id=LetterId(batch.batch_id, unread.position),
            event_id=None,
            type=None,
            reason=Reason.UNREADABLE,
            detail=writable(unread.detail),
            attempts=batch.attempts + 1,
            body=unread.body,
            received_at=instant(batch.received_us),
            died_at=now,
        )


def letter_of(batch: Batch, index: int, *, reason: Reason, detail: str, now: datetime) -> DeadLetter:
    """Make a letter of one event."""
    event = batch.events[index]
    return DeadLetter(
        account_id=batch.account_id,
        id=LetterId(batch.batch_id, batch.position(index)),
        event_id=writable(event.event_id),
        type=writable(event.type),
        reason=reason,
        detail=writable(detail),
        attempts=batch.attempts + 1,
        body=msgspec.json.encode(event),
        received_at=instant(batch.received_us),
        died_at=now,
    )


def unread_events(batch: Batch) -> int:
    """Count the events that could not be read; of a whole batch, those that its 202 accepted."""
    return sum(batch.accepted if unread.position == WHOLE_BATCH else 1 for unread in batch.unread)


def writable(text: str) -> str:
    """Make a text that PostgreSQL takes: what killed the event must not kill its letter."""
    return text[:_LONGEST_DETAIL].replace("\0", "�").encode(errors="replace").decode()
