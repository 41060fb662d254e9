"""Events on `/metrics`: accepted or refused by the API, settled by workers.

They balance: accepted = stored + duplicate + dead + waiting in the queue (`slipstream_queue_events`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import CollectorRegistry

DELAYS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 3_600)
"""Upper bounds, with 60 s among them: past it an event is late (freshness)."""


class AdmissionMetrics:
    """What the API does with events."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accepted = Counter(
            "slipstream_events_accepted", "Events that were answered with 202.", ["tier"], registry=registry
        )
        self._refused = Counter(
            "slipstream_events_refused",
            "Batches that were refused, by the slug of the problem.",
            ["reason"],
            registry=registry,
        )

        self._lookups_skipped = Counter(
            "slipstream_idempotency_lookups_skipped",
            "Requests with an Idempotency-Key that were admitted without a look into PostgreSQL, which was away.",
            registry=registry,
        )

    def lookup_skipped(self) -> None:
        """Count a request whose Idempotency-Key could not be looked up among stored batches."""
        self._lookups_skipped.inc()

    def accepted(self, events: int, *, tier: str) -> None:
        """Count the events of a batch that is on disk."""
        self._accepted.labels(tier).inc(events)

    def refused(self, reason: str) -> None:
        """Count a batch; how many events it held is often not known."""
        self._refused.labels(reason).inc()


class StoreMetrics:
    """What a worker does with events."""

    def __init__(self, registry: CollectorRegistry) -> None:
        settled = Counter(
            "slipstream_events_settled",
            "Events that left the queue: stored, duplicate of a stored one, or dead.",
            ["outcome"],
            registry=registry,
        )
        self._stored = settled.labels("stored")
        self._duplicates = settled.labels("duplicate")
        self._dead = settled.labels("dead")
        self._delay = Histogram(
            "slipstream_batch_storage_delay_seconds",
            "Time from the 202 of a batch to its events being stored.",
            buckets=DELAYS_S,
            registry=registry,
        )

    def settled(self, *, stored: int, duplicates: int, dead: int, delays_s: Sequence[float]) -> None:
        """Count a bundle that is committed; `delays_s` has one entry a batch."""
        self._stored.inc(stored)
        self._duplicates.inc(duplicates)
        self._dead.inc(dead)
        for delay in delays_s:
            self._delay.observe(max(0.0, delay))
