"""Limits on `/metrics`: what presses on the platform, and what changed with accounts. No label holds an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class LimitMetrics:
    """What the API does to protect itself and others."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._pressure = Gauge(
            "slipstream_overload_pressure",
            "The worst of queue depth, age and Valkey's memory, each as a share of what is allowed.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._severity = Gauge(
            "slipstream_overload_severity",
            "Tiers refused: 0 none, 1 the lowest, 3 all; in between a share of the next.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._circuits = Counter(
            "slipstream_circuit_changes", "Accounts' circuit breakers that changed.", ["after"], registry=registry
        )
        self._notices = Counter(
            "slipstream_quota_notices", "Notices of quotas that were delivered.", ["threshold"], registry=registry
        )
        self._strangers = Counter(
            "slipstream_strangers_refused",
            "Requests that were refused before their key was looked at.",
            ["limit"],
            registry=registry,
        )

    def pressed(self, pressure: float, severity: float) -> None:
        """Take note of what presses now, and of what is done about it."""
        self._pressure.set(pressure)
        self._severity.set(severity)

    def circuit_changed(self, after: str) -> None:
        """Count a circuit that is in another state now."""
        self._circuits.labels(after).inc()

    def noticed(self, threshold: int) -> None:
        """Count a notice."""
        self._notices.labels(str(threshold)).inc()

    def stranger_refused(self, limit: str) -> None:
        """Count a request that was refused before anybody knew whose it was."""
        self._strangers.labels(limit).inc()
