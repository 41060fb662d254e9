"""Events beyond their retention are deleted, in steps of a few thousand rows that ingestion does not notice.

What is left of them are sums: a row for each account and day says what became of the batches, so that the books still
balance (`ingestion.balance`).
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ingestion import retention_store as store
from ingestion.rollups import WIDTHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from sqlalchemy import Connection

    from app.core.database import Database

_STEP = 5_000
_DAY = WIDTHS[-1]


class Deleted(NamedTuple):
    """What one run took away."""

    events: int
    letters: int
    batches: int


class Retention:
    """Thread-safe. `enforce` raises `DependencyError`; what it has done until then stays done, and it may be repeated."""

    def __init__(self, database: Database, *, kept: timedelta, step: int = _STEP) -> None:
        self._database = database
        self._kept = kept
        self._step = step

    def enforce(self, now: datetime) -> Deleted:
        """Delete events of UTC days that are wholly older than the retention, and what goes with them."""
        before = datetime.combine((now - self._kept).date(), time(), UTC)
        events = 0
        for account_id in self._accounts(before):
            events += self._delete_events(account_id, before)
            self._delete_rollups(account_id, before)
        letters = self._repeat(lambda connection: store.delete_letters(connection, before=before, limit=self._step))
        batches = self._repeat(lambda connection: store.fold_outcomes(connection, before=before, limit=self._step))
        return Deleted(events, letters, batches)

    def _accounts(self, before: datetime) -> Iterator[str]:
        after: str | None = ""
        while after is not None:
            with self._database.begin() as connection:
                after = store.next_account(connection, after=after, width=_DAY, before=before)
            if after is not None:
                yield after

    def _delete_events(self, account_id: str, before: datetime) -> int:
        deleted, after = 0, ""
        while True:
            with self._database.begin() as connection:
                page = store.delete_events(connection, account_id, after=after, before=before, limit=self._step)
            deleted += page.deleted
            if page.last is None:
                return deleted
            after = page.last

    def _delete_rollups(self, account_id: str, before: datetime) -> None:
        # Days come last: it is they who say that there is something to delete.
        for width in WIDTHS:
            step = partial(store.delete_rollups, account_id=account_id, width=width, before=before, limit=self._step)
            self._repeat(step)

    def _repeat(self, step: Callable[[Connection], int]) -> int:
        done = 0
        while True:
            with self._database.begin() as connection:
                some = step(connection)
            done += some
            if some == 0:
                return done
