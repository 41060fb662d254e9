"""The small server of a worker's probes."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from app.probes import Page, ProbeServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = {
    "/livez": lambda _headers: Page(200, "application/json", b"{}"),
    "/readyz": lambda _headers: Page(503, "text/plain", b"no"),
}


@pytest.fixture(params=["127.0.0.1", "::1"])
def server(request: pytest.FixtureRequest) -> Iterator[ProbeServer]:
    server = ProbeServer(request.param, 0, PAGES)
    server.start()
    yield server
    server.stop()


def ask(server: ProbeServer, path: str, method: str = "GET") -> tuple[int, str | None, bytes]:
    """Return status, content type and body."""
    with closing(HTTPConnection(host_of(server), server.port, timeout=10)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()


def host_of(server: ProbeServer) -> str:
    return "::1" if server.address_family == socket.AF_INET6 else "127.0.0.1"


def test_each_path_has_its_page(server: ProbeServer) -> None:
    assert ask(server, "/livez?verbose=1") == (200, "application/json", b"{}")
    assert ask(server, "/readyz") == (503, "text/plain", b"no")


def test_there_is_nothing_else(server: ProbeServer) -> None:
    status, content_type, body = ask(server, "/")
    refused = ask(server, "/livez", method="DELETE")

    assert (status, content_type) == (404, "application/problem+json")
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address.",
    }
    assert refused[:2] == (501, "application/problem+json")
    assert ask(server, "/livez", method="HEAD") == (501, "application/problem+json", b"")


def test_a_port_that_somebody_holds_for_it_is_taken() -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        server = ProbeServer("127.0.0.1", holder.getsockname()[1], PAGES)
        server.start()
        assert ask(server, "/livez")[0] == 200
        server.stop()


def test_one_who_says_nothing_keeps_nobody_from_an_answer(server: ProbeServer) -> None:
    address = (host_of(server), server.port)
    with socket.create_connection(address), socket.create_connection(address):
        assert ask(server, "/livez")[0] == 200
