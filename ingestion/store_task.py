"""What a worker does with entries of the queue: read them, store them, count them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from app.core.metrics.event_metrics import SettledBatch
from ingestion.batches import WHOLE_BATCH, Unread, microseconds
from ingestion.dead_letters import Reason
from ingestion.reading import read_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from app.core.metrics.event_metrics import StoreMetrics
    from app.core.queue.entry import Entry
    from ingestion.batches import Outcome
    from ingestion.repeated_answers import RepeatedAnswers
    from ingestion.writer import Writer

_LONGEST_NAME = 100

log = structlog.get_logger(__name__)


class StoreTask:
    """The task `store` of the queue's entries. Idempotent, thread-safe; raises `DependencyError` when it must wait."""

    name = "store"

    def __init__(
        self,
        writer: Writer,
        answers: RepeatedAnswers,
        metrics: StoreMetrics,
        *,
        clock: Callable[[], datetime],
        on_dead: Callable[[str, datetime], object],
    ) -> None:
        """`on_dead` is told the account of each batch with events that died, and when; it must not raise."""
        self._writer = writer
        self._answers = answers
        self._metrics = metrics
        self._clock = clock
        self._on_dead = on_dead

    def run(self, entries: Sequence[Entry]) -> None:
        """Store entries of one shard in one transaction."""
        answers = self._answers.of(entries)
        batches = [read_entry(entry, answers.get(entry.batch_id)) for entry in entries]
        self._count(self._writer.store(batches))
        self._answers.end(entries, answers)

    def bury(self, entry: Entry, reason: str, attempts: int) -> None:
        """Make dead letters of what is not stored of an entry that was given up, or that nobody understands."""
        answers = self._answers.of((entry,))
        batch = replace(read_entry(entry, answers.get(entry.batch_id)), attempts=max(attempts, 1) - 1)
        # The sender reads the detail. Of an exception it gets the name; the log has the rest.
        detail = f"it failed {attempts} times, alone: {reason.partition(':')[0][:_LONGEST_NAME]}"
        if entry.fault or entry.task != self.name:
            detail = reason.partition("\n")[0]
            batch = replace(batch, events=(), positions=(), unread=(Unread(WHOLE_BATCH, entry.body, detail),))
        outcome = self._writer.bury(batch, Reason.KEPT_FAILING, detail)
        if outcome is not None:
            log.error("batch_buried", batch_id=entry.batch_id, account_id=entry.owner, reason=reason, dead=outcome.dead)
            self._count([outcome])
        self._answers.end((entry,), answers)

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        now = self._clock()
        now_us = microseconds(now)
        dead = sum(outcome.dead for outcome in outcomes)
        self._metrics.settled(
            [SettledBatch(o.stored, o.duplicates, o.dead, (now_us - o.batch.received_us) / 1e6) for o in outcomes]
        )
        if dead:
            log.warning("events_dead", dead=dead, batches=[o.batch.batch_id for o in outcomes if o.dead])
            for outcome in outcomes:
                if outcome.dead:
                    self._on_dead(outcome.batch.account_id, now)
