"""The queue's entries in a file: what was accepted and is not stored yet.

A copy that is taken before the database's has every accepted event with it: an entry leaves the queue only after its
events are committed. What is in both is stored once all the same, because entries keep their ids, which are batch ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import msgspec

from app.core.keyspace import idempotency
from app.core.queue.entry import decode
from app.core.queue.keys import SHARDS, inflight, lane_load, lane_stream, load
from app.core.queue.lanes import LANES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.core.queue.entry import Entry
    from app.core.valkey import Valkey

_PAGE = 50
"""Entries read by one command: a body has up to some hundred kilobytes."""
_LENGTH_BYTES = 4
_ANSWER_S = 24 * 3_600


class CutFileError(ValueError):
    """The file ends in the middle of an entry."""


class NotPutBackError(Exception):
    """Valkey has refused a part of an entry; the message says what it said."""


class QueuedEntry(msgspec.Struct, array_like=True, frozen=True):
    """An entry as it lies in its stream, and its Idempotency-Key's record."""

    shard: int
    lane: int
    entry_id: bytes
    fields: list[bytes]
    answer: list[bytes]

    @property
    def entry(self) -> Entry:
        return decode(self.shard, self.lane, self.entry_id, self.fields)


class Copied(NamedTuple):
    entries: int
    events: int


def save(valkey: Valkey, file: BinaryIO) -> Copied:
    """Write every entry that is not settled into a file; raises `DependencyError`."""
    entries = events = 0
    for shard in range(SHARDS):
        for lane in range(len(LANES)):
            for queued in _in_lane(valkey, shard, lane):
                packed = msgspec.msgpack.encode(queued)
                file.write(len(packed).to_bytes(_LENGTH_BYTES, "big") + packed)
                entries, events = entries + 1, events + queued.entry.events
    return Copied(entries, events)


def read(file: BinaryIO) -> Iterator[QueuedEntry]:
    """Give the entries of a file; raises `CutFileError`."""
    decoder = msgspec.msgpack.Decoder(QueuedEntry)
    while head := file.read(_LENGTH_BYTES):
        size = int.from_bytes(head, "big")
        packed = file.read(size)
        if len(head) < _LENGTH_BYTES or len(packed) < size:
            raise CutFileError("The copy of the queue ends in the middle of an entry.")
        yield decoder.decode(packed)


def is_empty(valkey: Valkey) -> bool:
    """Say whether there is no key at all.

    A queue that was drained is not empty: its streams remember their last ids and take no older ones, and mirrors and
    counts are of what was there before.
    """
    return not any(server.execute("DBSIZE") for server in valkey.servers())


def queued(valkey: Valkey) -> Copied:
    """Return how many entries are in the streams, and how many events the queue counts."""
    lengths = valkey.pipeline([("XLEN", lane_stream(shard, lane)) for shard in range(SHARDS) for lane in LANES])
    counted = valkey.pipeline([("HGET", load(shard), "events") for shard in range(SHARDS)])
    return Copied(sum(lengths), sum(int(events or 0) for events in counted))


def put_back(valkey: Valkey, queued: QueuedEntry) -> None:
    """Append an entry with its own id, and count it as waiting; entries of a lane come in their order.

    Raises `NotPutBackError`.
    """
    entry = queued.entry
    sizes = (1, len(entry.body), entry.events)
    commands: list[tuple[Any, ...]] = [
        ("XADD", lane_stream(entry.shard, entry.lane), entry.id, *queued.fields),
        ("HINCRBY", inflight(entry.shard), entry.owner, entry.events),
    ]
    totals = zip(("entries", "bytes", "events"), sizes, strict=True)
    commands += [("HINCRBY", load(entry.shard), name, size) for name, size in totals]
    in_lane = zip(lane_load(entry.lane), sizes, strict=True)
    commands += [("HINCRBY", load(entry.shard), name, size) for name, size in in_lane]
    if entry.idempotency_key is not None and queued.answer:
        record = idempotency(entry.shard, entry.owner, entry.idempotency_key)
        commands += [("HSET", record, *queued.answer), ("EXPIRE", record, _ANSWER_S)]
    _at_once(valkey, commands)


def _at_once(valkey: Valkey, commands: Sequence[tuple[Any, ...]]) -> None:
    """Run commands in one transaction, of which an error of one stops no other: errors are among the answers of EXEC."""
    *_, answers = valkey.pipeline([("MULTI",), *commands, ("EXEC",)])
    for answer in answers:
        if isinstance(answer, Exception):
            raise NotPutBackError(str(answer))


def _in_lane(valkey: Valkey, shard: int, lane: int) -> Iterator[QueuedEntry]:
    start = b"-"
    while True:
        page = valkey.execute("XRANGE", lane_stream(shard, LANES[lane]), start, "+", "COUNT", _PAGE)
        for (entry_id, fields), answer in zip(page, _answers(valkey, shard, lane, page), strict=True):
            yield QueuedEntry(shard, lane, entry_id, fields, answer)
        if len(page) < _PAGE:
            return
        start = b"(" + page[-1][0]


def _answers(valkey: Valkey, shard: int, lane: int, page: Sequence[Any]) -> list[list[bytes]]:
    entries = [decode(shard, lane, entry_id, fields) for entry_id, fields in page]
    keys = [
        None if entry.idempotency_key is None else idempotency(shard, entry.owner, entry.idempotency_key)
        for entry in entries
    ]
    asked = [key for key in keys if key is not None]
    found = iter(valkey.pipeline([("HGETALL", key) for key in asked]) if asked else [])
    return [[] if key is None else next(found) for key in keys]
