"""A bundle becomes rows, counts and outcomes in one transaction, however often and beside whomever it is written."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from app.core.database import Database
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError
from ingestion.batches import Answer
from ingestion.dead_letters import Reason
from ingestion.writer import Writer
from tests.ingestion.conftest import event

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC)


def books(tables: Any) -> list[list[tuple[Any, ...]]]:
    """Return everything that the store writes."""
    names = ("events", "event_rollups", "batch_outcomes", "dead_letters", "idempotency_keys")
    return [sorted(tables.rows(f"TABLE {name}"), key=repr) for name in names]


def test_an_event_is_stored_as_it_was_sent(writer: Writer, make_batch: Any, tables: Any) -> None:
    payload = {"dest": "IAH", "delays": [1, 2.5, None], "näme": "Zürich ✈"}
    sent = {"event_id": "e1", "type": "a", "timestamp": "2013-01-01T12:17:00.5+02:00", "payload": payload}
    batch = make_batch(sent | {"envelope": {"source": "/x", "id": "1"}})

    writer.store([batch])

    row = tables.rows("SELECT account_id, event_id, type, occurred_at, received_at, payload, envelope FROM events")
    occurred = datetime(2013, 1, 1, 10, 17, 0, 500_000, tzinfo=UTC)
    received = datetime(2026, 11, 22, 10, 0, 0, 250_000, tzinfo=UTC)
    assert row == [("acme", "e1", "a", occurred, received, payload, {"source": "/x", "id": "1"})]


def test_what_an_event_leaves_out_is_null_and_its_time_is_that_of_receipt(
    writer: Writer, make_batch: Any, tables: Any
) -> None:
    writer.store([make_batch({"event_id": "e1", "type": "a"}, {"event_id": "e2", "type": "a", "payload": None})])

    rows = tables.rows("SELECT occurred_at = received_at, payload IS NULL, envelope IS NULL FROM events")
    assert rows == [(True, True, True)] * 2


def test_an_outcome_says_how_many_were_stored_and_how_many_were_there(
    writer: Writer, make_batch: Any, tables: Any
) -> None:
    first = make_batch(event("a"), event("b"))
    second = make_batch(event("b"), event("c"), event("c"))

    outcomes = writer.store([first, second])

    assert [(outcome.stored, outcome.duplicates, outcome.dead) for outcome in outcomes] == [(2, 0, 0), (1, 2, 0)]
    assert tables.outcomes() == {first.batch_id: (2, 0, 0, 0), second.batch_id: (1, 2, 0, 0)}
    assert tables.event_ids() == ["a", "b", "c"]


def test_of_events_with_one_id_the_first_to_arrive_is_kept(writer: Writer, make_batch: Any, tables: Any) -> None:
    writer.store([make_batch(event("a", type="first")), make_batch(event("a", type="second"))])
    writer.store([make_batch(event("a", type="third"))])

    assert tables.rows("SELECT type FROM events") == [("first",)]


def test_two_accounts_may_use_one_id(writer: Writer, make_batch: Any, tables: Any) -> None:
    writer.store([make_batch(event("a"), account_id="acme"), make_batch(event("a"), account_id="bolt")])

    assert tables.value("SELECT count(*) FROM events") == 2


def test_a_batch_delivered_again_after_its_commit_changes_nothing(writer: Writer, make_batch: Any, tables: Any) -> None:
    batch = make_batch(event("a"), event("a"), event("b", payload={"x": "\0"}), answer=Answer(b"k" * 32, b"b" * 32))
    writer.store([batch])
    before = books(tables)

    assert writer.store([batch]) == []

    assert books(tables) == before


def test_a_batch_delivered_again_does_not_bring_back_what_was_removed_since(
    writer: Writer, make_batch: Any, tables: Any
) -> None:
    batch = make_batch(event("a"), event("b", payload={"x": "\0"}))
    writer.store([batch])
    tables.connection.execute("DELETE FROM events")
    tables.connection.execute("DELETE FROM dead_letters")

    writer.store([batch])

    assert tables.event_ids() == []
    assert tables.letters() == []


def test_new_batches_are_stored_beside_one_that_was_before(writer: Writer, make_batch: Any, tables: Any) -> None:
    old, new = make_batch(event("a")), make_batch(event("b"))
    writer.store([old])

    outcomes = writer.store([old, new])

    assert [outcome.batch for outcome in outcomes] == [new]
    assert tables.outcomes() == {old.batch_id: (1, 0, 0, 0), new.batch_id: (1, 0, 0, 0)}


def test_a_large_bundle_goes_in_by_several_statements(database: Database, make_batch: Any, tables: Any) -> None:
    writer = Writer(database, statement_events=7, clock=lambda: NOW)
    ids = [f"{number:03d}" for number in random.sample(range(1000), 100)]

    writer.store([make_batch(*map(event, ids[:60])), make_batch(*map(event, ids[40:]))])

    assert tables.event_ids() == sorted(ids)
    assert tables.value("SELECT sum(stored) FROM batch_outcomes") == 100
    assert tables.value("SELECT sum(events) FROM event_rollups WHERE width = 60") == 100


def test_a_batch_is_never_stored_before_it_was_received(database: Database, make_batch: Any, tables: Any) -> None:
    slow_clock = Writer(database, statement_events=5_000, clock=lambda: NOW - timedelta(hours=1))

    slow_clock.store([make_batch(event("a"))])

    assert tables.value("SELECT stored_at = received_at FROM batch_outcomes") is True


def test_an_answer_is_kept_and_a_key_used_anew_replaces_it(writer: Writer, make_batch: Any, tables: Any) -> None:
    key = b"k" * 32
    yesterday = make_batch(event("a"), answer=Answer(key, b"1" * 32))
    today = make_batch(event("b"), event("c"), answer=Answer(key, b"2" * 32))
    writer.store([yesterday])
    writer.store([make_batch(event("x")), today])

    query = "SELECT account_id, key_digest, body_digest, batch_id, accepted FROM idempotency_keys"
    assert tables.rows(query) == [("acme", key, b"2" * 32, today.batch_id, 2)]


def test_writers_with_the_same_events_store_each_once(database_url: str, make_batch: Any, tables: Any) -> None:
    """Small statements in different bundles make them wait for each other, also in circles, a second for each."""
    database = Database(database_url, pool_size=4, lock_timeout_ms=30_000, statement_timeout_ms=30_000)
    writer = Writer(database, statement_events=10, clock=lambda: NOW)
    ids = [f"{number:03d}" for number in range(60)]
    bundles = [
        [make_batch(*map(event, random.sample(ids, 30)), account_id=random.choice(["acme", "bolt"])) for _ in range(4)]
        for _ in range(24)
    ]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(writer.store, bundles))
    database.close()

    sent = {(batch.account_id, item.event_id) for bundle in bundles for batch in bundle for item in batch.events}
    stored = tables.rows("SELECT account_id, event_id FROM events")
    assert sorted(stored) == sorted(sent)
    assert tables.rows("SELECT sum(stored), sum(stored + duplicates) FROM batch_outcomes") == [(len(sent), 24 * 4 * 30)]
    assert tables.value("SELECT sum(events) FROM event_rollups WHERE width = 1") == len(sent)


def test_two_workers_with_the_same_batch_store_it_once(database_url: str, make_batch: Any, tables: Any) -> None:
    database = Database(database_url, pool_size=4)
    writer = Writer(database, statement_events=5_000, clock=lambda: NOW)
    batch = make_batch(*(event(str(number)) for number in range(200)))
    with ThreadPoolExecutor(4) as threads:
        outcomes = [outcome for found in threads.map(lambda _: writer.store([batch]), range(4)) for outcome in found]
    database.close()

    assert [(outcome.stored, outcome.duplicates) for outcome in outcomes] == [(200, 0)]
    assert tables.outcomes() == {batch.batch_id: (200, 0, 0, 0)}
    assert tables.value("SELECT sum(events) FROM event_rollups WHERE width = 1") == 200


def test_a_body_that_is_no_batch_is_one_letter_of_all_its_events(writer: Writer, make_batch: Any, tables: Any) -> None:
    unreadable = make_batch(body=b"\x28\xb5\x2f\xfdnonsense", codec="z", events=3)
    sound = make_batch(event("a"))

    writer.store([unreadable, sound])

    assert tables.outcomes() == {unreadable.batch_id: (0, 0, 3, 0), sound.batch_id: (1, 0, 0, 0)}
    assert tables.letters() == [(f"{unreadable.batch_id}.-1", None, "unreadable")]
    assert tables.value("SELECT body FROM dead_letters") == b"\x28\xb5\x2f\xfdnonsense"


def test_a_burial_makes_letters_of_what_is_not_stored(writer: Writer, make_batch: Any, tables: Any) -> None:
    writer.store([make_batch(event("a"))])
    batch = make_batch(event("a"), event("b"), event("c\0"), attempts=4)

    for _ in range(2):
        writer.bury(batch, Reason.KEPT_FAILING, "it kept failing")

    assert tables.outcomes()[batch.batch_id] == (0, 1, 2, 0)
    letters = [(f"{batch.batch_id}.1", "b", "kept-failing"), (f"{batch.batch_id}.2", "c\ufffd", "kept-failing")]
    assert tables.letters() == letters


def test_a_batch_that_has_an_outcome_is_not_buried(writer: Writer, make_batch: Any, tables: Any) -> None:
    batch = make_batch(event("a"))
    writer.store([batch])

    assert writer.bury(batch, Reason.KEPT_FAILING, "") is None

    assert tables.outcomes() == {batch.batch_id: (1, 0, 0, 0)}
    assert tables.letters() == []


@pytest.fixture
def locked(tables: Any, database_url: str) -> Iterator[None]:
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE events")
        yield


def test_a_wait_that_is_too_long_kills_no_event(locked: None, database_url: str, make_batch: Any, tables: Any) -> None:
    database = Database(database_url, lock_timeout_ms=50)
    with pytest.raises(DependencyTimeoutError):
        Writer(database, statement_events=5_000, clock=lambda: NOW).store([make_batch(event("a"))])
    database.close()

    assert tables.letters() == []


@pytest.mark.parametrize("missing", ["events", "event_rollups", "batch_outcomes"])
def test_a_table_that_is_not_there_yet_kills_no_event(
    missing: str, writer: Writer, make_batch: Any, tables: Any
) -> None:
    tables.connection.execute(f"ALTER TABLE {missing} RENAME TO hidden")
    batch = make_batch(event("a"))
    with pytest.raises(DependencyUnavailableError):
        writer.store([batch])
    tables.connection.execute(f"ALTER TABLE hidden RENAME TO {missing}")

    writer.store([batch])

    assert tables.outcomes() == {batch.batch_id: (1, 0, 0, 0)}


def test_a_database_that_is_away_kills_no_event(make_batch: Any) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nowhere")

    with pytest.raises(DependencyUnavailableError):
        Writer(nowhere, statement_events=5_000, clock=lambda: NOW).store([make_batch(event("a"))])
    nowhere.close()
