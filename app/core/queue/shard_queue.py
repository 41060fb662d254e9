"""The sharded streams: append, take in bundles, settle, try again later. One call is one round trip to one slot."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.core.queue.entry import VERSION, decode
from app.core.queue.keys import GROUP, SHARDS, ShardKeys
from app.core.queue.lanes import LANES, ROTATION
from app.core.queue.scripts import source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from app.core.queue.client import Client
    from app.core.queue.entry import Entry
    from app.core.queue.lanes import Lane

CONSUMER = "lease"
"""The one consumer of every shard's groups: who it is at the moment, the lease says."""

_LETTERS = "".join(lane.letter for lane in LANES)
_NAMES = ",".join(LANES)
_ROTATION = "".join(str(lane + 1) for lane in ROTATION)
_LONGEST_REASON = 4_000
COMPANY_S = 10.0
"""So long after a bundle of several accounts another is expected: somebody who sends every few seconds is never out of it."""


class LeaseLostError(Exception):
    """Another worker holds the lease, or nobody does."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one bundle may hold. The last entry taken may pass a bound, so that no entry is too large to be taken."""

    entries: int = 500
    events: int = 5_000
    bytes: int = 16_000_000
    turn: int = 8
    """Entries that a lane gives in one turn of the rotation, at most."""
    overflow: int = 1_000
    """Events that the overflow gives, at most, where several accounts are. Whoever comes next waits for the bundle in hand,
    whatever waits in the overflow: so that bundle must not be a long one."""

    def reached_by(self, entries: Sequence[Entry]) -> bool:
        """Whether nothing may be added to these entries, so that more may be waiting."""
        return (
            len(entries) >= self.entries
            or sum(entry.events for entry in entries) >= self.events
            or sum(len(entry.body) for entry in entries) >= self.bytes
            or sum(entry.events for entry in entries if entry.lane is LANES[-1]) >= self.overflow
        )


@dataclass(frozen=True, slots=True)
class Bundle:
    """Entries of one shard, taken together. One that is delivered again is alone in it."""

    shard: int
    entries: tuple[Entry, ...]
    again: bool = False
    full: bool = False
    """A bound has ended it: the shard may hold more. Otherwise every lane was emptied."""


class ShardQueue:
    """All shards. Thread-safe, as long as one thread at a time takes from a shard."""

    def __init__(
        self,
        client: Client,
        *,
        shards: int = SHARDS,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shards = range(shards)
        self._client = client
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._keys = [ShardKeys(shard) for shard in self.shards]
        self._turns = [0] * shards
        self._company_until = [float("-inf")] * shards
        self._enqueue = client.script(source("shard_enqueue"))
        self._take = client.script(source("shard_take"))
        self._settle = client.script(source("shard_settle"))
        self._postpone = client.script(source("shard_postpone"))
        self._hand_back = client.script(source("shard_hand_back"))

    def enqueue(
        self,
        shard: int,
        lane: Lane,
        *,
        owner: str,
        events: int,
        body: bytes,
        task: str = "store",
        codec: str = "r",
        idempotency_key: str | None = None,
    ) -> str:
        """Append one entry and return its batch id."""
        keys = self._keys[shard]
        fields: list[str | bytes | float] = ["v", VERSION, "t", task, "o", owner, "n", events, "c", codec, "d", body]
        if idempotency_key is not None:
            fields += ["k", idempotency_key]
        stream = keys.streams[LANES.index(lane)]
        args = [lane.value, owner, events, len(body), *fields]
        entry_id: bytes = self._enqueue([stream, keys.load, keys.inflight], args)
        return f"{shard:02d}{lane.letter}-{entry_id.decode()}"

    def take(self, shard: int, worker: str) -> Bundle:
        """Take what is due: one entry to be delivered again, or else new ones of all lanes by 8:4:2:1.

        The overflow keeps to its bound, unless an account was alone in the shard for a while and nothing waits elsewhere. The bundle is empty when there is nothing. Raises `LeaseLostError` when *worker* does not hold the lease.
        """
        keys, bounds = self._keys[shard], self._bounds
        reply = self._take(
            [keys.lease, keys.schedule, keys.attempts, keys.load, *keys.streams],
            [
                worker,
                GROUP,
                CONSUMER,
                _LETTERS,
                _ROTATION,
                self._turns[shard],
                bounds.entries,
                bounds.events,
                bounds.bytes,
                bounds.turn,
                bounds.overflow,
                int(self._clock() >= self._company_until[shard]),
            ],
        )
        if reply is None:
            raise LeaseLostError(shard)
        self._turns[shard], taken, known = reply
        entries = tuple(decode(shard, lane - 1, entry_id, fields) for lane, entry_id, fields in taken)
        if len({entry.owner for entry in entries}) > 1:
            self._company_until[shard] = self._clock() + COMPANY_S
        if known is None:
            return Bundle(shard, entries, full=bounds.reached_by(entries))
        attempts, redeliveries = map(int, known)
        return Bundle(shard, (replace(entries[0], attempts=attempts, redeliveries=redeliveries),), again=True)

    def settle(self, bundle: Sequence[Entry], *, again: bool) -> int:
        """Forget entries whose work is done, and return how many this call was the first to settle."""
        keys = self._keys[bundle[0].shard]
        args: list[str | bytes | float] = [GROUP, _LETTERS, _NAMES, int(again)]
        for entry in bundle:
            args += (LANES.index(entry.lane) + 1, entry.id, entry.owner, entry.events, len(entry.body))
        settled: int = self._settle([keys.schedule, keys.attempts, keys.load, keys.inflight, *keys.streams], args)
        return settled

    def postpone(
        self,
        entry: Entry,
        worker: str,
        *,
        delay_s: float,
        attempts: int | None = None,
        reason: str = "",
        not_understood: bool = False,
    ) -> float:
        """Keep an entry pending for at least *delay_s*, with *attempts* charged to it from now on.

        Returns for how many seconds it has not been understood, if that is why. Raises `LeaseLostError` when the
        entry is another worker's by now; then nothing was written.
        """
        keys = self._keys[entry.shard]
        reply: int | None = self._postpone(
            [keys.lease, keys.schedule, keys.attempts],
            [
                worker,
                entry.member,
                round(delay_s * 1000),
                "" if attempts is None else attempts,
                reason[:_LONGEST_REASON],
                int(not_understood),
            ],
        )
        if reply is None:
            raise LeaseLostError(entry.shard)
        return reply / 1000

    def hand_back(self, entries: Sequence[Entry], worker: str) -> None:
        """Make entries due at once for the next holder of the lease; nothing happens if that is another already."""
        if entries:
            keys = self._keys[entries[0].shard]
            self._hand_back([keys.lease, keys.schedule], [worker, *(entry.member for entry in entries)])

    def reason(self, entry: Entry) -> str:
        """Return why the entry failed last; empty if it never did."""
        found: bytes | None = self._client.execute("HGET", self._keys[entry.shard].attempts, f"e:{entry.member}")
        return "" if found is None else found.decode("utf-8", "replace")

    def waiting(self, shards: Iterable[int]) -> list[int]:
        """Return those of *shards* that hold any entry, in one round trip."""
        asked = list(shards)
        streams = [stream for shard in asked for stream in self._keys[shard].streams]
        lengths = self._client.pipeline([("XLEN", stream) for stream in streams])
        per = len(LANES)
        return [shard for i, shard in enumerate(asked) if any(lengths[i * per : (i + 1) * per])]
