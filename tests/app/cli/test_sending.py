from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from app.cli.sending import Sender, SendingError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBLEM = "application/problem+json"


class Platform:
    """Answers as it is scripted, with 202 once the script is over, and remembers what it was sent."""

    def __init__(self, *script: tuple[int, dict[str, str], dict[str, Any]] | None) -> None:
        self.script = list(script)
        self.batches: list[tuple[str, list[dict[str, Any]]]] = []
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                platform.batches.append((self.headers["Authorization"], body["events"]))
                answer = (
                    platform.script.pop(0) if platform.script else (202, {}, {"batch_id": f"b{len(platform.batches)}"})
                )
                if answer is None:
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                text = json.dumps(content).encode()
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def serving(platform: Platform) -> Iterator[Platform]:
    thread = threading.Thread(target=platform.server.serve_forever, args=(0.01,))
    thread.start()
    yield platform
    platform.server.shutdown()
    platform.server.server_close()
    thread.join()


@contextmanager
def sender(platform: Platform, waits: list[float], **keys: str) -> Iterator[Sender]:
    sending = Sender(platform.url, keys or {"acme": "k-acme"}, sleep=waits.append, give_up_after_s=60)
    yield sending
    sending.close()


def lines(*events: object) -> list[bytes]:
    return [json.dumps(event).encode() + b"\n" for event in events]


def test_every_account_is_sent_with_its_own_key_and_in_batches() -> None:
    waits: list[float] = []
    events = [{"event_id": str(n), "type": "t", "account_id": "acme" if n % 2 else "bolt"} for n in range(10)]
    with serving(Platform()) as platform, sender(platform, waits, acme="k-acme", bolt="k-bolt") as sending:
        progress = sending.send(lines(*events), batch_size=3)

    assert progress.accepted == 10
    assert sorted((key, len(batch)) for key, batch in platform.batches) == [
        ("Bearer k-acme", 2),
        ("Bearer k-acme", 3),
        ("Bearer k-bolt", 2),
        ("Bearer k-bolt", 3),
    ]


def test_a_refusal_is_waited_for_as_it_says_and_the_same_events_are_sent_again() -> None:
    waits: list[float] = []
    away = (503, {"Retry-After": "7", "Content-Type": PROBLEM}, {"detail": "away"})
    with serving(Platform(away, None, (504, {}, {}))) as platform, sender(platform, waits) as sending:
        progress = sending.send(lines({"event_id": "1", "type": "t"}), batch_size=10)

    assert (progress.accepted, progress.batches, progress.waits) == (1, 1, 3)
    assert waits[0] == 7
    assert [batch for _, batch in platform.batches] == [[{"event_id": "1", "type": "t"}]] * 4


def test_a_bad_event_is_left_out_and_named_by_its_line_while_the_others_are_sent() -> None:
    waits: list[float] = []
    invalid = (422, {"Content-Type": PROBLEM}, {"errors": [{"index": 1, "field": "type", "detail": "is missing"}]})
    with serving(Platform(invalid)) as platform, sender(platform, waits) as sending:
        progress = sending.send(lines({"type": "a"}, {"event_id": "2"}, {"type": "c"}), batch_size=10)

    assert progress.accepted == 2
    assert [(one.line, one.reason) for one in progress.refused] == [(2, "type: is missing")]
    assert [event.get("type") for event in platform.batches[-1][1]] == ["a", "c"]


def test_a_line_that_is_no_event_is_named_and_stops_nothing() -> None:
    waits: list[float] = []
    with serving(Platform()) as platform, sender(platform, waits) as sending:
        progress = sending.send([b"\n", b"{oops\n", b"[1]\n", *lines({"type": "a"})], batch_size=10)

    assert progress.accepted == 1
    assert [one.line for one in progress.refused] == [2, 3]


def test_an_event_without_an_id_gets_the_same_one_whenever_the_file_is_sent() -> None:
    waits: list[float] = []
    file = lines({"type": "a"}, {"type": "a"})
    with serving(Platform()) as platform:
        for _ in range(2):
            with sender(platform, waits) as sending:
                sending.send(file, batch_size=10)

    first, second = [[event["event_id"] for event in batch] for _, batch in platform.batches]
    assert first == second
    assert len(set(first)) == 2


def test_a_key_that_may_not_write_ends_it_at_once_with_what_the_platform_said() -> None:
    waits: list[float] = []
    forbidden = (403, {"Content-Type": PROBLEM}, {"title": "Forbidden", "detail": "The key lacks events:write."})
    with (
        serving(Platform(forbidden)) as platform,
        sender(platform, waits) as sending,
        pytest.raises(SendingError, match="lacks events:write"),
    ):
        sending.send(lines({"type": "a"}), batch_size=10)

    assert waits == []


def test_an_event_of_an_account_without_a_key_ends_it_and_names_the_line() -> None:
    waits: list[float] = []
    with (
        serving(Platform()) as platform,
        sender(platform, waits) as sending,
        pytest.raises(SendingError, match="line 1: there is no key of account 'nobody'"),
    ):
        sending.send(lines({"type": "a", "account_id": "nobody"}), batch_size=10)
