"""Summaries, fresh and cached."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.core import keyspace
from app.core.valkey import Valkey
from ingestion.summary.service import CacheState
from ingestion.summary.windows import Window
from tests.ingestion.summary.reading import later, make_summaries, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    import redis

    from ingestion.summary.service import Summaries
    from tests.conftest import World
    from tests.ingestion.summary.reading import Store

    StoreEvents = Callable[[str, Iterable[tuple[str, datetime]]], None]


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
    cached: Any = redis_client.get(keyspace.summary("acme", "1h"))
    redis_client.set(keyspace.summary("bolt", "1h"), cached)
    redis_client.set(keyspace.summary("acme", "7d"), cached)

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


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "unix:///nowhere/valkey.sock"])
def test_without_a_cache_every_request_reads_for_itself(
    store: Store, world: World, store_events: StoreEvents, now: datetime, url: str
) -> None:
    summaries = make_summaries(store, Valkey(url))
    store_events("acme", [("a", now)])

    answers = [read(summaries, later(now, seconds)) for seconds in (0, 0.5, 2)]

    assert [answer.cache for answer in answers] == [CacheState.MISS] * 3
    assert store.calls == 3
