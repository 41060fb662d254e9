"""Valkey by the shortest way: a plain socket and hiredis, one connection a thread.

redis-py spends about a third of an API request's time on its own layers (design decision 3b), so the request path
talks the protocol directly. Everything that is not on that path may use redis-py.
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING, Any

import hiredis

from app.core import deadline
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError
from app.core.silence import Silence
from app.core.together import Together
from app.core.valkey_connection import Address, Connection, pack

if TYPE_CHECKING:
    from collections.abc import Sequence

_LARGEST_IN_COMPANY = 65_536
"""Bytes of commands that others need not wait for."""
_TRANSIENT = (b"LOADING", b"BUSY", b"CLUSTERDOWN", b"MASTERDOWN", b"READONLY", b"MISCONF", b"TRYAGAIN")


class ValkeyRefusedError(DependencyUnavailableError):
    """Valkey answered, and would not do it."""

    def __init__(self, message: str) -> None:
        super().__init__("valkey", message)
        self.out_of_memory = message.startswith("OOM")


class CommandError(Exception):
    """The command itself is wrong: our mistake, not Valkey's state."""


class Valkey:
    """A Valkey server as the request path sees it: bytes in, bytes out, a deadline on every exchange."""

    def __init__(self, url: str, *, timeout_s: float = 1.0, together: bool = False) -> None:
        """With `together` threads that ask at the same time share round trips; that is for many threads and short commands."""
        self._address = Address(url)
        self._timeout_s = timeout_s
        self._together = Together(self._exchange_alone) if together else None
        self._silence = Silence("valkey", trial_s=timeout_s, patience_s=timeout_s / 2)
        self._local = threading.local()
        self._generation = 0

    def execute(self, *command: str | bytes | float) -> Any:
        """Run one command.

        Raises `DependencyUnavailableError` when Valkey cannot be reached, or gave no answer to anybody a moment ago;
        `DependencyTimeoutError` when it did not answer in time (what became of the command is unknown),
        `ValkeyRefusedError` when its state forbids it (out of memory, loading), and `CommandError` when the command is
        wrong.
        """
        return _value(self._exchange(pack(command), 1)[0])

    def pipeline(self, commands: Sequence[tuple[str | bytes | float, ...]]) -> list[Any]:
        """Run several commands in one round trip; raises the first error among the replies."""
        return [_value(reply) for reply in self._replies(commands)]

    def ask_both(
        self, first: tuple[str | bytes | float, ...], second: tuple[str | bytes | float, ...]
    ) -> tuple[Any, Any]:
        """Run two commands in one round trip, of which the second is nothing to fail of: its error is None."""
        reply, value = self._replies((first, second))
        return _value(reply), None if isinstance(value, hiredis.ReplyError) else value

    def script(self, source: str) -> Script:
        """Prepare a Lua script; it is loaded when the server turns out not to know it."""
        return Script(self, source)

    def ping(self) -> None:
        """Ask for a sign of life; raises as `execute` does."""
        self.execute("PING")

    def _replies(self, commands: Sequence[tuple[str | bytes | float, ...]]) -> list[Any]:
        return self._exchange(b"".join([pack(command) for command in commands]), len(commands))

    def _exchange(self, packed: bytes, replies: int) -> list[Any]:
        if self._together is None or len(packed) > _LARGEST_IN_COMPANY or self._is_pressed():
            return self._exchange_alone(packed, replies)
        return self._together.exchange(packed, replies)

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
                connection = self._local.connection = Connection(self._address, until, self._generation)
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

    def forget(self) -> None:
        """Close this thread's connection; the next command opens another."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None


class Script:
    """A Lua script, run by its SHA-1."""

    def __init__(self, valkey: Valkey, source: str) -> None:
        self._valkey = valkey
        self._source = source
        self._digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str | bytes], args: Sequence[str | bytes | float] = ()) -> Any:
        """Run it; errors as in `Valkey.execute`."""
        try:
            return self._valkey.execute("EVALSHA", self._digest, len(keys), *keys, *args)
        except _UnknownScriptError:
            return self._valkey.execute("EVAL", self._source, len(keys), *keys, *args)

    def with_value(
        self, keys: Sequence[str | bytes], args: Sequence[str | bytes | float], name: str
    ) -> tuple[Any, bytes | None]:
        """Run it, and read the string of a name in the same round trip: None without one."""
        try:
            return self._valkey.ask_both(self.command(keys, args), ("GET", name))
        except _UnknownScriptError:
            self.load()
            return self._valkey.ask_both(self.command(keys, args), ("GET", name))

    def command(self, keys: Sequence[str | bytes], args: Sequence[str | bytes | float] = ()) -> tuple[Any, ...]:
        """The same as a command for `Valkey.pipeline`; the caller loads the script first with `load`."""
        return ("EVALSHA", self._digest, len(keys), *keys, *args)

    def load(self) -> None:
        self._valkey.execute("SCRIPT", "LOAD", self._source)


class _UnknownScriptError(CommandError):
    """NOSCRIPT."""


def _value(reply: Any) -> Any:
    if not isinstance(reply, hiredis.ReplyError):
        return reply
    message = str(reply)
    if message.startswith("NOSCRIPT"):
        raise _UnknownScriptError(message)
    if message.startswith("OOM") or message.encode().startswith(_TRANSIENT):
        raise ValkeyRefusedError(message)
    raise CommandError(message)
