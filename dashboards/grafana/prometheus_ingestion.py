"""Ingestion and the queue, for Prometheus: from the 202 to the row."""

from __future__ import annotations

from dashboards.grafana.board import Board
from dashboards.grafana.panel import AMBER, ANY_IS_BAD, GREEN, RED, Kind, Panel, Query, Row, Source, Step
from dashboards.grafana.prometheus_expressions import (
    BYTES,
    COUNT,
    EVENTS_PER_SECOND,
    PER_SECOND,
    RATIO,
    SECONDS,
    duration,
    rate,
    ratio,
)
from dashboards.grafana.variables import Variable
from dashboards.prometheus.queries import ACCEPTED, DELAYS

_TIER = Variable("tier", "Tier", f"label_values({ACCEPTED}, tier)")
_LANE = Variable("lane", "Lane", "label_values(slipstream_queue_events, lane)")
_OF_TIER = 'tier=~"$tier"'
_OF_LANE = '{lane=~"$lane"}'
_IN_TIME = rate(f"{DELAYS}_bucket", 'le=~"60(\\\\.0)?"')
_PRESSURE = (Step(None, GREEN), Step(0.7, AMBER), Step(1, RED))
"""From 70 % on the lowest tier is refused, at 100 % every tier."""

_EVENTS = (
    Panel(
        title="Events accepted",
        about="Events answered with 202, a second, by the tier of their account.",
        unit=EVENTS_PER_SECOND,
        queries=(Query(rate(ACCEPTED, _OF_TIER, by="tier"), "{{tier}}"),),
    ),
    Panel(
        title="Events settled",
        about="Events that left the queue, a second: stored, a duplicate of a stored one, or dead.",
        unit=EVENTS_PER_SECOND,
        queries=(Query(rate("slipstream_events_settled_total", by="outcome"), "{{outcome}}"),),
    ),
    Panel(
        title="Batches refused",
        about="Batches refused whole, a second, by the reason that the answer named.",
        unit=PER_SECOND,
        queries=(Query(rate("slipstream_events_refused_total", by="reason"), "{{reason}}"),),
    ),
    Panel(
        title="Time from the 202 to the row",
        about="What 50 and 99 of 100 events do not exceed until they are stored, or found to be stored.",
        unit=SECONDS,
        queries=tuple(Query(duration(share, metric=DELAYS), name) for share, name in (("0.5", "P50"), ("0.99", "P99"))),
    ),
    Panel(
        title="Stored within a minute",
        about="Of the events that were stored. Those that still wait are not in it; the SLO `freshness` counts them as bad.",
        unit=RATIO,
        highest=1,
        queries=(Query(ratio(_IN_TIME, rate(f"{DELAYS}_count")), "in time"),),
    ),
    Panel(
        title="Requests in flight",
        about="Requests being answered at the moment, over all API processes.",
        unit=COUNT,
        queries=(Query("sum(slipstream_http_requests_in_flight)", "requests"),),
    ),
)
_QUEUE = (
    Panel(
        title="Events waiting",
        about="Accepted and not settled, by lane. The overflow holds what an account has above its fair share.",
        unit=COUNT,
        queries=(Query(f"sum by (lane) (slipstream_queue_events{_OF_LANE})", "{{lane}}"),),
    ),
    Panel(
        title="Age of the oldest batch",
        about="Of each lane. A worker takes every lane in turn, so none of them waits for ever.",
        unit=SECONDS,
        queries=(Query(f"max by (lane) (slipstream_queue_oldest_age_seconds{_OF_LANE})", "{{lane}}"),),
    ),
    Panel(
        title="Bytes waiting",
        about="Bodies in Valkey that are accepted and not settled.",
        unit=BYTES,
        queries=(Query(f"sum by (lane) (slipstream_queue_bytes{_OF_LANE})", "{{lane}}"),),
    ),
    Panel(
        title="Batches by shard",
        about="Batches accepted and not settled, in each of the sixteen shards that has any. One that stands out has a busy account, or no worker.",
        unit=COUNT,
        queries=(Query(f"sum by (shard) (slipstream_queue_entries{_OF_LANE}) > 0", "shard {{shard}}"),),
    ),
    Panel(
        title="Pressure",
        about="The worst of the queue's depth, its age, and Valkey's memory, as a share of what is allowed. From 70 % on the lowest tier is refused.",
        unit=RATIO,
        steps=_PRESSURE,
        queries=(Query("max(slipstream_overload_pressure)", "pressure"),),
    ),
    Panel(
        title="Tiers refused",
        about="0 none, 1 the lowest, 2 the two lowest, 3 all; in between a share of the next.",
        unit=COUNT,
        highest=3,
        queries=(Query("max(slipstream_overload_severity)", "tiers"),),
    ),
)
_WORKERS = (
    Panel(
        title="Workers alive",
        about="Workers that gave a sign of life lately. Without one, events wait on disk.",
        kind=Kind.NUMBER,
        unit=COUNT,
        width=6,
        height=5,
        steps=(Step(None, RED), Step(1, GREEN)),
        queries=(Query("max(slipstream_workers_alive)", "workers"),),
    ),
    Panel(
        title="Shards without a worker",
        about="Shards that no worker drains; some for moments when a worker ends, none for long.",
        kind=Kind.NUMBER,
        unit=COUNT,
        width=6,
        height=5,
        steps=ANY_IS_BAD,
        queries=(Query("max(slipstream_queue_unleased_shards)", "shards"),),
    ),
    Panel(
        title="Tasks done late",
        about="Age of the oldest task of the task queue that is not done: notifications, rollups, reports.",
        kind=Kind.NUMBER,
        unit=SECONDS,
        width=6,
        height=5,
        queries=(Query("max(slipstream_tasks_oldest_age_seconds)", "oldest"),),
    ),
    Panel(
        title="Batches processed",
        about="Batches that workers brought to an end, a second: processed, retried, or dead.",
        unit=PER_SECOND,
        width=6,
        height=5,
        queries=(Query(rate("slipstream_work_entries_total", 'lane=~"$lane"', by="outcome"), "{{outcome}}"),),
    ),
)

INGESTION = Board(
    subject="ingestion",
    title="Ingestion and queue",
    about="Events from the 202 to the row, what waits in between, and who works on it.",
    source=Source.PROMETHEUS,
    variables=(_TIER, _LANE),
    rows=(Row("Events", _EVENTS), Row("Queue", _QUEUE), Row("Workers", _WORKERS)),
)
