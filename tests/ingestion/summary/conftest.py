"""Events for summaries, stored as the worker stores them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import pytest

from ingestion.batches import Row, microseconds
from ingestion.insertion import insert
from tests.ingestion.summary.reading import Store, make_summaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.core.database import Database
    from app.core.valkey import Valkey
    from ingestion.summary.service import Summaries

NOW = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)
_numbers = count()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def store_events(database: Database) -> Callable[[str, Iterable[tuple[str, datetime]]], None]:
    """Stores events of an account, each a type and a time."""

    def store(account_id: str, events: Iterable[tuple[str, datetime]]) -> None:
        rows = [
            Row(account_id, f"event-{next(_numbers)}", 0, number, kind, microseconds(at), microseconds(NOW), None, None)
            for number, (kind, at) in enumerate(events)
        ]
        with database.begin() as connection:
            insert(connection, sorted(rows), statement_events=5_000, careful=False)

    return store


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def summaries(store: Store, valkey: Valkey) -> Summaries:
    """Summaries of one process of several."""
    return make_summaries(store, valkey)
