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


# Minute by minute the larger of what was accepted and what became of it counts, also where tiles are summed whole.
_PARTS = """
    outcome_part AS MATERIALIZED (
      SELECT part.* FROM unnest(CAST(:since AS bigint[]), CAST(:until AS bigint[])) AS span (since, until)
       CROSS JOIN generate_series(0, 15) AS shards (shard)
       CROSS JOIN LATERAL (
         SELECT minute, outcome, delay_s, events FROM outcome_minutes
          WHERE shard = shards.shard
            AND minute >= to_timestamp(span.since * 60) AND minute < to_timestamp(span.until * 60)
       ) AS part
    ), accepted_part AS (
      SELECT part.minute, sum(part.events) AS events
        FROM unnest(CAST(:since AS bigint[]), CAST(:until AS bigint[])) AS span (since, until)
       CROSS JOIN generate_series(0, 15) AS shards (shard)
       CROSS JOIN LATERAL (
         SELECT minute, events FROM accepted_minutes
          WHERE shard = shards.shard
            AND minute >= to_timestamp(span.since * 60) AND minute < to_timestamp(span.until * 60)
       ) AS part
       GROUP BY part.minute
    )
"""
_TILES = """
    WITH {parts}
    SELECT extract(epoch FROM tile)::bigint / 60, outcome, delay_s, sum(events)::bigint FROM (
      SELECT date_bin(make_interval(mins => :width), minute, 'epoch') AS tile, outcome, delay_s, events FROM outcome_part
      UNION ALL
      SELECT date_bin(make_interval(mins => :width), minute, 'epoch'), NULL, NULL,
             greatest(accepted_part.events, outcome_sum.events)
        FROM accepted_part
        FULL JOIN (SELECT minute, sum(events) AS events FROM outcome_part GROUP BY minute) AS outcome_sum USING (minute)
    ) AS both_parts
    GROUP BY tile, outcome, delay_s
"""
_TILE_SUMS = text(_TILES.format(parts=_PARTS))


class OutcomeRow(NamedTuple):
    """Events of a minute since 1970, or of a tile that begins there. The delay is -1 for what was never stored in time."""

    minute: int
    outcome: str
    delay_s: int
    events: int


def outcomes(connection: Connection, spans: Sequence[tuple[int, int]]) -> Iterator[OutcomeRow]:
    """Give the outcomes of spans `[since, until)` that do not overlap."""
    parameters = {"since": [since for since, _ in spans], "until": [until for _, until in spans]}
    for row in connection.execute(_OUTCOMES, parameters):
        yield OutcomeRow(*row)


def tile_sums(
    connection: Connection, width: int, spans: Sequence[tuple[int, int]]
) -> tuple[list[OutcomeRow], dict[int, int]]:
    """Return the outcomes of tiles of a width, and by their start how many events there were in total.

    The total of a minute is what was accepted, or what became of it, whichever is known to be more.
    """
    parameters = {"width": width, "since": [since for since, _ in spans], "until": [until for _, until in spans]}
    rows: list[OutcomeRow] = []
    totals: dict[int, int] = {}
    for start, outcome, delay_s, events in connection.execute(_TILE_SUMS, parameters):
        if outcome is None:
            totals[start] = events
        else:
            rows.append(OutcomeRow(start, outcome, delay_s, events))
    return rows, totals
