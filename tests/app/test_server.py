"""The API as a real process behind real sockets: slow clients, signals, deaths."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.core.settings import SettingsError
from app.core.tables import api_keys, request_minutes
from app.server import serve
from tests.app.served import Server, is_running, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import redis

    from app.core.database import Database
    from app.core.settings import Settings
    from tests.conftest import World

    Eventually = Callable[[Callable[[], object]], None]

THREADS = 8


def make(settings: Settings, log: Path, *, body_timeout_s: int) -> Server:
    """One of few threads."""
    return Server(settings, log, api_threads=THREADS, body_timeout_s=body_timeout_s)


@pytest.fixture
def server(settings: Settings, tmp_path: Path) -> Iterator[Server]:
    with running(make(settings, tmp_path / "api.log", body_timeout_s=1)) as server:
        yield server


@pytest.fixture
def patient_server(settings: Settings, tmp_path: Path) -> Iterator[Server]:
    """One that waits for bodies for as long as a slow machine may need."""
    with running(make(settings, tmp_path / "api.log", body_timeout_s=60)) as server:
        yield server


EVENTS = b'{"events": [{"event_id": "1", "type": "flight.departed"}]}'


def head(key: str, *more: bytes) -> bytes:
    lines = [b"POST /events HTTP/1.1", b"Host: slipstream", b"Content-Type: application/json"]
    return b"\r\n".join([*lines, b"Authorization: Bearer " + key.encode(), *more])


def with_length(key: str, length: int = len(EVENTS)) -> bytes:
    return head(key, b"Content-Length: %d" % length)


def answer(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    with connection:
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, json.loads(response.read())


def in_chunks(server: Server, key: str) -> socket.socket:
    connection = server.begin(head(key, b"Transfer-Encoding: chunked"))
    for part in (EVENTS[:10], EVENTS[10:], b""):
        connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
    return connection


def after_consent(server: Server, key: str) -> socket.socket:
    connection = server.begin(head(key, b"Expect: 100-continue", b"Content-Length: %d" % len(EVENTS)))
    assert connection.recv(1_000).startswith(b"HTTP/1.1 100 ")
    connection.sendall(EVENTS)
    return connection


def test_a_body_arrives_however_it_is_framed(server: Server, world: World) -> None:
    key = world.alice.key

    answers = [
        answer(server.begin(with_length(key), EVENTS)),
        answer(in_chunks(server, key)),
        answer(after_consent(server, key)),
    ]

    assert [(status, body["accepted"]) for status, body in answers] == [(202, 1)] * 3


def test_a_body_that_does_not_come_is_a_timeout(server: Server, world: World) -> None:
    framings = (b"Content-Length: 1000", b"Transfer-Encoding: chunked")
    slow = [
        server.begin(head(world.alice.key, framing), begun) for framing in framings for begun in (b"", b"1\r\n{\r\n")
    ]

    answers = [answer(connection) for connection in slow]

    assert [status for status, _ in answers] == [408] * 4
    assert all(body["type"].endswith("/problems/request-timeout") for _, body in answers)


def test_a_body_that_is_too_large_is_told_so(server: Server, world: World) -> None:
    connection = server.begin(with_length(world.alice.key, 6_000_000))
    connection.sendall(b" " * 6_000_000)

    status, body = answer(connection)

    assert (status, body["limit"]) == (413, "body_bytes")


def test_more_slow_clients_than_threads_do_not_stop_the_others(server: Server, world: World) -> None:
    slow = [server.begin(with_length(world.alice.key)) for _ in range(5 * THREADS)]

    served = [server.get("/livez") for _ in range(5)]
    answers = [answer(connection) for connection in slow]

    assert served == [200] * 5
    assert {status for status, _ in answers} == {408, 503}
    assert answer(server.begin(with_length(world.alice.key), EVENTS))[0] == 202


NONSENSE = (
    b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%ff%fe%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET http://elsewhere/livez HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /livez HTTP/1.0\r\n\r\n",
    b"NONSENSE\r\n\r\n",
    b"\x16\x03\x01\x02\x00",
)


def test_nonsense_is_never_our_fault(server: Server) -> None:
    for text in NONSENSE:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: connection.recv(65_536), b""))

        assert not received or int(received.split(b" ", 2)[1]) < 500, text
        assert b"Traceback" not in received, text
    assert server.get("/livez") == 200


def test_a_request_in_hand_is_finished_before_the_end(
    patient_server: Server, world: World, eventually: Eventually
) -> None:
    server = patient_server
    connection = server.begin(with_length(world.alice.key), EVENTS[:-1])
    eventually(lambda: server.get("/livez") == 200)

    server.process.kill(signal.SIGTERM)
    eventually(lambda: not server.answers())
    connection.sendall(EVENTS[-1:])

    assert answer(connection)[0] == 202
    eventually(lambda: not server.process.running)


def test_what_was_counted_is_stored_before_the_end(server: Server, world: World, database: Database) -> None:
    answer(server.begin(with_length(world.alice.key), EVENTS))

    server.process.stop()

    with database.begin() as connection:
        routes = connection.execute(select(request_minutes.c.route).where(request_minutes.c.status == 202)).scalars()
        used = connection.execute(select(api_keys.c.last_used_at).where(api_keys.c.account_id == "acme")).scalar_one()
        assert set(routes) == {"/events"}
        assert used is not None


def test_a_process_that_dies_is_started_again(server: Server, eventually: Eventually) -> None:
    (before,) = server.workers()

    os.kill(before, signal.SIGKILL)

    eventually(lambda: server.workers() not in ([], [before]) and server.answers())


def test_nothing_stays_behind_when_the_main_process_is_killed(server: Server, eventually: Eventually) -> None:
    assert server.process.pid is not None
    children = server.children()

    os.kill(server.process.pid, signal.SIGKILL)

    assert children
    eventually(lambda: not any(map(is_running, children)))


def test_a_queue_that_forgets_is_refused(settings: Settings, redis_client: redis.Redis) -> None:
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(SettingsError, match="maxmemory-policy"):
            serve(settings)
    finally:
        redis_client.config_set("maxmemory-policy", "noeviction")
