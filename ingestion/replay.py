"""Dead letters once more into the store: `ingestion.dead_letters` says why this adds up."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from app.core.failpoints import failpoint
from ingestion import dead_letters_store, outcome_minutes_store
from ingestion.batches import rows_of
from ingestion.dead_letters import letters_of_refused, letters_of_unread
from ingestion.insertion import insert
from ingestion.reading import read_letter
from ingestion.refusals import settle_conflicts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from app.core.database import Database
    from ingestion.dead_letters import LetterId


class Replayer:
    """Stores dead letters once more. Thread-safe; every call takes one connection from the pool."""

    def __init__(self, database: Database, *, statement_events: int, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._statement_events = statement_events
        self._clock = clock

    def replay(self, account_id: str, wanted: Collection[LetterId]) -> int:
        """Store those of an account's letters that are still there; return how many events came back to life.

        One that dies again stays a letter, with one more attempt. Raises as `Writer.store` does.
        """
        return settle_conflicts(lambda: self._replay(account_id, wanted))

    def _replay(self, account_id: str, wanted: Collection[LetterId]) -> int:
        with self._database.begin() as connection:
            letters = dead_letters_store.lock(connection, account_id, wanted)
            batches = [read_letter(letter) for letter in letters]
            inserted = insert(connection, rows_of(batches), statement_events=self._statement_events, careful=True)
            now = self._clock()
            dead = {letter.id: letter for letter in letters_of_refused(batches, inserted, now)}
            for batch in batches:
                dead |= {letter.id: letter for letter in letters_of_unread(batch, now)}

            # A batch whose events could not be told apart before may leave other letters than the one it was.
            before = {letter.id for letter in letters}
            dead_letters_store.remove(connection, account_id, before - dead.keys())
            for letter_id in sorted(before & dead.keys()):
                dead_letters_store.keep(connection, dead[letter_id])
            dead_letters_store.insert_letters(connection, [dead[letter_id] for letter_id in dead.keys() - before])

            alive, stored = Counter[str](), Counter[str]()
            for batch in batches:
                alive[batch.batch_id] += len(batch.events)
            alive.subtract(batches[row.batch].batch_id for row, _ in inserted.refused)
            stored.update(batches[row.batch].batch_id for row in inserted.stored)
            for batch_id in sorted(alive):
                duplicates = alive[batch_id] - stored[batch_id]
                dead_letters_store.revive(
                    connection, account_id, batch_id, stored=stored[batch_id], duplicates=duplicates
                )
                outcome_minutes_store.revive(connection, batch_id, stored=stored[batch_id], duplicates=duplicates)
            failpoint("replay.before_commit")
        return alive.total()
