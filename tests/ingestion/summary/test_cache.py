"""What the cache may take of a server that it may share with the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.core import keyspace
from app.core.errors import DependencyUnavailableError
from ingestion.summary.cache import LARGEST_VALUE, CachedSummary, SummaryCache, Turn
from ingestion.summary.windows import Window
from tests.ingestion.summary.reading import later

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import redis

    from app.core.valkey import Valkey


@pytest.fixture
def cache(valkey: Valkey) -> SummaryCache:
    return SummaryCache(valkey, keep_s=600)


def put(
    cache: SummaryCache, now: datetime, window: Window = Window.HOUR, *, account: str = "acme", size: int = 2
) -> None:
    cache.put(CachedSummary(account, window.value, now, '"etag"', b"x" * size), window=window, now=now)


@pytest.fixture
def nearly_full(redis_client: redis.Redis) -> Iterator[int]:
    """A server that never evicts, with a little more than half of its memory in use."""
    limit = redis_client.config_get("maxmemory")["maxmemory"]
    used = int(redis_client.info("memory")["used_memory"])
    redis_client.config_set("maxmemory", int(used * 1.9))
    yield used
    redis_client.config_set("maxmemory", limit)
    redis_client.config_set("maxmemory-policy", "noeviction")


def test_an_account_keeps_a_summary_for_each_window_and_no_more(
    cache: SummaryCache, redis_client: redis.Redis, now: datetime
) -> None:
    """So a large account takes no more of the cache than any other, however often it asks."""
    for number in range(25):
        for window in Window:
            put(cache, now + timedelta(hours=number), window)

    assert len(redis_client.keys("*")) == len(Window)


def test_everything_that_is_kept_expires(cache: SummaryCache, redis_client: redis.Redis, now: datetime) -> None:
    put(cache, now)
    assert cache.take_turn("acme", Window.DAY, now=now) is Turn.OURS
    cache.give_up("acme", Window.WEEK, now=now)

    assert [redis_client.pttl(key) > 0 for key in redis_client.keys("*")] == [True] * 3


def test_a_value_that_is_too_large_is_not_kept(cache: SummaryCache, redis_client: redis.Redis, now: datetime) -> None:
    put(cache, now, size=LARGEST_VALUE)

    assert redis_client.keys("*") == []


def test_nothing_is_added_to_a_server_that_is_half_full_and_never_evicts(
    cache: SummaryCache, redis_client: redis.Redis, now: datetime, nearly_full: int
) -> None:
    put(cache, now)

    assert not redis_client.exists(keyspace.summary("acme", Window.HOUR))


def test_room_is_looked_for_anew_after_a_second(
    cache: SummaryCache, redis_client: redis.Redis, now: datetime, nearly_full: int
) -> None:
    put(cache, now)
    redis_client.config_set("maxmemory", "256mb")

    put(cache, now + timedelta(seconds=0.9))
    assert cache.get("acme", Window.HOUR, now=now) is None

    put(cache, now + timedelta(seconds=1.1))
    assert cache.get("acme", Window.HOUR, now=now) is not None


def test_a_server_that_evicts_has_always_room(
    cache: SummaryCache, redis_client: redis.Redis, now: datetime, nearly_full: int
) -> None:
    redis_client.config_set("maxmemory-policy", "allkeys-lru")

    put(cache, now)

    assert cache.get("acme", Window.HOUR, now=now) is not None


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
