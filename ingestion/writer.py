"""A bundle of batches into PostgreSQL, in one transaction: events, rollups, outcomes, dead letters, answers.

1. Store the events and count what was really stored (`ingestion.insertion`).
2. Write one outcome a batch, and count it by the minute of its 202. A batch that has one already was stored before, by a worker that could not say so: then
   everything is rolled back and done again without it, so that a redelivery changes nothing, whatever has been purged,
   replayed or deleted since.
3. Write a dead letter for every event that cannot be stored, with the reason.
4. Keep what an Idempotency-Key is answered with.
5. COMMIT; only then may the queue forget the entries.

Nothing is left on the session, so it works through PgBouncer in transaction mode.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from app.core.arrays import binary_cursor
from app.core.failpoints import failpoint
from ingestion import dead_letters_store, outcome_minutes_store
from ingestion.batches import Outcome, microseconds, rows_of
from ingestion.dead_letters import letter_of, letters_of_refused, letters_of_unread, unread_events
from ingestion.event_store import insert_answers, insert_outcomes
from ingestion.insertion import insert
from ingestion.refusals import ROW_ERRORS, refusal_of, settle_conflicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from ingestion.batches import Batch
    from ingestion.dead_letters import DeadLetter, Reason
    from ingestion.insertion import Inserted


class _DoneBeforeError(Exception):
    """Some of the batches have an outcome."""

    def __init__(self, batch_ids: set[str]) -> None:
        super().__init__(batch_ids)
        self.batch_ids = batch_ids


class Writer:
    """Writes bundles. Thread-safe; every call takes one connection from the pool."""

    def __init__(self, database: Database, *, statement_events: int, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._statement_events = statement_events
        self._clock = clock

    def store(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Store batches and return the outcomes of those that had none.

        Raises `DependencyError` when PostgreSQL is away or does not do its part; then nothing was stored, or all of it
        was and a second call finds that out.
        """
        try:
            return self._store(batches, careful=False)
        except ROW_ERRORS as error:
            if refusal_of(error) is None:
                raise
        return self._store(batches, careful=True)

    def bury(self, batch: Batch, reason: Reason, detail: str) -> Outcome | None:
        """Make dead letters of all events of a batch that are not stored; None when it had an outcome.

        An event with the id of a stored one counts as its duplicate. Raises as `store` does.
        """
        try:
            return settle_conflicts(lambda: self._bury(batch, reason, detail))
        except _DoneBeforeError:
            return None

    def _store(self, batches: Sequence[Batch], *, careful: bool) -> list[Outcome]:
        while batches:
            try:
                return settle_conflicts(lambda: self._attempt(batches, careful=careful))  # noqa: B023 (it runs at once)
            except _DoneBeforeError as done:
                batches = [batch for batch in batches if batch.batch_id not in done.batch_ids]
        return []

    def _attempt(self, batches: Sequence[Batch], *, careful: bool) -> list[Outcome]:
        with self._database.begin() as connection:
            failpoint("store.before_insert")
            rows = rows_of(batches)
            inserted = insert(connection, rows, statement_events=self._statement_events, careful=careful)
            outcomes = _tally(batches, inserted)
            now = self._clock()
            refused = letters_of_refused(batches, inserted, now)
            unread = chain.from_iterable(letters_of_unread(batch, now) for batch in batches)
            self._finish(connection, outcomes, chain(refused, unread), now)
            failpoint("store.before_commit")
        failpoint("store.after_commit")
        return outcomes

    def _bury(self, batch: Batch, reason: Reason, detail: str) -> Outcome:
        with self._database.begin() as connection:
            # An id with a NUL cannot be stored, and cannot even be asked for.
            event_ids = {event.event_id for event in batch.events if "\0" not in event.event_id}
            stored = dead_letters_store.stored_ids(connection, batch.account_id, event_ids)
            dead = [index for index, event in enumerate(batch.events) if event.event_id not in stored]
            now = self._clock()
            letters = (letter_of(batch, index, reason=reason, detail=detail, now=now) for index in dead)
            outcome = Outcome(
                batch, stored=0, duplicates=len(batch.events) - len(dead), dead=len(dead) + unread_events(batch)
            )
            self._finish(connection, [outcome], chain(letters, letters_of_unread(batch, now)), now)
        return outcome

    def _finish(
        self, connection: Connection, outcomes: Sequence[Outcome], letters: Iterable[DeadLetter], now: datetime
    ) -> None:
        cursor = binary_cursor(connection)
        done = insert_outcomes(cursor, outcomes, microseconds(now))
        if done:
            raise _DoneBeforeError(done)
        outcome_minutes_store.add(connection, outcomes, microseconds(now))
        dead_letters_store.insert_letters(connection, letters)
        insert_answers(cursor, [outcome.batch for outcome in outcomes])


def _tally(batches: Sequence[Batch], inserted: Inserted) -> list[Outcome]:
    stored = Counter(row.batch for row in inserted.stored)
    refused = Counter(row.batch for row, _ in inserted.refused)
    return [
        Outcome(
            batch,
            stored=stored[number],
            duplicates=len(batch.events) - stored[number] - refused[number],
            dead=refused[number] + unread_events(batch),
        )
        for number, batch in enumerate(batches)
    ]
