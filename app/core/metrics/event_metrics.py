"""Events on `/metrics`: accepted or refused by the API, settled by workers.

They balance: accepted = stored + duplicate + dead + waiting in the queue (`slipstream_queue_events`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import Counter, Histogram

from app.core.metrics.counted_histogram import CountedHistogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import CollectorRegistry

DELAYS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 3_600)
"""Upper bounds, with 60 s among them: past it an event is late (freshness)."""


class SettledBatch(NamedTuple):
    """What became of a batch, in events, and how long after its 202."""

    stored: int
    duplicates: int
    dead: int
    delay_s: float


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

        # Finding a labelled counter costs ten times as much as counting. There are a handful of tiers and of reasons.
        self._accepted_of = lru_cache(maxsize=64)(self._accepted.labels)
        self._refused_for = lru_cache(maxsize=64)(self._refused.labels)
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
        self._accepted_of(tier).inc(events)

    def refused(self, reason: str) -> None:
        """Count a batch; how many events it held is often not known."""
        self._refused_for(reason).inc()


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
        event_delays = CountedHistogram(
            "slipstream_event_storage_delay_seconds",
            "Time from the 202 of an event to its being stored, or found to be stored already (freshness).",
            ["outcome"],
            buckets=DELAYS_S,
            registry=registry,
        )
        self._stored_delay = event_delays.labels("stored")
        self._duplicate_delay = event_delays.labels("duplicate")

    def settled(self, batches: Sequence[SettledBatch]) -> None:
        """Count the batches of a bundle that is committed."""
        for batch in batches:
            delay = max(0.0, batch.delay_s)
            if batch.stored:
                self._stored.inc(batch.stored)
                self._delay.observe(delay)
                self._stored_delay.observe_many(delay, batch.stored)
            if batch.duplicates:
                self._duplicates.inc(batch.duplicates)
                self._duplicate_delay.observe_many(delay, batch.duplicates)
            if batch.dead:
                self._dead.inc(batch.dead)
