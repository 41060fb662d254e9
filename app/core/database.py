"""PostgreSQL: one pool an engine, transactions with deadlines, driver errors in our words."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import psycopg
from sqlalchemy import create_engine, event, exc, make_url, text

from app.core import deadline
from app.core.bulkhead import Bulkhead
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError, OverloadedError
from app.core.patient_connection import PatientConnection, SilentServerError
from app.core.silence import Silence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine

    from app.core.errors import DependencyError

_UNAVAILABLE_CLASSES = ("08", "53", "57P", "XX000")
"""SQLSTATE classes of a server that is not there: connection, resources, operator intervention (shutdown).

XX000 is how Citus says that a node was lost in the middle of a transaction, and never what a statement can be blamed for.
"""
_TIMEOUTS = ("57014", "55P03", "25P03", "25P04")
"""Cancelled by statement_timeout, lock not available, idle or whole transaction too long."""
_READ_ONLY = "25006"
"""A primary that became a standby: not the one we want to write to, and soon another one is."""
_MARGIN_S = 0.1
"""So much before the request's deadline the server cancels a statement, and the connection lives on."""
_CONCLUSIVE_S = 0.5
"""A server that says nothing for so long, even that it has cancelled the statement, is silent."""
_IDLE_MS = 10_000
"""Between two statements we compute for milliseconds; who is silent for longer has been frozen, and lets go of its locks."""
_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


class Database:
    """A pool of connections to one PostgreSQL, for one kind of work: a bulkhead, whose places are the connections.

    Everything that must hold for a statement is set in its own transaction, so that PgBouncer in transaction
    mode may stand between. Within a request nothing takes longer than its deadline leaves (`app.core.deadline`).
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        statement_timeout_ms: int = 5_000,
        lock_timeout_ms: int = 2_000,
        pool_timeout_s: float = 2.0,
        waiting: int | None = None,
        connect_timeout_s: int = 2,
        prepared_statements: bool = True,
        name: str = "slipstream",
    ) -> None:
        self.bulkhead = Bulkhead(name, places=pool_size, patience_s=pool_timeout_s, waiting=waiting)
        self.engine: Engine = create_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=0,  # Who has a place in the bulkhead has a connection.
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
        self._pool_size = pool_size
        self._statement_timeout_s = statement_timeout_ms / 1_000
        self._lock_timeout_ms = int(lock_timeout_ms)
        self._silence = Silence(
            "postgresql", trial_s=connect_timeout_s + self._statement_timeout_s, patience_s=_CONCLUSIVE_S
        )
        self._known = False
        self._first = threading.Lock()

        @event.listens_for(self.engine, "do_connect")
        def _dial(_dialect: object, _record: object, args: Any, options: Any) -> PatientConnection:
            return PatientConnection.dial(
                *args, timeout_s=connect_timeout_s, statement_timeout_s=self._statement_timeout_s, **options
            )

    @contextmanager
    def begin(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """Give a connection inside a transaction that commits at the end; with `snapshot` one that reads, and sees one moment.

        Raises `DependencyUnavailableError` when the server cannot be reached or refuses work, `OverloadedError` when too
        many others use or want the connections, and `DependencyTimeoutError` when a statement or a lock took too long, or
        the server gave no answer. Errors of the statement itself (`sqlalchemy.exc.DataError`, `IntegrityError`, …) pass
        through.
        """
        deadline.time_for("postgresql", self._statement_timeout_s)
        with self.bulkhead.place(), self._translation():
            self._silence.ask()
            with self._open() as connection:
                self._silence.broken()
                if snapshot:
                    connection.execute(_SNAPSHOT)
                yield connection
                connection.commit()

    @contextmanager
    def _translation(self) -> Iterator[None]:
        try:
            yield
        except (exc.SQLAlchemyError, psycopg.Error) as error:
            silent = _silence_in(error)
            if silent is None:
                self._silence.broken()
            else:
                self._silence.kept(waited_s=silent.waited_s)
            translated = translate(error)
            if translated is None:
                raise
            raise translated from error

    def _open(self) -> Connection:
        """Return a connection in a transaction. Those that died in the pool are noticed, and replaced, before any work."""
        for _ in range(self._pool_size + 1):
            connection = self._connect()
            driver = _driver_of(connection)
            try:
                connection.begin()
                driver.execute(self._limits(), prepare=False)
            except BaseException as error:
                if driver.closed:
                    connection.invalidate(error)
                connection.close()
                lost = isinstance(error, psycopg.Error) and driver.closed and _silence_in(error) is None
                if not lost:
                    raise
            else:
                return connection
        raise DependencyUnavailableError("postgresql", "every connection was lost at once")

    def _connect(self) -> Connection:
        """Take a connection from the pool. SQLAlchemy holds a lock without a timeout while it gets to know the server."""
        if self._known:
            return self.engine.connect()
        if not self._first.acquire(timeout=deadline.left(self._statement_timeout_s)):
            raise DependencyTimeoutError("postgresql", "nobody has connected in time")
        try:
            connection = self.engine.connect()
            self._known = True
            return connection
        finally:
            self._first.release()

    def _limits(self) -> str:
        """Return the statements that make the server give up a little before we do."""
        statement_s = deadline.left(self._statement_timeout_s + _MARGIN_S) - _MARGIN_S
        statement_ms = max(1, round(statement_s * 1_000))
        return (
            f"SET LOCAL timezone = 'UTC'; SET LOCAL statement_timeout = {statement_ms}; "
            f"SET LOCAL lock_timeout = {self._lock_timeout_ms}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {_IDLE_MS}"
        )

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
    if _silence_in(error) is not None:
        return DependencyTimeoutError("postgresql", "gave no answer")
    if isinstance(error, exc.TimeoutError):
        return OverloadedError("postgresql", "no free connection in the pool")
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


def _silence_in(error: BaseException) -> SilentServerError | None:
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    return original if isinstance(original, SilentServerError) else None


def _driver_of(connection: Connection) -> PatientConnection:
    return cast("PatientConnection", connection.connection.driver_connection)
