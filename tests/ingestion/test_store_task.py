"""Entries of the queue, as the worker's handler works on them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from app.core.keyspace import idempotency
from app.core.metrics.event_metrics import StoreMetrics
from ingestion.events.compression import pack
from ingestion.repeated_answers import RepeatedAnswers
from ingestion.store_task import StoreTask

if TYPE_CHECKING:
    from app.core.valkey import Valkey
    from ingestion.writer import Writer

NOW = datetime(2026, 11, 22, 10, 0, 2, 250_000, tzinfo=UTC)
KEY = hashlib.sha256(b"key").hexdigest()
BODY = hashlib.sha256(b"body").hexdigest()


def event(event_id: str, **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "type": "flight.departed"} | fields


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def deaths() -> list[tuple[str, datetime]]:
    """The account of every batch with events that died, and when."""
    return []


@pytest.fixture
def task(writer: Writer, valkey: Valkey, registry: CollectorRegistry, deaths: list[tuple[str, datetime]]) -> StoreTask:
    return StoreTask(
        writer,
        RepeatedAnswers(valkey),
        StoreMetrics(registry),
        clock=lambda: NOW,
        on_dead=lambda account_id, now: deaths.append((account_id, now)),
    )


def remember(valkey: Valkey, entry: Any, batch_id: str | None = None) -> str:
    """Write the record of an answer as admission does."""
    name = idempotency(entry.shard, entry.owner, KEY)
    valkey.execute("HSET", name, "body", BODY, "batch", batch_id or entry.batch_id, "events", entry.events)
    valkey.execute("EXPIRE", name, 86_400)
    return name


def test_it_counts_what_became_of_the_events_and_how_long_that_took(
    task: StoreTask, make_entry: Any, registry: CollectorRegistry
) -> None:
    task.run([make_entry(event("a"), event("a"), event("b", payload={"x": "\0"})), make_entry(event("c"))])

    counts = {
        outcome: registry.get_sample_value("slipstream_events_settled_total", {"outcome": outcome})
        for outcome in ("stored", "duplicate", "dead")
    }
    assert counts == {"stored": 2, "duplicate": 1, "dead": 1}
    assert registry.get_sample_value("slipstream_batch_storage_delay_seconds_count") == 2
    assert registry.get_sample_value("slipstream_batch_storage_delay_seconds_sum") == 4


def test_what_was_stored_before_is_not_counted_again(
    task: StoreTask, make_entry: Any, registry: CollectorRegistry
) -> None:
    entry = make_entry(event("a"))
    task.run([entry])
    task.run([entry])

    assert registry.get_sample_value("slipstream_events_settled_total", {"outcome": "stored"}) == 1
    assert registry.get_sample_value("slipstream_batch_storage_delay_seconds_count") == 1


def test_a_compressed_body_is_unpacked(task: StoreTask, make_entry: Any, tables: Any) -> None:
    plain = make_entry(*(event(f"{number:04d}", payload={"text": "x" * 200}) for number in range(400)))
    codec, body = pack(plain.body)
    assert codec == b"z"

    task.run([make_entry(events=400, codec="z", body=body)])

    assert tables.value("SELECT count(*) FROM events") == 400


def test_the_answer_to_an_idempotency_key_moves_to_postgresql(
    task: StoreTask, make_entry: Any, valkey: Valkey, tables: Any
) -> None:
    entry = make_entry(event("a"), event("b"), idempotency_key=KEY)
    name = remember(valkey, entry)

    task.run([entry])

    query = "SELECT encode(key_digest, 'hex'), encode(body_digest, 'hex'), batch_id, accepted FROM idempotency_keys"
    assert tables.rows(query) == [(KEY, BODY, entry.batch_id, 2)]
    assert 0 < valkey.execute("PTTL", name) <= 60_000


def test_a_record_of_a_later_batch_is_left_alone(task: StoreTask, make_entry: Any, valkey: Valkey, tables: Any) -> None:
    entry = make_entry(event("a"), idempotency_key=KEY)
    name = remember(valkey, entry, batch_id="07n-1999999999999-0")

    task.run([entry])

    assert tables.rows("SELECT * FROM idempotency_keys") == []
    assert valkey.execute("PTTL", name) > 60_000


def test_a_record_that_is_gone_keeps_nothing_from_being_stored(task: StoreTask, make_entry: Any, tables: Any) -> None:
    task.run([make_entry(event("a"), idempotency_key=KEY)])

    assert tables.event_ids() == ["a"]
    assert tables.rows("SELECT * FROM idempotency_keys") == []


@pytest.mark.parametrize("key", ["", "no digest", "\xe9" * 64])
def test_a_key_that_admission_has_not_made_keeps_nothing_from_being_stored(
    key: str, task: StoreTask, make_entry: Any, valkey: Valkey, tables: Any
) -> None:
    entry = make_entry(event("a"), idempotency_key=key)
    valkey.execute("HSET", idempotency(entry.shard, entry.owner, key), "batch", entry.batch_id)

    task.run([entry])

    assert tables.event_ids() == ["a"]


def test_an_entry_that_was_given_up_is_buried_and_tells_no_more_than_what_kind_of_error_it_was(
    task: StoreTask, make_entry: Any, tables: Any, registry: CollectorRegistry
) -> None:
    entry = make_entry(event("a"), event("b"))

    task.bury(entry, "ZeroDivisionError: at /some/path with a value\nTraceback …", 4)
    task.bury(entry, "ZeroDivisionError: once more", 4)

    letters = tables.rows("SELECT event_id, reason, detail, attempts FROM dead_letters ORDER BY 1")
    detail = "it failed 4 times, alone: ZeroDivisionError"
    assert letters == [("a", "kept-failing", detail, 4), ("b", "kept-failing", detail, 4)]
    assert tables.outcomes() == {entry.batch_id: (0, 0, 2, 0)}
    assert registry.get_sample_value("slipstream_events_settled_total", {"outcome": "dead"}) == 2


@pytest.mark.parametrize(
    "strange", [{"fault": "version 9 is unknown"}, {"task": "of a release to come"}], ids=["fault", "task"]
)
def test_an_entry_that_nobody_understands_is_buried_whole(
    strange: dict[str, str], task: StoreTask, make_entry: Any, tables: Any
) -> None:
    entry = make_entry(event("a"), event("b"), **strange)

    task.bury(entry, "version 9 is unknown", 0)

    (letter,) = tables.rows("SELECT position, event_id, reason, detail, body FROM dead_letters")
    assert letter == (-1, None, "unreadable", "version 9 is unknown", entry.body)
    assert tables.outcomes() == {entry.batch_id: (0, 0, 2, 0)}


def test_each_batch_with_events_that_died_is_told_of_once(
    task: StoreTask, make_entry: Any, deaths: list[tuple[str, datetime]]
) -> None:
    dying = event("b", payload={"x": "\0"})
    entries = [
        make_entry(event("a"), dying, event("c", payload={"x": "\0"})),
        make_entry(event("d"), account_id="bolt"),
        make_entry(dying, account_id="corner"),
    ]

    task.run(entries)
    task.run(entries)

    assert deaths == [("acme", NOW), ("corner", NOW)]


def test_a_batch_that_was_given_up_is_told_of(
    task: StoreTask, make_entry: Any, deaths: list[tuple[str, datetime]]
) -> None:
    task.bury(make_entry(event("a")), "it hung", 4)

    assert deaths == [("acme", NOW)]
