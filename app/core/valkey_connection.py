"""One connection to Valkey: a plain socket and hiredis, and an end to every wait."""

from __future__ import annotations

import select
import socket
import time
from copy import copy
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis

from app.core.beside import run_beside
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError

_CHUNK = 65_536
_SLACK_S = 0.01
_IDLE_S = 1.0
"""After this much rest a connection is looked at before it is used: its server may have been replaced meanwhile."""


def pack(command: tuple[Any, ...]) -> bytes:
    """Return a command as it is sent."""
    packed: bytes = hiredis.pack_command(command)
    return packed


class UnreachableError(DependencyUnavailableError):
    """No connection was made, so no command was sent."""


class Connection:
    """One socket with its reader; not shared between threads."""

    def __init__(self, address: Address, until: float, generation: int) -> None:
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

    def _greet(self, address: Address, until: float) -> None:
        greeting = []
        if address.password:
            user = (address.username,) if address.username else ()
            greeting.append(pack(("AUTH", *user, address.password)))
        if address.database:
            greeting.append(pack(("SELECT", address.database)))
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
        # Not select: with more than 1,024 descriptors in the process it raises.
        looking = select.poll()
        looking.register(self._socket, select.POLLIN)
        return bool(looking.poll(0))

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


def _dial(address: Address, timeout_s: float) -> socket.socket:
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
        raise UnreachableError("valkey", f"cannot be reached ({error.strerror or error})") from error
    return dialled


class Address:
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

    def elsewhere(self, host: str, port: int) -> Address:
        """Return the address of another node of the same cluster."""
        address = copy(self)
        address.path, address.host, address.port = None, host, port
        return address
