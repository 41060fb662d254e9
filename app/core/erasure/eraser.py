"""Erases accounts that were closed, step by step, whoever is killed meanwhile.

1. Its mirror is removed once more: whoever closed the account may have died before he did.
2. What was accepted of it is stored first. Nothing new comes in, so that its queue is soon empty.
3. Every table is gone through (`rules`), some rows a transaction, in which the erasure's own counts go up too.
4. What Valkey knows of it is deleted.
5. After a while all of that is done again, for what was being written meanwhile. Once nothing is found, its name is
   forgotten, and what is left is the digest of its id.

One process at a time erases. What does not fit into a run goes on in the next one where it stopped, which only memory
knows: a worker that takes over begins anew, and does not find again what is deleted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
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
    from collections.abc import Callable, Iterator, Sequence
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
_LONGEST_STEP_S = 300.0
"""A report that is made again on both papers takes at most 180 s."""
_LONGEST_REST_S = 0.5

log = structlog.get_logger(__name__)


class Own(Protocol):
    """What a feature does itself; yields rows by table, in no transaction, whenever it can be cut off."""

    def __call__(self, erasure: Erasure, now: datetime) -> Iterator[dict[str, int]]: ...


@dataclass(slots=True)
class _Pass:
    """One time through everything. `since` is when the erasure was requested, and gone through before."""

    since: tuple[datetime, datetime | None]
    steps: Iterator[int]
    found: int = 0


class Eraser:
    """Thread-safe, and any number may be there: one of them runs. Methods raise `DependencyError`; what they have done until then stays done."""

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
        self._begun: dict[bytes, _Pass] = {}

    def run(self, now: datetime, budget_s: float) -> int:
        """Go on for some seconds, unless somebody else does; return how many erasures are still to be done.

        It begins with what was worked on least lately, so that one that takes long, or fails, holds up no other.
        """
        deadline = time.monotonic() + budget_s
        with self._database.begin() as turn:
            # Nothing else is done there: who waits for a lock of a table does not wait for the run.
            if erasures_store.take_turn(turn, within_s=budget_s + _LONGEST_STEP_S):
                self._take_turn(now, deadline)
        return len(self._unfinished())

    def _take_turn(self, now: datetime, deadline: float) -> None:
        waiting = {erasure.digest: erasure for erasure in self._unfinished()}
        self._begun = {digest: begun for digest, begun in self._begun.items() if digest in waiting}
        for digest in [*(digest for digest in waiting if digest not in self._begun), *self._begun]:
            if not self._go_on(waiting[digest], now, deadline):
                break

    def _unfinished(self) -> list[Erasure]:
        with self._database.begin() as connection:
            return erasures_store.unfinished(connection)

    def _go_on(self, erasure: Erasure, now: datetime, deadline: float) -> bool:
        """Go on with one; tell whether there is time for another."""
        account_id = erasure.names.names[0]
        for shard in range(SHARDS):
            self._mirror.remove(account_id, shard, revision(now))
        if self._valkey.in_flight(account_id):
            return True
        settled = erasure.purged_at is not None and now - erasure.purged_at >= self._settles
        if erasure.purged_at is not None and not settled:
            return True
        since = (erasure.requested_at, erasure.purged_at)
        anew = _Pass(since, self._steps(erasure, now, closed_too=settled))
        begun = self._begun.pop(erasure.digest, anew)
        if begun.since != since:
            begun = anew
        # For the next time, when this one fails.
        self._begun[erasure.digest] = _Pass(since, self._steps(erasure, now, closed_too=settled))
        for rows in begun.steps:
            begun.found += rows
            if time.monotonic() > deadline:
                self._begun[erasure.digest] = begun
                return False
        found, known = begun.found, self._as_it_is(erasure)
        failpoint("erasure.purged")
        with self._database.begin() as connection:
            if settled and not found:
                purge_store.disown(connection, account_id)
                by = known.names.signed(known.requested_by)
                if erasures_store.finish(connection, erasure, by, now):
                    log.info("account_erased", erasure_id=erasure.erasure_id, rows=sum(known.counts.values()))
            else:
                erasures_store.note_purged(connection, erasure.digest, now)
        return True

    def _steps(self, erasure: Erasure, now: datetime, *, closed_too: bool) -> Iterator[int]:
        """Go through everything once; yield rows, in no transaction, after each step."""
        self._note_services(erasure)
        for own in self._first:
            yield from self._apart(self._as_it_is(erasure), own, now)
        known = self._as_it_is(erasure)
        yield from _Purge(self._database, known, self._step).run()
        for own in self._last:
            yield from self._apart(known, own, now)
        yield self._valkey.sweep(known.names.names[0], known.names, closed_too=closed_too)

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

    def _apart(self, erasure: Erasure, own: Own, now: datetime) -> Iterator[int]:
        for counts in own(erasure, now):
            if any(counts.values()):
                with self._database.begin() as connection:
                    for name, rows in counts.items():
                        if rows:
                            erasures_store.count(connection, erasure.digest, name, rows)
            yield sum(counts.values())


class _Purge:
    """One time through every table; yields how many rows were deleted or changed after each step."""

    def __init__(self, database: Database, erasure: Erasure, step: int) -> None:
        self._database = database
        self._erasure = erasure
        self._account_id = erasure.names.names[0]
        self._services = sorted(erasure.services)
        self._step = step

    def run(self) -> Iterator[int]:
        yield self._once("report_sends", self._sends)
        for name, rule in RULES.items():
            table = metadata.tables[name]
            if rule.fate is Fate.SUMS:
                yield from self._repeat(name, partial(self._fold, table))
            elif rule.fate is Fate.ROWS:
                yield from self._rows(table)
            if rule.service is not None:
                yield from self._of_services(table, rule.service)
        # Last, so that rows which are deleted anyway are not rewritten before.
        for name, rule in RULES.items():
            if rule.words or rule.labels or rule.mentions:
                yield from self._texts(name)

    def _rows(self, table: Table) -> Iterator[int]:
        if purge_store.key_of(table)[0].name == "account_id":
            return self._led(table, (self._account_id,))
        return self._repeat(table.name, partial(self._where, table, "account_id"))

    def _of_services(self, table: Table, column: str) -> Iterator[int]:
        key = [each.name for each in purge_store.key_of(table)]
        if key[0] == column:
            for service in self._services:
                yield from self._led(table, (service,))
        elif key[:2] == ["account_id", column]:
            # Requests of others to its services are told apart by account: they go with the service.
            for service in self._services:
                yield from self._of_service(table, service)
        elif self._services:
            yield from self._repeat(table.name, partial(self._where, table, column))

    def _of_service(self, table: Table, service: str) -> Iterator[int]:
        """Look at many accounts a statement, and go to those alone that have rows of the service."""
        last, more = "", True
        while more:
            with self._database.begin() as connection:
                page = purge_store.counted_accounts(connection, table, service, since=last, limit=self._step + 1)
            for account, there in page:
                if there:
                    yield from self._led(table, (account, service))
            yield 0
            more = len(page) > self._step
            last = page[-1][0] if page else ""

    def _led(self, table: Table, leading: Key) -> Iterator[int]:
        behind = None
        while True:

            def step(connection: Connection, behind: Key | None = behind) -> tuple[int, Key | None]:
                return purge_store.delete_led(connection, table, leading, behind=behind, limit=self._step)

            rows, behind = self._one(table.name, step)
            yield rows
            if behind is None:
                return

    def _texts(self, name: str) -> Iterator[int]:
        table, rule, words = metadata.tables[name], RULES[name], self._erasure.names
        behind = None
        while True:
            with self._database.begin() as connection:
                until = words_store.last_of_page(connection, table, behind, limit=_SCANNED)
                rows = words_store.replace(connection, table, rule, words, behind=behind, until=until)
                self._count(connection, name, rows)
            yield rows
            if until is None:
                return
            behind = until

    def _repeat(self, name: str, step: Callable[[Connection], int]) -> Iterator[int]:
        while rows := self._once(name, step):
            yield rows
        yield 0

    def _once(self, name: str, step: Callable[[Connection], int]) -> int:
        return self._one(name, lambda connection: (step(connection), None))[0]

    def _one(self, name: str, step: Callable[[Connection], tuple[int, Key | None]]) -> tuple[int, Key | None]:
        """Do a step in a transaction of its own, then let others do as much."""
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
