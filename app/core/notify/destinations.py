"""Where notifications may go: the internet, and those private networks that a setting names.

Whoever may write down an address for us to call would otherwise reach what only we can reach: the metadata service of a
cloud, an admin page on the loopback (server-side request forgery, OWASP API7:2023).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.notify.errors import ForbiddenAddressError

if TYPE_CHECKING:
    from app.core.http.addresses import Address, Network

SETTING = "SLIPSTREAM_OUTGOING_NETWORKS"
_DOUBTFUL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "64:ff9b::/96",  # NAT64 (RFC 6052)
        "64:ff9b:1::/48",  # NAT64, local use (RFC 8215)
        "2001::/32",  # Teredo (RFC 4380)
        "2002::/16",  # 6to4 (RFC 3056)
        "::/96",  # IPv4-compatible, deprecated (RFC 4291)
        "fec0::/10",  # Site-local, deprecated (RFC 3879)
    )
)
"""IPv6 addresses that hold an IPv4 address, which may be anybody's, or that Python takes for global and are not."""
_WEB_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1024
_MAIL_PORTS = frozenset({25, 465, 587})


@dataclass(frozen=True, slots=True)
class Destinations:
    """`allowed`: private networks that are fine all the same."""

    allowed: tuple[Network, ...] = ()

    def check(self, address: str, port: int) -> None:
        """Raise `ForbiddenAddressError` unless we may dial this very address, which is an IP address and no name."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            raise ForbiddenAddressError(f"{address!r} is no IP address") from None
        mapped = getattr(parsed, "ipv4_mapped", None)
        ip: Address = parsed if mapped is None else mapped
        if any(ip in network for network in self.allowed):
            return
        if not ip.is_global or ip.is_multicast or ip.is_reserved or any(ip in network for network in _DOUBTFUL):
            raise ForbiddenAddressError(
                f"{ip} is not on the internet; {SETTING} names the private networks that notifications may go to"
            )
        if port < _FIRST_FREE_PORT and port not in _WEB_PORTS | _MAIL_PORTS:
            raise ForbiddenAddressError(f"port {port} is none of the web or of mail")
