"""Before anybody looks at a request's key: whether its sender may have it looked at."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from app.core.http.body import know_sender

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from app.core.http.addresses import ClientAddresses
    from app.core.strangers import Strangers


class Visit(Protocol):
    """A request of which we shall know whether its key is valid."""

    def known(self) -> None:
        """Take note that it is."""

    def failed(self) -> None:
        """Take note that it is not."""


class Doorstep(Protocol):
    """Lets requests in to have their keys looked at; raises `Problem` when too many have tried keys that were not valid."""

    def enter(self, environ: WSGIEnvironment) -> Visit: ...


class StrangersDoorstep:
    """Knows callers by the digest of what they authenticate by, and strangers by their address.

    Not firmly, as places for bodies are held: a guess costs ten requests, so one client with an old key would keep out, for as
    long as it goes on, every key that this process has not seen yet, of all clients of a proxy that we were not told of. What
    has no address is held by the limit of all strangers.
    """

    def __init__(self, strangers: Strangers, addresses: ClientAddresses) -> None:
        self._strangers = strangers
        self._addresses = addresses

    def enter(self, environ: WSGIEnvironment) -> Visit:
        """Let a request in, or raise `Problem` (rate-limit-exceeded)."""
        caller = sha256(environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")).digest()
        visit = _Visit(self._strangers, self._addresses, environ, caller)
        if self._strangers.knows(caller, time.monotonic()):
            know_sender(environ)
        else:
            visit.enter()
        return visit


class _Visit:
    __slots__ = ("_addresses", "_caller", "_environ", "_strangers")

    def __init__(
        self, strangers: Strangers, addresses: ClientAddresses, environ: WSGIEnvironment, caller: bytes
    ) -> None:
        self._strangers = strangers
        self._addresses = addresses
        self._environ = environ
        self._caller = caller

    def enter(self) -> None:
        self._strangers.enter(self._addresses.of(self._environ), time.monotonic())

    def known(self) -> None:
        know_sender(self._environ)
        self._strangers.known(self._caller, time.monotonic())

    def failed(self) -> None:
        self._strangers.failed(self._caller, self._addresses.of(self._environ), time.monotonic())


class OpenDoorstep:
    """Lets everybody in."""

    def enter(self, environ: WSGIEnvironment) -> Visit:  # noqa: ARG002 - A twin has the same face.
        """Let a request in."""
        return _NO_VISIT


class _NoVisit:
    def known(self) -> None:
        """Forget it."""

    def failed(self) -> None:
        """Forget it."""


_NO_VISIT = _NoVisit()
OPEN = OpenDoorstep()
