"""Events as metrics: every one of them counts by its own delay."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from app.core.metrics.event_metrics import SettledBatch, StoreMetrics


def test_delays_are_counted_by_event_and_outcome() -> None:
    registry = CollectorRegistry()
    StoreMetrics(registry).settled([SettledBatch(100, 20, 3, 60.0), SettledBatch(7, 0, 0, 60.001)])

    def below(edge: str, outcome: str) -> float | None:
        labels = {"le": edge, "outcome": outcome}
        return registry.get_sample_value("slipstream_event_storage_delay_seconds_bucket", labels)

    assert (below("30.0", "stored"), below("60.0", "stored"), below("120.0", "stored")) == (0, 100, 107)
    assert (below("60.0", "duplicate"), below("60.0", "dead")) == (20, None)
    assert registry.get_sample_value("slipstream_events_settled_total", {"outcome": "dead"}) == 3
