"""What is taken away, and what must stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core.keyspace import accepted_minutes
from ingestion.housekeeping import MINUTES_KEPT, Housekeeping

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def housekeeping(database: Database, valkey: Valkey) -> Housekeeping:
    return Housekeeping(database, valkey)


def test_answers_are_purged_after_24_hours_however_many_they_are(housekeeping: Housekeeping, tables: Any) -> None:
    tables.connection.execute(
        "INSERT INTO idempotency_keys SELECT 'acme', n::text::bytea, '', 'batch', 1,"
        " timestamptz '2026-11-21 10:00Z' + (n - 2500) * interval '1 second' FROM generate_series(0, 2510) n"
    )

    assert housekeeping.purge_answers(NOW) == 2500

    assert tables.rows("SELECT count(*), min(received_at) FROM idempotency_keys") == [(11, NOW - timedelta(hours=24))]


def test_old_minutes_are_added_up_and_the_sum_stays(housekeeping: Housekeeping, valkey: Valkey) -> None:
    oldest_kept = int((NOW - MINUTES_KEPT).timestamp()) // 60
    name = accepted_minutes(3)
    for minute in (oldest_kept - 2_000, oldest_kept - 1, oldest_kept, oldest_kept + 5):
        valkey.execute("HSET", name, minute, 10)

    assert housekeeping.shorten_accepted_minutes(NOW) == 2
    assert housekeeping.shorten_accepted_minutes(NOW) == 0

    found = valkey.execute("HGETALL", name)
    kept = {int(minute): int(events) for minute, events in zip(found[::2], found[1::2], strict=True)}
    assert kept == {0: 20, oldest_kept: 10, oldest_kept + 5: 10}
