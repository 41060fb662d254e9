"""Pools of connections on `/metrics`, each with its bulkhead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

    from app.core.bulkhead import Bulkhead

OBSERVE_EVERY_S = 1.0


class PoolMetrics:
    """The bulkheads of this process by their pools' names, as of the last `observe`, and what they have refused until then."""

    def __init__(self, registry: CollectorRegistry, bulkheads: Mapping[str, Bulkhead]) -> None:
        self._bulkheads = bulkheads
        self._counted: dict[str, tuple[int, int]] = {}
        self._connections, self._used, self._waiting = (
            Gauge(name, about, ["pool"], multiprocess_mode="livesum", registry=registry)
            for name, about in (
                ("slipstream_pool_connections", "Connections that a pool may open."),
                ("slipstream_pool_connections_used", "Connections of a pool in use, as of the last second."),
                ("slipstream_pool_waiting", "Requests that wait for a connection, as of the last second."),
            )
        )
        self._waits = Counter(
            "slipstream_pool_waits", "Requests that had to wait for a connection.", ["pool"], registry=registry
        )
        self._refusals = Counter(
            "slipstream_pool_refusals",
            "Requests that got no connection: too many waited, or for too long.",
            ["pool"],
            registry=registry,
        )

    def observe(self) -> None:
        """Look at every bulkhead; call it every second, from one thread."""
        for pool, bulkhead in self._bulkheads.items():
            now = bulkhead.occupancy()
            self._connections.labels(pool).set(now.places)
            self._used.labels(pool).set(now.taken)
            self._waiting.labels(pool).set(now.waiting)
            waited, refused = self._counted.get(pool, (0, 0))
            self._waits.labels(pool).inc(now.waited - waited)
            self._refusals.labels(pool).inc(now.refused - refused)
            self._counted[pool] = (now.waited, now.refused)
