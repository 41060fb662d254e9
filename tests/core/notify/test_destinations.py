"""The SSRF table: which addresses are never dialled, in whatever way they are written."""

from __future__ import annotations

import ipaddress

import pytest

from app.core.notify.destinations import Destinations
from app.core.notify.errors import DeliveryError, ForbiddenAddressError
from app.core.notify.outgoing import Outgoing


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",  # noqa: S104 - Asked about, not bound to.
        "10.0.0.8",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "localhost",
        "",
    ],
)
def test_what_is_not_on_the_internet_is_not_dialled(address: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        Destinations().check(address, 443)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "::ffff:1.1.1.1", "2606:4700:4700::1111"])
def test_the_internet_is_dialled(address: str) -> None:
    Destinations().check(address, 443)


@pytest.mark.parametrize("port", [22, 53, 110, 389, 445])
def test_ports_of_other_protocols_are_not_dialled(port: int) -> None:
    with pytest.raises(ForbiddenAddressError, match=f"port {port}"):
        Destinations().check("1.1.1.1", port)


def test_a_private_network_is_dialled_when_a_setting_names_it() -> None:
    allowed = Destinations((ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("127.0.0.1")))

    allowed.check("10.1.2.3", 25)
    allowed.check("::ffff:127.0.0.1", 25)
    with pytest.raises(ForbiddenAddressError, match="SLIPSTREAM_OUTGOING_NETWORKS"):
        allowed.check("10.2.0.1", 443)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "0", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_no_way_of_writing_the_loopback_gets_there(host: str) -> None:
    with pytest.raises(DeliveryError):
        Outgoing(Destinations(), deadline_s=5).post(f"http://{host}:8080/", b"", {})
