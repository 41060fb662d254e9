"""Valkey by the shortest way: a plain socket and hiredis, one connection a thread.

redis-py spends about a third of an API request's time on its own layers (design decision 3b), so the request path
talks the protocol directly. Everything that is not on that path may use redis-py.
"""

from __future__ import annotations

import hashlib
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis

from app.core import deadline
from app.core.beside import run_beside
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError
from app.core.silence import Silence
from app.core.together import Together

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHUNK = 65_536
_SLACK_S = 0.01
_IDLE_S = 1.0
"""After this much rest a connection is looked at before it is used: its server may have been replaced meanwhile."""
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


class _Connection:
    """One socket with its reader; not shared between threads."""

    def __init__(self, address: _Address, until: float, generation: int) -> None:
        """Connect until a moment in monotonic seconds. `generation` counts the failures that this process knew of."""
        self.generation = generation
        self._used_at = time.monotonic()
        self._reader = hiredis.Reader()
        self._limit_s = until - time.monotonic()
        self._socket = _dial(address, self._limit_s)
        try:
            self._greet(address, until)
        except BaseException:
            self.close()
            raise

    def __del__(self) -> None:
        # The thread that owned the connection has ended.
        if hasattr(self, "_socket"):
            self.close()

    def _greet(self, address: _Address, until: float) -> None:
        greeting = []
        if address.password:
            user = (address.username,) if address.username else ()
            greeting.append(_pack(("AUTH", *user, address.password)))
        if address.database:
            greeting.append(_pack(("SELECT", address.database)))
        for reply in self.exchange(b"".join(greeting), len(greeting), until):
            if isinstance(reply, hiredis.ReplyError):
                # The server's words only: they never repeat the password.
                raise DependencyUnavailableError("valkey", f"refuses the connection ({reply})")

    def exchange(self, packed: bytes, replies: int, until: float) -> list[Any]:
        """Send packed commands and read as many replies by a moment; any failure leaves the connection unusable."""
        if not replies:
            return []
        received: list[Any] = []
        try:
            self._limit(until)
            self._socket.sendall(packed)
            while len(received) < replies:
                reply = self._reader.gets()
                if reply is False:
                    # Each wait has what those before it have left, or a trickle of bytes would last for ever.
                    self._limit(until)
                    data = self._socket.recv(_CHUNK)
                    if not data:
                        raise DependencyUnavailableError("valkey", "closed the connection")
                    self._reader.feed(data)
                else:
                    received.append(reply)
        except TimeoutError as error:
            raise DependencyTimeoutError("valkey", "no answer in time") from error
        except OSError as error:
            raise DependencyUnavailableError("valkey", f"connection lost ({error.strerror or error})") from error
        self._used_at = time.monotonic()
        return received

    def is_dead(self) -> bool:
        """Tell whether the server is known to have let go: nothing may be there to read before a question."""
        if time.monotonic() - self._used_at < _IDLE_S:
            return False
        return bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        self._socket.close()

    def _limit(self, until: float) -> None:
        """Let the next wait for the socket end by then; it is a system call, which a few milliseconds are not worth."""
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        if not seconds <= self._limit_s <= seconds + _SLACK_S:
            self._socket.settimeout(seconds)
            self._limit_s = seconds


def _dial(address: _Address, timeout_s: float) -> socket.socket:
    try:
        if address.path is None:
            place = (address.host, address.port)
            # Beside this thread: the resolution of a name knows no limit, and several addresses have one each.
            dialled = run_beside(
                lambda: socket.create_connection(place, timeout=timeout_s),
                timeout_s=timeout_s,
                discard=socket.socket.close,
            )
            dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return dialled
        dialled = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            dialled.settimeout(timeout_s)
            dialled.connect(address.path)
        except BaseException:
            dialled.close()
            raise
    except TimeoutError as error:
        raise DependencyTimeoutError("valkey", "no connection in time") from error
    except OSError as error:
        raise DependencyUnavailableError("valkey", f"cannot be reached ({error.strerror or error})") from error
    return dialled


class _Address:
    """Where a Valkey listens, read from `redis://`, `valkey://` or `unix://` addresses."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self.username = unquote(parts.username or "")
        self.password = unquote(parts.password or query.get("password", [""])[0])
        self.path: str | None = None
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 6379
        if parts.scheme == "unix":
            self.path = unquote(parts.path)
            self.database = int(query.get("db", ["0"])[0])
        elif parts.scheme in {"redis", "valkey"}:
            self.database = int(parts.path.strip("/") or 0)
        else:
            raise ValueError(f"not a Valkey address: scheme {parts.scheme!r}")


class Valkey:
    """A Valkey server as the request path sees it: bytes in, bytes out, a deadline on every exchange."""

    def __init__(self, url: str, *, timeout_s: float = 1.0, together: bool = False) -> None:
        """With `together` threads that ask at the same time share round trips; that is for many threads and short commands."""
        self._address = _Address(url)
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
        return _value(self._exchange(_pack(command), 1)[0])

    def pipeline(self, commands: Sequence[tuple[str | bytes | float, ...]]) -> list[Any]:
        """Run several commands in one round trip; raises the first error among the replies."""
        packed = b"".join([_pack(command) for command in commands])
        return [_value(reply) for reply in self._exchange(packed, len(commands))]

    def script(self, source: str) -> Script:
        """Prepare a Lua script; it is loaded when the server turns out not to know it."""
        return Script(self, source)

    def ping(self) -> None:
        """Ask for a sign of life; raises as `execute` does."""
        self.execute("PING")

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
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is not None and (connection.generation != self._generation or connection.is_dead()):
            # Another thread lost its connection, so this one is most likely lost as well: no request need find out.
            self.forget()
            connection = None
        until = time.monotonic() + timeout_s
        try:
            if connection is None:
                connection = self._local.connection = _Connection(self._address, until, self._generation)
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
        connection: _Connection | None = getattr(self._local, "connection", None)
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

    def command(self, keys: Sequence[str | bytes], args: Sequence[str | bytes | float] = ()) -> tuple[Any, ...]:
        """The same as a command for `Valkey.pipeline`; the caller loads the script first with `load`."""
        return ("EVALSHA", self._digest, len(keys), *keys, *args)

    def load(self) -> None:
        self._valkey.execute("SCRIPT", "LOAD", self._source)


def _pack(command: tuple[Any, ...]) -> bytes:
    packed: bytes = hiredis.pack_command(command)
    return packed


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
