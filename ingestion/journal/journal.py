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
from app.core.notify import outbox_store
from app.core.notify.notification import Notification
from app.core.notify.urgency import Urgency
from app.core.telemetry.telemetry_store import SERVICE
from ingestion.journal import journal_store
from ingestion.journal.records import CircuitChange, Notice, read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.core.metrics.limit_metrics import LimitMetrics
    from app.core.valkey import Valkey

    Deliver = Callable[[Connection, Notice, datetime], object]
    """Sees to it that somebody is told of a notice once the transaction commits, or raises."""

_STEP = 500
_DELIVERIES = 20
_WHOLE = 100

log = structlog.get_logger(__name__)


def put_in_outbox(connection: Connection, notice: Notice, now: datetime) -> None:
    """Deliver a notice to the outbox, in the transaction in which it counts as delivered."""
    left = "is used up" if notice.threshold >= _WHOLE else f"is used to {notice.threshold} %"
    quota = f"{notice.used:,} of {notice.quota:,} events in {notice.period} (UTC)"
    outbox_store.add(
        connection,
        [
            Notification(
                id=notice.notice_id.replace("/", "."),
                subject=notice.notice_id,
                urgency=Urgency.TICKET,
                service=SERVICE,
                event="quota.reached",
                title=f"{notice.account_id}: its quota {left}",
                text=f"The account {notice.account_id} has used {quota}.",
                at=notice.noticed_at,
                data={
                    "account_id": notice.account_id,
                    "period": notice.period,
                    "threshold": notice.threshold,
                    "used": notice.used,
                    "quota": notice.quota,
                },
            )
        ],
        now,
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
            delivered = [notice for notice in due if self._delivered(connection, notice, now)]
            journal_store.mark_delivered(connection, delivered, now)
        return len(delivered)

    def _delivered(self, connection: Connection, notice: Notice, now: datetime) -> bool:
        try:
            with connection.begin_nested():
                self._deliver(connection, notice, now)
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
