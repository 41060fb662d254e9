"""A connection to PostgreSQL that gives up by itself.

The server's own timeouts do not help when the server is frozen, cut off, or starved. libpq has a limit for connecting
alone (`tcp_user_timeout` is for unacknowledged bytes, and not for Unix sockets), so every wait for the socket has one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
from psycopg.rows import TupleRow

from app.core import deadline
from app.core.beside import run_beside

if TYPE_CHECKING:
    from psycopg.abc import PQGen

T = TypeVar("T")

_GRACE_S = 1.0
"""The server cancels a statement by itself, and gets so much time to say so before it counts as silent."""
_SHORTEST_S = 0.05
"""Enough for a healthy server to roll back past the deadline, so that the connection need not be thrown away."""


class SilentServerError(psycopg.OperationalError):
    """The server gave no answer in time; the connection is closed, and what became of the statement is unknown."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(f"no answer in {waited_s:.1f} s")
        self.waited_s = waited_s


class PatientConnection(psycopg.Connection[TupleRow]):
    """Waits for one answer up to the statement's limit and a little, and never past the request's deadline."""

    longest_wait_s = 60.0

    @classmethod
    def dial(cls, conninfo: str = "", *, timeout_s: float, statement_timeout_s: float, **options: Any) -> Self:
        """Connect, by the deadline. Raises as `connect` does, and `SilentServerError`.

        On a thread beside this one: the resolution of a name cannot be interrupted, and libpq counts whole seconds.
        """
        limit_s = deadline.left(timeout_s)
        try:
            connection = run_beside(
                lambda: cls.connect(conninfo, **options), timeout_s=limit_s, discard=psycopg.Connection.close
            )
        except (TimeoutError, psycopg.errors.ConnectionTimeout) as error:
            raise SilentServerError(limit_s) from error
        connection.longest_wait_s = statement_timeout_s + _GRACE_S
        return connection

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Do what the driver does at every wait for the server, with our limit."""
        limit_s = max(_SHORTEST_S, deadline.left(self.longest_wait_s))
        if timeout is not None:
            limit_s = min(limit_s, timeout)
        since = time.monotonic()
        try:
            return super().wait(gen, interval, limit_s)
        except psycopg.OperationalError as error:
            if error.sqlstate is not None or limit_s == timeout or time.monotonic() < since + limit_s:
                raise
            # An answer that comes later would be taken for the next statement's.
            self.pgconn.finish()
            raise SilentServerError(limit_s) from error
