"""Whether the platform as a whole has too much to do, looked at once a second by each process.

One look is two round trips: the queue of every shard, and the memory of Valkey, of a cluster's fullest master. Between two
looks a request costs a random number at most, and while nothing is wrong not even that.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from app.core import keyspace
from app.core.queue.keys import ShardKeys
from app.core.queue.lanes import LANES
from app.domain.shards import SHARDS
from ingestion.limits import shedding
from ingestion.limits.shedding import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.core.metrics.limit_metrics import LimitMetrics
    from app.core.valkey import Valkey
    from app.domain.shards import Lane
    from ingestion.admission.scripts import Scripts


class Overload:
    """Thread-safe; one a process. Without looks nothing is refused."""

    def __init__(
        self,
        valkey: Valkey,
        scripts: Scripts,
        *,
        queue_max_bytes: int,
        queue_max_age_s: int,
        metrics: LimitMetrics,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._valkey = valkey
        self._script = scripts.make("overload")
        self._queue_max_bytes = queue_max_bytes
        self._queue_max_age_ms = queue_max_age_s * 1_000
        self._metrics = metrics
        self._draw = draw
        self._severity = 0.0
        self._looked_at_s: float | None = None

    def look(self, now_s: float) -> frozenset[int]:
        """Look; `now_s` is in monotonic seconds. Returns the shards whose journals hold something.

        Raises `DependencyError`; what was seen before then stays.
        """
        self._script.load()
        shards = [(keyspace.journal(shard), ShardKeys(shard)) for shard in range(SHARDS)]
        commands = [self._script.command((keys.load, journal, *keys.streams), LANES) for journal, keys in shards]
        seen = self._valkey.pipeline(commands)
        memory = max(_memory(server.execute("INFO", "memory")) for server in self._valkey.servers())
        signals = self._signals(seen, memory)
        elapsed_s = 1.0 if self._looked_at_s is None else now_s - self._looked_at_s
        self._severity = shedding.step(self._severity, signals, elapsed_s=elapsed_s)
        self._looked_at_s = now_s
        self._metrics.pressed(signals.pressure, self._severity)
        return frozenset(shard for shard, (_, _, journal) in enumerate(seen) if journal)

    def refused_lanes(self) -> tuple[Lane, ...]:
        """Return the lanes in which one request, the caller's, is refused."""
        return shedding.refused_lanes(self._severity, self._draw()) if self._severity > 0 else ()

    def _signals(self, seen: Sequence[tuple[int, int, int]], memory: float) -> Signals:
        return Signals(
            depth=sum(size for size, _, _ in seen) / self._queue_max_bytes,
            age=max(age for _, age, _ in seen) / self._queue_max_age_ms,
            memory=memory,
        )


def _memory(info: bytes) -> float:
    """Return the share of its memory that Valkey uses; 0 when it has no limit."""
    values = dict(line.split(b":", 1) for line in info.splitlines() if b":" in line)
    limit = int(values.get(b"maxmemory", 0))
    return int(values.get(b"used_memory", 0)) / limit if limit else 0.0
