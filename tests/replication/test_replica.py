"""Whether a replica is current, told by how far it has replayed what the primary had written, not by its own clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.core.database import Database
from app.core.errors import DependencyError
from app.core.replica import Replica

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.replication.conftest import Standby

    Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def replica(database: Database, replica_url: str) -> Iterator[Replica]:
    readers, watched = Database(replica_url), Database(replica_url, pool_size=1)
    yield Replica(readers, watched=watched, primary=database, max_lag_s=5.0)
    readers.close()
    watched.close()


def caught_up(replica: Replica) -> Callable[[], bool]:
    def look() -> bool:
        replica.look()
        return replica.lag_s() is not None

    return look


def write(database: Database, n: int) -> None:
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS t (n int)"))
        connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": n})


def test_before_the_first_look_nobody_reads_from_it(replica: Replica) -> None:
    assert replica.lag_s() is None


def test_what_was_written_before_the_moment_it_tells_can_be_read(
    replica: Replica, database: Database, eventually: Eventually
) -> None:
    for n in range(5):
        write(database, n)
        written_at = time.monotonic()

        def current(since: float = written_at) -> bool:
            replica.look()
            lag_s = replica.lag_s()
            return lag_s is not None and time.monotonic() - lag_s > since

        eventually(current)
        with replica.database.begin() as connection:
            assert connection.execute(text("SELECT max(n) FROM t")).scalar_one() == n


def test_a_primary_without_traffic_is_no_lag(replica: Replica, eventually: Eventually) -> None:
    eventually(caught_up(replica))

    time.sleep(0.2)
    replica.look()

    lag_s = replica.lag_s()
    assert lag_s is not None
    assert lag_s < 5.0


def test_a_replica_that_replays_nothing_falls_behind(
    replica: Replica, standby: Standby, database: Database, eventually: Eventually
) -> None:
    replica._max_lag_s = 0.5
    eventually(caught_up(replica))
    standby.tell("SELECT pg_wal_replay_pause()")
    eventually(lambda: standby.tell("SELECT pg_get_wal_replay_pause_state()") == "paused")
    write(database, 1)

    def behind() -> bool:
        replica.look()
        return replica.lag_s() is None

    eventually(behind)
    standby.tell("SELECT pg_wal_replay_resume()")
    eventually(caught_up(replica))


def test_a_replica_that_is_gone_is_not_read_from_and_is_again_when_it_is_back(
    replica: Replica, standby: Standby, eventually: Eventually
) -> None:
    eventually(caught_up(replica))
    standby.stop()

    with pytest.raises(DependencyError):
        replica.look()
    assert replica.lag_s() is None

    standby.start()
    standby.wait_ready()

    def back() -> bool:
        try:
            return caught_up(replica)()
        except DependencyError:
            return False

    eventually(back)


def test_a_reader_who_gets_no_answer_keeps_the_others_away(replica: Replica, eventually: Eventually) -> None:
    eventually(caught_up(replica))

    replica.failed()

    assert replica.lag_s() is None
    eventually(caught_up(replica))


def test_a_primary_is_no_replica(database: Database) -> None:
    """As after somebody has promoted it: it goes its own way from then on."""
    replica = Replica(database, watched=database, primary=database, max_lag_s=60)

    replica.look()

    assert replica.lag_s() is None
