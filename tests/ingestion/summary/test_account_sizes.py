"""Large is who has many events stored; known without asking, and looked up now and then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.core.database import Database
from app.core.errors import DependencyError
from ingestion.summary import account_sizes as module
from ingestion.summary import account_sizes_store
from ingestion.summary.account_sizes import AccountSizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from tests.conftest import World

    StoreEvents = Callable[[str, Iterable[tuple[str, datetime]]], None]


def large(sizes: AccountSizes) -> set[str]:
    return {account_id for account_id in ("acme", "bolt", "corner") if sizes.is_large(account_id)}


def test_until_the_first_look_all_are_small(database: Database) -> None:
    assert large(AccountSizes(database, threshold=1)) == set()


def test_an_account_is_large_from_so_many_stored_events_on(
    database: Database, world: World, store_events: StoreEvents, now: datetime
) -> None:
    sizes = AccountSizes(database, threshold=4)
    store_events("acme", [("a", now), ("b", now), ("a", now - timedelta(days=300)), ("a", now)])
    store_events("bolt", [("a", now)] * 3)

    sizes.look()

    assert large(sizes) == {"acme"}


def test_an_account_that_grows_becomes_large(
    database: Database, world: World, store_events: StoreEvents, now: datetime
) -> None:
    sizes = AccountSizes(database, threshold=2)
    store_events("bolt", [("a", now)])
    sizes.look()
    assert large(sizes) == set()

    store_events("bolt", [("a", now)])
    sizes.look()

    assert large(sizes) == {"bolt"}


def test_every_page_of_accounts_is_looked_at(
    database: Database, world: World, store_events: StoreEvents, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 1)
    sizes = AccountSizes(database, threshold=1)
    for account_id in ("acme", "corner"):
        store_events(account_id, [("a", now)])

    sizes.look()

    assert large(sizes) == {"acme", "corner"}


def test_while_postgresql_is_away_what_was_known_stays(
    database: Database, world: World, store_events: StoreEvents, now: datetime
) -> None:
    sizes = AccountSizes(database, threshold=1)
    store_events("acme", [("a", now)])
    sizes.look()

    sizes._database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DependencyError):
        sizes.look()

    assert large(sizes) == {"acme"}


@pytest.mark.embedded
def test_a_look_reads_days_alone(database: Database, world: World, store_events: StoreEvents, now: datetime) -> None:
    """Its cost must grow with days, or it would grow with events."""
    store_events("acme", [("a", now - timedelta(minutes=n)) for n in range(2_000)])
    explain = text("EXPLAIN (ANALYZE, FORMAT JSON) " + account_sizes_store._LARGE.text)
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))
        assert connection.execute(text("SELECT count(*) FROM event_rollups WHERE width = 1")).scalar_one() == 2_000
        plan = connection.execute(explain, {"accounts": ["acme"], "threshold": 1}).scalar_one()

    (scan,) = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "event_rollups"]
    assert scan["Actual Rows"] * scan["Actual Loops"] <= 3
    assert scan.get("Rows Removed by Filter", 0) == 0


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
