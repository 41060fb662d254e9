"""One process's leases: it says that it lives, holds its fair share of the shards, and gives back what is more.

A lease is a promise by Valkey alone. `shard_take.lua` looks at it before it takes anything, so no clock of a worker
matters, and a worker that was stopped for a minute finds out by being refused.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from app.core.queue.keys import WORKERS, lease
from app.core.queue.scripts import source
from app.core.queue.shares import fair_share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.core.queue.client import Client
    from app.core.queue.rota import Rota

_logger = logging.getLogger(__name__)


class Leases:
    """The shards of one worker process. `beat` is called about once a second by one thread."""

    def __init__(
        self,
        client: Client,
        rota: Rota,
        worker: str,
        *,
        shards: Sequence[int],
        ttl_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.worker = worker
        self._client = client
        self._rota = rota
        self._shards = shards
        self._ttl_ms = round(ttl_s * 1000)
        self._renew_s = ttl_s / 3
        self._clock = clock
        self._next_renewal = clock()
        self._register = client.script(source("workers_register"))
        self._hold = client.script(source("lease_hold"))
        self._release = client.script(source("lease_release"))

    def beat(self, *, leaving: bool = False) -> None:
        """Renew what is held, take what is due and free, give back what is more than the share.

        A worker that is *leaving* gives back every shard as soon as no thread works on it.
        """
        if leaving:
            self._rota.retire(self._rota.leased)
        now = self._clock()
        if now >= self._next_renewal:
            self._next_renewal = now + self._renew_s
            for shard in self._rota.leased:
                self._claim(shard)
        if not leaving:
            self._balance()
        for shard in self._rota.departed():
            self._release([lease(shard)], [self.worker])

    def resign(self) -> None:
        """Give everything back and stop being counted. The process is about to end."""
        self._client.execute("ZREM", WORKERS, self.worker)
        self._rota.retire(self._rota.leased)
        for shard in self._rota.departed():
            self._release([lease(shard)], [self.worker])

    def _balance(self) -> None:
        living = [name.decode() for name in self._register([WORKERS], [self.worker, self._ttl_ms])]
        share = fair_share(len(self._shards), living, self.worker)
        held = self._rota.leased
        if len(held) > share:
            idle = [shard for shard in self._rota.idle() if shard in held]
            busy = sorted(held.difference(idle))
            self._rota.retire((idle + busy)[: len(held) - share])
        elif len(held) < share:
            self._acquire(share - len(held), held)

    def _acquire(self, wanted: int, held: frozenset[int]) -> None:
        # Each worker starts looking elsewhere, so that several that start together do not race for the same shards.
        start = hash(self.worker) % len(self._shards)
        others = [shard for shard in (*self._shards[start:], *self._shards[:start]) if shard not in held]
        for shard in others:
            if wanted and self._client.execute("EXISTS", lease(shard)) == 0:
                wanted -= self._claim(shard)

    def _claim(self, shard: int) -> bool:
        if self._hold([lease(shard)], [self.worker, self._ttl_ms]) == 1:
            self._rota.grant(shard)
            return True
        if shard in self._rota.leased:
            _logger.warning("the lease of shard %d is another worker's now", shard)
            self._rota.lost(shard)
        return False
