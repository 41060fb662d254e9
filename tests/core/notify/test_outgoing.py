"""The guarded client, against servers that mean no good."""

from __future__ import annotations

import ipaddress
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from app.core.notify.destinations import Destinations
from app.core.notify.errors import DeliveryError, ForbiddenAddressError
from app.core.notify.outgoing import Outgoing

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from tests.core.notify.receivers import Receiver

LOOPBACK = Destinations((ipaddress.ip_network("127.0.0.0/8"),))


def test_a_post_arrives_with_its_headers(outgoing: Outgoing, receiver: Receiver) -> None:
    reply = outgoing.post(f"{receiver.url}?a=1#part", b"hello", {"X-Test": "yes"})

    (received,) = receiver.received
    assert reply.status == 204
    assert (received.path, received.body) == ("/hook?a=1", b"hello")
    assert received.headers["x-test"] == "yes"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    ("status", "refused"), [(500, False), (503, False), (408, False), (429, False), (400, True), (404, True)]
)
def test_an_answer_that_is_not_2xx_is_a_failure(
    outgoing: Outgoing, receiver: Receiver, status: int, refused: bool
) -> None:
    receiver.script = [status]

    with pytest.raises(DeliveryError) as raised:
        outgoing.post(receiver.url, b"", {})

    assert raised.value.reason == f"127.0.0.1 answered {status}"
    assert raised.value.refused is refused


def test_a_redirect_is_not_followed(outgoing: Outgoing, receiver: Receiver, other: Receiver) -> None:
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", other.url)
        handler.end_headers()

    receiver.script = [redirect]

    with pytest.raises(DeliveryError, match="redirects are not followed"):
        outgoing.post(receiver.url, b"", {})
    assert other.received == []


def test_a_server_that_hangs_is_left_when_the_time_is_up(receiver: Receiver) -> None:
    receiver.script = [lambda _: receiver.ended.wait(30)]

    with pytest.raises(DeliveryError, match=r"did not answer within 0\.3 s"):
        Outgoing(LOOPBACK, deadline_s=0.3).post(receiver.url, b"", {})


def test_a_server_that_dribbles_its_answer_is_left_when_the_time_is_up(receiver: Receiver) -> None:
    def dribble(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not receiver.ended.wait(0.05):
            handler.wfile.write(b"X-Slow: 1\r\n"[:3])

    receiver.script = [dribble]
    began = time.monotonic()

    with pytest.raises(DeliveryError):
        Outgoing(LOOPBACK, deadline_s=0.5).post(receiver.url, b"", {})
    assert time.monotonic() - began < 20  # And not for as long as it has something to say.


def test_of_an_endless_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not receiver.ended.is_set():
            handler.wfile.write(b"x" * 65_536)

    receiver.script = [pour]

    reply = Outgoing(LOOPBACK, deadline_s=20, most_bytes=1_000).post(receiver.url, b"", {})

    assert len(reply.body) == 1_000


def test_the_address_that_was_checked_is_the_one_that_is_dialled(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers first with a public address and then with ours gets no second question."""
    asked = []

    def rebind(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "192.0.2.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)

    with pytest.raises(ForbiddenAddressError):
        Outgoing(Destinations(), deadline_s=5).post(f"http://rebound.example:{receiver.port}/", b"", {})
    assert asked == ["rebound.example"]
    assert receiver.received == []


def test_of_several_addresses_the_forbidden_ones_are_passed_over(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, receiver.port)) for address in ("10.0.0.1", "127.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    assert Outgoing(LOOPBACK, deadline_s=5).post("http://two.example/", b"", {}).status == 204


def test_proxies_of_the_environment_are_not_used(
    outgoing: Outgoing, receiver: Receiver, other: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", other.url)

    outgoing.post(receiver.url, b"", {})

    assert (len(receiver.received), len(other.received)) == (1, 0)


def test_nobody_at_the_address_is_a_failure_that_may_pass(outgoing: Outgoing) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(DeliveryError) as raised:
            outgoing.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", b"", {})

    assert not raised.value.refused


def test_tls_is_not_spoken_with_whoever_has_no_certificate(outgoing: Outgoing, receiver: Receiver) -> None:
    with pytest.raises(DeliveryError):
        outgoing.post(f"https://127.0.0.1:{receiver.port}/", b"", {})
    assert receiver.received == []
