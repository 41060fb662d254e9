"""Puts a task into the queue for whatever waits in the outbox. Any process may; one at a time is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.notify import outbox_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from app.core.database import Database

_AT_ONCE = 200


class Relay:
    """`enqueue` takes a subject. Methods raise `DependencyError`."""

    def __init__(self, database: Database, enqueue: Callable[[str], object]) -> None:
        self._database = database
        self._enqueue = enqueue

    def run(self, now: datetime) -> int:
        """Enqueue what is due; return how many subjects that were.

        Enqueued first and noted then: killed in between there are two tasks, of which one finds nothing to do.
        """
        with self._database.begin() as connection:
            subjects = outbox_store.due_subjects(connection, now, limit=_AT_ONCE)
        if not subjects:
            return 0
        for subject in subjects:
            self._enqueue(subject)
        with self._database.begin() as connection:
            outbox_store.note_queued(connection, subjects, now)
        return len(subjects)
