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
from typing import TYPE_CHECKING, Protocol

import structlog

from app.core.accounts import revision
from app.core.erasure import erasures_store, purge_store
from app.core.erasure.purge import Purge
from app.core.failpoints import failpoint
from app.domain.shards import SHARDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from app.core.database import Database
    from app.core.erasure.erasure import Erasure
    from app.core.erasure.valkey_sweep import ValkeySweep
    from app.core.mirror import AccountMirror

SETTLES = timedelta(minutes=3)
"""Longer than any request, any flush of counts, any task that adds them up, and any memory of whom services name."""
_STEP = 1_000
_LONGEST_STEP_S = 300.0
"""A report that is made again on both papers takes at most 180 s."""

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
        yield from Purge(self._database, known, self._step).run()
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
