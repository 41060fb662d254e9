"""Ports to listen on: refused when somebody has them, held while the process that listens restarts."""

from __future__ import annotations

import errno
import socket
from contextlib import closing
from dataclasses import dataclass
from typing import Self

from app.process import ProcessFailedError

HELD = "SLIPSTREAM_PORT_HELD"
"""Set in the environment of a process whose port its parent holds for it: finding it taken is no reason to refuse."""

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what others ask for; nothing is bound here.


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen: an IP address, and a port or 0 for any free one."""

    family: socket.AddressFamily
    host: str
    port: int

    @classmethod
    def of(cls, host: str, port: int) -> Self:
        """Look up a name; raises ProcessFailedError when it has no address."""
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        except OSError as error:
            raise ProcessFailedError(f"Cannot listen on {host}: {error.strerror or error}.") from error
        return cls(family, str(address[0]), port)

    @property
    def wildcard(self) -> bool:
        """Whether it is every address of this machine."""
        return self.host in _ANY

    @property
    def local_url(self) -> str:
        """Where this machine reaches it."""
        return _url(_ANY.get(self.host, self.host), self.port)

    @property
    def url(self) -> str:
        """The same, to show to people."""
        return _url("localhost", self.port) if self.wildcard else self.local_url

    def refuse_taken(self) -> None:
        """Raise ProcessFailedError when another program has the port, even one that would share it (SO_REUSEPORT)."""
        with closing(socket.socket(self.family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # Connections that have ended do not count.
            self._bind(probe)

    def hold(self) -> socket.socket:
        """Take the port without listening; whoever sets SO_REUSEPORT can listen. Raises ProcessFailedError."""
        if self.port:
            self.refuse_taken()
        holder = socket.socket(self.family)
        try:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._bind(holder)
        except BaseException:
            holder.close()
            raise
        return holder

    def _bind(self, sock: socket.socket) -> None:
        try:
            sock.bind((self.host, self.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ProcessFailedError(f"Port {self.port} is in use by another program; give --port.") from error
            raise ProcessFailedError(f"Cannot listen on {self.host}, port {self.port}: {error.strerror}.") from error


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
