"""Tells Alertmanager again how alerts stand: it forgets them when it is restarted.

Those that ended lately are told too, so that a repetition which overtook the news of an end is put right by the next one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reporting.alerts import alerts_store
from reporting.alerts.message import posted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from app.core.database import Database
    from app.core.notify.notification import PostedAlert

ENDED_LATELY = timedelta(minutes=15)
_AT_ONCE = 500


class AlertmanagerRefresh:
    """`post` raises `DeliveryError`, and so does `run`, which raises `DependencyError` as well."""

    def __init__(self, database: Database, post: Callable[[Sequence[PostedAlert], datetime], None]) -> None:
        self._database = database
        self._post = post

    def run(self, now: datetime) -> int:
        """Post every alert that somebody was told of, and return how many."""
        with self._database.begin() as connection:
            standing = alerts_store.current(connection).values()
        told = [
            posted(each)
            for each in standing
            if each.alert.notified
            and (each.alert.burning or (each.alert.over and now - each.alert.since < ENDED_LATELY))
        ]
        for start in range(0, len(told), _AT_ONCE):
            self._post(told[start : start + _AT_ONCE], now)
        return len(told)
