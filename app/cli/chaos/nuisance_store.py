"""What others may do to a PostgreSQL that we share with them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_CONNECT_TIMEOUT_S = 3
_BETWEEN_LOCKS_S = 0.005
_STATISTICS_S = 1.5
"""A session tells its statistics once a second at most."""
_OTHERS = "FROM pg_stat_activity WHERE usename = current_user AND application_name <> 'nuisance'"
_TERMINATE = f"SELECT count(pg_terminate_backend(pid)) {_OTHERS}"
_COUNT = f"SELECT count(*) {_OTHERS}"
_SLOW_DOWN = """
    CREATE FUNCTION nuisance() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NULL; END';
    CREATE TRIGGER nuisance BEFORE INSERT ON batch_outcomes FOR EACH STATEMENT EXECUTE FUNCTION nuisance();
"""
_SPEED_UP = "DROP FUNCTION nuisance() CASCADE"
POISON = "chaos.poison"
"""A type of events that PostgreSQL refuses once `refuse_poison` has been here."""
_REFUSE = f"""
    ALTER TABLE events DROP CONSTRAINT IF EXISTS nuisance;
    ALTER TABLE events ADD CONSTRAINT nuisance CHECK (type <> '{POISON}') NOT VALID;
"""
_DEAD = "SELECT dead FROM batch_outcomes WHERE batch_id = ANY(%s)"
_HOT_ROWS = """
    SELECT account_id, width, bucket, type FROM event_rollups
    WHERE width >= 60 AND bucket > now() - interval '8 days' ORDER BY 1 DESC, 2 DESC, 3 DESC, 4 DESC LIMIT 200
"""
_LOCK_ROW = """
    SELECT 1 FROM event_rollups WHERE (account_id, width, bucket, type) = (%s, %s, %s, %s) FOR UPDATE
"""
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def _connect(database_url: str) -> psycopg.Connection:
    return psycopg.connect(
        database_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, application_name="nuisance"
    )


@contextmanager
def locked_tables(database_url: str) -> Iterator[None]:
    """Hold locks that let nobody else read or write events and their counts."""
    with _connect(database_url) as connection, connection.transaction():
        connection.execute("LOCK TABLE events, event_rollups, batch_outcomes IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def slow_inserts(database_url: str) -> Iterator[None]:
    """Let every statement that stores the outcomes of batches take 2 s longer."""
    with _connect(database_url) as connection:
        connection.execute(_SLOW_DOWN)
        try:
            yield
        finally:
            connection.execute(_SPEED_UP)


@contextmanager
def no_connections(database_url: str) -> Iterator[None]:
    """Take every connection that the server has to give, those of all others included; raises `TimeoutError` if it cannot."""
    held = [_connect(database_url)]
    try:
        deadline = time.monotonic() + 10 * _CONNECT_TIMEOUT_S
        while True:
            _take_all(database_url, held)
            if not _value(held[0], _COUNT):
                break
            if time.monotonic() > deadline:
                raise TimeoutError("others are quicker to connect")
            _value(held[0], _TERMINATE)
        yield
    finally:
        for connection in held:
            connection.close()


def terminate_all(database_url: str, seconds: float, every_s: float) -> int:
    """End all connections of the application again and again; returns how many it were."""
    ended, until = 0, time.monotonic() + seconds
    with _connect(database_url) as connection:
        while time.monotonic() < until:
            ended += _value(connection, _TERMINATE)
            time.sleep(every_s)
    return ended


def lock_backwards(superuser_url: str, seconds: float) -> int:
    """Lock rows that workers write, in the other order than theirs; returns how many deadlocks PostgreSQL has ended.

    Only a superuser can wait for a deadlock's end longer than others do, so that they are its victims.
    """
    until = time.monotonic() + seconds
    with _connect(superuser_url) as connection:
        before = _value(connection, _DEADLOCKS)
        connection.execute("SET deadlock_timeout = '20s'")
        while time.monotonic() < until:
            rows = connection.execute(_HOT_ROWS).fetchall()
            try:
                with connection.transaction():
                    for row in rows:
                        connection.execute(_LOCK_ROW, row)
                        time.sleep(_BETWEEN_LOCKS_S)
            except psycopg.errors.DeadlockDetected:
                continue
        time.sleep(_STATISTICS_S)
        return _value(connection, _DEADLOCKS) - before


def refuse_poison(database_url: str) -> None:
    """Let PostgreSQL refuse events of the type `POISON` from now on."""
    with _connect(database_url) as connection, connection.transaction():
        connection.execute(_REFUSE)


def dead_of(database_url: str, batch_ids: Sequence[str]) -> list[int]:
    """Return how many events of each batch are dead letters, for those that have an outcome."""
    with _connect(database_url) as connection:
        return [dead for (dead,) in connection.execute(_DEAD, (list(batch_ids),))]


def connections(database_url: str) -> int:
    """Return how many connections the application has."""
    with _connect(database_url) as connection:
        return _value(connection, _COUNT)


@contextmanager
def terminator(database_url: str) -> Iterator[Callable[[], int]]:
    """Give what ends all connections of the application and counts them, over one that is open already."""
    with _connect(database_url) as connection:
        yield lambda: _value(connection, _TERMINATE)


def _take_all(database_url: str, held: list[psycopg.Connection]) -> None:
    while True:
        try:
            held.append(_connect(database_url))
        except psycopg.OperationalError:
            return


def _value(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])
