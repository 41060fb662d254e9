"""A crowd against a server that answers by a script: what is sent, when, and what is written down of it."""

from __future__ import annotations

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from app.cli.chaos.crowd.stage import Stage
from app.cli.chaos.crowd.traffic import Plan, Sender

if TYPE_CHECKING:
    from collections.abc import Iterator


class Reply(NamedTuple):
    """An answer; status 0 is a connection that ends without one."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b'{"batch_id": "07n-1-0", "accepted": 1}'


TAKEN = Reply(202)
CUT = Reply(0)
REFUSED = Reply(
    429,
    (("Content-Type", "application/problem+json"), ("Retry-After", "1")),
    b'{"type": "http://here/problems/rate-limit-exceeded"}',
)


class Server(ThreadingHTTPServer):
    """Gives each request the next reply of the script, and 202 when there is none."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: deque[Reply] = deque()
        self.bodies: list[bytes] = []
        self.keys: set[str] = set()
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.keys.add(self.headers["Authorization"])
        reply = self.server.script.popleft() if self.server.script else TAKEN
        if not reply.status:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_line: object) -> None:
        """Write nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def stage(server: Server, *senders: Sender, seconds: float = 0.2) -> Stage:
    return Stage(
        Plan(base_url=server.url, senders=senders, seconds=seconds, cores=frozenset({0}), seed="1", patience_s=10)
    )


def test_each_request_goes_out_once_when_it_is_due_with_ids_of_its_own(server: Server) -> None:
    acme = Sender(account_id="acme", key="slip.acme", every_s=0.02, events=200, connections=3)

    asks = stage(server, acme).run()

    assert sorted(ask.number for ask in asks) == list(range(10))
    assert all(ask.accepted and ask.batch_id == "07n-1-0" and ask.sent_s >= ask.due_s for ask in asks)
    assert server.keys == {"Bearer slip.acme"}
    assert server.connections <= 3
    ids = [event["event_id"] for body in server.bodies for event in msgspec.json.decode(body)["events"]]
    assert len(set(ids)) == len(ids) == 10 * 200


def test_one_who_returns_comes_when_he_was_told_to_and_not_earlier(server: Server) -> None:
    server.script.append(REFUSED)

    first, second = stage(server, Sender(account_id="acme", key="k", every_s=1, returns=True, total=1)).run()

    assert (first.answer, first.retry_after_s, first.attempt) == ("429 rate-limit-exceeded", 1, 0)
    assert (second.answer, second.number, second.attempt) == ("202", 0, 1)
    assert second.sent_s >= first.sent_s + first.took_s + 1
    assert server.bodies[0] == server.bodies[1]


def test_one_who_does_not_return_goes_on_with_the_next(server: Server) -> None:
    server.script.append(REFUSED)

    asks = stage(server, Sender(account_id="acme", key="k", every_s=0.1)).run()

    assert [(ask.number, ask.attempt, ask.accepted) for ask in asks] == [(0, 0, False), (1, 0, True)]


def test_after_a_cut_there_is_another_connection(server: Server) -> None:
    server.script.append(CUT)

    asks = stage(server, Sender(account_id="acme", key="k", every_s=0.1)).run()

    assert [ask.answer for ask in asks] == ["cut", "202"]
    assert server.connections == 2


def test_where_nobody_listens_everything_is_cut() -> None:
    server = Server()
    server.server_close()

    (ask,) = stage(server, Sender(account_id="acme", key="k", every_s=1)).run()

    assert ask.answer == "cut"
