"""Where an account's admission happens: names of keys made once, and the event types this process saw today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core import keyspace
from app.core.queue.keys import ShardKeys
from app.domain.shards import SHARDS

if TYPE_CHECKING:
    from datetime import date, datetime

_MOST_ACCOUNTS = 20_000
_MOST_TYPES = 200_000
_SHARDS = tuple(ShardKeys(shard) for shard in range(SHARDS))


class Place:
    """One account on one shard. `types_seen` were admitted today through this process: they need no second look."""

    __slots__ = ("_ends", "_starts", "account_id", "day", "shard", "shard_digits", "types_seen")

    def __init__(self, account_id: str, shard: int, day: date) -> None:
        self.account_id = account_id
        self.shard = shard
        self.shard_digits = f"{shard:02d}"
        self.day = day
        self.types_seen: frozenset[str] = frozenset()
        queue = _SHARDS[shard]
        self._starts = (
            keyspace.account_mirror(shard, account_id),
            keyspace.key_mirror(shard, account_id),
            keyspace.limits(shard, account_id),
            keyspace.circuit(shard, account_id),
            queue.load,
            queue.inflight,
            keyspace.accepted_minutes(shard),
            keyspace.event_types(shard, account_id, day.isoformat()),
            keyspace.journal(shard),
        )
        self._ends = queue.streams

    def keys(self, idempotency_digest: str) -> tuple[str, ...]:
        """Return the script's keys, in its order."""
        record = keyspace.idempotency(self.shard, self.account_id, idempotency_digest)
        return (*self._starts, record, *self._ends)


class Places:
    """The places of the accounts that came lately. Thread-safe: a place lost in a race is made again."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._types = 0

    def of(self, account_id: str, shard: int, now: datetime) -> Place:
        """Return the place of an account today (UTC)."""
        place = self._places.get(account_id)
        day = now.date()
        if place is None or place.shard != shard or place.day != day:
            if len(self._places) >= _MOST_ACCOUNTS or self._types >= _MOST_TYPES:
                self._places.clear()
                self._types = 0
            place = self._places[account_id] = Place(account_id, shard, day)
        return place

    def remember(self, place: Place, types: frozenset[str]) -> None:
        """Note event types as used today."""
        place.types_seen |= types
        self._types += len(types)
