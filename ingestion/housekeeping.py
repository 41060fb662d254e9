"""What would otherwise grow without end, taken away in small steps that nobody has to wait for."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

from app.core.arrays import binary_cursor
from app.core.keyspace import accepted_minutes
from app.domain.shards import SHARDS
from ingestion.admission.answers import KEPT as ANSWERS_KEPT
from ingestion.event_store import delete_answers

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database
    from app.core.valkey import Valkey

MINUTES_KEPT = timedelta(days=40)
"""The longest window of freshness is a month."""
OLDER_MINUTES = b"0"
"""The field of all accepted minutes that are no longer kept apart."""
_STEP = 1_000


class Housekeeping:
    """Thread-safe. Methods raise `DependencyError`; what they have done until then stays done."""

    def __init__(self, database: Database, valkey: Valkey) -> None:
        self._database = database
        self._valkey = valkey
        self._fold_minutes = valkey.script(files("ingestion").joinpath("fold_minutes.lua").read_text("utf-8"))

    def purge_answers(self, now: datetime) -> int:
        """Delete the answers to Idempotency-Keys that are past their 24 hours; return how many it were."""
        purged = 0
        while True:
            with self._database.begin() as connection:
                step = delete_answers(binary_cursor(connection), now - ANSWERS_KEPT, _STEP)
            purged += step
            if step < _STEP:
                return purged

    def shorten_accepted_minutes(self, now: datetime) -> int:
        """Add up the minutes that nobody asks for one by one any more; return how many it were."""
        oldest = int((now - MINUTES_KEPT).timestamp()) // 60
        folded = 0
        for shard in range(SHARDS):
            key = accepted_minutes(shard)
            fields = self._valkey.execute("HKEYS", key)
            minutes = [minute for minute in fields if minute != OLDER_MINUTES and int(minute) < oldest]
            for start in range(0, len(minutes), _STEP):
                self._fold_minutes([key], [OLDER_MINUTES, *minutes[start : start + _STEP]])
            folded += len(minutes)
        return folded
