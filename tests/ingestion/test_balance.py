"""The balance is zero when all is well, and is not when something is lost or doubled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core.keyspace import accepted_minutes
from app.core.queue.lanes import Lane
from app.core.queue.shard_queue import ShardQueue
from ingestion.balance import Balance, balance
from ingestion.dead_letters import LetterId
from ingestion.reading import read_entry
from ingestion.replay import Replayer

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey
    from ingestion.writer import Writer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Platform:
    """Accepts and stores, with the scripts and the tables of the product."""

    def __init__(self, database: Database, valkey: Valkey, writer: Writer) -> None:
        self.queue = ShardQueue(valkey)
        self.database = database
        self.valkey = valkey
        self.writer = writer
        valkey.execute("SET", "{s07}:lease", "me")

    def accept(self, *event_ids: str) -> None:
        events = b",".join(b'{"event_id":"%b","type":"a","payload":{}}' % event_id.encode() for event_id in event_ids)
        self.queue.enqueue(7, Lane.NORMAL, owner="acme", events=len(event_ids), body=b'{"events":[' + events + b"]}")
        self.valkey.execute("HINCRBY", accepted_minutes(7), 29_922_360, len(event_ids))

    def store(self, *, settle: bool = True) -> None:
        entries = self.queue.take(7, "me").entries
        self.writer.store([read_entry(entry) for entry in entries])
        if settle:
            self.queue.settle(entries, again=False)

    def balance(self) -> Balance:
        return balance(self.database, self.valkey)


@pytest.fixture
def platform(database: Database, valkey: Valkey, writer: Writer) -> Platform:
    return Platform(database, valkey, writer)


def test_nothing_is_balanced(platform: Platform) -> None:
    assert platform.balance() == Balance(accepted=0, stored=0, duplicates=0, dead=0, in_flight=0)


def test_every_event_is_somewhere(platform: Platform) -> None:
    platform.accept("a", "b", "a", "bad\\u0000")
    platform.store()
    platform.accept("c", "d")

    found = platform.balance()

    assert found == Balance(accepted=6, stored=2, duplicates=1, dead=1, in_flight=2)
    assert found.missing == 0


def test_a_batch_between_its_commit_and_its_acknowledgement_counts_twice_and_never_as_missing(
    platform: Platform,
) -> None:
    platform.accept("a", "b")
    platform.store(settle=False)

    assert platform.balance().missing == -2


@pytest.mark.parametrize("readable", [False, True], ids=["dies again", "lives"])
def test_replays_keep_the_balance(readable: bool, platform: Platform, tables: Any) -> None:
    platform.accept("a", "bad\\u0000")
    platform.store()
    if readable:
        tables.connection.execute('UPDATE dead_letters SET body = \'{"event_id":"bad","type":"a"}\'')
    replayer = Replayer(platform.database, statement_events=10, clock=lambda: NOW)

    for _ in range(2):
        replayer.replay("acme", _letters(tables))
        assert platform.balance().missing == 0

    assert platform.balance().dead == (0 if readable else 1)


def test_a_purged_letter_stays_counted_as_dead(platform: Platform, tables: Any) -> None:
    platform.accept("bad\\u0000")
    platform.store()
    tables.connection.execute("DELETE FROM dead_letters")

    assert platform.balance() == Balance(accepted=1, stored=0, duplicates=0, dead=1, in_flight=0)


def test_an_entry_that_is_lost_is_missing(platform: Platform) -> None:
    platform.accept("a", "b", "c")
    platform.queue.settle(platform.queue.take(7, "me").entries, again=False)

    assert platform.balance().missing == 3


def test_an_outcome_that_is_written_twice_shows(platform: Platform, tables: Any) -> None:
    platform.accept("a")
    platform.store()
    tables.connection.execute(
        "INSERT INTO batch_outcomes SELECT account_id, 'again', received_at, stored_at, 1, 0, 0 FROM batch_outcomes"
    )

    assert platform.balance().missing == -1


def _letters(tables: Any) -> list[LetterId]:
    return [LetterId.parse(name) for name, _, _ in tables.letters()]
