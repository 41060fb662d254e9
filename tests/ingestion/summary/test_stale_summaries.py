"""One refresh for all, and an old answer rather than none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from app.core import keyspace
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError
from app.core.valkey import Valkey
from ingestion.summary.service import CacheState
from tests.ingestion.summary.reading import STALE_S, Store, later, make_summaries, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import redis

    from app.core.database import Database
    from app.core.errors import DependencyError
    from ingestion.summary.service import Summaries
    from tests.conftest import World


def test_of_many_who_miss_one_computes_and_all_get_its_answer(
    database: Database, valkey_url: str, world: World, now: datetime
) -> None:
    """Several processes, each with many requests, and nothing cached."""
    store = Store(database)
    store.go_on.clear()
    processes = [make_summaries(store, Valkey(valkey_url)) for _ in range(2)]

    with ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(read, process, now) for process in processes for _ in range(6)]
        threading.Timer(0.2, store.go_on.set).start()
        answers = [future.result() for future in waiting]

    assert store.calls == 1
    assert len({answer.body for answer in answers}) == 1
    assert sorted(answer.cache for answer in answers) == ["hit"] * 11 + ["miss"]


def test_while_one_refreshes_the_others_get_the_old_answer_at_once(
    summaries: Summaries, store: Store, world: World, now: datetime, eventually: Callable[[Callable[[], object]], None]
) -> None:
    first = read(summaries, now)
    store.go_on.clear()

    with ThreadPoolExecutor(1) as pool:
        refresh = pool.submit(read, summaries, later(now, 6))
        eventually(lambda: store.calls == 2)
        other = read(summaries, later(now, 6))
        store.go_on.set()
        refreshed = refresh.result()

    assert (other.cache, other.body, other.age_s) == (CacheState.STALE, first.body, 6)
    assert (refreshed.cache, store.calls) == (CacheState.MISS, 2)
    assert read(summaries, later(now, 6)).body == refreshed.body


def test_an_answer_that_is_much_older_is_not_sent_while_it_is_refreshed(
    summaries: Summaries, store: Store, world: World, now: datetime, eventually: Callable[[Callable[[], object]], None]
) -> None:
    """It is for when PostgreSQL is away; while a refresh takes milliseconds, waiting for it is better."""
    read(summaries, now)
    store.go_on.clear()

    with ThreadPoolExecutor(2) as pool:
        refresh = pool.submit(read, summaries, later(now, 300))
        eventually(lambda: store.calls == 2)
        other = pool.submit(read, summaries, later(now, 300))
        threading.Timer(0.1, store.go_on.set).start()

        assert other.result().body == refresh.result().body
    assert store.calls == 2


def test_a_refresh_whose_process_died_is_done_by_another(
    summaries: Summaries, store: Store, world: World, redis_client: redis.Redis, now: datetime
) -> None:
    redis_client.set(keyspace.summary_refresh("acme", "1h"), "refreshing", px=60_000)

    assert read(summaries, now).cache is CacheState.MISS
    assert store.calls == 1


def test_while_postgresql_is_away_the_old_answer_is_sent(
    summaries: Summaries, store: Store, world: World, now: datetime
) -> None:
    first = read(summaries, now)
    store.error = DependencyUnavailableError("postgresql", "away")

    during = read(summaries, later(now, STALE_S))

    assert (during.cache, during.body, during.age_s) == (CacheState.STALE, first.body, STALE_S)


def test_an_answer_that_is_too_old_is_not_sent_even_then(
    summaries: Summaries, store: Store, world: World, now: datetime
) -> None:
    read(summaries, now)
    store.error = DependencyUnavailableError("postgresql", "away")

    with pytest.raises(DependencyUnavailableError):
        read(summaries, later(now, STALE_S + 1))


@pytest.mark.parametrize(
    "error", [DependencyUnavailableError("postgresql", "away"), DependencyTimeoutError("postgresql", "slow")]
)
def test_with_nothing_cached_the_failure_is_told(
    summaries: Summaries, store: Store, world: World, now: datetime, error: DependencyError
) -> None:
    store.error = error

    with pytest.raises(type(error)):
        read(summaries, now)


def test_after_a_failure_the_others_do_not_try_as_well(
    summaries: Summaries, store: Store, world: World, redis_client: redis.Redis, now: datetime
) -> None:
    store.error = DependencyTimeoutError("postgresql", "slow")
    with pytest.raises(DependencyTimeoutError):
        read(summaries, now)

    with pytest.raises(DependencyUnavailableError):
        read(summaries, now)
    assert store.calls == 1
    assert 0 < redis_client.pttl(keyspace.summary_refresh("acme", "1h")) <= 1_000
