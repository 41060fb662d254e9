"""Bodies: so large, so slow, so many at once, and no more."""

from __future__ import annotations

import io
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from app.core.http.addresses import FORWARDED
from app.core.http.body import BodyReaders
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from app.core.http.body import Input, TimedInput


def timed(
    readers: BodyReaders, source: Input, *, address: str = "10.1.2.3", port: int = 80, **environ: Any
) -> TimedInput:
    body = readers.wrap({"wsgi.input": source, "REMOTE_ADDR": address, "SERVER_PORT": str(port), **environ})
    assert body is not None
    return body


class Connection:
    """A connection of a client to us, read as the HTTP server reads it: without a deadline, and silent about a loss."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname())
            self.ours, _ = listener.accept()
        self.port: int = self.ours.getsockname()[1]

    def read(self, size: int) -> bytes:
        received = b""
        while len(received) < size and (data := self.ours.recv(size - len(received))):
            received += data
        return received

    def close(self) -> None:
        self.client.close()
        self.ours.close()


@pytest.fixture
def connect() -> Any:
    connections: list[Connection] = []

    def make() -> Connection:
        connections.append(Connection())
        return connections[-1]

    yield make
    for connection in connections:
        connection.close()


def test_a_body_is_read_whole(client: FlaskClient) -> None:
    assert client.post("/echo", data=b"x" * 1_000).data == b"x" * 1_000


def test_a_body_without_a_length_is_read_to_its_end(client: FlaskClient) -> None:
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}

    response = client.post("/echo", input_stream=io.BytesIO(b"in chunks"), environ_overrides=environ)

    assert response.data == b"in chunks"


def test_no_body_is_empty(client: FlaskClient) -> None:
    assert client.post("/echo").data == b""


@pytest.mark.parametrize("environ", [{}, {"HTTP_TRANSFER_ENCODING": "chunked"}], ids=["length", "chunked"])
def test_a_body_above_the_limit_is_refused(client: FlaskClient, environ: dict[str, Any]) -> None:
    stream = {"input_stream": io.BytesIO(b"x" * 1_001)} if environ else {"data": b"x" * 1_001}

    response = client.post("/echo", environ_overrides=environ, **stream)

    assert response.status_code == 413
    assert response.json is not None
    assert "1000 bytes" in response.json["detail"]


def test_the_rest_of_a_refused_body_is_read_so_that_the_client_hears_why(client: FlaskClient) -> None:
    stream = io.BytesIO(b"x" * 300_000)

    client.post("/echo", input_stream=stream)

    assert stream.tell() == 300_000


def test_a_client_that_waits_for_our_consent_is_not_made_to_send(client: FlaskClient) -> None:
    stream = io.BytesIO(b"x" * 300_000)

    client.post("/echo", input_stream=stream, headers={"Expect": "100-continue"})

    assert stream.tell() == 0


def test_a_body_that_breaks_off_is_malformed(client: FlaskClient) -> None:
    response = client.post("/echo", input_stream=io.BytesIO(b"short"), environ_overrides={"CONTENT_LENGTH": "50"})

    assert response.status_code == 400
    assert response.json is not None
    assert "shorter" in response.json["detail"]


def test_flask_reads_through_the_same_rules(client: FlaskClient) -> None:
    fine = client.post("/json", json={"a": 1})
    short = {"CONTENT_LENGTH": "50", "CONTENT_TYPE": "application/json"}
    broken = client.post("/json", input_stream=io.BytesIO(b"{}"), environ_overrides=short)

    assert fine.json == {"got": {"a": 1}}
    assert broken.status_code == 400


def test_completion_is_told_once() -> None:
    told: list[str] = []
    body = timed(BodyReaders(deadline_s=5, most=1), io.BytesIO(b"abcdef"), CONTENT_LENGTH="6")
    body.on_complete = lambda: told.append("complete")

    parts = [body.read(4), body.read(4), body.read(4)]

    assert (parts, told) == ([b"abcd", b"ef", b""], ["complete"])


def refused(body: TimedInput) -> Problem:
    with pytest.raises(Problem) as caught:
        body.read()
    return caught.value


class Blocked:
    """A body that does not come until the test says so."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()

    def read(self, size: int) -> bytes:
        self.asked.set()
        assert self.go.wait(30)
        return b"x" * size


@pytest.mark.parametrize(
    ("limits", "address", "too_many"),
    [
        ({"most": 1}, "10.9.9.9", True),
        ({"most": 2}, "10.9.9.9", False),
        ({"most": 9, "most_per_address": 1}, "10.1.2.3", True),
        ({"most": 9, "most_per_address": 1}, "10.9.9.9", False),
        ({"most": 9, "most_strangers": 1}, "10.9.9.9", True),
    ],
    ids=["all taken", "a place left", "all of the address taken", "another address", "all of strangers taken"],
)
def test_only_so_many_bodies_are_awaited_at_once(limits: dict[str, int], address: str, too_many: bool) -> None:
    readers = BodyReaders(deadline_s=5, **limits)
    first = Blocked()
    thread = threading.Thread(target=timed(readers, first, CONTENT_LENGTH="3").read)
    thread.start()
    assert first.asked.wait(30)
    second = timed(readers, io.BytesIO(b"abc"), address=address, CONTENT_LENGTH="3")

    if too_many:
        assert refused(second).type is ProblemType.OVERLOADED
    else:
        assert second.read() == b"abc"

    first.go.set()
    thread.join()
    assert timed(readers, io.BytesIO(b"abc"), address=address, CONTENT_LENGTH="3").read() == b"abc"


@pytest.mark.parametrize("header", FORWARDED)
def test_no_header_takes_more_places_than_an_address_has(header: str) -> None:
    readers = BodyReaders(deadline_s=5, most=3, most_strangers=2, most_per_address=1)
    first = Blocked()
    thread = threading.Thread(target=timed(readers, first, CONTENT_LENGTH="3", **{header: "unknown"}).read)
    thread.start()
    assert first.asked.wait(30)
    second = timed(readers, io.BytesIO(b"abc"), CONTENT_LENGTH="3", **{header: "198.51.100.1"})
    another = timed(readers, io.BytesIO(b"abc"), address="10.9.9.9", CONTENT_LENGTH="3")

    assert refused(second).type is ProblemType.OVERLOADED
    assert another.read() == b"abc"
    first.go.set()
    thread.join()


@pytest.mark.parametrize("limits", [{"most_strangers": 1}, {"most_per_address": 1}], ids=["all", "address"])
def test_strangers_do_not_take_the_places_of_who_is_known(limits: dict[str, int]) -> None:
    readers = BodyReaders(deadline_s=5, most=2, **limits)
    first = Blocked()
    thread = threading.Thread(target=timed(readers, first, CONTENT_LENGTH="3").read)
    thread.start()
    assert first.asked.wait(30)
    environ: dict[str, Any] = {"wsgi.input": io.BytesIO(b"abc"), "REMOTE_ADDR": "10.1.2.3", "SERVER_PORT": "80"}
    known = readers.wrap({**environ, "CONTENT_LENGTH": "3"})
    assert known is not None

    known.known = True

    assert known.read() == b"abc"
    first.go.set()
    thread.join()


@pytest.mark.parametrize("sent", [b"", b"{"], ids=["silent", "slow"])
@pytest.mark.parametrize(
    "environ", [{"CONTENT_LENGTH": "9"}, {"HTTP_TRANSFER_ENCODING": "chunked"}], ids=["length", "chunked"]
)
def test_a_body_that_does_not_arrive_in_time_is_cut_off(
    connect: Callable[[], Connection], eventually: Callable[..., None], sent: bytes, environ: dict[str, Any]
) -> None:
    connection = connect()
    readers = BodyReaders(deadline_s=0, most=1)
    body = timed(readers, connection, address="127.0.0.1", port=connection.port, **environ)
    caught: list[Problem] = []
    connection.client.sendall(sent)
    thread = threading.Thread(target=lambda: caught.append(refused(body)))
    thread.start()

    eventually(lambda: readers.cut_overdue() == 1)
    thread.join()

    assert [problem.type for problem in caught] == [ProblemType.REQUEST_TIMEOUT]
    connection.ours.sendall(b"HTTP/1.1 408 Request Timeout\r\n")
    assert connection.client.recv(100) == b"HTTP/1.1 408 Request Timeout\r\n"


def test_nobody_else_is_cut_off(connect: Callable[[], Connection], eventually: Callable[..., None]) -> None:
    slow, other = connect(), connect()
    readers = BodyReaders(deadline_s=0, most=1)
    body = timed(readers, slow, address="127.0.0.1", port=slow.port, CONTENT_LENGTH="9")
    thread = threading.Thread(target=lambda: refused(body))
    thread.start()

    eventually(lambda: readers.cut_overdue() == 1)
    thread.join()

    other.client.sendall(b"still here")
    assert other.read(10) == b"still here"


def test_who_is_in_time_is_left_alone(connect: Callable[[], Connection]) -> None:
    connection = connect()
    readers = BodyReaders(deadline_s=60, most=1)
    body = timed(readers, connection, address="127.0.0.1", port=connection.port, CONTENT_LENGTH="4")
    received: list[bytes] = []
    thread = threading.Thread(target=lambda: received.append(body.read()))
    thread.start()

    cut = readers.cut_overdue()
    connection.client.sendall(b"body")
    thread.join()

    assert (cut, received) == (0, [b"body"])
