"""What others may do to a PostgreSQL that we share with them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CONNECT_TIMEOUT_S = 3
_OTHERS = "FROM pg_stat_activity WHERE usename = current_user AND application_name <> 'nuisance'"
_TERMINATE = f"SELECT count(pg_terminate_backend(pid)) {_OTHERS}"
_COUNT = f"SELECT count(*) {_OTHERS}"
_SLOW_DOWN = """
    CREATE FUNCTION nuisance() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NULL; END';
    CREATE TRIGGER nuisance BEFORE INSERT ON batch_outcomes FOR EACH STATEMENT EXECUTE FUNCTION nuisance();
"""
_SPEED_UP = "DROP FUNCTION nuisance() CASCADE"


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


@contextmanager
def terminator(database_url: str) -> Iterator[Callable[[], object]]:
    """Give what ends all connections of the application, over one that is open already."""
    with _connect(database_url) as connection:
        yield lambda: connection.execute(_TERMINATE)


def _take_all(database_url: str, held: list[psycopg.Connection]) -> None:
    while True:
        try:
            held.append(_connect(database_url))
        except psycopg.OperationalError:
            return


def _value(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])
