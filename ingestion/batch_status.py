"""What became of a batch: still in the queue, or stored, or dead and why."""

from __future__ import annotations

import re
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING

from msgspec import Struct

from app.core.queue.keys import lane_stream
from app.core.queue.lanes import LANE_BY_LETTER
from app.domain.shards import SHARDS
from ingestion import batch_status_store

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey

MOST_REASONS = 1_000
_BATCH_ID = re.compile(r"([0-9]{2})([hnlo])-([0-9]{1,16})-([0-9]{1,20})")
_LARGEST_SEQUENCE = 2**64 - 1


class BatchState(StrEnum):
    """Where the events of a batch are."""

    QUEUED = "queued"
    STORED = "stored"
    PARTLY_STORED = "partly_stored"
    DEAD = "dead"


class DeadReason(Struct, frozen=True, omit_defaults=True):
    """Why an event died; without an index when the whole batch could not be read."""

    reason: str
    detail: str
    index: int | None = None
    event_id: str | None = None


class BatchStatus(Struct, frozen=True):
    """Counts are events, and add up to `accepted` once the batch has left the queue."""

    batch_id: str
    state: BatchState
    accepted: int
    stored: int = 0
    duplicates: int = 0
    dead: int = 0
    reasons: tuple[DeadReason, ...] = ()


class BatchStatuses:
    """Thread-safe; one a process."""

    def __init__(self, *, valkey: Valkey, database: Database) -> None:
        self._queued = valkey.script(files("ingestion").joinpath("batch_status.lua").read_text("utf-8"))
        self._database = database

    def find(self, account_id: str, batch_id: str) -> BatchStatus | None:
        """Return the status of an account's batch; None when it has no such batch, or it is long gone.

        Raises `DependencyError`.
        """
        place = _place(batch_id)
        if place is None:
            return None
        # The queue first: a batch leaves it only after its outcome is committed, so it is never in neither place.
        stream, entry_id = place
        waiting: int | None = self._queued([stream], [entry_id, account_id])
        if waiting is not None:
            return BatchStatus(batch_id, BatchState.QUEUED, waiting)
        with self._database.begin() as connection:
            counts = batch_status_store.counts(connection, account_id, batch_id)
            if counts is None:
                return None
            letters = (
                batch_status_store.letters(connection, account_id, batch_id, limit=MOST_REASONS) if counts.dead else ()
            )
        accepted = counts.stored + counts.duplicates + counts.dead
        reasons = tuple(
            DeadReason(
                letter.reason,
                letter.detail,
                index=None if letter.position < 0 else letter.position,
                event_id=letter.event_id,
            )
            for letter in letters
        )
        state = _state(accepted, counts.dead)
        return BatchStatus(batch_id, state, accepted, counts.stored, counts.duplicates, counts.dead, reasons)


def _place(batch_id: str) -> tuple[str, str] | None:
    """Return the stream and the entry of a batch; None for what admission cannot have answered."""
    match = _BATCH_ID.fullmatch(batch_id)
    if match is None or int(match[1]) >= SHARDS or int(match[4]) > _LARGEST_SEQUENCE:
        return None
    return lane_stream(int(match[1]), LANE_BY_LETTER[match[2]]), f"{match[3]}-{match[4]}"


def _state(accepted: int, dead: int) -> BatchState:
    if not dead:
        return BatchState.STORED
    return BatchState.DEAD if dead == accepted else BatchState.PARTLY_STORED
