"""A client that opens again what the server has closed, and says when an answer never came."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from app.client import CutError, Link

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Server:
    """Answers the first request of each connection, then closes it: at once, or when it is asked once more."""

    def __init__(self) -> None:
        self.at_once = True
        self.connections = 0
        self.closed = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.recv(65_536)
                connection.sendall(ANSWER)
                if not self.at_once:
                    connection.recv(65_536)
            self.closed.set()

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    yield running
    running.stop()
    thread.join()


def test_a_connection_that_the_server_has_closed_is_opened_again(server: Server) -> None:
    with Link(server.url) as link:
        assert link.get("/").status == 204
        assert server.closed.wait(30)
        assert link.get("/").status == 204

    assert server.connections == 2


def test_a_request_without_an_answer_is_not_sent_again(server: Server) -> None:
    server.at_once = False
    with Link(server.url) as link:
        assert link.get("/").status == 204
        with pytest.raises(CutError):
            link.get("/")

    assert server.connections == 1
