"""The queue on `/metrics`, read when somebody asks: it is one queue, however many processes are asked about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from app.core.errors import DependencyError
from app.core.valkey import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

    from app.core.queue.counters import Counters
    from app.core.queue.stats import LaneStats, QueueStats, TaskStats

_LABELS = ["shard", "lane"]
_LANE_GAUGES: tuple[tuple[str, str, Callable[[LaneStats], float]], ...] = (
    ("slipstream_queue_entries", "Batches accepted and not settled: waiting or in flight.", lambda lane: lane.entries),
    ("slipstream_queue_events", "Events accepted and not settled.", lambda lane: lane.events),
    ("slipstream_queue_bytes", "Bytes of bodies accepted and not settled.", lambda lane: lane.bytes),
    (
        "slipstream_queue_in_flight",
        "Batches that a worker holds, or that wait for another try.",
        lambda lane: lane.in_flight,
    ),
    (
        "slipstream_queue_oldest_age_seconds",
        "Age of the oldest batch that is not settled; 0 when there is none.",
        lambda lane: lane.oldest_age_ms / 1_000,
    ),
)
_TASK_GAUGES: tuple[tuple[str, str, Callable[[TaskStats], float]], ...] = (
    ("slipstream_tasks_waiting", "Tasks that wait for a worker.", lambda tasks: tasks.waiting),
    ("slipstream_tasks_in_flight", "Tasks that a worker holds.", lambda tasks: tasks.in_flight),
    ("slipstream_tasks_scheduled", "Tasks for later.", lambda tasks: tasks.scheduled),
    ("slipstream_tasks_dead", "Tasks that were given up.", lambda tasks: tasks.dead),
    (
        "slipstream_tasks_oldest_age_seconds",
        "Age of the oldest task that is not done; 0 when there is none.",
        lambda tasks: tasks.oldest_age_ms / 1_000,
    ),
)


class QueueCollector(Collector):
    """Depth and age by shard and lane. When Valkey is away only `slipstream_queue_up` says so: no number is an old one."""

    def __init__(self, read: Callable[[], QueueStats]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Say nothing, so that registering it does not ask Valkey."""
        return ()

    def collect(self) -> Iterable[Metric]:
        try:
            stats = self._read()
        except (DependencyError, CommandError):
            yield _gauge("slipstream_queue_up", "Whether the queue answers.", 0)
            return
        yield _gauge("slipstream_queue_up", "Whether the queue answers.", 1)
        yield _gauge("slipstream_workers_alive", "Workers that gave a sign of life lately.", len(stats.leases))
        yield _gauge("slipstream_queue_unleased_shards", "Shards that no worker drains.", len(stats.unleased))
        yield _gauge("slipstream_queue_postponed", "Batches that wait for another try.", stats.postponed)
        for name, about, value_of in _LANE_GAUGES:
            family = GaugeMetricFamily(name, about, labels=_LABELS)
            for lane in stats.lanes:
                family.add_metric([str(lane.shard), lane.lane], value_of(lane))
            yield family
        for name, about, value_of_tasks in _TASK_GAUGES:
            yield _gauge(name, about, value_of_tasks(stats.tasks))


class WorkCollector(Collector):
    """What one worker process has done with the queue's entries since it started."""

    def __init__(self, counters: Callable[[], Counters]) -> None:
        self._counters = counters

    def describe(self) -> Iterable[Metric]:
        """Say nothing: the counters come with the worker's start."""
        return ()

    def collect(self) -> Iterable[Metric]:
        counters = self._counters()
        labels = [*_LABELS, "outcome"]
        entries = CounterMetricFamily("slipstream_work_entries", "Batches processed, retried or dead.", labels=labels)
        events = CounterMetricFamily("slipstream_work_events", "Events of those batches.", labels=labels)
        for family, counts in ((entries, counters.entries()), (events, counters.events())):
            for (shard, lane, outcome), count in counts.items():
                family.add_metric([str(shard), lane, outcome], count)
            yield family


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)
