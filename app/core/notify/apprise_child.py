"""The process in which Apprise speaks to one service; nothing else runs in it.

Apprise's plugins dial by themselves, each in its own way. Python tells an audit hook of every connection before it is
made, and of every program before it starts, and what the hook refuses does not happen: the address that is checked is the
one that is dialled. Time and memory are the parent's to limit.
"""

from __future__ import annotations

import logging
import os
import resource
import socket
import sys
from typing import Any

import msgspec

from app.core.http.addresses import networks
from app.core.notify.destinations import Destinations
from app.core.notify.errors import ForbiddenAddressError

MOST_MEMORY = 1024**3
_PROGRAMS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn"}
)
_NETWORKED = frozenset({socket.AF_INET, socket.AF_INET6})


class Order(msgspec.Struct, frozen=True):
    """What the parent writes to standard input; so no secret is in the list of processes."""

    url: str
    title: str
    text: str
    urgent: bool
    over: bool
    allowed: str
    timeout_s: float


class Outcome(msgspec.Struct, frozen=True):
    """What the child writes to standard output."""

    delivered: bool
    reason: str = ""
    refused: bool = False


def main() -> None:
    """Be the child."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    guard = Guard(Destinations(tuple(networks(order.allowed))))
    logging.disable()
    try:
        outcome = deliver(order, guard)
    except MemoryError:
        outcome = Outcome(delivered=False, reason="its answer was too large")
    sys.stdout.buffer.write(msgspec.json.encode(outcome))
    sys.stdout.buffer.flush()
    # Threads of a plugin must not keep the process.
    os._exit(0)


def deliver(order: Order, guard: Guard) -> Outcome:
    """Let Apprise tell one target."""
    from apprise import Apprise, AppriseAsset, NotifyType  # noqa: PLC0415 - Half a second, for this process alone.

    asset = AppriseAsset(
        app_id="Slipstream", app_desc="Slipstream", async_mode=False, http_redirects=False, secure_logging=True
    )
    told = Apprise(asset=asset)
    if not told.add(order.url):
        return Outcome(delivered=False, reason="Apprise cannot read its address", refused=True)
    for service in told:
        service.socket_connect_timeout = service.socket_read_timeout = order.timeout_s
    sys.addaudithook(guard)
    kind = NotifyType.SUCCESS if order.over else NotifyType.FAILURE if order.urgent else NotifyType.WARNING
    if told.notify(title=order.title, body=order.text, notify_type=kind):
        return Outcome(delivered=True)
    if guard.refused:
        return Outcome(delivered=False, reason=guard.refused, refused=True)
    return Outcome(delivered=False, reason="the service did not take it")


class Guard:
    """An audit hook; `refused` is why it has refused an address."""

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations
        self.refused = ""

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            dialled, address = arguments[0], arguments[1]
            self._check(dialled.family, address)
        elif event in _PROGRAMS:
            raise ForbiddenAddressError("no program is started for a notification")

    def _check(self, family: int, address: Any) -> None:
        try:
            if family not in _NETWORKED or not isinstance(address, tuple):
                raise ForbiddenAddressError("it is no address of the internet")
            self._destinations.check(str(address[0]), int(address[1]))
        except ForbiddenAddressError as error:
            self.refused = error.reason
            raise


if __name__ == "__main__":
    main()
