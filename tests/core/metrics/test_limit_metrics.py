"""Metrics of limits."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from app.core.metrics.limit_metrics import LimitMetrics


def test_metrics_have_their_names() -> None:
    registry = CollectorRegistry()
    metrics = LimitMetrics(registry)
    metrics.pressed(0.75, 0.5)
    metrics.circuit_changed("open")
    metrics.noticed(80)
    metrics.stranger_refused("strangers")

    assert registry.get_sample_value("slipstream_overload_pressure") == 0.75
    assert registry.get_sample_value("slipstream_overload_severity") == 0.5
    assert registry.get_sample_value("slipstream_circuit_changes_total", {"after": "open"}) == 1
    assert registry.get_sample_value("slipstream_quota_notices_total", {"threshold": "80"}) == 1
    assert registry.get_sample_value("slipstream_strangers_refused_total", {"limit": "strangers"}) == 1
