"""A real worker process for the tests of what is left when it is killed. Everything it does, it notes in Valkey.

Configured by the JSON in `QUEUE_TEST`, so that a sacrificed child finds the same.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.failpoints import failpoint
from app.core.queue import scheduler
from app.core.queue.backoff import Backoff
from app.core.queue.bundle import BulkSuspects, BundleRunner, Policy
from app.core.queue.consumer import BulkWork
from app.core.queue.delivery import Effects
from app.core.queue.sacrifice import Sacrifice
from app.core.queue.shard_queue import ShardQueue
from app.core.queue.stream_huey import StreamHuey
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.queue.entry import Entry

config: dict[str, Any] = json.loads(os.environ["QUEUE_TEST"])
valkey = Valkey(config["url"], timeout_s=5.0)
QUICK = Backoff(base_s=0.01, cap_s=0.05)


class Store:
    """Stores batch ids as a table with a primary key would: once each, however often it is asked."""

    name = "store"

    def run(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._obey(entry.body.decode())
        failpoint("store.mid_run")
        for entry in entries:
            valkey.execute("SADD", "evidence:stored", entry.batch_id)
            valkey.execute("RPUSH", "evidence:order", entry.batch_id)

    def bury(self, entry: Entry, reason: str, attempts: int) -> None:
        valkey.execute("HSET", "evidence:buried", entry.batch_id, f"{attempts} {reason}")
        valkey.execute("RPUSH", "evidence:order", entry.batch_id)

    @staticmethod
    def _obey(body: str) -> None:
        action, _, argument = body.partition(" ")
        match action:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                time.sleep(600)
            case "fail":
                raise ValueError("this body fails")
            case "wait":
                # Tells that it runs, and waits until it may go on.
                path = Path(argument)
                path.with_name(f"{path.name}.{os.getppid()}.{os.getpid()}").touch()
                while not path.exists():
                    time.sleep(0.01)


suspects = BulkSuspects(Store())

huey = StreamHuey(
    client=valkey,
    retries=3,
    backoff=QUICK,
    reclaim_after_s=config["silence_s"],
    read_timeout_s=0.05,
    redeliveries=config.get("redeliveries", 3),
    sacrifice=Sacrifice("worker_program:huey", time_limit_s=5.0, mourning_s=0.1),
    failpoint=failpoint,
)


@huey.task(name="follow")
def follow(number: int) -> None:
    valkey.execute("RPUSH", "evidence:followed", number)


@huey.task(name="work")
def work(number: int) -> int:
    valkey.execute("RPUSH", "evidence:ran", number)
    failpoint("task.mid_run")
    return number


@huey.task(name="flaky")
def flaky(number: int) -> int:
    if valkey.execute("HINCRBY", "evidence:tries", number, 1) == 1:
        raise ValueError("the first try fails")
    valkey.execute("RPUSH", "evidence:ran", number)
    return number


@huey.task(name="kill")
def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def tick(task: Any) -> None:
    valkey.execute("SADD", "evidence:ticked", task.id)


def sabotage() -> None:
    """Acknowledge before the work is done, as stock Huey does."""
    run, take = BundleRunner._work, huey.storage.stream.take

    def settle_first(self: BundleRunner, entries: Sequence[Entry], at_most: int | None = None) -> None:
        self._queue.settle(entries, again=True)
        run(self, entries, at_most)

    def take_and_settle(**urgency: bool) -> Any:
        if delivery := take(**urgency):
            huey.storage.stream.settle(Effects(delivery))
        return delivery

    BundleRunner._work = settle_first
    huey.storage.stream.take = take_and_settle


def speed_up_time() -> None:
    """A minute passes in a second; every tick that is enqueued is noted."""
    scheduler._MINUTE_MS = 1_000
    huey.periodic_task(lambda _: True, name="tick", context=True)(tick)
    enqueue = huey.storage.tick

    def noted(task: str, minute: int, message: bytes) -> bool:
        enqueued = enqueue(task, minute, message)
        if enqueued:
            valkey.execute("RPUSH", "evidence:ticks", minute)
        return enqueued

    huey.storage.tick = noted


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(threadName)s %(message)s")
    if config.get("sabotage"):
        sabotage()
    if config.get("periodic"):
        speed_up_time()
    bulk = BulkWork(
        client=valkey,
        queue=ShardQueue(valkey),
        task=Store(),
        concurrency=2,
        policy=Policy(
            backoff=QUICK,
            redeliveries=config.get("redeliveries", 3),
            sacrifice=Sacrifice("worker_program:suspects", time_limit_s=config.get("timeout_s", 30), mourning_s=0.2),
        ),
        lease_ttl_s=config["silence_s"],
        task_timeout_s=config.get("timeout_s", 30),
        failpoint=failpoint,
    )
    consumer = huey.create_consumer(
        bulk=bulk if config.get("bulk", True) else None,
        workers=config.get("workers", 1),
        periodic=config.get("periodic") == "run",
    )
    consumer.run()


if __name__ == "__main__":
    # Tasks are named after their module, and a child imports it by its name.
    import worker_program

    worker_program.main()
