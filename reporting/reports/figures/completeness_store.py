"""What became of accepted events, over a span of their 202s."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_LATE_S = 60
_OUTCOMES = text("""
    SELECT coalesce(sum(part.events) FILTER (WHERE part.outcome = 'stored'), 0)::bigint,
           coalesce(sum(part.events) FILTER (WHERE part.outcome = 'duplicate'), 0)::bigint,
           coalesce(sum(part.events) FILTER (WHERE part.outcome = 'dead'), 0)::bigint,
           coalesce(sum(part.events) FILTER (
             WHERE part.outcome <> 'dead' AND (part.delay_s > :late_s OR part.delay_s < 0)), 0)::bigint
      FROM generate_series(0, 15) AS shards (shard)
     CROSS JOIN LATERAL (
       SELECT outcome, delay_s, events FROM outcome_minutes
        WHERE shard = shards.shard AND minute >= :start AND minute < :end
     ) AS part
""")
# Replayed dead letters count as late, as they do above: whatever their delay, they were never stored in time. Of batches
# past the retention of events only sums of a day are left, which do not say how long each waited.
_OF_ACCOUNT = text("""
    SELECT coalesce(sum(stored), 0)::bigint, coalesce(sum(duplicates), 0)::bigint, coalesce(sum(dead), 0)::bigint,
           coalesce(sum(CASE WHEN NOT starts_with(batch_id, 'folded-') AND ceil(extract(epoch FROM stored_at - received_at)) > :late_s
                             THEN stored + duplicates ELSE revived END), 0)::bigint
      FROM batch_outcomes
     WHERE account_id = :account_id AND received_at >= :start AND received_at < :end
""")


class Outcomes(NamedTuple):
    """Events by what became of them; `late` of those stored or known already."""

    stored: int
    duplicates: int
    dead: int
    late: int


def outcomes(connection: Connection, start: datetime, end: datetime, account_id: str | None) -> Outcomes:
    """Return what became of the events of all accounts, or of one."""
    parameters = {"start": start, "end": end, "late_s": _LATE_S}
    if account_id is None:
        return Outcomes(*connection.execute(_OUTCOMES, parameters).one())
    return Outcomes(*connection.execute(_OF_ACCOUNT, {**parameters, "account_id": account_id}).one())
