"""The two sides of the balance, each where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.core.keyspace import accepted_minutes
from app.core.queue.keys import load
from app.core.tables import batch_outcomes
from app.domain.shards import SHARDS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.valkey import Valkey


def admitted(valkey: Valkey) -> tuple[int, int]:
    """Return events accepted, and those of them that are not settled; of one shard, both at the same moment."""
    accepted = in_flight = 0
    for shard in range(SHARDS):
        *_, (minutes, waiting) = valkey.pipeline(
            [
                ("MULTI",),
                ("HVALS", accepted_minutes(shard)),
                ("HGET", load(shard), "events"),
                ("EXEC",),
            ]
        )
        accepted += sum(map(int, minutes))
        in_flight += int(waiting or 0)
    return accepted, in_flight


def outcomes(connection: Connection) -> tuple[int, int, int]:
    """Return events stored, duplicates and dead."""
    table = batch_outcomes.c
    sums = (func.coalesce(func.sum(column), 0) for column in (table.stored, table.duplicates, table.dead))
    stored, duplicates, dead = connection.execute(select(*sums)).one()
    return int(stored), int(duplicates), int(dead)
