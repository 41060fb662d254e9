"""Where a request comes from, when there may be proxies in between."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from wsgiref.types import WSGIEnvironment

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network
    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")
_IPV6_SITE = 64
"""Bits of an IPv6 address that tell one customer of a network from another; the rest he chooses himself."""
_REMEMBERED = 4_096
"""Addresses of which we know by heart what they are: to read one takes as long as the rest of the door's work."""


class ClientAddresses:
    """Tells clients apart; `proxies` are the networks of our own proxies, who say in `X-Forwarded-For` for whom they ask."""

    def __init__(self, proxies: Sequence[Network]) -> None:
        self._proxies = tuple(proxies)

    def of(self, environ: WSGIEnvironment) -> str | None:
        """Return the address of the client, of an IPv6 address its /64 network.

        None when it cannot be known: what comes from this very machine is a proxy's or an operator's, and what a private network
        has forwarded may come from a proxy of ours that we were not told of, behind which all clients would look like one.
        """
        peer = _parse(environ.get("REMOTE_ADDR", ""))
        if peer is None:
            return None
        if not self._is_ours(peer):
            forwarded = peer.is_private and any(name in environ for name in FORWARDED)
            return None if peer.is_loopback or forwarded else _name(peer)
        for text in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = _parse(text.strip())
            if address is None:
                return None
            if not self._is_ours(address):
                return _name(address)
        return None

    def firmly(self, environ: WSGIEnvironment) -> str | None:
        """Return the same, or else who certainly asked us: nothing that is in a request makes somebody unknown.

        So nobody escapes a limit by a header, and all behind a proxy that we were not told of share one. None of this machine.
        """
        address, peer = self.of(environ), _parse(environ.get("REMOTE_ADDR", ""))
        if address is not None or peer is None or peer.is_loopback:
            return address
        # The last address is the word of the proxy that has asked us; those before it are anybody's.
        last = _parse(environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip())
        return _name(peer if last is None or not self._is_ours(peer) else last)

    def _is_ours(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def networks(text: str) -> list[Network]:
    """Read networks or addresses with commas in between; raises `ValueError`."""
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]


@lru_cache(maxsize=_REMEMBERED)
def _parse(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def _name(address: Address) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_SITE), strict=False))
    return str(address)
