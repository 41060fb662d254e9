"""What accounts have used of their quotas, restored when Valkey has lost it.

Admission counts in Valkey, where every count is on disk before its 202. An account's count that is missing there altogether
(its field `month` is absent, which a new account is given when it is created) was lost with Valkey's data, or is on the
shard from which the account was moved. Until it is restored nothing of the account is admitted, so it is exact:

1. Read which of the account's batches still lie in the queue. None is added meanwhile.
2. Add up the outcomes of this month's other batches in PostgreSQL. One that has left the queue has its outcome there.
3. Write the sum of both, unless somebody else has done so by now.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from app.core import keyspace
from app.core.errors import DependencyTimeoutError
from ingestion.admission import quotas_store
from ingestion.limits.quota import Period, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.database import Database
    from app.core.valkey import Valkey
    from ingestion.admission.scripts import Scripts

_PATIENCE_S = 1.0

log = structlog.get_logger(__name__)


class Quotas:
    """Thread-safe; one a process. It restores one account at a time."""

    def __init__(self, database: Database, valkey: Valkey, scripts: Scripts) -> None:
        self._database = database
        self._valkey = valkey
        self._queue = quotas_store.Queue(valkey, scripts)
        self._write = scripts.make("restore_quota")
        self._turn = threading.Lock()

    def restore(self, account_id: str, shard: int, now: datetime) -> None:
        """Restore what an account has used by `now`, an instant of Valkey's clock.

        Raises `DependencyError` when PostgreSQL or Valkey does not do its part.
        """
        key = keyspace.limits(shard, account_id)
        with self._in_turn():
            if self._valkey.execute("HEXISTS", key, "month"):
                return
            queued = self._queue.batches_of(account_id)
            month, day = (start_of(period, now) for period in (Period.MONTH, Period.DAY))
            with self._database.begin() as connection:
                in_month, in_day = quotas_store.settled(
                    connection, account_id, month=month, day=day, but_not=[batch.batch_id for batch in queued]
                )
            in_month += sum(batch.events for batch in queued if batch.received_at >= month)
            in_day += sum(batch.events for batch in queued if batch.received_at >= day)
            self._write([key], [number_of(Period.DAY, now), in_day, number_of(Period.MONTH, now), in_month])
        log.info("quota_restored", account_id=account_id, day=in_day, month=in_month)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=_PATIENCE_S):
            raise DependencyTimeoutError("postgresql", "too many quotas wait to be restored")
        try:
            yield
        finally:
            self._turn.release()


def start_of(period: Period, now: datetime) -> datetime:
    """Return the first instant of the period that `now`, which is in UTC, lies in."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if period is Period.DAY else midnight.replace(day=1)
