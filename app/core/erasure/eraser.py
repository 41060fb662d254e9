"""Erases accounts that were closed, step by step, whoever is killed meanwhile.

1. Its mirror is removed once more: whoever closed the account may have died before he did.
2. What was accepted of it is stored first. Nothing new comes in, so that its queue is soon empty.
3. Every table is gone through (`rules`), some rows a transaction, in which the erasure's own counts go up too.
4. What Valkey knows of it is deleted.
5. After a while all of that is done again, for what was being written meanwhile. Once nothing is found, its name is
   forgotten, and what is left is the digest of its id.

Nothing remembers how far a run is: what is deleted is not found again.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog

from app.core.accounts import revision
from app.core.erasure import erasures_store, purge_store, words_store
from app.core.erasure.rules import RULES, Fate
from app.core.failpoints import failpoint
from app.core.schema import metadata
from app.domain.shards import SHARDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table

    from app.core.database import Database
    from app.core.erasure.erasure import Erasure
    from app.core.erasure.purge_store import Key
    from app.core.erasure.valkey_sweep import ValkeySweep
    from app.core.mirror import AccountMirror

SETTLES = timedelta(minutes=3)
"""Longer than any request, any flush of counts, and any task that adds them up."""
_STEP = 1_000
_SCANNED = 5_000
_LONGEST_REST_S = 0.5

log = structlog.get_logger(__name__)


class Own(Protocol):
    """What a feature does itself; returns rows by table. It may be cut off, and is called again then."""

    def __call__(self, erasure: Erasure, now: datetime) -> dict[str, int]: ...


class OutOfTimeError(Exception):
    """The rest is for the next run."""


class Eraser:
    """Thread-safe, and any number may run. Methods raise `DependencyError`; what they have done until then stays done."""

    def __init__(
        self,
        database: Database,
        mirror: AccountMirror,
        valkey: ValkeySweep,
        *,
        first: Sequence[Own] = (),
        last: Sequence[Own] = (),
        step: int = _STEP,
        settles: timedelta = SETTLES,
    ) -> None:
        """`first` find what only definitions know, before rows are deleted; `last` come after all rows."""
        self._database = database
        self._mirror = mirror
        self._valkey = valkey
        self._first = first
        self._last = last
        self._step = step
        self._settles = settles

    def run(self, now: datetime, budget_s: float) -> int:
        """Go on for some seconds; return how many erasures are still to be done."""
        deadline = time.monotonic() + budget_s
        with self._database.begin() as connection:
            waiting = erasures_store.unfinished(connection)
        for erasure in waiting:
            try:
                self._go_on(erasure, now, deadline)
            except OutOfTimeError:
                break
        with self._database.begin() as connection:
            return len(erasures_store.unfinished(connection))

    def _go_on(self, erasure: Erasure, now: datetime, deadline: float) -> None:
        account_id = erasure.names.names[0]
        for shard in range(SHARDS):
            self._mirror.remove(account_id, shard, revision(now))
        if self._valkey.in_flight(account_id):
            return
        settled = erasure.purged_at is not None and now - erasure.purged_at >= self._settles
        if erasure.purged_at is not None and not settled:
            return
        self._note_services(erasure)
        found = sum(self._apart(self._as_it_is(erasure), own, now) for own in self._first)
        known = self._as_it_is(erasure)
        found += _Purge(self._database, known, self._step, deadline).run()
        found += sum(self._apart(known, own, now) for own in self._last)
        found += self._valkey.sweep(account_id, known.names, closed_too=settled)
        failpoint("erasure.purged")
        with self._database.begin() as connection:
            if settled and not found:
                purge_store.disown(connection, account_id)
                by = known.names.signed(known.requested_by)
                if erasures_store.finish(connection, erasure, by, now):
                    log.info("account_erased", erasure_id=erasure.erasure_id, rows=sum(known.counts.values()))
            else:
                erasures_store.note_purged(connection, erasure.digest, now)

    def _note_services(self, erasure: Erasure) -> None:
        """Take note of services that were written for the first time just before the account was closed."""
        with self._database.begin() as connection:
            found = set(purge_store.own_services(connection, erasure.names.names[0]))
            if found - set(erasure.services):
                services = sorted(found | set(erasure.services))
                erasures_store.learn(connection, erasure.digest, labels=erasure.labels, services=services)

    def _as_it_is(self, erasure: Erasure) -> Erasure:
        with self._database.begin() as connection:
            return erasures_store.find(connection, erasure.digest) or erasure

    def _apart(self, erasure: Erasure, own: Own, now: datetime) -> int:
        counts = {name: rows for name, rows in own(erasure, now).items() if rows}
        with self._database.begin() as connection:
            for name, rows in counts.items():
                erasures_store.count(connection, erasure.digest, name, rows)
        return sum(counts.values())


class _Purge:
    """One run through every table."""

    def __init__(self, database: Database, erasure: Erasure, step: int, deadline: float) -> None:
        self._database = database
        self._erasure = erasure
        self._account_id = erasure.names.names[0]
        self._services = sorted(erasure.services)
        self._step = step
        self._deadline = deadline

    def run(self) -> int:
        """Return how many rows were deleted or changed."""
        found = self._once("report_sends", self._sends)
        for name, rule in RULES.items():
            table = metadata.tables[name]
            if rule.fate is Fate.SUMS:
                found += self._repeat(name, partial(self._fold, table))
            elif rule.fate is Fate.ROWS:
                found += self._rows(table)
            if rule.service is not None:
                found += self._of_services(table, rule.service)
        # Last, so that rows which are deleted anyway are not rewritten before.
        return found + sum(
            self._texts(name) for name, rule in RULES.items() if rule.words or rule.labels or rule.mentions
        )

    def _rows(self, table: Table) -> int:
        if purge_store.key_of(table)[0].name == "account_id":
            return self._led(table, (self._account_id,))
        return self._repeat(table.name, partial(self._where, table, "account_id"))

    def _of_services(self, table: Table, column: str) -> int:
        key = [each.name for each in purge_store.key_of(table)]
        if not self._services:
            return 0
        if key[0] == column:
            return sum(self._led(table, (service,)) for service in self._services)
        if key[:2] == ["account_id", column]:
            # Requests of others to its services are told apart by account: they go with the service.
            with self._database.begin() as connection:
                accounts = purge_store.counted_accounts(connection, table)
            return sum(self._led(table, (account, service)) for account in accounts for service in self._services)
        return self._repeat(table.name, partial(self._where, table, column))

    def _led(self, table: Table, leading: Key) -> int:
        found, behind = 0, None
        while True:

            def step(connection: Connection, behind: Key | None = behind) -> tuple[int, Key | None]:
                return purge_store.delete_led(connection, table, leading, behind=behind, limit=self._step)

            rows, behind = self._one(table.name, step)
            found += rows
            if behind is None:
                return found

    def _texts(self, name: str) -> int:
        table, rule, words = metadata.tables[name], RULES[name], self._erasure.names
        found, behind = 0, None
        while True:
            with self._database.begin() as connection:
                until = words_store.last_of_page(connection, table, behind, limit=_SCANNED)
                rows = words_store.replace(connection, table, rule, words, behind=behind, until=until)
                self._count(connection, name, rows)
            found += rows
            if until is None:
                return found
            behind = until

    def _repeat(self, name: str, step: Callable[[Connection], int]) -> int:
        found = 0
        while rows := self._one(name, lambda connection: (step(connection), None))[0]:
            found += rows
        return found

    def _once(self, name: str, step: Callable[[Connection], int]) -> int:
        return self._one(name, lambda connection: (step(connection), None))[0]

    def _one(self, name: str, step: Callable[[Connection], tuple[int, Key | None]]) -> tuple[int, Key | None]:
        """Do a step in a transaction of its own, then let others do as much."""
        if time.monotonic() > self._deadline:
            raise OutOfTimeError
        begun = time.monotonic()
        with self._database.begin() as connection:
            rows, last = step(connection)
            self._count(connection, name, rows)
            if rows:
                failpoint("erasure.before_commit")
        if rows:
            failpoint("erasure.after_commit")
            time.sleep(min(time.monotonic() - begun, _LONGEST_REST_S))
        return rows, last

    def _count(self, connection: Connection, name: str, rows: int) -> None:
        if rows:
            erasures_store.count(connection, self._erasure.digest, name, rows)

    def _sends(self, connection: Connection) -> int:
        return purge_store.delete_sends(connection, self._account_id, self._services)

    def _fold(self, table: Table, connection: Connection) -> int:
        return purge_store.FOLDS[table.name](connection, self._account_id, limit=self._step)

    def _where(self, table: Table, column: str, connection: Connection) -> int:
        values = [self._account_id] if column == "account_id" else self._services
        return purge_store.delete_where(connection, table, column, values, limit=self._step)
