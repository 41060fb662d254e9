"""What became of accepted events, by the minute of their 202; `ingestion` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

_OUTCOMES = text("""
    SELECT extract(epoch FROM part.minute)::bigint / 60, part.outcome, part.delay_s, sum(part.events)::bigint
      FROM unnest(CAST(:since AS bigint[]), CAST(:until AS bigint[])) AS span (since, until)
     CROSS JOIN generate_series(0, 15) AS shards (shard)
     CROSS JOIN LATERAL (
       SELECT minute, outcome, delay_s, events FROM outcome_minutes
        WHERE shard = shards.shard
          AND minute >= to_timestamp(span.since * 60) AND minute < to_timestamp(span.until * 60)
     ) AS part
     GROUP BY part.minute, part.outcome, part.delay_s
""")


class OutcomeRow(NamedTuple):
    """Events of a minute since 1970. The delay is -1 for what was never stored in time."""

    minute: int
    outcome: str
    delay_s: int
    events: int


def outcomes(connection: Connection, spans: Sequence[tuple[int, int]]) -> Iterator[OutcomeRow]:
    """Give the outcomes of spans `[since, until)` that do not overlap."""
    parameters = {"since": [since for since, _ in spans], "until": [until for _, until in spans]}
    for row in connection.execute(_OUTCOMES, parameters):
        yield OutcomeRow(*row)
