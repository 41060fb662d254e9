"""Requests on `/metrics`, from what the recorder has counted: a request itself pays nothing for them.

No label holds an account, and every label has few values: the recorder bounds them.
"""

from __future__ import annotations

from collections import Counter as Counts
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from app.core.metrics.counted_histogram import CountedHistogram
from app.domain.histogram import edges

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

    from app.core.telemetry.ledger import Observation

DURATIONS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
"""Upper bounds, with 0.5 s and 2 s among them, which are the thresholds of the latency SLOs as shipped."""


class RequestMetrics:
    """What the flusher reports each second, as metrics of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "slipstream_http_requests",
            "Requests answered, or lost with their process (status 599).",
            ["route", "method", "status", "tier", "reason"],
            registry=registry,
        )
        self._durations = CountedHistogram(
            "slipstream_http_request_duration_seconds",
            "Time from a request's complete body to its answer, exact at the bounds.",
            ["route", "method"],
            buckets=DURATIONS_S,
            registry=registry,
        )
        self._in_flight = Gauge(
            "slipstream_http_requests_in_flight",
            "Requests being answered, as of the last second.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._lost = Counter(
            "slipstream_telemetry_lost_requests",
            "Requests that telemetry could not count: too many properties at once, or PostgreSQL away for too long.",
            registry=registry,
        )

    def counted(self, observations: Mapping[Observation, int], *, in_flight: int, lost: int) -> None:
        """Add what was counted since the last time."""
        answered, timed = Counts[tuple[str, str, int, str, str]](), Counts[tuple[str, str, int]]()
        for (_, _, route, method, tier, status, reason, bucket), requests in observations.items():
            answered[route, method, status, tier, reason] += requests
            if bucket is not None:
                timed[route, method, bucket] += requests
        for labels, requests in answered.items():
            self._requests.labels(*labels).inc(requests)
        for (route, method, bucket), requests in timed.items():
            lower, upper = edges(bucket)
            # Its middle: a bucket that ends at a bound is below it, and counts as Prometheus would count it.
            self._durations.labels(route, method).observe_many((lower + upper) / 2_000_000, requests)
        self._in_flight.set(in_flight)
        self._lost.inc(lost)
