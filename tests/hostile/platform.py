"""The platform that hostile requests are sent to, and those who look at how it bears them."""

from __future__ import annotations

import http.client
import itertools
import json
import socket
import statistics
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.app.served import Server

PROXIES = "127.0.0.0/8"
LIVE_S = 1.0
"""Within this `/livez` answers while all else is tried: half of the times at least, for a test's machine may be busy itself."""
PATIENCE_S = 30.0
_LOOK_EVERY_S = 0.05
_KIB = 1_024
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Reply:
    """What came back. `lines` are the header fields, names in lower case."""

    status: int
    lines: Mapping[str, str]
    body: bytes

    @property
    def is_problem(self) -> bool:
        """Whether it is a problem (RFC 9457) that says its own status."""
        return (
            self.lines.get("content-type") == "application/problem+json"
            and json.loads(self.body)["status"] == self.status
        )


@dataclass
class Watch:
    """What was seen of the platform while something was tried."""

    seconds: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    grown_mb: float = 0.0

    def was_alive(self) -> bool:
        return self.statuses == {200} and statistics.median(self.seconds) < LIVE_S and max(self.seconds) < PATIENCE_S


class Platform:
    """A running `slipstream serve`, and two accounts' keys."""

    def __init__(self, server: Server, log: Path, key: str, other_key: str) -> None:
        self.server = server
        self.key = key
        self.other_key = other_key
        self._log = log

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.server.port)

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """Open a connection from one of this machine's addresses."""
        return socket.create_connection(self.address, timeout=PATIENCE_S, source_address=(source, 0))

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Send a request as programs do; header names are written with underscores."""
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        try:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, fields)
            return read_reply(connection.getresponse())
        finally:
            connection.close()

    def post(self, body: bytes, path: str = "/events", **headers: str) -> Reply:
        """Send a body as an account does."""
        fields = {"Authorization": f"Bearer {self.key}", "Content_Type": "application/json"} | headers
        return self.ask("POST", path, body, **fields)

    def send_event(self, key: str = "", address: str = "203.0.113.1") -> int:
        """Send an event as who means well."""
        event = {"event_id": f"fine-{next(_numbers)}", "type": "fine"}
        body = json.dumps({"events": [event]}).encode()
        return self.post(body, Authorization=f"Bearer {key or self.key}", X_Forwarded_For=address).status

    def exchange(self, text: bytes) -> tuple[list[Reply], bytes]:
        """Send bytes, and return the answers that came until the end of the connection, and what was none."""
        with self.connect() as connection:
            connection.settimeout(PATIENCE_S)
            received = b""
            with suppress(ConnectionError):
                connection.sendall(text)
            with suppress(ConnectionResetError):
                received = b"".join(iter(lambda: connection.recv(65_536), b""))
        return replies_of(received)

    def memory_mb(self) -> float:
        """Return what its processes keep in memory."""
        return sum(_resident_mb(pid) for pid in self.server.children())

    @contextmanager
    def watched(self) -> Iterator[Watch]:
        """Ask again and again whether it is alive, from the side, and see by how much it grows."""
        watch, over = Watch(), threading.Event()
        before = self.memory_mb()
        thread = threading.Thread(target=self._look, args=(watch, over))
        thread.start()
        try:
            yield watch
        finally:
            over.set()
            thread.join()
            watch.grown_mb = self.memory_mb() - before

    def _look(self, watch: Watch, over: threading.Event) -> None:
        while not over.wait(_LOOK_EVERY_S):
            began = time.monotonic()
            try:
                watch.statuses.add(self.server.get("/livez"))
            except OSError:
                watch.statuses.add(0)
            watch.seconds.append(time.monotonic() - began)

    def mistakes(self) -> list[str]:
        """Return what it says of mistakes of its own."""
        lines = self._log.read_text(errors="replace").splitlines()
        return [line for line in lines if any(word in line for word in ("request_failed", "Traceback", "panicked"))]


def read_reply(response: http.client.HTTPResponse) -> Reply:
    lines = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, lines, response.read())


def replies_of(received: bytes) -> tuple[list[Reply], bytes]:
    """Split what came on a connection into its answers; what is left belongs to none."""
    replies: list[Reply] = []
    while received.startswith(b"HTTP/1.1 "):
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *others = head.decode("latin-1").split("\r\n")
        lines = {name.lower(): value for name, _, value in (line.partition(": ") for line in others)}
        length = int(lines.get("content-length", "0"))
        status = int(first.split(" ")[1])
        if status >= 200:
            replies.append(Reply(status, lines, rest[:length]))
        received = rest[length:]
    return replies, received


def status_of(connection: socket.socket) -> int:
    """Return the status that came on a connection, or 0 when it was closed without."""
    connection.settimeout(PATIENCE_S)
    try:
        received = connection.recv(65_536)
    except ConnectionError:
        return 0
    return int(received.split(b" ", 2)[1]) if received else 0


def dribble(connections: Iterable[Any]) -> None:
    """Send one more byte on each; what is closed stays so."""
    for connection in connections:
        with suppress(OSError):
            connection.send(b"{")


def _resident_mb(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in (Path("/proc") / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / _KIB
    return 0.0
