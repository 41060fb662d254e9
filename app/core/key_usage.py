"""When each key was last used: noted in memory by requests, written to PostgreSQL now and then by somebody else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from app.core import keys_store

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database


class KeyUsage:
    """Thread-safe; one a process. Only valid keys are noted, so there are never more than exist."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._used: dict[tuple[str, str], datetime] = {}
        self._swap = threading.Lock()

    def note(self, account_id: str, key_id: str, now: datetime) -> None:
        """Note a use; takes no lock and touches nothing outside, for every request does it."""
        self._used[account_id, key_id] = now

    def flush(self) -> int:
        """Write what was noted since the last flush, and return how many keys; call it every 10 seconds.

        Raises `DependencyError`; then the notes are kept for the next flush.
        """
        with self._swap:
            used, self._used = self._used, {}
        if not used:
            return 0
        try:
            with self._database.begin() as connection:
                keys_store.record_use(connection, used)
        except BaseException:
            with self._swap:
                self._used = used | self._used
            raise
        return len(used)
