"""`/metrics` of one process and of several."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from app.core.metrics.event_metrics import AdmissionMetrics, SettledBatch, StoreMetrics
from app.core.metrics.exposition import Exposition
from app.core.metrics.multiprocess import VARIABLE, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PROGRAM = """
import os, sys
from app.core.metrics.multiprocess import directory
from prometheus_client import CollectorRegistry
from app.core.metrics.event_metrics import AdmissionMetrics
from app.core.metrics.request_metrics import RequestMetrics
from app.core.metrics.exposition import Exposition

registry = CollectorRegistry()
AdmissionMetrics(registry).accepted(int(sys.argv[1]), tier="free")
requests = RequestMetrics(registry)
requests.counted({(1, "acme", "/events", "POST", "free", 202, "", 2000): 3}, in_flight=1, lost=0)
sys.stdout.buffer.write(Exposition(registry, directory=directory(os.environ)).render())
"""


class OneQueue(Collector):
    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield GaugeMetricFamily("depth", "Of one queue.", value=7)


def samples(text: str) -> dict[str, float]:
    return {
        sample.name + "".join(f",{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def run(directory: Path, events: int) -> dict[str, float]:
    environment = os.environ | {VARIABLE: str(directory)}
    command = [sys.executable, "-c", PROGRAM, str(events)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return samples(result.stdout)


def test_a_process_alone_tells_what_it_counted() -> None:
    registry = CollectorRegistry()
    AdmissionMetrics(registry).accepted(5, tier="free")
    AdmissionMetrics(CollectorRegistry()).refused("overloaded")
    store = StoreMetrics(registry)
    store.settled([SettledBatch(1, 1, 0, 0.2), SettledBatch(1, 0, 1, 61), SettledBatch(1, 0, 0, -1)])

    found = samples(Exposition(registry, directory=None, collectors=[OneQueue()]).render().decode())

    assert found["slipstream_events_accepted_total,free"] == 5
    assert found["slipstream_events_settled_total,stored"] == 3
    assert found["slipstream_events_settled_total,duplicate"] == 1
    assert found["slipstream_events_settled_total,dead"] == 1
    assert found["slipstream_batch_storage_delay_seconds_bucket,60.0"] == 2
    assert found["slipstream_batch_storage_delay_seconds_count"] == 3
    assert found["depth"] == 7
    assert found["slipstream_build_info,0.1.0"] == 1


def test_processes_are_added_up_and_the_dead_keep_their_counts_but_no_gauge(tmp_path: Path) -> None:
    run(tmp_path, 5)

    found = run(tmp_path, 7)

    assert found["slipstream_events_accepted_total,free"] == 12
    assert found["slipstream_http_requests_total,POST,,/events,202,free"] == 6
    assert found["slipstream_http_request_duration_seconds_count,POST,/events"] == 6
    assert found["slipstream_http_requests_in_flight"] == 1


def test_a_start_begins_to_count_from_zero(tmp_path: Path) -> None:
    run(tmp_path, 5)
    program = "import os, sys; from pathlib import Path; from app.core.metrics.multiprocess import prepare; prepare(Path(sys.argv[1]), os.environ)"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)

    assert run(tmp_path, 7)["slipstream_events_accepted_total,free"] == 7


def test_it_is_an_error_to_prepare_too_late(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="imported already"):
        prepare(tmp_path, {})
