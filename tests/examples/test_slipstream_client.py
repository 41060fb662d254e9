"""The client that users copy, against a server that answers as it is told."""

from __future__ import annotations

import ast
import gzip
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from app.cli.demo.flights import EXAMPLES
from app.cli.demo.senders import example_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

client_module = example_client()
ACCEPTED = (202, {}, {"accepted": 1})


class Platform:
    """Answers each request with the next of its answers, the last one for ever; keeps what was sent."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], dict[str, Any]]] = [ACCEPTED]
        self.bodies: list[dict[str, Any]] = []
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Encoding"] == "gzip":
                    body = gzip.decompress(body)
                platform.bodies.append(json.loads(body))
                status, headers, answer = platform.answers[0]
                if len(platform.answers) > 1:
                    platform.answers.pop(0)
                text = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    yield platform
    platform.close()


@pytest.fixture
def waits() -> list[float]:
    """Seconds that the client has slept, which here take no time."""
    return []


@pytest.fixture
def make(platform: Platform, tmp_path: Path, waits: list[float]) -> Iterator[Callable[[], Any]]:
    """Makes a client on the same spool, as after a restart."""
    made = []

    def make() -> Any:
        made.append(client_module.Client(platform.url, "key", spool=tmp_path, sleep=waits.append))
        return made[-1]

    yield make
    for client in made:
        client.close()


def test_it_needs_the_standard_library_alone() -> None:
    tree = ast.parse((EXAMPLES / "slipstream_client.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_events_go_in_batches_of_a_thousand(platform: Platform, make: Callable[[], Any]) -> None:
    client = make()
    for number in range(2_001):
        client.add({"event_id": str(number), "type": "t"})

    assert client.flush() == 0
    assert [len(body["events"]) for body in platform.bodies] == [1_000, 1_000, 1]
    assert [event["event_id"] for body in platform.bodies for event in body["events"]] == [str(n) for n in range(2_001)]


@pytest.mark.parametrize("status", [429, 503, 504])
def test_it_waits_as_long_as_it_is_told_and_sends_the_very_same_again(
    platform: Platform, make: Callable[[], Any], waits: list[float], status: int
) -> None:
    platform.answers = [(status, {"Retry-After": "7"}, {}), (status, {"Retry-After": "30"}, {}), ACCEPTED]
    client = make()
    client.add({"type": "an event without an id gets one"})

    assert client.flush() == 0
    assert 7 <= waits[0] <= 8
    assert 30 <= waits[1] <= 31
    first, second, third = platform.bodies
    assert first == second == third
    assert first["events"][0]["event_id"]
    assert client.answers == {status: 2, 202: 1}


def test_what_was_not_answered_survives_its_own_crash(platform: Platform, make: Callable[[], Any]) -> None:
    crashed = make()
    crashed.add({"event_id": "1", "type": "t"})
    crashed.spool()

    assert make().flush() == 0
    assert [event["event_id"] for body in platform.bodies for event in body["events"]] == ["1"]


def test_while_the_platform_is_away_events_stay_on_disk_and_later_all_of_them_are_sent(
    platform: Platform, make: Callable[[], Any], tmp_path: Path, waits: list[float]
) -> None:
    away = client_module.Client("http://127.0.0.1:9", "key", spool=tmp_path, sleep=waits.append)
    for number in range(3):
        away.add({"event_id": str(number), "type": "t"})
        away.spool()

    assert away.flush(give_up_after_s=0) == 3
    assert away.answers == {0: 1}
    assert waits
    assert make().flush() == 0
    assert [event["event_id"] for body in platform.bodies for event in body["events"]] == ["0", "1", "2"]
    assert list(tmp_path.glob("*.json")) == []


def test_a_batch_that_is_refused_for_good_is_put_aside_with_the_answer_and_stops_nobody(
    platform: Platform, make: Callable[[], Any], tmp_path: Path
) -> None:
    platform.answers = [(422, {}, {"title": "bad"}), ACCEPTED]
    client = make()
    for number in range(2):
        client.add({"event_id": str(number), "type": "t"})
        client.spool()

    assert client.flush() == 0
    assert (client.refused, client.accepted) == (1, 1)
    (batch,) = (tmp_path / "refused").glob("*.json")
    assert json.loads(batch.read_text())["events"][0]["event_id"] == "0"
    assert json.loads(batch.with_name(f"{batch.name}.answer").read_text()) == {"title": "bad"}
