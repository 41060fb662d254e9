"""A batch is sent until its 202, and every attempt and every answer is in the history."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.courier import Batch, Courier
from app.cli.chaos.history import Receipt, read_history
from app.cli.chaos.load import Account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCEPTED = {"batch_id": "b1", "accepted": 1}


@pytest.fixture
def answers() -> list[int]:
    """Statuses of the next answers; 0 cuts the connection."""
    return []


@pytest.fixture
def server(answers: list[int]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status = answers.pop(0)
            if not status:
                self.close_connection = True
                return
            body = json.dumps(ACCEPTED if status == 202 else {"type": "/problems/overloaded"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status == 202 else "application/problem+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def batch(number: str) -> Batch:
    return Batch(number, Account("acme", "key"), [{"event_id": number, "type": "t"}])


def test_a_batch_is_repeated_after_refusals_and_cuts_until_its_202(
    server: str, answers: list[int], tmp_path: Path
) -> None:
    answers += [503, 0, 202]

    with Courier("client", server, directory=tmp_path, longest_wait_s=0.01) as courier:
        told = courier.send(batch("n1"))

    history = read_history(tmp_path)
    assert told is not None
    assert told.batch_id == "b1"
    assert history.requests == 3
    assert history.answers == Counter({"503 overloaded": 1, "cut": 1, "202": 1})
    assert history.receipts == {"b1": Receipt("acme", 1)}
    assert history.open == set()


def test_an_abandoned_courier_sends_nothing_and_the_histories_of_others_are_told_apart(
    server: str, answers: list[int], tmp_path: Path
) -> None:
    answers += [202]
    with Courier("a.1-0", server, directory=tmp_path) as courier:
        courier.send(batch("n1"))
        courier.abandon()
        assert courier.send(batch("n2")) is None
    with Courier("a.10-0", server, directory=tmp_path) as courier:
        courier.abandon()

    assert read_history(tmp_path, "a.1-*").requests == 1
    assert read_history(tmp_path, "a.10-*").requests == 0
