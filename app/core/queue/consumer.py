"""One worker process: threads for shards, threads for tasks, a scheduler, and a keeper of all they hold."""

from __future__ import annotations

import faulthandler
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from huey.consumer import Consumer
from huey.exceptions import ConfigurationError

from app.core.queue.bundle import BundleRunner, Policy, no_failpoint
from app.core.queue.counters import Counters
from app.core.queue.keeper import Keeper
from app.core.queue.leases import Leases
from app.core.queue.rota import Rota
from app.core.queue.scheduler import StreamScheduler
from app.core.queue.shard_worker import Lookout, ShardWorker
from app.core.queue.task_worker import TaskWorker
from app.core.queue.watchdog import Watchdog, exit_hard

if TYPE_CHECKING:
    from collections.abc import Callable

    from huey.consumer import BaseProcess

    from app.core.queue.client import Client
    from app.core.queue.entry import BulkTask
    from app.core.queue.shard_queue import ShardQueue
    from app.core.queue.stream_huey import StreamHuey


@dataclass(frozen=True, slots=True)
class BulkWork:
    """What the shard threads of a consumer work on."""

    client: Client
    queue: ShardQueue
    task: BulkTask
    concurrency: int = 2
    """Bundles that this process works on at once."""
    policy: Policy = field(default_factory=Policy)
    linger_s: float = 0.0
    """A shard that a bundle has emptied is left alone until so long after it was taken, so that the next bundle is worth
    its cost: what a transaction costs does not depend on how little is in it."""
    lease_ttl_s: float = 10.0
    """After this much silence another worker takes the shards over."""
    task_timeout_s: float = 60.0
    """A handler that takes longer than this hangs: the process exits."""
    exit_process: Callable[[], None] = exit_hard
    failpoint: Callable[[str], None] = no_failpoint


class _Shards:
    """The parts that the shard threads of one process share."""

    def __init__(self, work: BulkWork, worker: str) -> None:
        self.work = work
        self.rota = Rota()
        self.counters = Counters()
        self.leases = Leases(work.client, self.rota, worker, shards=tuple(work.queue.shards), ttl_s=work.lease_ttl_s)
        self.watchdog = Watchdog(work.task_timeout_s, exit_process=work.exit_process)
        self._lookout = Lookout(work.queue, self.rota)

    def worker(self, huey: StreamHuey, stop_flag: threading.Event) -> ShardWorker:
        runner = BundleRunner(
            self.work.queue,
            self.work.task,
            self.leases.worker,
            policy=self.work.policy,
            stop_flag=stop_flag,
            watchdog=self.watchdog,
            counters=self.counters,
            failpoint=self.work.failpoint,
        )
        return ShardWorker(
            huey,
            stop_flag,
            queue=self.work.queue,
            rota=self.rota,
            lookout=self._lookout,
            runner=runner,
            worker=self.leases.worker,
            linger_s=self.work.linger_s,
        )


class StreamConsumer(Consumer):
    """Runs *workers* task threads and, with *bulk*, its shard threads; *options* are Huey's.

    With *reserved* one more task thread is there for tasks of high priority alone.

    `run` ends at SIGTERM or SIGINT, with what is in hand finished and settled and all leases given back; a second
    signal ends it at once. `start` and `stop` do without signals.
    """

    worker_class = TaskWorker
    scheduler_class = StreamScheduler
    worker_threads: list[tuple[TaskWorker, threading.Thread]]

    def __init__(
        self, huey: StreamHuey, *, bulk: BulkWork | None = None, reserved: bool = False, **options: Any
    ) -> None:
        self._reserved = reserved
        if reserved:
            options["workers"] = options.get("workers", 1) + 1
        if options.setdefault("worker_type", "thread") != "thread":
            raise ConfigurationError("a StreamConsumer has threads only: more processes are more consumers")
        super().__init__(huey, **options)
        self._signal_actions |= {signal.SIGINT: (False, True), signal.SIGTERM: (False, True)}
        self._with_signals = False
        self._shards = None if bulk is None else _Shards(bulk, huey.storage.stream.worker)
        self._shard_threads: list[threading.Thread] = []
        if self._shards and bulk:
            self._shard_threads = [self._shard_thread(number) for number in range(bulk.concurrency)]
        self._keeper_flag = threading.Event()
        self._keeper = self._create_process_of(self._create_keeper(), "Keeper", self._keeper_flag)

    @property
    def counters(self) -> Counters:
        """What the shard threads have done since they were started."""
        return self._shards.counters if self._shards else Counters()

    @property
    def leased(self) -> frozenset[int]:
        """The shards that this process leases."""
        return self._shards.rota.leased if self._shards else frozenset()

    def is_healthy(self) -> bool:
        """Whether every thread of this consumer runs."""
        return all(thread.is_alive() for thread in [*self._working_threads(), self._keeper])

    def start(self) -> None:
        super().start()
        for thread in self._shard_threads:
            thread.start()
        self._keeper.start()

    def run(self) -> None:
        self._with_signals = True
        # Before the first thread starts, so that a signal finds nobody unprepared.
        super()._set_signal_handlers()
        try:
            super().run()
        finally:
            faulthandler.cancel_dump_traceback_later()

    def stop(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 (Huey's signature)
        try:
            super().stop(graceful)
        finally:
            # The keeper outlives all others: what they still have in hand must not be taken over.
            self._keeper_flag.set()
        if graceful:
            self._keeper.join(self.shutdown_timeout)

    def check_worker_health(self) -> bool:
        healthy: bool = super().check_worker_health()
        for number, thread in enumerate(self._shard_threads):
            if not thread.is_alive():
                self._logger.warning("shard worker %d died, restarting", number + 1)
                self._shard_threads[number] = self._shard_thread(number)
                self._shard_threads[number].start()
                healthy = False
        return healthy

    def _create_worker(self) -> TaskWorker:
        """Make a task thread; the reserved one first, and again when it died."""
        worker: TaskWorker = super()._create_worker()
        there = (each for each, thread in self.worker_threads if thread.ident is None or thread.is_alive())
        worker.urgent = self._reserved and not any(each.urgent for each in there)
        return worker

    def _working_threads(self) -> list[threading.Thread]:
        return [*(thread for _, thread in self.worker_threads), self.scheduler, *self._shard_threads]

    def _join_workers(self) -> bool:
        deadline = None if self.shutdown_timeout is None else time.monotonic() + self.shutdown_timeout
        for thread in self._working_threads():
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._working_threads())

    def _shard_thread(self, number: int) -> threading.Thread:
        if self._shards is None:
            raise ConfigurationError("this consumer has no shards")
        worker = self._shards.worker(self.huey, self.stop_flag)
        return self._create_process_of(worker, f"ShardWorker-{number + 1}", self.stop_flag)

    def _create_process_of(self, process: BaseProcess, name: str, flag: threading.Event) -> threading.Thread:
        """Make a thread that loops until *flag* is set; Huey's own knows one flag only."""

        def loop() -> None:
            try:
                while not flag.is_set():
                    process.loop()
            finally:
                process.shutdown()

        return threading.Thread(target=loop, name=name, daemon=True)

    def _create_keeper(self) -> Keeper:
        stream = self.huey.storage.stream
        chores: list[tuple[float, Callable[[], None]]] = [(stream.reclaim_after_s / 3, stream.heartbeat)]
        farewells: list[Callable[[], None]] = []
        if shards := self._shards:
            chores += [
                (min(1.0, shards.work.lease_ttl_s / 10), lambda: shards.leases.beat(leaving=self.stop_flag.is_set())),
                (1.0, shards.watchdog.check),
                (1.0, lambda: shards.watchdog.backstop() if self._with_signals else None),
            ]
            farewells.append(shards.leases.resign)
        return Keeper(self.huey, self._keeper_flag, chores, farewells)

    def _set_signal_handlers(self) -> None:
        """Huey calls this in `start`, which is to do without."""

    def _handle_signal(self, signum: int, frame: object) -> None:
        super()._handle_signal(signum, frame)
        if not self._restart:
            # Whichever signal comes second, it is meant.
            for again in (signal.SIGINT, signal.SIGTERM):
                signal.signal(again, signal.default_int_handler)
