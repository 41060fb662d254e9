"""One Valkey server as a process sees it: a connection a thread, a deadline on every exchange, and what is known of it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from app.core import deadline
from app.core.errors import DependencyTimeoutError
from app.core.silence import Silence
from app.core.together import Together
from app.core.valkey_connection import Connection

if TYPE_CHECKING:
    from app.core.valkey_connection import Address

_LARGEST_IN_COMPANY = 65_536
"""Bytes of commands that others need not wait for."""


class Node:
    """Thread-safe. Errors are those of `Valkey.execute`, but for what the server itself says, which is among the replies."""

    def __init__(self, address: Address, *, timeout_s: float, together: bool) -> None:
        self.address = address
        self._timeout_s = timeout_s
        self._together = Together(self._exchange_alone) if together else None
        self._silence = Silence("valkey", trial_s=timeout_s, patience_s=timeout_s / 2)
        self._local = threading.local()
        self._generation = 0

    def exchange(self, packed: bytes, replies: int) -> list[Any]:
        """Send packed commands and return as many replies."""
        if self._together is None or len(packed) > _LARGEST_IN_COMPANY or self._is_pressed():
            return self._exchange_alone(packed, replies)
        return self._together.exchange(packed, replies)

    def forget(self) -> None:
        """Close this thread's connection; the next exchange opens another."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _is_pressed(self) -> bool:
        """Tell whether this request has less time left than a round trip may take, which those in its round have."""
        return deadline.left(self._timeout_s) < self._timeout_s

    def _exchange_alone(self, packed: bytes, replies: int) -> list[Any]:
        timeout_s = deadline.time_for("valkey", self._timeout_s)
        self._silence.ask()
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None and (connection.generation != self._generation or connection.is_dead()):
            # Another thread lost its connection, so this one is most likely lost as well: no request need find out.
            self.forget()
            connection = None
        until = time.monotonic() + timeout_s
        try:
            if connection is None:
                connection = self._local.connection = Connection(self.address, until, self._generation)
            received = connection.exchange(packed, replies, until)
        except BaseException as error:
            if isinstance(error, DependencyTimeoutError):
                self._silence.kept(waited_s=timeout_s)
            else:
                self._silence.broken()
                self._generation += 1
            # A half-read connection would give the next caller this caller's answer.
            self.forget()
            raise
        self._silence.broken()
        return received
