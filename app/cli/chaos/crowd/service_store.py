"""When each batch was received and stored, read from PostgreSQL once the queue is empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core.database import Database

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVED = text("""
    SELECT batch_id, account_id, stored, duplicates,
           extract(epoch FROM received_at)::float8, extract(epoch FROM stored_at)::float8
    FROM batch_outcomes
""")
_ROWS = text("SELECT account_id, count(*) FROM events GROUP BY account_id")


@dataclass(frozen=True, slots=True)
class Served:
    """One batch: events stored, those that were there already, and unix seconds of its receipt and of its storage. `shard` and `lane` are where it waited."""

    batch_id: str
    account_id: str
    stored: int
    duplicates: int
    received_s: float
    stored_s: float

    @property
    def shard(self) -> str:
        return self.batch_id[:2]

    @property
    def lane(self) -> str:
        """The letter of the lane: `h`, `n`, `l`, `o`."""
        return self.batch_id[2]

    @property
    def freshness_s(self) -> float:
        """From the 202, which is the receipt, until stored."""
        return max(0.0, self.stored_s - self.received_s)


@dataclass(frozen=True, slots=True)
class Service:
    """All batches by their ids, and how many events each account has."""

    batches: Mapping[str, Served]
    rows: Mapping[str, int]


def read_service(database_url: str) -> Service:
    """Read what was stored, and when."""
    database = Database(database_url, pool_size=1, statement_timeout_ms=600_000, name="slipstream chaos")
    try:
        with database.begin() as connection:
            batches = {row[0]: Served(*row) for row in connection.execute(_SERVED)}
            return Service(batches, dict(tuple(row) for row in connection.execute(_ROWS)))
    finally:
        database.close()
