"""What is too old goes, in steps; what is younger, and the books, stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ingestion import balance_store
from ingestion.dead_letters import LetterId
from ingestion.replay import Replayer
from ingestion.retention import Retention

if TYPE_CHECKING:
    from app.core.database import Database

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
KEPT = timedelta(days=100)
EDGE = datetime(2026, 8, 14, tzinfo=UTC)
"""Midnight before the time that is kept: days go as wholes."""


@pytest.fixture
def retention(database: Database) -> Retention:
    return Retention(database, kept=KEPT, step=7)


def store_events(tables: Any, account_id: str, *occurred: datetime) -> None:
    """Store events as the store does: with their counts by minute, hour and day."""
    for number, at in enumerate(occurred):
        tables.connection.execute(
            "INSERT INTO events (account_id, event_id, type, occurred_at, received_at) VALUES (%s, %s, 'x', %s, %s)",
            (account_id, f"{account_id}-{number}", at, at),
        )
        for width, unit in ((1, "minute"), (60, "hour"), (1440, "day")):
            tables.connection.execute(
                "INSERT INTO event_rollups VALUES (%s, %s, date_trunc(%s, %s::timestamptz, 'UTC'), 'x', 1, %s, %s)"
                " ON CONFLICT (account_id, width, bucket, type) DO UPDATE SET events = event_rollups.events + 1",
                (account_id, width, unit, at, at, at),
            )


def test_events_of_days_past_the_retention_go_and_younger_ones_stay(
    retention: Retention, tables: Any, world: Any
) -> None:
    old = [EDGE - timedelta(microseconds=1), *(EDGE - timedelta(hours=hour) for hour in range(1, 31))]
    young = [EDGE, EDGE + timedelta(hours=5), NOW]
    store_events(tables, "acme", *young, *old)
    store_events(tables, "bolt", *old)
    store_events(tables, "corner", *young)

    assert retention.enforce(NOW).events == 62

    assert tables.rows("SELECT account_id, count(*), min(occurred_at) FROM events GROUP BY 1 ORDER BY 1") == [
        ("acme", 3, EDGE),
        ("corner", 3, EDGE),
    ]
    by_width = "SELECT account_id, width, sum(events)::int FROM event_rollups GROUP BY 1, 2 ORDER BY 1, 2"
    assert tables.rows(by_width) == [
        (account_id, width, events)
        for account_id in ("acme", "corner")
        for width, events in ((1, 3), (60, 3), (1440, 3))
    ]
    assert retention.enforce(NOW).events == 0


def test_what_became_of_old_batches_is_added_up_and_the_books_stay_as_they_were(
    retention: Retention, database: Database, tables: Any
) -> None:
    tables.connection.execute(
        "INSERT INTO batch_outcomes SELECT account_id, '07n-' || n, received_at, received_at, 2, 1, 1, 1"
        " FROM unnest(ARRAY['acme', 'bolt']) AS account_id, generate_series(1, 40) AS n,"
        " LATERAL (SELECT timestamptz '2026-08-14 00:00Z' + (n - 30) * interval '1 hour' AS received_at) AS at"
    )
    with database.begin() as connection:
        before = balance_store.outcomes(connection)

    assert retention.enforce(NOW).batches == 2 * 29
    assert retention.enforce(NOW).batches == 0

    with database.begin() as connection:
        assert balance_store.outcomes(connection) == before == (160, 80, 80)
    assert tables.rows("SELECT batch_id, stored, duplicates, dead, revived FROM batch_outcomes WHERE account_id = 'acme'"
                       " AND received_at < '2026-08-14' ORDER BY 1") == [
        ("folded-2026-08-12", 10, 5, 5, 5),
        ("folded-2026-08-13", 48, 24, 24, 24),
    ]  # fmt: skip


def test_a_run_that_was_cut_off_is_finished_by_the_next(
    retention: Retention, database: Database, tables: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_events(tables, "acme", *(EDGE - timedelta(hours=hour) for hour in range(1, 31)))
    begin, left = database.begin, iter(range(3))

    def cut_off() -> Any:
        if next(left, None) is None:
            raise ConnectionError
        return begin()

    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(database, "begin", cut_off)
        retention.enforce(NOW)
    assert 0 < tables.rows("SELECT count(*) FROM events")[0][0] <= 30

    retention.enforce(NOW)

    assert tables.rows("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM event_rollups)") == [(0, 0)]


def test_letters_that_died_before_the_retention_go(retention: Retention, tables: Any) -> None:
    tables.connection.execute(
        "INSERT INTO dead_letters SELECT 'acme', '07n-1-' || n, 0, 'e', 'x', 'kept-failing', '', 3, '', died_at, died_at"
        " FROM generate_series(1, 20) AS n,"
        " LATERAL (SELECT timestamptz '2026-08-14 00:00Z' + (n - 10) * interval '1 hour' AS died_at) AS at"
    )

    assert retention.enforce(NOW).letters == 9

    assert tables.rows("SELECT count(*), min(died_at) FROM dead_letters") == [(11, EDGE)]


def test_a_batch_is_added_up_only_once_none_of_its_letters_can_be_replayed(
    retention: Retention, database: Database, tables: Any
) -> None:
    received = EDGE - timedelta(hours=3)
    tables.connection.execute(
        "INSERT INTO batch_outcomes SELECT 'acme', '07n-' || n || '-0', %s, %s, 1, 0, 2, 0"
        " FROM generate_series(1, 20) AS n",
        (received, received),
    )
    tables.connection.execute(
        "INSERT INTO dead_letters SELECT 'acme', '07n-' || n || '-0', 0, 'e' || n, 'x', 'kept-failing', '', 3,"
        ' convert_to(\'{"event_id": "e\' || n || \'", "type": "x"}\', \'UTF8\'), %s, %s FROM generate_series(1, 9) AS n',
        (received, EDGE),
    )

    assert retention.enforce(NOW).batches == 11

    replayer = Replayer(database, statement_events=100, clock=lambda: NOW)
    assert replayer.replay("acme", [LetterId(f"07n-{number}-0", 0) for number in range(1, 10)]) == 9
    with database.begin() as connection:
        assert balance_store.outcomes(connection) == (29, 0, 31)
    assert retention.enforce(NOW).batches == 9
    with database.begin() as connection:
        assert balance_store.outcomes(connection) == (29, 0, 31)
