"""PostgreSQL: one pool an engine, transactions with deadlines, driver errors in our words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import create_engine, event, exc, make_url, text

from app.core.errors import DependencyTimeoutError, DependencyUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine

    from app.core.errors import DependencyError

_UNAVAILABLE_CLASSES = ("08", "53", "57P")
"""SQLSTATE classes of a server that is not there: connection, resources, operator intervention (shutdown)."""
_TIMEOUTS = ("57014", "55P03", "25P03", "25P04")
"""Cancelled by statement_timeout, lock not available, idle or whole transaction too long."""
_READ_ONLY = "25006"
"""A primary that became a standby: not the one we want to write to, and soon another one is."""


class Database:
    """A pool of connections to one PostgreSQL, for one kind of work.

    Everything that must hold for a statement is set in its own transaction, so that PgBouncer in transaction
    mode may stand between.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        statement_timeout_ms: int = 5_000,
        lock_timeout_ms: int = 2_000,
        pool_timeout_s: float = 2.0,
        connect_timeout_s: int = 2,
        prepared_statements: bool = True,
        name: str = "slipstream",
    ) -> None:
        self.engine: Engine = create_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout_s,
            pool_recycle=1_800,
            pool_use_lifo=True,
            connect_args={
                "connect_timeout": connect_timeout_s,
                "application_name": name,
                "prepare_threshold": 5 if prepared_statements else None,
                # A peer that vanished without a word is noticed by the kernel, within the order of a deadline.
                "tcp_user_timeout": 10_000,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 2,
            },
        )
        local = "; ".join(
            (
                "SET LOCAL timezone = 'UTC'",
                f"SET LOCAL statement_timeout = {int(statement_timeout_ms)}",
                f"SET LOCAL lock_timeout = {int(lock_timeout_ms)}",
            )
        )

        @event.listens_for(self.engine, "begin")
        def _set_up(connection: Connection) -> None:
            driver = connection.connection.driver_connection
            if isinstance(driver, psycopg.Connection):
                driver.execute(local, prepare=False)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Give a connection inside a transaction that commits at the end.

        Raises `DependencyUnavailableError` when the server cannot be reached or refuses work, and
        `DependencyTimeoutError` when a statement, a lock or a free connection took too long. Errors of the statement itself
        (`sqlalchemy.exc.DataError`, `IntegrityError`, …) pass through.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except (exc.SQLAlchemyError, psycopg.Error) as error:
            translated = translate(error)
            if translated is None:
                raise
            raise translated from error

    def ping(self) -> None:
        """Ask for one; raises as `begin` does."""
        with self.begin() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()


def sqlalchemy_url(url: str) -> URL:
    """Name the driver that we use, whatever way of writing a PostgreSQL address came in."""
    parsed = make_url(url)
    return parsed.set(drivername="postgresql+psycopg")


def translate(error: BaseException) -> DependencyError | None:
    """Return our word for a driver's error, or None when the fault is the statement's own."""
    if isinstance(error, exc.TimeoutError):
        return DependencyUnavailableError("postgresql", "no free connection in the pool in time")
    if isinstance(error, exc.DBAPIError):
        if error.connection_invalidated:
            return DependencyUnavailableError("postgresql", "the connection was lost")
        original = error.orig
        return translate(original) if original is not None else None
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate
    if state in _TIMEOUTS:
        return DependencyTimeoutError("postgresql", f"gave up after its deadline (SQLSTATE {state})")
    if state is not None and (state.startswith(_UNAVAILABLE_CLASSES) or state == _READ_ONLY):
        return DependencyUnavailableError("postgresql", f"refuses work (SQLSTATE {state})")
    if state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return DependencyUnavailableError("postgresql", "cannot be reached")
    return None
