"""The dead letters of the task queue: list, replay, purge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from huey.exceptions import HueyException

from app.core.queue.message import MessageError
from app.core.queue.scripts import source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.queue.stream_huey import StreamHuey

_PAGE = 100


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A task that was given up."""

    id: str
    task: str
    """Its name in Huey's registry; empty when no worker understood the message."""
    reason: str
    traceback: str
    """The first lines of it."""
    attempts: int
    payload: bytes
    died_at: datetime


class DeadLetters:
    """The dead letters of one Huey. Nothing but `purge` and `replay` removes any; `retell` gives one another id."""

    def __init__(self, huey: StreamHuey) -> None:
        self._huey = huey
        self._client = huey.storage.client
        self._keys = huey.storage.keys
        self._replay = self._client.script(source("task_replay"))
        self._retell = self._client.script(source("task_retell"))

    def __len__(self) -> int:
        return int(self._client.execute("XLEN", self._keys.dead))

    def __iter__(self) -> Iterator[DeadLetter]:
        """Yield all of them, oldest first."""
        after = "-"
        while page := self.page(after=after):
            yield from page
            after = page[-1].id

    def page(self, *, after: str = "-", limit: int = _PAGE) -> list[DeadLetter]:
        """Return up to *limit* dead letters behind the one with the id *after*."""
        start = after if after == "-" else f"({after}"
        found = self._client.execute("XRANGE", self._keys.dead, start, "+", "COUNT", limit)
        return [_dead_letter(entry_id, fields) for entry_id, fields in found]

    def get(self, letter_id: str) -> DeadLetter | None:
        found = self._client.execute("XRANGE", self._keys.dead, letter_id, letter_id)
        return _dead_letter(*found[0]) if found else None

    def replay(self, letter_id: str) -> bool:
        """Enqueue a dead letter again with all its retries; False if it is gone."""
        letter = self.get(letter_id)
        if letter is None:
            return False
        moved = self._replay([self._keys.dead, self._keys.normal], [letter.id, self._renewed(letter.payload)])
        return bool(moved)

    def replay_all(self) -> int:
        """Enqueue every dead letter that there is now; return how many it were."""
        return sum(self.replay(letter.id) for letter in list(self))

    def retell(self, letter_id: str, reason: str, traceback: str) -> bool:
        """Say otherwise what went wrong; False if the dead letter is gone. It becomes the last one, and died when it did."""
        return bool(self._retell([self._keys.dead], [letter_id, reason, traceback]))

    def purge(self, letter_id: str) -> bool:
        """Forget a dead letter; False if it is gone."""
        return bool(self._client.execute("XDEL", self._keys.dead, letter_id))

    def purge_all(self) -> int:
        return sum(self.purge(letter.id) for letter in list(self))

    def _renewed(self, payload: bytes) -> bytes:
        """Return the message with the retries of its task; unchanged if this release does not understand it."""
        try:
            task = self._huey.deserialize_task(payload)
        except (MessageError, HueyException):
            return payload
        task.retries = type(task).default_retries
        task.eta = None
        message: bytes = self._huey.serialize_task(task)
        return message


def _dead_letter(entry_id: bytes, fields: list[bytes]) -> DeadLetter:
    values = {name.decode(): value for name, value in zip(fields[::2], fields[1::2], strict=True)}
    return DeadLetter(
        id=entry_id.decode(),
        task=values["t"].decode(),
        reason=values["reason"].decode("utf-8", "replace"),
        traceback=values["traceback"].decode("utf-8", "replace"),
        attempts=int(values["e"]),
        payload=values["m"],
        died_at=datetime.fromtimestamp(int(values.get("at", entry_id.partition(b"-")[0])) / 1000, UTC),
    )
