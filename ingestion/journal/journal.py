"""Carries what scripts have journalled in Valkey into PostgreSQL, and sees notices delivered.

1. Read the journals' entries; any process may, and several at once.
2. Write them, which changes nothing when another has.
3. Only then delete them from the journals.
4. Deliver the notices that are not delivered yet, each by one process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.core import keyspace
from ingestion.journal import journal_store
from ingestion.journal.records import CircuitChange, Notice, read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from app.core.database import Database
    from app.core.metrics.limit_metrics import LimitMetrics
    from app.core.valkey import Valkey

    Deliver = Callable[[Notice], object]
    """Tells somebody of a notice, or raises. It may be called again for the same one, which has the same `notice_id`."""

_STEP = 500
_DELIVERIES = 20

log = structlog.get_logger(__name__)


def log_notice(notice: Notice) -> None:
    """Deliver a notice into the log, for whoever watches that."""
    log.warning(
        "quota_notice",
        notice_id=notice.notice_id,
        account_id=notice.account_id,
        period=notice.period,
        threshold=notice.threshold,
        used=notice.used,
        quota=notice.quota,
    )


class Journal:
    """Thread-safe. Methods raise `DependencyError`; what they have done until then stays done, and nothing is lost."""

    def __init__(self, database: Database, valkey: Valkey, *, metrics: LimitMetrics, deliver: Deliver) -> None:
        self._database = database
        self._valkey = valkey
        self._metrics = metrics
        self._deliver = deliver

    def record(self, shards: Iterable[int]) -> int:
        """Carry the entries of some shards' journals on; returns how many there were."""
        return sum(self._record(shard) for shard in shards)

    def deliver(self, now: datetime) -> int:
        """Deliver notices that are due, and return how many."""
        with self._database.begin() as connection:
            due = journal_store.undelivered(connection, limit=_DELIVERIES)
            delivered = [notice for notice in due if self._delivered(notice)]
            journal_store.mark_delivered(connection, delivered, now)
        return len(delivered)

    def _delivered(self, notice: Notice) -> bool:
        try:
            self._deliver(notice)
        except Exception:
            log.exception("notice_not_delivered", notice_id=notice.notice_id)
            return False
        self._metrics.noticed(notice.threshold)
        return True

    def _record(self, shard: int) -> int:
        key = keyspace.journal(shard)
        entries = self._valkey.execute("XRANGE", key, "-", "+", "COUNT", _STEP)
        if not entries:
            return 0
        records = [record for entry_id, fields in entries if (record := _read(shard, entry_id, fields)) is not None]
        with self._database.begin() as connection:
            journal_store.add_notices(connection, [record for record in records if isinstance(record, Notice)])
            changes = [record for record in records if isinstance(record, CircuitChange)]
            new = journal_store.add_changes(connection, changes)
        for change in new:
            self._metrics.circuit_changed(change.after)
            log.warning(
                "circuit_changed",
                account_id=change.account_id,
                before=change.before,
                after=change.after,
                cause=change.cause,
                changed_at=change.changed_at.isoformat(),
            )
        self._valkey.execute("XDEL", key, *(entry_id for entry_id, _ in entries))
        return len(entries)


def _read(shard: int, entry_id: bytes, fields: list[bytes]) -> Notice | CircuitChange | None:
    values = [value.decode(errors="replace") for value in fields]
    try:
        return read_record(shard, entry_id.decode(), dict(zip(values[::2], values[1::2], strict=True)))
    except (LookupError, ValueError):
        log.exception("journal_entry_not_understood", shard=shard, entry_id=entry_id.decode())
        return None
