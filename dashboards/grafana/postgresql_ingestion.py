"""Ingestion, for PostgreSQL: what was accepted, and what became of it. The queue itself is in Valkey, and on /metrics."""

from __future__ import annotations

from dashboards.grafana.board import Board
from dashboards.grafana.panel import ANY_IS_BAD, Kind, Panel, Query, Row, Source
from dashboards.grafana.prometheus_expressions import COUNT, EVENTS_PER_SECOND, RATIO, SECONDS
from dashboards.grafana.statements import sql

_EVENTS = (
    Panel(
        title="Events accepted",
        about="Events answered with 202, a second.",
        unit=EVENTS_PER_SECOND,
        queries=(Query(sql("events_accepted")),),
    ),
    Panel(
        title="Events settled",
        about="What became of them, a second, by the minute of their 202: stored, a duplicate of a stored one, or dead.",
        unit=EVENTS_PER_SECOND,
        queries=(Query(sql("events_settled")),),
    ),
    Panel(
        title="Accepted and not settled",
        about="Events of each point's time that nothing is known of yet. Those of the last minute or two are on their way; older ones wait in the queue.",
        unit=COUNT,
        queries=(Query(sql("events_unsettled")),),
    ),
    Panel(
        title="Time from the 202 to the row",
        about="What 50 and 99 of 100 events did not exceed, in whole seconds, rounded up.",
        unit=SECONDS,
        queries=(Query(sql("storage_delays")),),
    ),
    Panel(
        title="Stored within a minute",
        about="Of the events that were settled. Those that still wait are not in it; the SLO `freshness` counts them as bad.",
        unit=RATIO,
        highest=1,
        queries=(Query(sql("stored_in_time")),),
    ),
    Panel(
        title="Events accepted by shard",
        about="A second, in each of the sixteen shards of the queue. One that stands out has a busy account.",
        unit=EVENTS_PER_SECOND,
        queries=(Query(sql("by_shard")),),
    ),
)
_LEFT = (
    Panel(
        title="Dead letters held",
        about="Events that could not be stored and wait for somebody to replay or delete them, of all time.",
        kind=Kind.NUMBER,
        unit=COUNT,
        width=6,
        steps=ANY_IS_BAD,
        queries=(Query(sql("dead_letters_held")),),
    ),
    Panel(
        title="Notifications that wait",
        about="Notifications that nobody has got yet.",
        kind=Kind.NUMBER,
        unit=COUNT,
        width=6,
        queries=(Query(sql("notifications_waiting")),),
    ),
    Panel(
        title="Dead letters by reason",
        about="Of those that died in the range of time: why, of which type, and whose.",
        kind=Kind.TABLE,
        unit="none",
        width=12,
        queries=(Query(sql("dead_letters")),),
        units={"Events": COUNT, "Last": "dateTimeAsIso"},
        empty="none",
    ),
)

INGESTION = Board(
    subject="ingestion",
    title="Ingestion and queue",
    about="What was accepted, and what became of it, by the minute of the 202. The queue's depth is in Prometheus's dashboard.",
    source=Source.POSTGRESQL,
    variables=(),
    rows=(Row("Events", _EVENTS), Row("What is left", _LEFT)),
)
