"""Which shard an account is on, known without asking: its hash decides, but for the few whose row names another.

Those few are a small hash in Valkey of which every process keeps a copy, at most a second old. A reader whose copy is
older than a move finds no mirror on the old shard, restores it, refreshes its copy, and looks again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from app.core import keyspace
from app.domain.shards import shard_of

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.valkey import Valkey

_MAX_AGE_S = 1.0


class ShardDirectory:
    """Thread-safe; one a process. Methods raise `DependencyError` when Valkey is away and the copy is too old."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._named: dict[str, int] = {}
        self._read_at: float | None = None
        self._reading = threading.Lock()

    def shard_of(self, account_id: str, now: datetime) -> int:
        """Return the shard of an account, 0 to 15."""
        if self._read_at is None:
            self.refresh(now)
        # An absolute difference, so that a clock that was set back does not keep the copy for longer.
        elif abs(now.timestamp() - self._read_at) >= _MAX_AGE_S and self._reading.acquire(blocking=False):
            # One thread reads, the others go on with the old copy meanwhile.
            try:
                self.refresh(now)
            finally:
                self._reading.release()
        return shard_of(account_id, self._named.get(account_id))

    def refresh(self, now: datetime) -> None:
        """Read the copy anew."""
        pairs = self._valkey.execute("HGETALL", keyspace.directory())
        self._named = {account.decode(): int(shard) for account, shard in zip(pairs[::2], pairs[1::2], strict=True)}
        self._read_at = now.timestamp()
