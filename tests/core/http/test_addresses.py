"""Where a request comes from: never from where its sender would like us to think."""

from __future__ import annotations

import pytest

from app.core.http.addresses import ClientAddresses, networks


def address(remote: str, forwarded_for: str | None = None, proxies: str = "", **more: str) -> str | None:
    environ = {"REMOTE_ADDR": remote} | more
    if forwarded_for is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded_for
    return ClientAddresses(networks(proxies)).of(environ)


def firm_address(remote: str, forwarded_for: str | None = None, proxies: str = "", **more: str) -> str | None:
    environ = {"REMOTE_ADDR": remote} | more
    if forwarded_for is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded_for
    return ClientAddresses(networks(proxies)).firmly(environ)


def test_a_client_is_known_by_his_connection() -> None:
    assert address("203.0.113.7") == "203.0.113.7"


def test_of_an_ipv6_address_the_site_counts() -> None:
    assert address("2001:db8:1:2:3:4:5:6") == address("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert address("::ffff:203.0.113.7") == "203.0.113.7"


def test_a_trusted_proxy_says_for_whom_it_asks() -> None:
    assert address("10.0.0.1", "203.0.113.7", "10.0.0.0/8") == "203.0.113.7"


def test_several_trusted_proxies_are_looked_through() -> None:
    assert address("10.0.0.1", "203.0.113.7, 10.0.0.2", "10.0.0.0/8, 192.0.2.1") == "203.0.113.7"


def test_what_a_client_claims_before_the_proxy_is_not_believed() -> None:
    assert address("10.0.0.1", "198.51.100.1, 203.0.113.7", "10.0.0.0/8") == "203.0.113.7"


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"])
def test_behind_a_proxy_of_ours_that_nobody_declared_clients_are_not_told_apart(header: str) -> None:
    assert address("10.0.0.1", **{header: "198.51.100.1"}) is None


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"])
@pytest.mark.parametrize("claim", ["198.51.100.1", "127.0.0.1", "10.0.0.1", "unknown", ""])
def test_a_stranger_who_claims_to_be_a_proxy_stays_who_he_is(header: str, claim: str) -> None:
    assert address("8.8.4.4", **{header: claim}) == firm_address("8.8.4.4", **{header: claim}) == "8.8.4.4"


@pytest.mark.parametrize("claim", [None, "198.51.100.1", "127.0.0.1", "10.0.0.1, 10.0.0.2", "unknown", ""])
def test_firmly_nothing_in_a_request_makes_its_sender_unknown(claim: str | None) -> None:
    assert firm_address("10.9.9.9", claim) == "10.9.9.9"
    assert firm_address("10.0.0.1", f"{claim}, 8.8.4.4", "10.0.0.0/8") == "8.8.4.4"


def test_firmly_a_proxy_of_ours_that_says_nothing_of_use_stands_for_its_clients() -> None:
    assert (
        firm_address("10.0.0.1", "unknown", "10.0.0.0/8") == firm_address("10.0.0.1", None, "10.0.0.0/8") == "10.0.0.1"
    )
    assert firm_address("127.0.0.1", "198.51.100.1") is None


@pytest.mark.parametrize(
    ("remote", "forwarded_for"),
    [("", None), ("unix", None), ("127.0.0.1", None), ("::1", None), ("10.0.0.1", None), ("10.0.0.1", "unknown")],
)
def test_what_says_nothing_is_nobody(remote: str, forwarded_for: str | None) -> None:
    assert address(remote, forwarded_for, "10.0.0.0/8") is None


@pytest.mark.parametrize("text", ["10.0.0.1/8", "localhost", "10.0.0.0/33", "1.2.3.4 5.6.7.8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        networks(text)
