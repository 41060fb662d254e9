"""Summaries that are read at a test's time, out of a store that counts its calls."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from ingestion.summary.cache import SummaryCache
from ingestion.summary.service import Summaries
from ingestion.summary.sources import Source
from ingestion.summary.summary_store import SummaryStore
from ingestion.summary.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.core.database import Database
    from app.core.errors import DependencyError
    from app.core.valkey import Valkey
    from ingestion.summary.service import Answer
    from ingestion.summary.summary_store import TypeCount
    from ingestion.summary.windows import BucketRange

FRESH_S, STALE_S = 5, 600


class Store(SummaryStore):
    """The real store, which counts its calls, and can be held up or broken."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.calls = 0
        self.error: DependencyError | None = None
        self.go_on = threading.Event()
        self.go_on.set()

    def counts(self, account_id: str, ranges: Sequence[BucketRange]) -> list[TypeCount] | None:
        self.calls += 1
        self.go_on.wait()
        if self.error is not None:
            raise self.error
        return super().counts(account_id, ranges)


def make_summaries(store: SummaryStore, valkey: Valkey) -> Summaries:
    return Summaries(
        Source(store, timedelta(seconds=FRESH_S)), SummaryCache(valkey, keep_s=FRESH_S + STALE_S), stale_s=STALE_S
    )


def read(summaries: Summaries, now: datetime, account: str = "acme", window: Window = Window.HOUR) -> Answer:
    answer = summaries.read(account, window, now=now)
    assert answer is not None
    return answer


def later(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
