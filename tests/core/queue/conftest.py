"""A queue on an empty Valkey, and a handler of entries that does as the entries' bodies say."""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core.queue.backoff import Backoff
from app.core.queue.bundle import BundleRunner, Policy
from app.core.queue.counters import Counters
from app.core.queue.keys import lease
from app.core.queue.lanes import Lane
from app.core.queue.shard_queue import ShardQueue
from app.core.queue.stream_huey import StreamHuey
from app.core.queue.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.core.queue.entry import Entry
    from app.core.queue.shard_queue import Bundle
    from app.core.valkey import Valkey

ME = "me"
AT_ONCE = Backoff(base_s=0.0, cap_s=0.0)


class AwayError(Exception):
    """A dependency cannot be reached."""


class Handler:
    """Keeps what it was given. A body `fail` raises, `away` finds its dependency away *outages* times."""

    name = "store"

    def __init__(self) -> None:
        self.runs: list[list[str]] = []
        self.done: list[str] = []
        self.buried: list[tuple[str, str, int]] = []
        self.outages = 0
        self.graves_away = 0
        self.grave_error: Exception | None = None
        self.on_run: Callable[[Sequence[Entry]], None] = lambda _entries: None

    def run(self, entries: Sequence[Entry]) -> None:
        self.runs.append([entry.batch_id for entry in entries])
        self.on_run(entries)
        bodies = [entry.body for entry in entries]
        if b"away" in bodies and self.outages:
            self.outages -= 1
            raise AwayError("the store is away")
        if b"fail" in bodies:
            raise ValueError("this body fails")
        self.done += [entry.batch_id for entry in entries]

    def bury(self, entry: Entry, reason: str, attempts: int) -> None:
        if self.graves_away:
            self.graves_away -= 1
            raise AwayError("the graveyard is away")
        if self.grave_error:
            raise self.grave_error
        self.buried.append((entry.batch_id, reason, attempts))


class Accounts:
    """The accounting of a shard, read back."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def load(self, shard: int = 0) -> dict[str, int]:
        """Every field of the shard's load that is not zero."""
        return {name: value for name, value in self._hash(f"{{s{shard:02d}}}:load").items() if value}

    def inflight(self, shard: int = 0) -> dict[str, int]:
        return self._hash(f"{{s{shard:02d}}}:inflight")

    def traces(self, shard: int = 0) -> list[bytes]:
        """Whatever is left in the shard that should not be when it is empty."""
        tag = f"{{s{shard:02d}}}"
        left = []
        for lane in Lane:
            left += [entry_id for entry_id, _ in self._valkey.execute("XRANGE", f"{tag}:q:{lane}", "-", "+")]
        left += self._valkey.execute("ZRANGE", f"{tag}:schedule", 0, -1)
        return left + self._valkey.execute("HGETALL", f"{tag}:attempts")

    def _hash(self, key: str) -> dict[str, int]:
        reply = self._valkey.execute("HGETALL", key)
        return {name.decode(): int(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}


@pytest.fixture
def queue(valkey: Valkey) -> ShardQueue:
    return ShardQueue(valkey)


@pytest.fixture
def accounts(valkey: Valkey) -> Accounts:
    return Accounts(valkey)


@pytest.fixture
def hold(valkey: Valkey) -> Callable[..., None]:
    """Give the lease of a shard to a worker, whoever holds it."""

    def give(worker: str = ME, shard: int = 0) -> None:
        valkey.execute("SET", lease(shard), worker, "PX", 60_000)

    return give


@pytest.fixture
def add(queue: ShardQueue) -> Callable[..., str]:
    """Append an entry to shard 0 and return its batch id."""

    def append(body: bytes = b"body", lane: Lane = Lane.NORMAL, owner: str = "acme", events: int = 1) -> str:
        return queue.enqueue(0, lane, owner=owner, events=events, body=body)

    return append


@pytest.fixture
def finish(queue: ShardQueue) -> Callable[..., Bundle]:
    """Take a bundle of shard 0 and settle it."""

    def take_and_settle(from_queue: ShardQueue = queue) -> Bundle:
        bundle = from_queue.take(0, ME)
        if bundle.entries:
            from_queue.settle(bundle.entries, again=bundle.again)
        return bundle

    return take_and_settle


@pytest.fixture
def policy() -> Policy:
    """Three retries at once, and no waiting for dependencies."""
    return Policy(backoff=AT_ONCE, pause=AT_ONCE, pause_on=(AwayError,))


@pytest.fixture
def handler() -> Handler:
    return Handler()


class Runner:
    """A `BundleRunner` whose waits are short."""

    def __init__(self, queue: ShardQueue, handler: Handler) -> None:
        self.queue = queue
        self.handler = handler
        self.stop_flag = threading.Event()
        self.counters = Counters()
        self.hits: dict[str, int] = defaultdict(int)

    def make(self, policy: Policy, worker: str = ME) -> BundleRunner:
        def failpoint(name: str) -> None:
            self.hits[name] += 1

        return BundleRunner(
            self.queue,
            self.handler,
            worker,
            policy=policy,
            stop_flag=self.stop_flag,
            watchdog=Watchdog(60.0),
            counters=self.counters,
            failpoint=failpoint,
        )

    def drain(self, policy: Policy, worker: str = ME, shard: int = 0, turns: int = 200) -> None:
        """Take and run until nothing is left, or for so many turns."""
        runner = self.make(policy, worker)
        for _ in range(turns):
            bundle = self.queue.take(shard, worker)
            if bundle.entries:
                runner.run(bundle)
            elif not self.queue.waiting([shard]):
                return


@pytest.fixture
def runner(queue: ShardQueue, handler: Handler) -> Runner:
    return Runner(queue, handler)


@pytest.fixture
def huey(valkey: Valkey) -> StreamHuey:
    """A Huey whose tasks are not retried unless they say so."""
    return StreamHuey(client=valkey, retries=0, backoff=None, pause_on=(AwayError,), read_timeout_s=0.01)


@pytest.fixture
def execute_next(huey: StreamHuey) -> Callable[[], Any]:
    def execute() -> Any:
        task = huey.dequeue()
        assert task is not None
        return huey.execute(task)

    return execute


@pytest.fixture
def drain(huey: StreamHuey) -> Callable[[], None]:
    """Execute everything, also what is scheduled for later."""

    def execute_all() -> None:
        while huey.pending_count() or huey.scheduled_count():
            huey.read_schedule(datetime(2100, 1, 1))  # noqa: DTZ001
            task = huey.dequeue()
            assert task is not None
            huey.execute(task, datetime(2100, 1, 1))  # noqa: DTZ001

    return execute_all
