"""Summaries out of the rollups: what a window costs depends on its length and the account's types, not on its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.core.database import Database
    from ingestion.summary.windows import BucketRange


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Events of one type in a window, and when the first and the last of them occurred."""

    type: str
    events: int
    first_at: datetime
    last_at: datetime


# The subquery stays one (OFFSET 0), so that each range is one scan of the primary key, whatever the planner believes.
# The join says in the same round trip whether there is such an account: no row is no account.
_COUNTS = text("""
    SELECT counted.type, counted.events, counted.first_at, counted.last_at
      FROM accounts
      LEFT JOIN (
            SELECT rollup.type, sum(rollup.events)::bigint AS events,
                   min(rollup.first_at) AS first_at, max(rollup.last_at) AS last_at
              FROM unnest(CAST(:widths AS smallint[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
                AS range (width, start, "end")
             CROSS JOIN LATERAL (
                    SELECT type, events, first_at, last_at
                      FROM event_rollups
                     WHERE account_id = :account_id AND width = range.width
                       AND bucket >= range.start AND bucket < range.end
                    OFFSET 0
                   ) AS rollup
             GROUP BY rollup.type
           ) AS counted ON true
     WHERE accounts.account_id = :account_id
     ORDER BY counted.events DESC, counted.type
""")


class SummaryStore:
    """Reads counts; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self, account_id: str, ranges: Sequence[BucketRange]) -> list[TypeCount] | None:
        """Return an account's events in these buckets by type, the most frequent first; None without such an account.

        Raises as `Database.begin` does.
        """
        parameters = {
            "account_id": account_id,
            "widths": [part.width for part in ranges],
            "starts": [part.start for part in ranges],
            "ends": [part.end for part in ranges],
        }
        with self._database.begin() as connection:
            rows = connection.execute(_COUNTS, parameters).all()
        if not rows:
            return None
        return [TypeCount(*row) for row in rows if row.type is not None]
