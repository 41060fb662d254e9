"""Adding up, while others are at it, and after a long time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core.restatements_store import KEPT
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


def test_notes_of_late_requests_are_kept_until_they_are_added_up(database: Database) -> None:
    rollups = Rollups(database)
    add(database, 3)
    rollups.add_up(NOW)
    add(database, 4)

    rollups.purge_restatements(NOW + 100 * KEPT)
    rollups.add_up(NOW)

    assert added_up(database) == 7
    assert rollups.purge_restatements(NOW + 100 * KEPT) > 0
