"""A dead letter that is replayed is stored once, leaves once, and is counted once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core.database import Database
from ingestion import replay as replay_module
from ingestion.dead_letters import LetterId, Reason
from ingestion.replay import Replayer
from tests.ingestion.conftest import event

if TYPE_CHECKING:
    from ingestion.writer import Writer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def replayer(database: Database) -> Replayer:
    return Replayer(database, statement_events=5_000, clock=lambda: NOW)


def ids(batch: Any, *positions: int) -> list[LetterId]:
    return [LetterId(batch.batch_id, position) for position in positions]


def mend(tables: Any) -> None:
    """Make of every poison what PostgreSQL takes, as a release that mends it would."""
    for *key, body in tables.rows("SELECT account_id, batch_id, position, body FROM dead_letters"):
        tables.connection.execute(
            "UPDATE dead_letters SET body = %s WHERE account_id = %s AND batch_id = %s AND position = %s",
            (body.replace(rb"\u0000", b"?"), *key),
        )


@pytest.fixture
def poisoned(writer: Writer, make_batch: Any) -> Any:
    batch = make_batch(event("a"), event("b", payload={"x": "\0"}), event("c", payload={"x": "\0"}))
    writer.store([batch])
    return batch


def test_a_replayed_letter_is_stored_and_its_batch_says_so(poisoned: Any, replayer: Replayer, tables: Any) -> None:
    mend(tables)

    assert replayer.replay("acme", ids(poisoned, 1)) == 1

    assert tables.event_ids() == ["a", "b"]
    assert tables.letters() == [(f"{poisoned.batch_id}.2", "c", "refused-by-store")]
    assert tables.outcomes() == {poisoned.batch_id: (2, 0, 1, 1)}
    assert tables.value("SELECT sum(events) FROM event_rollups WHERE width = 1") == 2


def test_an_event_without_a_time_keeps_that_of_its_receipt(poisoned: Any, replayer: Replayer, tables: Any) -> None:
    mend(tables)

    replayer.replay("acme", ids(poisoned, 1, 2))

    assert tables.value("SELECT count(DISTINCT (occurred_at, received_at)) FROM events") == 1


def test_a_second_replay_finds_nothing_to_do(poisoned: Any, replayer: Replayer, tables: Any) -> None:
    mend(tables)
    replayer.replay("acme", ids(poisoned, 1, 2))

    assert replayer.replay("acme", ids(poisoned, 1, 2)) == 0

    assert tables.outcomes() == {poisoned.batch_id: (3, 0, 0, 2)}


def test_a_letter_that_dies_again_stays_with_one_more_attempt(poisoned: Any, replayer: Replayer, tables: Any) -> None:
    assert replayer.replay("acme", ids(poisoned, 1, 2)) == 0

    assert tables.rows("SELECT position, attempts, died_at FROM dead_letters ORDER BY 1") == [(1, 2, NOW), (2, 2, NOW)]
    assert tables.outcomes() == {poisoned.batch_id: (1, 0, 2, 0)}


def test_a_letter_whose_event_came_by_another_way_is_a_duplicate(
    poisoned: Any, writer: Writer, replayer: Replayer, make_batch: Any, tables: Any
) -> None:
    mend(tables)
    writer.store([make_batch(event("b"))])

    replayer.replay("acme", ids(poisoned, 1))

    assert tables.outcomes()[poisoned.batch_id] == (1, 1, 1, 1)


def test_two_letters_of_one_event_are_stored_once(
    writer: Writer, replayer: Replayer, make_batch: Any, tables: Any
) -> None:
    batch = make_batch(event("a", payload={"x": "\0"}), event("a", payload={"x": "\0"}))
    writer.store([batch])
    mend(tables)

    replayer.replay("acme", ids(batch, 0, 1))

    assert tables.outcomes() == {batch.batch_id: (1, 1, 0, 2)}
    assert tables.letters() == []


def test_letters_of_a_batch_that_kept_failing_come_back(
    writer: Writer, replayer: Replayer, make_batch: Any, tables: Any
) -> None:
    batch = make_batch(event("a"), event("b"))
    writer.bury(batch, Reason.KEPT_FAILING, "it kept failing")

    replayer.replay("acme", ids(batch, 0, 1))

    assert tables.event_ids() == ["a", "b"]
    assert tables.outcomes() == {batch.batch_id: (2, 0, 0, 2)}


def test_a_batch_that_can_be_read_now_comes_back_as_its_events(
    writer: Writer, replayer: Replayer, make_batch: Any, tables: Any
) -> None:
    batch = make_batch(body=b"nonsense", events=3)
    writer.store([batch])
    events = b'{"event_id":"a","type":"x"},{"event_id":"b","type":"x\\u0000"},{"event_id":"c","type":"x"}'
    tables.connection.execute("UPDATE dead_letters SET body = %s", (b'{"events":[' + events + b"]}",))

    assert replayer.replay("acme", ids(batch, -1)) == 2

    assert tables.event_ids() == ["a", "c"]
    assert tables.letters() == [(f"{batch.batch_id}.1", "b", "refused-by-store")]
    assert tables.outcomes() == {batch.batch_id: (2, 0, 1, 2)}


def test_a_batch_that_still_cannot_be_read_stays_one_letter(
    writer: Writer, replayer: Replayer, make_batch: Any, tables: Any
) -> None:
    batch = make_batch(body=b"nonsense", events=3)
    writer.store([batch])

    assert replayer.replay("acme", ids(batch, -1)) == 0

    assert tables.rows("SELECT position, attempts FROM dead_letters") == [(-1, 2)]
    assert tables.outcomes() == {batch.batch_id: (0, 0, 3, 0)}


def test_a_letter_of_another_account_is_left_alone(poisoned: Any, replayer: Replayer, tables: Any) -> None:
    mend(tables)

    assert replayer.replay("bolt", ids(poisoned, 1, 2)) == 0

    assert len(tables.letters()) == 2


def test_workers_that_replay_the_same_letters_store_each_once(poisoned: Any, database_url: str, tables: Any) -> None:
    mend(tables)
    database = Database(database_url, pool_size=4)
    replayer = Replayer(database, statement_events=5_000, clock=lambda: NOW)
    with ThreadPoolExecutor(4) as threads:
        revived = list(threads.map(lambda _: replayer.replay("acme", ids(poisoned, 1, 2)), range(4)))
    database.close()

    assert sum(revived) == 2
    assert tables.outcomes() == {poisoned.batch_id: (3, 0, 0, 2)}


def test_a_replay_that_is_killed_before_its_commit_leaves_the_books_as_they_were(
    poisoned: Any, replayer: Replayer, tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        raise RuntimeError(name)

    mend(tables)
    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match=r"replay\.before_commit"):
        patched.setattr(replay_module, "failpoint", die)
        replayer.replay("acme", ids(poisoned, 1, 2))

    assert tables.outcomes() == {poisoned.batch_id: (1, 0, 2, 0)}
    assert len(tables.letters()) == 2
    assert replayer.replay("acme", ids(poisoned, 1, 2)) == 2
