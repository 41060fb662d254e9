"""Every script touches the keys of one hash tag only, so that all of it runs on a cluster."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from huey.api import chord

from app.core.errors import DependencyError
from app.core.queue.consumer import BulkWork
from app.core.queue.dead_letters import DeadLetters
from app.core.queue.lanes import LANES
from app.core.queue.shard_queue import ShardQueue
from app.core.queue.stats import read_stats
from app.core.queue.stream_huey import StreamHuey
from app.core.valkey import CommandError, Valkey
from app.embedded.binaries import find_binaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.queue.bundle import Policy
    from tests.core.queue.conftest import Handler


@pytest.fixture
def cluster() -> Iterator[Valkey]:
    """A cluster of one node, which is as strict about slots as one of many."""
    with tempfile.TemporaryDirectory() as directory:
        address = Path(directory) / "valkey.sock"
        options = ["--port", str(_free_port()), "--cluster-port", str(_free_port()), "--unixsocket", str(address)]
        server = subprocess.Popen(
            [find_binaries(None).valkey, *options, "--dir", directory, "--save", "", "--cluster-enabled", "yes"],
            stdout=subprocess.DEVNULL,
        )
        valkey = Valkey(f"unix://{address}", timeout_s=5.0)
        try:
            _wait_until(lambda: valkey.execute("PING"))
            valkey.execute("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
            _wait_until(lambda: valkey.execute("SET", "key", "value"))
            valkey.execute("FLUSHALL")
            yield valkey
        finally:
            valkey.forget()
            server.kill()
            server.wait()


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


def test_entries_go_their_whole_way_on_a_cluster(cluster: Valkey, handler: Handler, policy: Policy) -> None:
    queue, huey = ShardQueue(cluster), StreamHuey(client=cluster, read_timeout_s=0.01)
    good = {queue.enqueue(shard, lane, owner="acme", events=1, body=b"good") for shard in range(16) for lane in LANES}
    bad = queue.enqueue(3, LANES[0], owner="acme", events=1, body=b"fail")
    away = queue.enqueue(4, LANES[0], owner="acme", events=1, body=b"away")
    handler.outages = 1
    bulk = BulkWork(client=cluster, queue=queue, task=handler, policy=policy)
    consumer = huey.create_consumer(bulk=bulk, workers=0)

    consumer.start()
    _wait_until(lambda: sum(lane.entries for lane in read_stats(cluster).lanes) == 0)
    consumer.stop(graceful=True)

    assert set(handler.done) == good | {away}
    assert [batch_id for batch_id, _, _ in handler.buried] == [bad]
    assert read_stats(cluster).leases == {}


def test_tasks_go_their_whole_way_on_a_cluster(cluster: Valkey) -> None:
    huey = StreamHuey(client=cluster, retries=1, backoff=None, read_timeout_s=0.01, unknown_grace_s=0.0)

    @huey.task()
    def add(a: int, b: int) -> int:
        return a + b

    @huey.task()
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @huey.task()
    def fail() -> None:
        raise ValueError("no")

    huey.storage.tick("somebody's", 0, b"\x02 not understood")
    delayed = add.schedule((20, 22), delay=0.05)
    fail(priority=1)
    joined = huey.enqueue(chord([add.s(i, 1) for i in range(4)], total))
    consumer = huey.create_consumer(workers=2)
    consumer.start()
    huey.storage.stream.heartbeat()

    assert joined.get(blocking=True, timeout=60) == 10
    assert delayed.get(blocking=True, timeout=60) == 42
    letters = DeadLetters(huey)
    _wait_until(lambda: len(letters) == 2)
    consumer.stop(graceful=True)
    assert letters.replay_all() == 2
    assert huey.pending_count() == 2
