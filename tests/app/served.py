"""`slipstream serve` as a process of its own, for tests."""

from __future__ import annotations

import http.client
import os
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.core.settings import variable
from app.proc import command_line, process_tree
from app.process import Process, ProcessSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.core.settings import Settings


def is_running(pid: int) -> bool:
    """A dead process that nobody has asked about has no command line any more."""
    return command_line(pid) != ""


class Server:
    """`slipstream serve` with one process, on a database and a Valkey; `more` are settings besides."""

    def __init__(self, settings: Settings, log: Path, **more: object) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        own = {
            "database_url": settings.database_url,
            "redis_url": settings.redis_url,
            "port": self.port,
            "api_processes": 1,
            **more,
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPSTREAM_")}
        environment["TMPDIR"] = str(log.parent)
        self.process = Process(
            ProcessSpec(
                name="api",
                argv=(sys.executable, "-m", "app.cli.main", "serve"),
                env=environment | {variable(name): str(value) for name, value in own.items()},
                ready=self.answers,
                log=log,
            )
        )

    def answers(self) -> bool:
        try:
            return self.get("/livez") == 200
        except OSError:
            return False

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def begin(self, head: bytes, body: bytes = b"") -> socket.socket:
        """Send the beginning of a request."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(head + b"\r\n\r\n" + body)
        return connection

    def children(self) -> list[int]:
        """Everything that the main process has started and that still runs."""
        return [pid for pid in process_tree(self.process.pid or 0)[1:] if is_running(pid)]

    def workers(self) -> list[int]:
        """The processes that answer requests."""
        return [pid for pid in self.children() if "spawn_main" in command_line(pid)]


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run it until the end of the block."""
    server.process.start()
    try:
        server.process.wait_ready()
        yield server
    finally:
        server.process.stop()
