"""An event as the door takes it, as it waits in the queue, and as a worker reads it back.

A queue entry's body is JSON, `{"events": […]}`: the bytes of a native request as they came, or CloudEvents translated
into the same shape with an `envelope`. `StoredEvent` asks for less than `NativeEvent` in every field, so a worker can
read whatever the door has taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder

MAX_EVENTS = 1_000
MAX_EVENT_BYTES = 64 * 1024
"""Of one event's JSON as it was sent."""
MAX_DEPTH = 32
"""Objects and arrays within one another in a payload, which is the first of them."""
MAX_NAME = 128
"""Characters (not bytes) of an event id or a type."""
AHEAD = timedelta(hours=24)
"""How far in the future an event may be: a wrong zone is at most 14 hours wrong, a wrong unit is years wrong."""

NULL = Raw(b"null")
"""What stands for an absent payload or envelope; it is stored as SQL's NULL."""

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Instant = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with a zone. Digits beyond microseconds are rounded, here and nowhere else."""


class NativeEvent(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One event of a native request. A member that is null counts as absent, except the two that must be there."""

    event_id: Name
    type: Name
    timestamp: Instant | None = None
    payload: Raw = NULL
    account_id: str | None = None


class NativeBatch(Struct, frozen=True, forbid_unknown_fields=True):
    events: list[NativeEvent]


class StoredEvent(Struct, frozen=True, gc=False, omit_defaults=True):
    """One event as a worker stores it. `payload` and `envelope` are JSON objects as sent, or `NULL`."""

    event_id: str
    type: str
    timestamp: datetime | None = None
    payload: Raw = NULL
    envelope: Raw = NULL


class StoredBatch(Struct, frozen=True):
    events: list[StoredEvent]


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """A batch that may be queued: the body for its entry (not compressed), and what admission asks about it."""

    body: bytes
    count: int
    types: frozenset[str]


_stored_batch = Decoder(StoredBatch)


def read_events(body: bytes) -> list[StoredEvent]:
    """Read the events of a queue entry that `decode_batch` made; nothing is checked a second time."""
    return _stored_batch.decode(body).events
