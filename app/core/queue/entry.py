"""One entry of a shard's streams, and what a handler of entries must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from app.core.queue.lanes import LANE_BY_LETTER, LANES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.queue.lanes import Lane

VERSION = b"1"


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch of events as admission appended it. *body* is opaque to the queue."""

    shard: int
    lane: Lane
    id: str
    task: str
    owner: str
    events: int
    codec: str
    body: bytes
    idempotency_key: str | None = None
    fault: str = ""
    """Why this release cannot read the entry; empty for all others."""
    attempts: int = 0
    redeliveries: int = 0

    @property
    def member(self) -> str:
        """The entry's name within its shard."""
        return self.lane.letter + self.id

    @property
    def batch_id(self) -> str:
        """The name under which the sender knows it, `07n-1732269000000-0`."""
        return f"{self.shard:02d}{self.lane.letter}-{self.id}"

    @property
    def received_ms(self) -> int:
        """When it was appended, by Valkey's clock, in milliseconds since 1970."""
        return int(self.id.partition("-")[0])


class BulkTask(Protocol):
    """Does the work of entries. Either method may be called again for the same entry: both must be idempotent."""

    @property
    def name(self) -> str:
        """The entry's field `t` of what it understands."""

    def run(self, entries: Sequence[Entry]) -> None:
        """Do the work of all *entries*, or raise. They are of one shard; one that failed before comes alone."""

    def bury(self, entry: Entry, reason: str, attempts: int) -> None:
        """Write the dead letter durably, or raise; only then does the queue forget the entry."""


def decode(shard: int, lane: int, entry_id: bytes, fields: Sequence[bytes]) -> Entry:
    """Return an entry as read from the stream; one that makes no sense to this release has a `fault`."""
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    fault, events = "", 0
    if (version := values.get(b"v")) != VERSION:
        fault = f"version {_text(version)} is unknown"
    elif missing := [_text(name) for name in (b"t", b"o", b"n", b"c", b"d") if name not in values]:
        fault = f"fields are missing: {', '.join(missing)}"
    try:
        events = int(values.get(b"n", b"0"))
    except ValueError:
        fault = fault or "the number of events is no number"
    key = values.get(b"k")
    return Entry(
        shard=shard,
        lane=LANES[lane],
        id=entry_id.decode(),
        task=_text(values.get(b"t", b"")),
        owner=_text(values.get(b"o", b"")),
        events=events,
        codec=_text(values.get(b"c", b"")),
        body=values.get(b"d", b""),
        idempotency_key=None if key is None else _text(key),
        fault=fault,
    )


def to_wire(entry: Entry) -> dict[str, Any]:
    """Return the entry as plain values, for a child process."""
    return {name: getattr(entry, name) for name in Entry.__slots__} | {"lane": entry.lane.letter}


def from_wire(values: dict[str, Any]) -> Entry:
    """Return what `to_wire` was given."""
    return Entry(**values | {"lane": LANE_BY_LETTER[values["lane"]]})


def _text(value: bytes | None) -> str:
    return "missing" if value is None else value.decode("utf-8", "replace")
