"""The loop of a worker thread over the shards that its process leases."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from huey.consumer import BaseProcess

from app.core.queue.backoff import Backoff
from app.core.queue.patience import Patience, StoppedError
from app.core.queue.shard_queue import LeaseLostError

if TYPE_CHECKING:
    from huey import Huey

    from app.core.queue.bundle import BundleRunner
    from app.core.queue.rota import Rota
    from app.core.queue.shard_queue import ShardQueue

IDLE = Backoff(base_s=0.02, factor=2.0, cap_s=0.1)
"""How long a thread sleeps when it has found nothing: 20 ms at first, 100 ms at most. At a quarter of the one and half of the
other an idle worker spent three times as much on looking."""


class Lookout:
    """Finds the shards that have work, for all threads of a process: one looks, the others sleep.

    It asks for lengths instead of blocking on the streams, because one blocking call cannot span the nodes of a cluster.
    """

    def __init__(self, queue: ShardQueue, rota: Rota) -> None:
        self._queue = queue
        self._rota = rota
        self._looking = threading.Lock()

    def look(self) -> None:
        if self._looking.acquire(blocking=False):
            try:
                self._rota.found_work(self._queue.waiting(self._rota.idle()))
            finally:
                self._looking.release()


class ShardWorker(BaseProcess):
    """Takes a bundle from a shard with work, runs it, and goes on to the next shard."""

    process_name = "ShardWorker"

    def __init__(
        self,
        huey: Huey,
        stop_flag: threading.Event,
        *,
        queue: ShardQueue,
        rota: Rota,
        lookout: Lookout,
        runner: BundleRunner,
        worker: str,
        linger_s: float = 0.0,
    ) -> None:
        super().__init__(huey, stop_flag)
        self._queue = queue
        self._rota = rota
        self._lookout = lookout
        self._runner = runner
        self._worker = worker
        self._linger_s = linger_s
        self._patience = Patience(stop_flag, expected=huey.pause_on)
        self._quiet = 0

    def loop(self, now: object = None) -> None:  # noqa: ARG002 (Huey's signature)
        with suppress(StoppedError):
            # Valkey comes back, or the worker stops.
            found = self._patience.repeat(self._step, on=(Exception,))
            if found:
                self._quiet = 0
            else:
                self.stop_flag.wait(IDLE.ceiling_s(self._quiet))
                self._quiet += 1

    def _step(self) -> bool:
        """Work on one shard, if there is one; return whether it had anything."""
        shard = self._rota.checkout()
        if shard is None:
            self._lookout.look()
            shard = self._rota.checkout()
        if shard is None:
            return False
        found, rest_s = False, 0.0
        started = time.monotonic()
        try:
            bundle = self._queue.take(shard, self._worker)
            found = bool(bundle.entries)
            if found:
                self._runner.run(bundle)
                if not (bundle.full or bundle.again):
                    rest_s = started + self._linger_s - time.monotonic()
        except LeaseLostError:
            self._rota.lost(shard)
        finally:
            self._rota.checkin(shard, more=found, rest_s=rest_s)
        return found
