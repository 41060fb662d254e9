"""Real worker processes, which are started, killed and replaced, and what they noted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.core.queue.lanes import LANES
from app.core.queue.stats import read_stats
from app.core.queue.stream_huey import StreamHuey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.queue.shard_queue import ShardQueue
    from app.core.valkey import Valkey
    from tests.core.queue.conftest import Accounts

HERE = Path(__file__).parent
PATIENCE_S = 90


class Crew:
    """Starts worker processes, and reads what they noted."""

    def __init__(self, url: str, valkey: Valkey, accounts: Accounts, directory: Path) -> None:
        self._url = url
        self._valkey = valkey
        self._accounts = accounts
        self._directory = directory
        self._hired: list[subprocess.Popen[bytes]] = []
        self.marker = directory / "marker"

    def hire(self, *, kill_at: str = "", **config: Any) -> subprocess.Popen[bytes]:
        """Start a worker; *kill_at* names the failpoint at which it dies by SIGKILL."""
        environment = os.environ | {
            "QUEUE_TEST": json.dumps({"url": self._url, "silence_s": 1.0} | config),
            "SLIPSTREAM_FAILPOINTS": f"{kill_at}=kill@{self.marker}" if kill_at else "",
            "PYTHONPATH": os.pathsep.join([str(HERE.parents[3]), *sys.path]),
        }
        with (self._directory / f"worker-{len(self._hired)}.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, str(HERE / "worker_program.py")], env=environment, stderr=log, stdout=log
            )
        self._hired.append(worker)
        return worker

    @staticmethod
    def wait_until(condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.02)

    @staticmethod
    def end_of(worker: subprocess.Popen[bytes]) -> int:
        """Wait until a worker has ended; return its exit status, or the signal that killed it as a negative number."""
        return worker.wait(PATIENCE_S)

    def log_of(self, worker: subprocess.Popen[bytes]) -> bytes:
        return (self._directory / f"worker-{self._hired.index(worker)}.log").read_bytes()

    def killed_at(self, name: str, **config: Any) -> None:
        """Let a worker run into a failpoint, and prove that it was there that it died."""
        worker = self.hire(kill_at=name, **config)
        assert self.end_of(worker) == -signal.SIGKILL
        assert self.marker.read_text().split() == [name, str(worker.pid)]

    def finish(self, **config: Any) -> None:
        """Let another worker do what is left."""
        worker = self.hire(**config)
        self.wait_until(lambda: b"Huey consumer started" in self.log_of(worker), "the worker to be ready for signals")
        self.wait_until_drained()
        worker.send_signal(signal.SIGTERM)
        assert self.end_of(worker) == 0

    def replace_whoever_dies(self, **config: Any) -> list[int]:
        """Be a supervisor until everything is done; return how the workers ended that did not live to see it."""
        ends: list[int] = []
        worker = self.hire(**config)

        def done() -> bool:
            nonlocal worker
            if worker.poll() is not None:
                ends.append(worker.returncode)
                worker = self.hire(**config)
            return self.is_drained()

        self.wait_until(done, "the queue to drain")
        return ends

    def wait_until_drained(self) -> None:
        self.wait_until(self.is_drained, "the queue to drain")

    def is_drained(self) -> bool:
        stats = read_stats(self._valkey)
        tasks = stats.tasks
        return not (tasks.waiting or tasks.in_flight or tasks.scheduled or sum(lane.entries for lane in stats.lanes))

    def noted(self, name: str) -> list[str]:
        return [value.decode() for value in self._valkey.execute("LRANGE", f"evidence:{name}", 0, -1)]

    @property
    def stored(self) -> set[str]:
        return {value.decode() for value in self._valkey.execute("SMEMBERS", "evidence:stored")}

    @property
    def buried(self) -> dict[str, str]:
        reply = self._valkey.execute("HGETALL", "evidence:buried")
        return {key.decode(): value.decode() for key, value in zip(reply[::2], reply[1::2], strict=True)}

    def check_entries(self, batch_ids: set[str]) -> None:
        """Everything is stored, nothing else is, and the accounts of all shards are balanced."""
        assert self.stored == batch_ids
        accounts = self._accounts
        for shard in range(16):
            assert (accounts.load(shard), accounts.inflight(shard), accounts.traces(shard)) == ({}, {}, [])

    @property
    def ticked(self) -> int:
        return int(self._valkey.execute("SCARD", "evidence:ticked"))

    def leases_of(self, worker: subprocess.Popen[bytes]) -> int:
        leases = read_stats(self._valkey).leases
        return sum(len(held) for name, held in leases.items() if name.split(":")[1] == str(worker.pid))

    def dismiss(self) -> None:
        for worker in self._hired:
            worker.kill()
            worker.wait()


@pytest.fixture
def crew(valkey_url: str, valkey: Valkey, accounts: Accounts, tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(valkey_url, valkey, accounts, tmp_path)
    with ExitStack() as stack:
        stack.callback(crew.dismiss)
        yield crew


@pytest.fixture
def producer(valkey: Valkey) -> StreamHuey:
    """A process that enqueues the worker program's tasks without having their code."""
    huey = StreamHuey(client=valkey, retries=3)
    for name in ("work", "flaky", "follow", "kill"):
        task = huey.task(name=name)(lambda *_: None)
        huey._registry.unregister(task.task_class)
        task.task_class.__module__ = "worker_program"
        huey._registry.register(task.task_class)
        setattr(huey, name, task)
    return huey


@pytest.fixture
def fill(queue: ShardQueue) -> Callable[..., set[str]]:
    """Append entries of several shards, lanes and owners, and return their batch ids."""

    def append(number: int = 200) -> set[str]:
        return {
            queue.enqueue(i % 3, LANES[i % 4], owner=f"account-{i % 5}", events=i, body=b"store") for i in range(number)
        }

    return append
