"""Keeps what rules have counted by the minute for a while, by the quarter of an hour for longer, and by the day for good.

A late event counts in all three widths as it is stored, so nothing is ever made anew: what is too old is deleted again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core import detail_store
from app.core.counting import backfill, counts_retention_store
from app.core.detail_store import EVENTS, whole_days

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from app.core.database import Database

_AT_ONCE = 2_000


class RuleThinning:
    """Thread-safe. Methods raise `DependencyError`; what is done stays done."""

    def __init__(
        self, database: Database, *, minutes_kept: timedelta, quarters_kept: timedelta, rules_kept: timedelta
    ) -> None:
        self._database = database
        self._rules_kept = rules_kept
        self._kept = {1: minutes_kept, 15: quarters_kept}

    def run(self, now: datetime) -> int:
        """Delete what is old enough, in small steps; return how many rows."""
        minutes_from, quarters_from = (whole_days(now - kept) for kept in self._kept.values())
        with self._database.begin() as connection:
            # Readers look at the wider ones from here on.
            detail_store.raise_to(connection, EVENTS, minutes_from=minutes_from, quarters_from=quarters_from)
            backfill.forget(connection, now - self._rules_kept)
            rules = counts_retention_store.counted_rules(connection)
        purged = 0
        for rule_id in rules:
            for width, before in ((1, minutes_from), (15, quarters_from)):
                step = _AT_ONCE
                while step == _AT_ONCE:
                    with self._database.begin() as connection:
                        step = counts_retention_store.purge(connection, rule_id, width, before, most=_AT_ONCE)
                    purged += step
        return purged
