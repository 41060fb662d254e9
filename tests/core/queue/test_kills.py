"""What is left when real worker processes are killed: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.core.queue.keys import lease
from app.core.queue.lanes import LANES, Lane
from app.core.queue.stats import read_stats
from app.core.queue.stream_huey import StreamHuey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis
    from huey.api import Task

    from app.core.queue.shard_queue import ShardQueue
    from app.core.valkey import Valkey
    from tests.core.queue.conftest import Accounts

HERE = Path(__file__).parent
PATIENCE_S = 90
KILLED = -signal.SIGKILL


def wait_until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


class Crew:
    """Starts worker processes, and reads what they noted."""

    def __init__(self, url: str, valkey: Valkey, directory: Path) -> None:
        self._url = url
        self._valkey = valkey
        self._directory = directory
        self._hired: list[subprocess.Popen[bytes]] = []
        self.marker = directory / "marker"

    def hire(self, *, kill_at: str = "", **config: Any) -> subprocess.Popen[bytes]:
        """Start a worker; *kill_at* names the failpoint at which it dies by SIGKILL."""
        environment = os.environ | {
            "QUEUE_TEST": json.dumps({"url": self._url, "silence_s": 1.0} | config),
            "SLIPSTREAM_FAILPOINTS": f"{kill_at}=kill@{self.marker}" if kill_at else "",
            "PYTHONPATH": os.pathsep.join([str(HERE.parents[2]), *sys.path]),
        }
        with (self._directory / f"worker-{len(self._hired)}.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, str(HERE / "worker_program.py")], env=environment, stderr=log, stdout=log
            )
        self._hired.append(worker)
        return worker

    def log_of(self, worker: subprocess.Popen[bytes]) -> bytes:
        return (self._directory / f"worker-{self._hired.index(worker)}.log").read_bytes()

    def killed_at(self, name: str, **config: Any) -> None:
        """Let a worker run into a failpoint, and prove that it was there that it died."""
        worker = self.hire(kill_at=name, **config)
        assert worker.wait(PATIENCE_S) == KILLED
        assert self.marker.read_text().split() == [name, str(worker.pid)]

    def finish(self, **config: Any) -> None:
        """Let another worker do what is left."""
        worker = self.hire(**config)
        wait_until(lambda: b"Huey consumer started" in self.log_of(worker), "the worker to be ready for signals")
        self.wait_until_drained()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE_S) == 0

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

        wait_until(done, "the queue to drain")
        return ends

    def wait_until_drained(self) -> None:
        wait_until(self.is_drained, "the queue to drain")

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
def crew(valkey_url: str, valkey: Valkey, tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(valkey_url, valkey, tmp_path)
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


NUMBERS = range(20)


@pytest.mark.parametrize("failpoint", ["queue.before_run", "task.mid_run", "queue.before_ack", "queue.after_ack"])
def test_every_task_runs_and_its_follower_runs_once(crew: Crew, producer: Any, failpoint: str) -> None:
    for number in NUMBERS:
        producer.enqueue(producer.work.s(number).then(producer.follow))

    crew.killed_at(failpoint, bulk=False)
    crew.finish(bulk=False)

    check_tasks(crew)


def check_tasks(crew: Crew) -> None:
    """At least once for the body, exactly once for what follows from it."""
    assert set(crew.noted("ran")) == {str(number) for number in NUMBERS}
    assert Counter(crew.noted("followed")) == Counter(str(number) for number in NUMBERS)


@pytest.mark.parametrize("failpoint", ["queue.before_retry", "queue.before_ack", "queue.after_ack"])
def test_a_retry_is_neither_lost_nor_doubled(crew: Crew, producer: Any, failpoint: str) -> None:
    for number in NUMBERS:
        producer.enqueue(producer.flaky.s(number).then(producer.follow))

    crew.killed_at(failpoint, bulk=False)
    crew.finish(bulk=False)

    check_tasks(crew)


def test_a_killed_schedule_mover_leaves_every_task_in_one_place(
    crew: Crew, producer: Any, redis_client: redis.Redis
) -> None:
    for number in range(500):
        task: Task = producer.follow.s(number)
        producer.storage.add_to_schedule(producer.serialize_task(task), producer._get_timestamp())

    crew.killed_at("queue.schedule_mover", bulk=False, workers=0)
    assert redis_client.xlen("{tasks}:q") + redis_client.zcard("{tasks}:schedule") == 500
    crew.finish(bulk=False)

    assert Counter(crew.noted("followed")) == Counter(str(number) for number in range(500))


def fill(queue: ShardQueue, number: int = 200) -> set[str]:
    return {
        queue.enqueue(i % 3, LANES[i % 4], owner=f"account-{i % 5}", events=i, body=b"store") for i in range(number)
    }


@pytest.mark.parametrize("failpoint", ["queue.before_run", "store.mid_run", "queue.before_ack"])
def test_every_entry_is_stored_and_accounted_for_once(
    crew: Crew, queue: ShardQueue, accounts: Accounts, failpoint: str
) -> None:
    batch_ids = fill(queue)

    crew.killed_at(failpoint, workers=0)
    crew.finish(workers=0)

    check_entries(crew, accounts, batch_ids)


def check_entries(crew: Crew, accounts: Accounts, batch_ids: set[str]) -> None:
    assert crew.stored == batch_ids
    for shard in range(16):
        assert (accounts.load(shard), accounts.inflight(shard), accounts.traces(shard)) == ({}, {}, [])


@pytest.mark.parametrize("failpoint", ["queue.before_retry", "queue.after_retry"])
def test_a_killed_retry_writer_loses_no_entry_and_buries_after_four_attempts(
    crew: Crew, queue: ShardQueue, accounts: Accounts, failpoint: str
) -> None:
    neighbours = fill(queue, 30)
    bad = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=b"fail")

    crew.killed_at(failpoint, workers=0)
    crew.finish(workers=0)

    check_entries(crew, accounts, neighbours)
    assert crew.buried.keys() == {bad}
    assert crew.buried[bad].startswith("4 ValueError: this body fails")


@pytest.mark.parametrize("kind", ["tasks", "entries"])
def test_the_checker_goes_red_when_the_acknowledgement_comes_before_the_work(
    crew: Crew, queue: ShardQueue, accounts: Accounts, producer: Any, kind: str
) -> None:
    if kind == "tasks":
        for number in NUMBERS:
            producer.enqueue(producer.work.s(number).then(producer.follow))
        crew.killed_at("queue.before_run", bulk=False, sabotage=True)
        crew.finish(bulk=False)
        with pytest.raises(AssertionError):
            check_tasks(crew)
    else:
        batch_ids = fill(queue)
        crew.killed_at("store.mid_run", workers=0, sabotage=True)
        crew.finish(workers=0)
        with pytest.raises(AssertionError):
            check_entries(crew, accounts, batch_ids)


def test_a_killer_is_buried_while_its_neighbours_flow(crew: Crew, queue: ShardQueue, accounts: Accounts) -> None:
    killer = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=b"kill")
    neighbours = {queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=b"store") for _ in range(50)}

    ends = crew.replace_whoever_dies(workers=0)

    assert ends == [KILLED] * 4, "one worker dies with the bundle, three with the entry alone, none with its child"
    check_entries(crew, accounts, neighbours)
    assert crew.buried == {killer: "4 its process died (signal SIGKILL)"}
    assert crew.noted("order")[-1] == killer


def test_a_task_that_kills_its_workers_is_a_dead_letter_in_the_end(
    crew: Crew, producer: Any, redis_client: redis.Redis
) -> None:
    producer.kill()

    ends = crew.replace_whoever_dies(bulk=False, redeliveries=1)

    assert ends == [KILLED] * 2
    ((_, letter),) = redis_client.xrange("{tasks}:dead")
    assert b"its process died (signal SIGKILL)" in letter[b"reason"]
    assert letter[b"e"] == b"4"


def test_a_bundle_that_hangs_ends_its_worker_and_is_buried_when_its_child_hangs(
    crew: Crew, queue: ShardQueue, accounts: Accounts
) -> None:
    hanging = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=b"hang")

    ends = crew.replace_whoever_dies(workers=0, redeliveries=1, timeout_s=1.0)

    assert ends == [70] * 2
    assert crew.buried == {hanging: "4 its process hung for more than 1 s"}
    check_entries(crew, accounts, set())


def test_twenty_kills_from_outside_bury_nothing(
    crew: Crew, queue: ShardQueue, accounts: Accounts, tmp_path: Path
) -> None:
    go_on = tmp_path / "go_on"
    batch_id = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=f"wait {go_on}".encode())

    workers = [crew.hire(workers=0, silence_s=0.4) for _ in range(2)]

    def running() -> list[subprocess.Popen[bytes]]:
        """Workers in which the entry runs, or in whose child it does."""
        pids = {pid for path in tmp_path.glob("go_on.*") for pid in path.name.split(".")[1:]}
        return [worker for worker in workers if str(worker.pid) in pids]

    for _ in range(20):
        wait_until(running, "the entry to run")
        (victim,) = running()
        victim.kill()
        victim.wait()
        workers[workers.index(victim)] = crew.hire(workers=0, silence_s=0.4)
    go_on.touch()
    crew.wait_until_drained()

    check_entries(crew, accounts, {batch_id})
    assert crew.buried == {}


def test_a_worker_told_to_stop_finishes_what_it_has_in_hand_and_gives_its_leases_back(
    crew: Crew, queue: ShardQueue, valkey: Valkey, accounts: Accounts, tmp_path: Path
) -> None:
    go_on = tmp_path / "go_on"
    batch_id = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=f"wait {go_on}".encode())
    worker = crew.hire(workers=1, silence_s=600.0)
    wait_until(lambda: list(tmp_path.glob("go_on.*")), "the entry to run")

    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: crew.leases_of(worker) == 1, "the leases of idle shards to be given back")
    assert valkey.execute("EXISTS", lease(0)) == 1
    go_on.touch()

    assert worker.wait(PATIENCE_S) == 0
    assert read_stats(valkey).leases == {}
    assert valkey.execute("EXISTS", lease(0)) == 0
    check_entries(crew, accounts, {batch_id})


def test_a_second_signal_ends_a_worker_at_once_and_what_it_had_in_hand_is_done_by_another(
    crew: Crew, queue: ShardQueue, accounts: Accounts, tmp_path: Path
) -> None:
    go_on = tmp_path / "go_on"
    batch_id = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=f"wait {go_on}".encode())
    worker = crew.hire(workers=0)
    wait_until(lambda: list(tmp_path.glob("go_on.*")), "the entry to run")

    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: b"Shutting down gracefully" in crew.log_of(worker), "the first signal to be heard")
    worker.send_signal(signal.SIGINT)
    worker.wait(PATIENCE_S)
    assert crew.stored == set()

    go_on.touch()
    crew.finish(workers=0)
    check_entries(crew, accounts, {batch_id})


def test_a_dead_worker_s_shards_and_entries_are_taken_over(
    crew: Crew, queue: ShardQueue, accounts: Accounts, tmp_path: Path
) -> None:
    first, second = crew.hire(workers=0), crew.hire(workers=0)
    wait_until(lambda: crew.leases_of(first) == crew.leases_of(second) == 8, "both to have their share")
    # The first stops in the middle of a bundle; what comes meanwhile waits in its shards.
    first.send_signal(signal.SIGSTOP)
    batch_ids = {queue.enqueue(i % 16, Lane.NORMAL, owner="acme", events=1, body=b"store") for i in range(64)}

    first.kill()
    first.wait()
    crew.wait_until_drained()

    assert crew.leases_of(second) == 16
    check_entries(crew, accounts, batch_ids)


def test_periodic_tasks_run_once_per_tick_with_three_workers_of_which_one_is_killed(crew: Crew) -> None:
    workers = [crew.hire(bulk=False, periodic="run") for _ in range(3)]
    wait_until(lambda: len(crew.noted("ticks")) >= 3, "some ticks")
    workers[0].kill()
    wait_until(lambda: len(crew.noted("ticks")) >= 6, "more ticks")
    for worker in workers[1:]:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE_S) == 0
    crew.finish(bulk=False, periodic="drain")

    ticks = crew.noted("ticks")
    assert len(set(ticks)) == len(ticks)
    # The killed worker may not have come to note its last tick.
    assert len(ticks) <= crew.ticked <= len(ticks) + 1
