"""Workers that are killed, told to stop, or fall silent."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from app.core.queue.keys import lease
from app.core.queue.lanes import Lane
from app.core.queue.stats import read_stats

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from app.core.queue.shard_queue import ShardQueue
    from app.core.valkey import Valkey
    from tests.core.queue.kills.conftest import Crew


def test_twenty_kills_from_outside_bury_nothing(crew: Crew, queue: ShardQueue, tmp_path: Path) -> None:
    go_on = tmp_path / "go_on"
    batch_id = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=f"wait {go_on}".encode())

    workers = [crew.hire(workers=0, silence_s=0.4) for _ in range(2)]

    def running() -> list[subprocess.Popen[bytes]]:
        """Workers in which the entry runs, or in whose child it does."""
        pids = {pid for path in tmp_path.glob("go_on.*") for pid in path.name.split(".")[1:]}
        return [worker for worker in workers if str(worker.pid) in pids]

    for _ in range(20):
        crew.wait_until(running, "the entry to run")
        (victim,) = running()
        victim.kill()
        victim.wait()
        workers[workers.index(victim)] = crew.hire(workers=0, silence_s=0.4)
    go_on.touch()
    crew.wait_until_drained()

    crew.check_entries({batch_id})
    assert crew.buried == {}


def test_a_worker_told_to_stop_finishes_what_it_has_in_hand_and_gives_its_leases_back(
    crew: Crew, queue: ShardQueue, valkey: Valkey, tmp_path: Path
) -> None:
    go_on = tmp_path / "go_on"
    batch_id = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=f"wait {go_on}".encode())
    worker = crew.hire(workers=1, silence_s=600.0)
    crew.wait_until(lambda: list(tmp_path.glob("go_on.*")), "the entry to run")

    worker.send_signal(signal.SIGTERM)
    crew.wait_until(lambda: crew.leases_of(worker) == 1, "the leases of idle shards to be given back")
    assert valkey.execute("EXISTS", lease(0)) == 1
    go_on.touch()

    assert crew.end_of(worker) == 0
    assert read_stats(valkey).leases == {}
    assert valkey.execute("EXISTS", lease(0)) == 0
    crew.check_entries({batch_id})


def test_a_second_signal_ends_a_worker_at_once_and_what_it_had_in_hand_is_done_by_another(
    crew: Crew, queue: ShardQueue, tmp_path: Path
) -> None:
    go_on = tmp_path / "go_on"
    batch_id = queue.enqueue(0, Lane.NORMAL, owner="acme", events=1, body=f"wait {go_on}".encode())
    worker = crew.hire(workers=0)
    crew.wait_until(lambda: list(tmp_path.glob("go_on.*")), "the entry to run")

    worker.send_signal(signal.SIGTERM)
    crew.wait_until(lambda: b"Shutting down gracefully" in crew.log_of(worker), "the first signal to be heard")
    worker.send_signal(signal.SIGINT)
    crew.end_of(worker)
    assert crew.stored == set()

    go_on.touch()
    crew.finish(workers=0)
    crew.check_entries({batch_id})


def test_a_dead_worker_s_shards_and_entries_are_taken_over(crew: Crew, queue: ShardQueue, tmp_path: Path) -> None:
    first, second = crew.hire(workers=0), crew.hire(workers=0)
    crew.wait_until(lambda: crew.leases_of(first) == crew.leases_of(second) == 8, "both to have their share")
    # It falls silent before it dies, and work comes for its shards as for the other's.
    first.send_signal(signal.SIGSTOP)
    batch_ids = {queue.enqueue(i % 16, Lane.NORMAL, owner="acme", events=1, body=b"store") for i in range(64)}

    first.kill()
    first.wait()
    crew.wait_until_drained()

    assert crew.leases_of(second) == 16
    crew.check_entries(batch_ids)
