"""Alerts on `/metrics`: whether they are evaluated at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Gauge

if TYPE_CHECKING:
    from datetime import timedelta

    from prometheus_client import CollectorRegistry


class AlertMetrics:
    """What every API process knows of the evaluator."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._age = Gauge(
            "slipstream_alerts_evaluated_age_seconds",
            "Time since alerts were last evaluated; +Inf while Valkey, which knows, is away.",
            multiprocess_mode="livemax",
            registry=registry,
        )

    def evaluated(self, age: timedelta | None) -> None:
        """Take note of how long ago alerts were evaluated."""
        self._age.set(float("inf") if age is None else age.total_seconds())
