"""A large account is read from the replica; when that lags, hangs or is gone, from the primary over connections of its own.

Through the whole API. Replay is paused so that it shows which of the two was read: the replica then knows an older count.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.errors import DependencyError
from app.freeze import frozen
from ingestion.batches import Row, microseconds
from ingestion.insertion import insert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

    from app.composition import Api
    from app.core.database import Database
    from app.core.settings import Settings
    from tests.conftest import Member, World
    from tests.replication.conftest import Standby

    Eventually = Callable[[Callable[[], object]], None]

_numbers = count()


def store(database: Database, account_id: str, events: int) -> None:
    now = microseconds(datetime.now(UTC))
    rows = [Row(account_id, f"event-{next(_numbers)}", 0, n, "a", now, now, None, None) for n in range(events)]
    with database.begin() as connection:
        insert(connection, sorted(rows), statement_events=5_000, careful=False)


class Reader:
    """A client of an API whose replica is `standby`; `acme` is large with 5 events, `bolt` is small with 1."""

    def __init__(self, api: Api, standby: Standby, eventually: Eventually) -> None:
        self.api = api
        self._client = api.app.test_client()
        self._standby = standby
        self._eventually = eventually

    def look(self, work: str) -> None:
        """Do once what else a thread does every second."""
        (action,) = [repeating._action for repeating in self.api._beside if repeating._name == work]
        action()

    def follow(self) -> None:
        """Look until the replica is known to be current."""

        def current() -> bool:
            self.look("replica")
            return self.replica.lag_s() is not None

        self._eventually(current)

    @property
    def replica(self) -> Any:
        (look,) = [repeating._action for repeating in self.api._beside if repeating._name == "replica"]
        return look.__self__  # type: ignore[attr-defined]  # A bound method.

    def pause(self) -> None:
        self._standby.tell("SELECT pg_wal_replay_pause()")
        self._eventually(lambda: self._standby.tell("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def get(self, member: Member) -> TestResponse:
        path = f"/accounts/{member.account_id}/summary?window=1h"
        return self._client.get(path, headers={"Authorization": f"Bearer {member.key}"})

    def body(self, member: Member) -> dict[str, Any]:
        response = self.get(member)
        assert response.status_code == 200, response.text
        assert response.json is not None
        return dict(response.json)


@pytest.fixture
def reader(
    settings: Settings, replica_url: str, world: World, database: Database, standby: Standby, eventually: Eventually
) -> Iterator[Reader]:
    store(database, "acme", 5)
    store(database, "bolt", 1)
    ours = replace(
        settings,
        database_replica_url=replica_url,
        large_account_events=5,
        large_summary_pool_size=1,
        replica_max_lag_s=30,
        request_deadline_ms=3_000,
        # Nothing is cached, so that every answer is read.
        summary_fresh_s=0,
        large_summary_fresh_s=0,
        summary_stale_s=0,
    )
    api = compose_api(ours, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    reader = Reader(api, standby, eventually)
    reader.look("account sizes")
    reader.follow()
    yield reader
    api.close()


def test_a_large_account_is_read_from_the_replica_and_its_summary_says_as_of_when(
    reader: Reader, world: World, database: Database
) -> None:
    reader.pause()
    paused_at = datetime.now(UTC)
    store(database, "acme", 2)

    body = reader.body(world.alice)

    assert body["total"] == 5
    assert datetime.fromisoformat(body["as_of"]) < paused_at


def test_a_small_account_is_read_from_the_primary(reader: Reader, world: World, database: Database) -> None:
    reader.pause()
    store(database, "bolt", 2)

    assert reader.body(world.bob)["total"] == 3


def test_a_replica_that_lags_is_not_read_from(reader: Reader, world: World, database: Database) -> None:
    reader.pause()
    store(database, "acme", 2)
    reader.replica._max_lag_s = 0.0

    assert reader.body(world.alice)["total"] == 7


def test_without_the_replica_a_large_account_is_read_from_the_primary(
    reader: Reader, world: World, standby: Standby
) -> None:
    standby.stop()

    assert reader.body(world.alice)["total"] == 5

    with pytest.raises(DependencyError):
        reader.look("replica")
    assert reader.body(world.alice)["total"] == 5


def test_without_the_replica_large_accounts_do_not_take_the_connections_of_small_ones(
    reader: Reader, world: World, standby: Standby
) -> None:
    standby.stop()
    with reader.api._pools._opened["large summaries"].begin():
        refused, small = reader.get(world.alice), reader.get(world.bob)

    assert (refused.status_code, refused.json and refused.json["type"].rpartition("/")[2]) == (503, "overloaded")
    assert int(refused.headers["Retry-After"]) >= 1
    assert small.status_code == 200


def test_a_replica_that_hangs_costs_one_request_half_its_deadline_and_the_others_nothing(
    reader: Reader, world: World, standby: Standby
) -> None:
    assert reader.body(world.alice)["total"] == 5
    assert standby.pid is not None
    with frozen(standby.pid):
        assert reader.body(world.alice)["total"] == 5
        assert reader.replica.lag_s() is None
        assert reader.body(world.alice)["total"] == 5


def test_a_replica_that_comes_back_is_read_from_again(
    reader: Reader, world: World, standby: Standby, database: Database
) -> None:
    standby.stop()
    assert reader.body(world.alice)["total"] == 5
    standby.start()
    standby.wait_ready()

    def back() -> bool:
        try:
            reader.follow()
        except DependencyError:
            return False
        return True

    reader._eventually(back)
    reader.pause()
    store(database, "acme", 2)
    assert reader.body(world.alice)["total"] == 5
