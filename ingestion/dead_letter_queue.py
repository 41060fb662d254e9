"""What operators do with dead letters: look, replay, purge."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from ingestion import dead_letters_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from app.core.database import Database
    from ingestion.dead_letters import DeadLetter, LetterId
    from ingestion.dead_letters_store import Place, Selection

_AT_ONCE = 200
"""Letters that one transaction replays or purges."""


class Enqueue(Protocol):
    """Puts the replay of an account's letters into the queue; raises `DependencyError`."""

    def __call__(self, account_id: str, letters: Sequence[LetterId]) -> None: ...


class DeadLetterQueue:
    """Thread-safe. Methods raise `DependencyError`."""

    def __init__(self, database: Database, enqueue: Enqueue) -> None:
        self._database = database
        self._enqueue = enqueue

    def page(self, selection: Selection, *, after: Place | None, limit: int) -> list[DeadLetter]:
        """Return letters, the last to die first."""
        with self._database.begin() as connection:
            return dead_letters_store.page(connection, selection, after=after, limit=limit)

    def replay(self, letter_id: LetterId) -> bool:
        """Put one letter back into the queue; False when there is none. It is gone from the list once it is stored."""
        with self._database.begin() as connection:
            letter = dead_letters_store.find(connection, letter_id)
        if letter is None:
            return False
        self._enqueue(letter.account_id, [letter.id])
        return True

    def replay_all(self, selection: Selection, now: datetime) -> int:
        """Put letters back into the queue, but none that dies after `now`; return how many it were."""
        count = 0
        for account_id, letters in self._all(selection, now):
            self._enqueue(account_id, letters)
            count += len(letters)
        return count

    def purge(self, letter_id: LetterId) -> bool:
        """Remove one letter for ever; False when there is none. Its event stays counted as dead."""
        with self._database.begin() as connection:
            letter = dead_letters_store.find(connection, letter_id)
            return letter is not None and bool(dead_letters_store.remove(connection, letter.account_id, [letter.id]))

    def purge_all(self, selection: Selection, now: datetime) -> int:
        """Remove letters for ever, but none that dies after `now`; return how many it were."""
        count = 0
        for account_id, letters in self._all(selection, now):
            with self._database.begin() as connection:
                count += dead_letters_store.remove(connection, account_id, letters)
        return count

    def _all(self, selection: Selection, now: datetime) -> Iterator[tuple[str, list[LetterId]]]:
        """Give the names of all letters, some of one account at a time."""
        selection = replace(selection, died_before=min(selection.died_before or now, now))
        after = None
        while True:
            with self._database.begin() as connection:
                found = dead_letters_store.ids(connection, selection, after=after, limit=_AT_ONCE)
            for account_id, letters in groupby(found, key=lambda name: name[0]):
                yield account_id, [letter_id for _, letter_id in letters]
            if len(found) < _AT_ONCE:
                return
            after = found[-1]
