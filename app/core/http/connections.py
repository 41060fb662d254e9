"""Closes connections that a client keeps busy without finishing a request.

The HTTP server reads bodies in native code without a deadline, and does not say which connection a request came on.
But the kernel knows of every connection whom it belongs to and when we last sent something on it, so the ones that owe us a
body can be told from the others. Linux alone; elsewhere nothing is closed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_DESCRIPTORS = Path("/proc/self/fd")
_INFO_LENGTH = 48
_LAST_DATA_SENT = struct.Struct("=44xI")
"""`tcpi_last_data_sent` of `struct tcp_info` (linux/tcp.h): milliseconds since we last sent data, or since the connection was
accepted. Behind eight bytes and nine 32-bit numbers."""


def stop_reading_from(clients: Collection[tuple[str, int]], *, silent_for_s: float) -> int:
    """Close the reading half of connections on which we have sent nothing for so long; returns how many.

    `clients` are pairs of the client's address and the port of ours that it came to, which no connection of our own to
    somebody else has.

    The server then sees the end of what the client sends, wherever it waits for it, and can still answer. A kept-alive
    connection that was idle for as long is closed too, which HTTP allows at any time.
    """
    closed = 0
    for connection in _connections():
        with connection, contextlib.suppress(OSError):
            pair = (connection.getpeername()[0], connection.getsockname()[1])
            if pair in clients and _silent_for_ms(connection) >= silent_for_s * 1_000:
                connection.shutdown(socket.SHUT_RD)
                closed += 1
    return closed


def _connections() -> Iterator[socket.socket]:
    """Every TCP connection of this process, each through a descriptor of its own that the caller closes."""
    try:
        descriptors = os.listdir(_DESCRIPTORS)  # noqa: PTH208 - Names are all that is needed.
    except FileNotFoundError:
        return
    for name in descriptors:
        with contextlib.suppress(OSError):
            if (_DESCRIPTORS / name).readlink().name.startswith("socket:"):
                connection = socket.socket(fileno=os.dup(int(name)))
                if connection.family in {socket.AF_INET, socket.AF_INET6} and connection.type == socket.SOCK_STREAM:
                    yield connection
                else:
                    connection.close()


def _silent_for_ms(connection: socket.socket) -> int:
    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_LENGTH)
    milliseconds: int = _LAST_DATA_SENT.unpack(information)[0]
    return milliseconds
