"""What lies in the queue, or among the dead letters, read back as batches.

What the door has taken can be read. What it has not seen, written into a stream by some other hand, must not stop the
rest: events are read one by one when they cannot be read together, and what is no event is a dead letter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.json import Decoder

from app.core.problems import Problem
from ingestion.batches import WHOLE_BATCH, Batch, Unread, microseconds
from ingestion.events.compression import RAW, ZSTD, unpack
from ingestion.events.document import native_texts
from ingestion.events.model import StoredEvent, read_events
from ingestion.events.storable import CANNOT_DECODE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.core.queue.entry import Entry
    from ingestion.batches import Answer
    from ingestion.dead_letters import DeadLetter

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class _Content(NamedTuple):
    events: Sequence[StoredEvent]
    positions: Sequence[int]
    unread: Sequence[Unread]


_stored_event = Decoder(StoredEvent)


def read_entry(entry: Entry, answer: Answer | None = None) -> Batch:
    """Read an entry of the queue; never raises for what is in it."""
    content = _read_body(entry.codec.encode(), entry.body)
    return Batch(
        account_id=entry.owner,
        batch_id=entry.batch_id,
        received_us=entry.received_ms * 1_000,
        accepted=entry.events,
        events=content.events,
        positions=content.positions,
        unread=content.unread,
        attempts=entry.attempts,
        answer=answer,
    )


def read_letter(letter: DeadLetter) -> Batch:
    """Read a dead letter once more, as what it was of its batch; never raises for what is in it."""
    if letter.id.position == WHOLE_BATCH:
        content = _read_body(ZSTD if letter.body.startswith(_ZSTD_MAGIC) else RAW, letter.body)
    else:
        content = _read_singly([(letter.id.position, letter.body)])
    return Batch(
        account_id=letter.account_id,
        batch_id=letter.id.batch_id,
        received_us=microseconds(letter.received_at),
        accepted=0,
        events=content.events,
        positions=content.positions,
        unread=content.unread,
        attempts=letter.attempts,
    )


def _read_body(codec: bytes, data: bytes) -> _Content:
    try:
        body = unpack(codec, data)
        try:
            return _Content(read_events(body), (), ())
        except CANNOT_DECODE:
            return _read_singly(enumerate(text.encode() for text in native_texts(body)))
    except (ValueError, Problem) as error:
        return _Content((), (), [Unread(WHOLE_BATCH, data, str(error))])


def _read_singly(texts: Iterable[tuple[int, bytes]]) -> _Content:
    events, positions, unread = list[StoredEvent](), list[int](), list[Unread]()
    for position, text in texts:
        try:
            events.append(_stored_event.decode(text))
            positions.append(position)
        except CANNOT_DECODE as error:
            unread.append(Unread(position, text, str(error)))
    return _Content(events, positions, unread)
