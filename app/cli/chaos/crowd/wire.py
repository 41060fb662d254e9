"""One connection of a crowd, without a thread of its own: bytes out, an answer in, and whoever holds it is told when to look.

A load must cost little beside what it loads. Of a request with 50 KB, `http.client` and a thread took more than the platform takes to refuse
it; this takes what the kernel takes to carry it.
"""

from __future__ import annotations

import contextlib
import socket
from select import EPOLLIN, EPOLLOUT
from typing import TYPE_CHECKING

from app.client import Answer

if TYPE_CHECKING:
    from select import epoll

_HEAD_ENDS = b"\r\n\r\n"
_CHUNK = 65_536


class Wire:
    """A kept-alive connection with at most one request on its way. `ask`, then `work` whenever the poller says so."""

    def __init__(self, address: tuple[str, int], poller: epoll) -> None:
        self._address = address
        self._poller = poller
        self._socket: socket.socket | None = None
        self._out = memoryview(b"")
        self._in = bytearray()
        self._head: tuple[int, dict[str, str]] | None = None
        self._needed = 0

    @property
    def fileno(self) -> int:
        """The descriptor that the poller names; -1 while nothing is open."""
        return -1 if self._socket is None else self._socket.fileno()

    def ask(self, request: bytes) -> None:
        """Begin to send; raises `OSError` when the connection is broken."""
        self._out, self._head = memoryview(request), None
        self._in.clear()
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET)
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.connect_ex(self._address)
            self._poller.register(self._socket, EPOLLOUT)
        else:
            self._send(self._socket)

    def work(self) -> Answer | None:
        """Send and receive what can be; returns the answer once it is whole. Raises `OSError` for a connection that is cut."""
        if self._socket is None:
            raise ConnectionResetError
        if self._out:
            self._send(self._socket)
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        if not data:
            raise ConnectionResetError
        self._in += data
        return self._answer()

    def close(self) -> None:
        if self._socket is not None:
            # The kernel takes a closed descriptor from the poller by itself.
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def _send(self, connection: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            self._out = self._out[connection.send(self._out) :]
        # What is answered before it is sent is read as well.
        self._poller.modify(connection, EPOLLIN | EPOLLOUT if self._out else EPOLLIN)

    def _answer(self) -> Answer | None:
        if self._head is None:
            end = self._in.find(_HEAD_ENDS)
            if end < 0:
                return None
            first, *lines = self._in[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            self._head = int(first.split(" ", 2)[1]), headers
            self._needed = end + len(_HEAD_ENDS) + int(headers["content-length"])
        if len(self._in) < self._needed:
            return None
        status, headers = self._head
        answer = Answer(status, headers, bytes(self._in[self._needed - int(headers["content-length"]) : self._needed]))
        if self._out or headers.get("connection", "").lower() == "close":
            # Nobody wants the rest of the request any more, or another one.
            self._out = memoryview(b"")
            self.close()
        return answer
