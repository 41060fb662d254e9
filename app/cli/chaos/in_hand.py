"""Requests that one API has in hand while it is told to end: their heads and half of their bodies have arrived there."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from app.cli.chaos.courier import CUT, Batch, Courier
from app.cli.chaos.scene import StrikeError
from app.cli.sample_events import sample_events
from app.client import NO_HEADERS, Link
from app.proc import PROC, process_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future

    from app.cli.chaos.courier import Acknowledged
    from app.cli.chaos.scene import Scene
    from app.client import Answer
    from app.process import Process

REQUESTS = 4
MOST_LINKS = 64
"""Of which the kernel gives a share to each process that listens at the port."""
EVENTS = 20
ARRIVED_S = 0.5
ANSWERED_S = 30.0
ESTABLISHED = "01"
"""The state of a connection in /proc/net/tcp; see proc_net_tcp(5)."""


class InHand:
    """`with InHand(scene, process, name) as in_hand: …; in_hand.finish()`. What is sent is in the history like all else."""

    def __init__(self, scene: Scene, process: Process, name: str) -> None:
        self._scene = scene
        self._process = process
        self._name = f"{scene.name}-{name}"
        self._stack = ExitStack()
        self._go_on = threading.Event()
        self._couriers: list[Courier] = []
        self._sending: list[Future[Acknowledged | None]] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            batches = [self._batch(number) for number in range(REQUESTS)]
            self._couriers = [self._courier(stack, batch) for batch in batches]
            pool = stack.enter_context(ThreadPoolExecutor(REQUESTS))
            for courier in self._couriers:
                stack.callback(courier.abandon)
            stack.callback(self._go_on.set)  # Nobody waits for ever, whatever goes wrong.
            pairs = zip(self._couriers, batches, strict=True)
            self._sending = [pool.submit(courier.send, batch) for courier, batch in pairs]
            time.sleep(ARRIVED_S)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def finish(self) -> None:
        """Send what is missing. Raises `StrikeError` when a connection ended without an answer."""
        self._go_on.set()
        wait(self._sending, ANSWERED_S)
        cut = sum(what == CUT for courier in self._couriers for _, what in courier.refused)
        unanswered = sum(not courier.acknowledged for courier in self._couriers)
        if cut or unanswered:
            raise StrikeError(
                f"Of {REQUESTS} requests that {self._process.name} had in hand at SIGTERM {cut} were cut, {unanswered} never accepted."
            )

    def _batch(self, number: int) -> Batch:
        random = self._scene.random
        events = sample_events(random, EVENTS, at=datetime.now(UTC))
        return Batch(f"{self._name}-{number}", random.choice(self._scene.accounts), events)

    def _courier(self, stack: ExitStack, batch: Batch) -> Courier:
        """A courier with a connection that this very process has accepted."""
        base_url, directory = self._scene.platform.base_url, self._scene.load.directory
        for _ in range(MOST_LINKS):
            link = _HaltingLink(base_url, key=batch.account.key, go_on=self._go_on)
            stack.callback(link.close)
            if link.is_accepted_by(self._process.pid or 0):
                return stack.enter_context(
                    Courier(batch.number, base_url, directory=directory, links={batch.account: link})
                )
        raise StrikeError(f"{self._process.name} accepts no connections.")


class _HaltingLink(Link):
    """Sends half of a body, and the rest when it is told to go on."""

    def __init__(self, base_url: str, *, key: str, go_on: threading.Event) -> None:
        super().__init__(base_url, key=key, timeout_s=ANSWERED_S)
        self._go_on = go_on

    def is_accepted_by(self, pid: int) -> bool:
        """Connect, and tell whether it is this process or a child of it that has answered."""
        self.get("/livez")
        here, there = self._connection.sock.getsockname()[1], self._connection.port
        inodes = {f"socket:[{inode}]" for inode in _inodes(there, here)}
        return any(not inodes.isdisjoint(_open_files(member)) for member in process_tree(pid))

    def post(self, path: str, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        sized = {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}
        return self.request("POST", path, self._halves(body), sized)

    def _halves(self, body: bytes) -> Iterator[bytes]:
        yield body[: len(body) // 2]
        self._go_on.wait()
        yield body[len(body) // 2 :]


def _inodes(local: int, remote: int) -> list[str]:
    """The inodes of this machine's sockets from one port to another."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [
        fields[9]
        for fields in map(str.split, lines)
        if fields[1].endswith(f":{local:04X}") and fields[2].endswith(f":{remote:04X}") and fields[3] == ESTABLISHED
    ]


def _open_files(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):  # It has ended just now.
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                found.add(str(descriptor.readlink()))
    return found
