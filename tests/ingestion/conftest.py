"""Entries as admission appends them, and a look at what the store made of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from app.core.queue.entry import Entry
from app.core.queue.lanes import Lane
from ingestion.reading import read_entry
from ingestion.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from app.core.database import Database
    from ingestion.batches import Answer, Batch

    class MakeEntry(Protocol):
        def __call__(self, *events: dict[str, Any] | bytes, account_id: str = ..., **fields: Any) -> Entry: ...

    class MakeBatch(Protocol):
        def __call__(
            self, *events: dict[str, Any] | bytes, account_id: str = ..., answer: Answer | None = ..., **fields: Any
        ) -> Batch: ...


RECEIVED = datetime(2026, 11, 22, 10, 0, 0, 250_000, tzinfo=UTC)
STORED = datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC)


def event(event_id: str, **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "type": "flight.departed", "payload": {"dest": "IAH"}} | fields


@pytest.fixture
def make_entry() -> MakeEntry:
    """Makes an entry of events, each given as its fields or as its bytes; no two entries have the same id."""
    numbers = count()

    def make(*events: dict[str, Any] | bytes, account_id: str = "acme", **fields: Any) -> Entry:
        texts = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
        values = {
            "shard": 7,
            "lane": Lane.NORMAL,
            "id": f"{round(RECEIVED.timestamp() * 1000)}-{next(numbers)}",
            "task": "store",
            "owner": account_id,
            "events": len(texts),
            "codec": "r",
            "body": b'{"events":[' + b",".join(texts) + b"]}",
        }
        return Entry(**values | fields)

    return make


@pytest.fixture
def make_batch(make_entry: MakeEntry) -> MakeBatch:
    """Makes a batch as it is read from such an entry."""

    def make(
        *events: dict[str, Any] | bytes, account_id: str = "acme", answer: Answer | None = None, **fields: Any
    ) -> Batch:
        return read_entry(make_entry(*events, account_id=account_id, **fields), answer)

    return make


@pytest.fixture
def writer(database: Database) -> Writer:
    return Writer(database, statement_events=5_000, clock=lambda: STORED)


@dataclass(frozen=True, slots=True)
class Tables:
    """Looks into the tables, past everything that is tested."""

    connection: psycopg.Connection[tuple[Any, ...]]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def value(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def event_ids(self) -> list[str]:
        return [event_id for (event_id,) in self.rows("SELECT event_id FROM events ORDER BY event_id")]

    def outcomes(self) -> dict[str, tuple[int, int, int, int]]:
        """Batch id → stored, duplicates, dead, revived."""
        query = "SELECT batch_id, stored, duplicates, dead, revived FROM batch_outcomes"
        return {batch_id: tuple(counts) for batch_id, *counts in self.rows(query)}

    def letters(self) -> list[tuple[str, str, str]]:
        """Name, event id and reason of every dead letter."""
        query = "SELECT batch_id || '.' || position, event_id, reason FROM dead_letters ORDER BY batch_id, position"
        return [tuple(row) for row in self.rows(query)]


@pytest.fixture
def tables(database_url: str) -> Iterator[Tables]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Tables(connection)
