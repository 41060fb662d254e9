"""Many summaries that go stale at once, and readers who wait neither for them nor for a disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, Semaphore
from typing import TYPE_CHECKING

import pytest

from app.core.errors import DependencyUnavailableError
from app.core.shard_directory import ShardDirectory
from ingestion.admission.scripts import Scripts
from ingestion.summary.cache import CachedSummary, SummaryCache, Turn
from ingestion.summary.rate import SummaryRate
from ingestion.summary.service import CacheState, Summaries
from ingestion.summary.sources import Source
from ingestion.summary.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import redis

    from app.core.valkey import Valkey
    from ingestion.summary.summary_store import TypeCount
    from ingestion.summary.windows import BucketRange
    from tests.conftest import World

FRESH = timedelta(seconds=5)
ACCOUNTS = [f"account-{number}" for number in range(5)]


class Store:
    """Counts nothing, at once or when it may."""

    def __init__(self) -> None:
        self.begun = Semaphore(0)
        self.go_on = Event()
        self.go_on.set()
        self.error: DependencyUnavailableError | None = None

    def counts(self, account_id: str, ranges: Sequence[BucketRange]) -> list[TypeCount]:
        self.begun.release()
        assert self.go_on.wait(5), "one at a time too many"
        if self.error is not None:
            raise self.error
        return []


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def summaries(store: Store, valkey: Valkey) -> Summaries:
    return Summaries(Source(store, FRESH), SummaryCache(valkey, keep_s=600), stale_s=600)


def read(summaries: Summaries, account: str, now: datetime) -> CacheState:
    answer = summaries.read(account, Window.HOUR, now=now)
    assert answer is not None
    return answer.cache


def test_of_those_that_go_stale_together_two_are_refreshed_at_a_time(
    summaries: Summaries, store: Store, now: datetime
) -> None:
    assert [read(summaries, account, now) for account in ACCOUNTS] == [CacheState.MISS] * 5
    for _ in ACCOUNTS:
        store.begun.acquire()
    later = now + FRESH
    store.go_on.clear()
    with ThreadPoolExecutor(2) as threads:
        refreshed = [threads.submit(read, summaries, account, later) for account in ACCOUNTS[:2]]
        for _ in refreshed:
            assert store.begun.acquire(timeout=30)

        assert [read(summaries, account, later) for account in ACCOUNTS[2:]] == [CacheState.STALE] * 3
        with ThreadPoolExecutor(1) as thread:
            never_read = thread.submit(read, summaries, "new", later)
            assert store.begun.acquire(timeout=30)
            store.go_on.set()
            assert never_read.result() is CacheState.MISS

    assert [each.result() for each in refreshed] == [CacheState.MISS] * 2
    assert [read(summaries, account, later) for account in ACCOUNTS[2:]] == [CacheState.MISS] * 3


def test_a_refresh_that_fails_gives_its_place_back(summaries: Summaries, store: Store, now: datetime) -> None:
    assert [read(summaries, account, now) for account in ACCOUNTS] == [CacheState.MISS] * 5
    store.error = DependencyUnavailableError("postgresql", "is away")

    assert [read(summaries, account, now + FRESH) for account in ACCOUNTS] == [CacheState.STALE] * 5

    assert all(store.begun.acquire(blocking=False) for _ in range(10)), "each of them was tried"


def test_reading_waits_for_no_disk(valkey: Valkey, world: World, redis_client: redis.Redis, now: datetime) -> None:
    """With `appendfsync always` each command that is in the log is a wait for the disk, for all clients."""
    rate = SummaryRate(Scripts(valkey), ShardDirectory(valkey))
    cache = SummaryCache(valkey, keep_s=600)
    rate.take("acme", now)

    def logged() -> list[bytes]:
        told = b"".join(server.execute("INFO", "persistence") for server in valkey.servers())
        return [line for line in told.splitlines() if line.startswith(b"aof_current_size:")]

    before = logged()
    first, second = rate.take("acme", now), rate.take("acme", now)
    assert cache.take_turn("acme", Window.HOUR, now=now) is Turn.OURS
    assert cache.take_turn("acme", Window.HOUR, now=now) is Turn.ANOTHERS
    cache.put(CachedSummary("acme", "1h", now, '"etag"', b"{}"), window=Window.HOUR, now=now)
    cache.give_up("acme", Window.DAY, now=now)

    assert (first.left - second.left, cache.get("acme", Window.HOUR, now=now) is None) == (1, False)
    assert logged() == before
    redis_client.set("else", "logged")
    assert logged() != before
