"""The one client that calls addresses which somebody has written down: guarded, short of patience, and hard of hearing.

1. A name is resolved once, and the address that was checked is the one dialled: a name server gets no second say.
2. Nothing is followed: an answer of 3xx is a failure, wherever it points.
3. The whole exchange has one deadline, however slowly bytes trickle, and of an answer only a beginning is read.
4. Proxies of the environment are not used: they would dial for us, unchecked.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.core.beside import run_beside
from app.core.notify.errors import DeliveryError, ForbiddenAddressError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from urllib.parse import SplitResult

    from app.core.notify.destinations import Destinations

DEADLINE_S = 10.0
MOST_BYTES = 16_384
_USER_AGENT = "Slipstream-Notify/1"
_REDIRECTS = range(300, 400)
_FINE = range(200, 300)
_TRY_AGAIN = frozenset({408, 425, 429})
_CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True, slots=True)
class Reply:
    """The status of an answer and the beginning of its body."""

    status: int
    body: bytes


class Wire:
    """A connection that is cut when its time is up, whatever it waits for then."""

    def __init__(self, dialled: socket.socket) -> None:
        self.socket = dialled
        self.was_cut = False

    def secure(self, host: str, context: ssl.SSLContext) -> None:
        """Speak TLS from here on, with the server that `host` names."""
        self.socket = context.wrap_socket(self.socket, server_hostname=host, do_handshake_on_connect=False)
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket.do_handshake()

    def cut(self) -> None:
        self.was_cut = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # It has ended by itself.


class Outgoing:
    """Thread-safe; raises `DeliveryError`."""

    def __init__(
        self,
        destinations: Destinations,
        *,
        deadline_s: float = DEADLINE_S,
        most_bytes: int = MOST_BYTES,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.deadline_s = deadline_s
        self._destinations = destinations
        self._most_bytes = most_bytes
        self._context = context

    @property
    def context(self) -> ssl.SSLContext:
        """How TLS is spoken; made at its first use, because it reads every authority of the machine."""
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context

    @contextmanager
    def connect(self, host: str, port: int) -> Iterator[Wire]:
        """Give a connection for one exchange, which ends within the deadline; failures within become `DeliveryError`."""
        until = time.monotonic() + self.deadline_s
        wire: Wire | None = None
        timer: threading.Timer | None = None
        try:
            wire = Wire(self._dial(host, port, until))
            timer = threading.Timer(max(0.0, until - time.monotonic()), wire.cut)
            timer.daemon = True
            timer.start()
            yield wire
        except (OSError, http.client.HTTPException) as error:
            if wire is not None and wire.was_cut:
                raise DeliveryError(f"{host} did not answer within {self.deadline_s:g} s") from error
            raise DeliveryError(f"{host}: {_said(error)}") from error
        finally:
            if timer is not None:
                timer.cancel()
            if wire is not None:
                wire.socket.close()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """POST once; raises `DeliveryError` for every answer that is not 2xx."""
        return self._call("POST", url, body, headers)

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """GET once; raises likewise."""
        return self._call("GET", url, None, headers)

    def _call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        parts = urlsplit(url)
        host = parts.hostname
        if parts.scheme not in {"http", "https"} or not host:
            raise DeliveryError("it is no address of http or https", refused=True)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with self.connect(host, port) as wire:
            if parts.scheme == "https":
                wire.secure(host, self.context)
            reply = self._exchange(wire, method, parts, body, headers)
        if reply.status in _FINE:
            return reply
        if reply.status in _REDIRECTS:
            raise DeliveryError(f"{host} answered {reply.status}, and redirects are not followed", refused=True)
        refused = reply.status in _CLIENT_ERRORS and reply.status not in _TRY_AGAIN
        raise DeliveryError(f"{host} answered {reply.status}", refused=refused)

    def _exchange(
        self, wire: Wire, method: str, url: SplitResult, body: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        connection = http.client.HTTPConnection(url.hostname or "", url.port)
        connection.sock = wire.socket
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        fields = {
            "Host": url.netloc.rpartition("@")[2],
            "User-Agent": _USER_AGENT,
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        connection.request(method, target, body, {**fields, **headers})
        response = connection.getresponse()
        reply = Reply(response.status, response.read(self._most_bytes))
        if wire.was_cut:
            raise TimeoutError
        return reply

    def _dial(self, host: str, port: int, until: float) -> socket.socket:
        addresses = self._resolve(host, port, until)
        failure: DeliveryError = ForbiddenAddressError(f"{host} has no address")
        for family, address in addresses:
            try:
                self._destinations.check(address[0], port)
            except ForbiddenAddressError as error:
                failure = error
                continue
            dialled = socket.socket(family, socket.SOCK_STREAM)
            try:
                dialled.settimeout(max(0.001, until - time.monotonic()))
                dialled.connect(address)
            except OSError as error:
                dialled.close()
                failure = DeliveryError(f"{host}: {_said(error)}")
                continue
            return dialled
        raise failure

    @staticmethod
    def _resolve(host: str, port: int, until: float) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
        try:
            found = run_beside(
                lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
                timeout_s=max(0.001, until - time.monotonic()),
                discard=lambda _: None,
            )
        except TimeoutError as error:
            raise DeliveryError(f"the name {host} was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise DeliveryError(f"the name {host} cannot be resolved") from error
        return [(family, address) for family, _, _, _, address in found]  # type: ignore[misc]


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.HTTPException):
        return "its answer is not HTTP"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
