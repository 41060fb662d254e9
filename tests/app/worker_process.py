"""A worker as a real process."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

from app.process import Process, ProcessSpec

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.settings import Settings

PROGRAM = (sys.executable, "-m", "app.cli.main", "worker")


class WorkerProcess:
    """Starts a worker on a test's stores; `get` asks its probes."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = self._held.getsockname()[1]
        self.log = log
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("SLIPSTREAM_")
        } | {
            "SLIPSTREAM_DATABASE_URL": settings.database_url,
            "SLIPSTREAM_REDIS_URL": settings.redis_url,
            "SLIPSTREAM_WORKER_PORT": str(self.port),
            "SLIPSTREAM_RECLAIM_AFTER_S": "1",
        }
        self.process: Process | None = None

    def start(self, *arguments: str, ready: bool = True, **environment: str) -> Process:
        spec = ProcessSpec(
            name="worker",
            argv=(*PROGRAM, *arguments),
            env=self._environment | environment,
            ready=lambda: self.get("/readyz" if ready else "/livez")[0] == 200,
            log=self.log,
        )
        self.process = Process(spec)
        self.process.start()
        return self.process

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
        except (OSError, HTTPException):
            return 0, ""

    def exit_status(self) -> int | None:
        assert self.process is not None
        assert self.process._popen is not None
        return self.process._popen.returncode

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
        self._held.close()
