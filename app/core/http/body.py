"""Reading a request's body: so many bytes, in so much time, from so many clients at once.

A thread that waits for a body is a thread that answers nobody else. So every reader is known while it waits: above the
capacity it is refused at once, and after the deadline its connection is cut (`connections.py`).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from app.core.http.addresses import ClientAddresses
from app.core.http.connections import stop_reading_from
from app.core.problems import BODY_BYTES, Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIEnvironment

    from flask import Request

LARGEST_BODY = 5_000_000
"""Bytes of any body, before and after decompression (contract §2)."""

_CHECK_EVERY_S = 1.0
_TOLERANCE_S = 1.0
"""The kernel's silence may begin a little after our reading: `100 Continue` is something that we send."""
_CHUNK = 65_536
_READ = "slipstream.body"


class Input(Protocol):
    """What a WSGI server gives as `wsgi.input`."""

    def read(self, size: int, /) -> bytes: ...


class TimedInput:
    """The body of one request. It is read once, by one thread; `on_complete` is called when all of it has arrived.

    Whoever knows the sender sets `known` before it is read; `address` is the sender's, if that is known.
    """

    __slots__ = ("_input", "_readers", "address", "client", "complete", "cut", "known", "left", "on_complete", "since")

    def __init__(self, source: Input, readers: BodyReaders, *, client: tuple[str, int], length: int | None) -> None:
        self._input = source
        self._readers = readers
        self.left = length  # Bytes to come; None while only the end of the chunks will tell.
        self.client = client  # Whom the connection is with, and the port of ours that it came to.
        self.address: str | None = None
        self.known = False
        self.since: float | None = None
        self.cut = False
        self.complete = False
        self.on_complete: Callable[[], None] | None = None

    def read(self, size: int = -1) -> bytes:
        """Wait for `size` bytes or the end.

        Raises `Problem`: 408 when the deadline came first, 400 when the client broke off, 503 when too many others read.
        """
        if self.complete:
            return b""
        if size < 0:
            size = LARGEST_BODY + 1
        if self.left is not None:
            size = min(size, self.left)
        self._readers.enter(self)
        try:
            data = self._input.read(size) if size else b""
        finally:
            self._readers.leave(self)
        short = len(data) < size
        if self.cut and short:
            raise Problem(ProblemType.REQUEST_TIMEOUT, "The body did not arrive in time.")
        if self.left is not None:
            self.left -= len(data)
            if short:
                raise Problem(ProblemType.MALFORMED_REQUEST, "The body is shorter than its Content-Length says.")
        if self.left == 0 or (self.left is None and short):
            self.complete = True
            if self.on_complete is not None:
                self.on_complete()
        return data

    def drain(self) -> None:
        """Read what is left and forget it, within limits, so that the client hears our answer rather than a reset."""
        self.on_complete = None
        left = 2 * LARGEST_BODY
        try:
            while not self.complete and left > 0:
                left -= len(self.read(_CHUNK))
        except Problem:
            return


class BodyReaders:
    """Who waits for a body right now. Thread-safe."""

    def __init__(
        self,
        *,
        deadline_s: float,
        most: int,
        most_strangers: int | None = None,
        most_per_address: int | None = None,
        addresses: ClientAddresses | None = None,
    ) -> None:
        """`most` readers at once, below the number of threads, so that some are left for everybody else.

        `most_strangers` of them are for bodies of whom we do not know, and of those `most_per_address` for one address, so
        that nobody who only opens connections keeps out who has a key.
        """
        self._deadline_s = deadline_s
        self._most = most
        self._most_strangers = most if most_strangers is None else most_strangers
        self._most_per_address = most if most_per_address is None else most_per_address
        self._addresses = addresses or ClientAddresses([])
        self._lock = threading.Lock()
        self._readers: set[TimedInput] = set()
        self._strangers: dict[TimedInput, str | None] = {}
        self._of_address: Counter[str] = Counter()

    def enter(self, reader: TimedInput) -> None:
        """Count one who waits, or raise the problem `overloaded`."""
        with self._lock:
            if len(self._readers) >= self._most:
                raise _too_many()
            if not reader.known:
                self._enter_stranger(reader)
            self._readers.add(reader)
        if reader.since is None:
            reader.since = time.monotonic()

    def _enter_stranger(self, reader: TimedInput) -> None:
        address = reader.address
        if len(self._strangers) >= self._most_strangers:
            raise _too_many()
        if address is not None:
            if self._of_address[address] >= self._most_per_address:
                raise _too_many()
            self._of_address[address] += 1
        self._strangers[reader] = address

    def leave(self, reader: TimedInput) -> None:
        with self._lock:
            self._readers.discard(reader)
            address = self._strangers.pop(reader, None)
            if address is not None:
                self._of_address[address] -= 1
                if not self._of_address[address]:
                    del self._of_address[address]

    def cut_overdue(self) -> int:
        """Cut the connections of those who have waited for longer than the deadline; returns how many were cut."""
        with self._lock:
            readers = tuple(self._readers)
        latest = time.monotonic() - self._deadline_s
        clients = {reader.client for reader in readers if reader.since is not None and reader.since < latest}
        if not clients:
            return 0
        for reader in readers:
            # Also those who are nearly late: their connections may be cut with the others of their address.
            reader.cut = reader.cut or reader.client in clients
        return stop_reading_from(clients, silent_for_s=max(0.0, self._deadline_s - _TOLERANCE_S))

    def watch(self) -> None:
        """Hold the deadline from now on, in a thread of this process."""
        threading.Thread(target=self._watch, name="body-deadline", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(_CHECK_EVERY_S)
            self.cut_overdue()

    def wrap(self, environ: dict[str, Any]) -> TimedInput | None:
        """Put the body of a request under these rules; None when it has no body."""
        length = environ.get("CONTENT_LENGTH") or None
        if length is None and "HTTP_TRANSFER_ENCODING" not in environ:
            return None
        number = int(length) if length is not None and length.isascii() and length.isdigit() else None
        if number == 0:
            return None
        client = (environ.get("REMOTE_ADDR", ""), int(environ["SERVER_PORT"]))
        timed = TimedInput(environ["wsgi.input"], self, client=client, length=number)
        # Firmly: no header of a request takes it out of its address' share. All strangers behind a proxy that we were not told of
        # share one then, a quarter of the places: a login form has arrived in milliseconds, and whoever dribbles bodies through
        # that proxy takes a quarter, where without an address he would take all that strangers have. Known keys are not held.
        timed.address = self._addresses.firmly(environ)
        environ["wsgi.input"] = timed
        # Werkzeug may then read to the end, also where no length says where that is.
        environ["wsgi.input_terminated"] = True
        return timed


def read_body(request: Request, *, limit: int = LARGEST_BODY) -> bytes:
    """Return the body as it came, not decompressed; empty when there is none. It may be asked for again.

    Raises `Problem`: 413 above `limit` bytes, and those of `TimedInput.read`.
    """
    body: bytes | None = request.environ.get(_READ)
    if body is None:
        body = request.environ[_READ] = body_of(request.environ, limit=limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def body_of(environ: WSGIEnvironment, *, limit: int = LARGEST_BODY) -> bytes:
    """Do the same for who has the environment at hand."""
    source = environ["wsgi.input"]
    if not isinstance(source, TimedInput):
        return b""
    if source.left is not None and source.left > limit:
        raise _too_large(limit)
    body = source.read(limit + 1)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def know_sender(environ: WSGIEnvironment) -> None:
    """Let a request's body have any place: its sender has shown a valid key."""
    source = environ.get("wsgi.input")
    if isinstance(source, TimedInput):
        source.known = True


def _too_many() -> Problem:
    return Problem(ProblemType.OVERLOADED, "Too many request bodies are on their way.", limit="bodies")


def _too_large(limit: int) -> Problem:
    return Problem(ProblemType.CONTENT_TOO_LARGE, f"The body has more than {limit} bytes.", limit=BODY_BYTES)
