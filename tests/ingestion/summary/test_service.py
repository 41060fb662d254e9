"""Summaries fresh and cached: one refresh for all, and an old answer rather than none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from app.core import keyspace
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError
from app.core.valkey import Valkey
from ingestion.summary.cache import CachedSummary, SummaryCache
from ingestion.summary.service import CacheState, Summaries
from ingestion.summary.sources import Source
from ingestion.summary.summary_store import SummaryStore
from ingestion.summary.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    import redis

    from app.core.database import Database
    from app.core.errors import DependencyError
    from ingestion.summary.service import Answer
    from ingestion.summary.summary_store import TypeCount
    from ingestion.summary.windows import BucketRange
    from tests.conftest import World

    StoreEvents = Callable[[str, Iterable[tuple[str, datetime]]], None]

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


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def summaries(store: Store, valkey: Valkey) -> Summaries:
    """Summaries of one process of several."""
    return make_summaries(store, valkey)


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


def test_a_summary_says_what_was_counted(
    summaries: Summaries, world: World, store_events: StoreEvents, now: datetime
) -> None:
    """The whole representation, to the letter."""
    at = now - timedelta(minutes=7)
    store_events("acme", [("b", at), ("a", at + timedelta(seconds=0.5)), ("b", at + timedelta(minutes=2))])

    answer = read(summaries, now)

    assert msgspec.json.decode(answer.body) == {
        "account_id": "acme",
        "window": "1h",
        "from": "2026-03-04T04:07:00Z",
        "to": "2026-03-04T05:07:00Z",
        "total": 3,
        "by_type": {"b": 2, "a": 1},
        "first_event_at": "2026-03-04T04:59:07.890000Z",
        "last_event_at": "2026-03-04T05:01:07.890000Z",
        "events_per_second": round(3 / 3600, 6),
        "as_of": "2026-03-04T05:06:07.890000Z",
    }
    assert list(msgspec.json.decode(answer.body)["by_type"]) == ["b", "a"]


def test_an_account_without_events_gets_a_summary_of_nothing(summaries: Summaries, world: World, now: datetime) -> None:
    body = msgspec.json.decode(read(summaries, now, window=Window.MONTH).body)

    assert (body["total"], body["by_type"], body["events_per_second"]) == (0, {}, 0)
    assert (body["first_event_at"], body["last_event_at"]) == (None, None)


def test_a_summary_is_computed_once_and_sent_from_the_cache_while_it_is_fresh(
    summaries: Summaries, store: Store, world: World, now: datetime
) -> None:
    first = read(summaries, now)
    second = read(summaries, later(now, 4.9))

    assert (first.cache, first.age_s) == (CacheState.MISS, 0)
    assert (second.cache, second.age_s) == (CacheState.HIT, 4)
    assert (second.body, second.etag) == (first.body, first.etag)
    assert store.calls == 1


def test_a_stale_summary_is_computed_again(
    summaries: Summaries, world: World, store_events: StoreEvents, now: datetime
) -> None:
    first = read(summaries, now)
    store_events("acme", [("late", now)])

    second = read(summaries, later(now, 5))

    assert second.cache is CacheState.MISS
    assert msgspec.json.decode(second.body)["total"] == 1
    assert second.etag != first.etag


def test_accounts_and_windows_are_cached_apart(
    summaries: Summaries, store: Store, world: World, store_events: StoreEvents, now: datetime
) -> None:
    store_events("acme", [("theirs", now), ("theirs", now - timedelta(hours=5))])

    totals = {
        (account, window): msgspec.json.decode(read(summaries, now, account, window).body)["total"]
        for account in ("acme", "bolt")
        for window in (Window.HOUR, Window.DAY)
        for _ in range(2)
    }

    assert list(totals.values()) == [1, 2, 0, 0]
    assert store.calls == 4


def test_a_cached_summary_of_another_account_is_never_sent(
    summaries: Summaries, world: World, redis_client: redis.Redis, store_events: StoreEvents, now: datetime
) -> None:
    store_events("acme", [("secret", now)])
    read(summaries, now, "acme")
    redis_client.copy(keyspace.summary("acme", "1h"), keyspace.summary("bolt", "1h"))
    redis_client.copy(keyspace.summary("acme", "1h"), keyspace.summary("acme", "7d"))

    assert b"secret" not in read(summaries, now, "bolt").body
    assert msgspec.json.decode(read(summaries, now, "acme", Window.WEEK).body)["window"] == "7d"


@pytest.mark.parametrize("value", [b"", b"rubbish", msgspec.msgpack.encode({"account_id": "acme"})])
def test_a_cached_value_that_cannot_be_read_is_replaced(
    summaries: Summaries, world: World, redis_client: redis.Redis, now: datetime, value: bytes
) -> None:
    redis_client.set(keyspace.summary("acme", "1h"), value)

    assert read(summaries, now).cache is CacheState.MISS
    assert read(summaries, now).cache is CacheState.HIT


def test_a_value_of_the_wrong_kind_is_no_error(
    summaries: Summaries, world: World, redis_client: redis.Redis, now: datetime
) -> None:
    redis_client.rpush(keyspace.summary("acme", "1h"), "a list")

    assert read(summaries, now).cache is CacheState.MISS


def test_an_unknown_account_has_no_summary_and_leaves_nothing_in_the_cache(
    summaries: Summaries, redis_client: redis.Redis, now: datetime
) -> None:
    assert summaries.read("nobody", Window.HOUR, now=now) is None
    assert redis_client.keys("*summary*") == []


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


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "unix:///nowhere/valkey.sock"])
def test_without_a_cache_every_request_reads_for_itself(
    store: Store, world: World, store_events: StoreEvents, now: datetime, url: str
) -> None:
    summaries = make_summaries(store, Valkey(url))
    store_events("acme", [("a", now)])

    answers = [read(summaries, later(now, seconds)) for seconds in (0, 0.5, 2)]

    assert [answer.cache for answer in answers] == [CacheState.MISS] * 3
    assert store.calls == 3


def test_a_cache_that_is_away_is_not_asked_again_for_a_moment(
    valkey: Valkey, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_command: object) -> None:
        raise DependencyUnavailableError("valkey", "is away")

    cache = SummaryCache(valkey, keep_s=60)
    summary = CachedSummary("acme", "1h", now, '"etag"', b"{}")
    with monkeypatch.context() as patched:
        patched.setattr(valkey, "execute", away)
        assert cache.get("acme", Window.HOUR, now=now) is None

    cache.put(summary, window=Window.HOUR, now=later(now, 0.5))
    assert cache.get("acme", Window.HOUR, now=later(now, 1)) is None

    cache.put(summary, window=Window.HOUR, now=later(now, 1.1))
    assert cache.get("acme", Window.HOUR, now=later(now, 1.2)) == summary
