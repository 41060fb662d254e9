"""Adding up, while others are at it, and after a long time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.core.errors import DependencyTimeoutError
from app.core.restatements_store import KEPT, spans_of
from app.core.telemetry import rollup_store
from app.core.telemetry.additions_store import add_requests
from app.core.telemetry.rollups import Rollups
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from app.core.database import Database

NOW = datetime.now(UTC)
EARLIER = minute_of(NOW - timedelta(hours=3))


def add(database: Database, requests: int, *, minute: int = EARLIER) -> None:
    with database.begin() as connection:
        add_requests(connection, "shop", {(minute, "acme", "/pay", "POST", "", 200, "", None): requests})


def added_up(database: Database) -> int:
    with database.begin() as connection:
        return int(
            connection.execute(
                text("SELECT coalesce(sum(requests), 0) FROM request_rollups WHERE width = 15")
            ).scalar_one()
        )


def test_whoever_finds_somebody_at_it_leaves_at_once(database: Database) -> None:
    rollups = Rollups(database)
    rollups.add_up(NOW)
    add(database, 3)

    with database.begin() as connection:
        assert rollup_store.hold_progress(connection) is not None
        assert rollups.add_up(NOW) == 0
        assert added_up(database) == 0
    rollups.add_up(NOW)

    assert added_up(database) == 3


def test_the_first_who_adds_up_keeps_nobody_waiting(database: Database) -> None:
    with database.begin() as connection:
        rollup_store.begin(connection)
    with database.begin() as first:
        assert rollup_store.hold_progress(first) is not None
        with database.begin() as second:
            rollup_store.begin(second)
            assert rollup_store.hold_progress(second) is None


def test_what_is_added_up_again_of_a_day_stays_when_another_day_cannot_be(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollups = Rollups(database)
    days = [EARLIER - number * rollup_store.DAY for number in range(3)]
    for minute in days:
        add(database, 1, minute=minute)
    rollups.add_up(NOW)
    for minute in days:
        add(database, 10, minute=minute)
    add_up = rollup_store.add_up

    def fail_in_the_end(*args: Any, since: datetime, **spans: Any) -> None:
        if minute_of(since) > days[1]:
            raise DependencyTimeoutError("postgresql", "gave up")
        add_up(*args, since=since, **spans)

    with monkeypatch.context() as patch, pytest.raises(DependencyTimeoutError):
        patch.setattr(rollup_store, "add_up", fail_in_the_end)
        rollups.add_up(NOW)
    assert added_up(database) == 23
    rollups.add_up(NOW)

    assert added_up(database) == 33


def test_what_lies_between_late_minutes_is_not_restated() -> None:
    minutes = [EARLIER + 30, EARLIER, EARLIER + 14, EARLIER + 3, EARLIER]

    assert spans_of("shop", minutes) == [("shop", EARLIER, EARLIER + 14), ("shop", EARLIER + 30, EARLIER + 30)]
    assert spans_of("shop", []) == []


def test_notes_of_late_requests_are_kept_until_they_are_added_up(database: Database) -> None:
    rollups = Rollups(database)
    add(database, 3)
    rollups.add_up(NOW)
    add(database, 4)

    rollups.purge_restatements(NOW + 100 * KEPT)
    rollups.add_up(NOW)

    assert added_up(database) == 7
    assert rollups.purge_restatements(NOW + 100 * KEPT) > 0
