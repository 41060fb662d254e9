"""Where accepted events are to be found that no counter knows: in the queue, and among the outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Text, all_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.queue.keys import inflight, lane_stream
from app.core.queue.lanes import LANES
from app.core.tables import batch_outcomes
from app.domain.shards import SHARDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from app.core.queue.lanes import Lane
    from app.core.valkey import Valkey
    from ingestion.admission.scripts import Scripts

_STRETCH = 200
"""Entries that are looked at by one call, which holds Valkey for some milliseconds at most."""


@dataclass(frozen=True, slots=True)
class QueuedBatch:
    """A batch that is not settled."""

    batch_id: str
    received_at: datetime
    events: int


class Queue:
    """The queue, as somebody sees it who looks for one account. Raises `DependencyError`."""

    def __init__(self, valkey: Valkey, scripts: Scripts) -> None:
        self._valkey = valkey
        self._script = scripts.make("queued")

    def batches_of(self, account_id: str) -> list[QueuedBatch]:
        """Return an account's batches, wherever they lie: one that was moved has some on the shard it came from."""
        counts = self._valkey.pipeline([("HGET", inflight(shard), account_id) for shard in range(SHARDS)])
        shards = [shard for shard, count in enumerate(counts) if count is not None]
        return [batch for shard in shards for lane in LANES for batch in self._in_lane(account_id, shard, lane)]

    def _in_lane(self, account_id: str, shard: int, lane: Lane) -> Iterator[QueuedBatch]:
        start = b"-"
        while start:
            last, *found = self._script([lane_stream(shard, lane)], [account_id, start, _STRETCH])
            for entry_id, events in zip(found[::2], found[1::2], strict=True):
                received_at = datetime.fromtimestamp(int(entry_id.partition(b"-")[0]) / 1_000, UTC)
                yield QueuedBatch(f"{shard:02d}{lane.letter}-{entry_id.decode()}", received_at, int(events))
            start = b"(" + last if last else b""


def settled(
    connection: Connection, account_id: str, *, month: datetime, day: datetime, but_not: Sequence[str]
) -> tuple[int, int]:
    """Return the events of batches received since the month began, and since the day did, but for some batches."""
    table = batch_outcomes.c
    events = func.sum(table.stored + table.duplicates + table.dead)
    # As one array: there may be more of them than a statement may have parameters.
    others = table.batch_id != all_(literal(list(but_not), ARRAY(Text)))
    query = select(events, events.filter(table.received_at >= day)).where(
        table.account_id == account_id, table.received_at >= month, others
    )
    in_month, in_day = connection.execute(query).one()
    return int(in_month or 0), int(in_day or 0)
