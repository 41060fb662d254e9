"""Requests as metrics: as many as were recorded, in the right buckets."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from app.core.metrics.request_metrics import DURATIONS_S, RequestMetrics
from app.domain.histogram import bucket_of


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def report(metrics: RequestMetrics, *durations_us: int, status: int = 200) -> None:
    for duration_us in durations_us:
        observation = (29_000_000, "acme", "/events", "POST", "free", status, "overloaded", bucket_of(duration_us))
        metrics.counted({observation: 1}, in_flight=3, lost=2)


def test_requests_are_counted_by_what_is_known_of_them_but_the_account(registry: CollectorRegistry) -> None:
    metrics = RequestMetrics(registry)

    report(metrics, 1_000, 2_000, status=503)

    labels = {"route": "/events", "method": "POST", "status": "503", "tier": "free", "reason": "overloaded"}
    assert registry.get_sample_value("slipstream_http_requests_total", labels) == 2
    assert registry.get_sample_value("slipstream_http_requests_in_flight") == 3
    assert registry.get_sample_value("slipstream_telemetry_lost_requests_total") == 4
    names = {label for metric in registry.collect() for sample in metric.samples for label in sample.labels}
    assert names == {"route", "method", "status", "tier", "reason", "le"}


@given(st.lists(st.integers(0, 20_000_000), min_size=1, max_size=30))
def test_buckets_hold_exactly_the_requests_that_were_faster(durations_us: list[int]) -> None:
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry)

    report(metrics, *durations_us)

    def sample(name: str, **labels: str) -> float | None:
        labels |= {"route": "/events", "method": "POST"}
        return registry.get_sample_value(f"slipstream_http_request_duration_seconds_{name}", labels)

    for bound in DURATIONS_S:
        exact = sum(duration < Fraction(str(bound)) * 1_000_000 for duration in durations_us)
        assert sample("bucket", le=str(float(bound))) == exact
    assert sample("count") == len(durations_us)
    assert sample("sum") == pytest.approx(sum(durations_us) / 1_000_000, rel=0.006, abs=0.001)


def test_a_request_whose_duration_nobody_knows_has_none(registry: CollectorRegistry) -> None:
    metrics = RequestMetrics(registry)

    metrics.counted({(29_000_000, None, "/events", "POST", "", 599, "process-died", None): 4}, in_flight=0, lost=0)

    labels = {"route": "/events", "method": "POST"}
    assert registry.get_sample_value("slipstream_http_request_duration_seconds_count", labels) is None
