"""Moves what is due from the schedule to the queue, and enqueues periodic tasks once per tick.

Any number of schedulers may run. Both writes are single scripts, so that a kill leaves nothing in between, and the
last tick of each periodic task is kept in Valkey, so that the second scheduler to come finds it done, and the first
one after an outage finds what was missed.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from huey.consumer import Scheduler

from app.core.queue.patience import Patience, StoppedError
from app.core.queue.storage import MOVE_AT_ONCE

if TYPE_CHECKING:
    from threading import Event

    from app.core.queue.stream_huey import StreamHuey

_MINUTE_MS = 60_000
CATCH_UP_MINUTES = 7 * 24 * 60
"""How far back a missed tick is looked for: a week, which costs some ten milliseconds for each periodic task."""


class StreamScheduler(Scheduler):
    """One pass a second (*interval*)."""

    def __init__(self, huey: StreamHuey, stop_flag: Event, interval: float, *, periodic: bool) -> None:
        super().__init__(huey, stop_flag, interval, periodic)
        self._patience = Patience(stop_flag, expected=huey.pause_on)
        self._checked_to: dict[str, int] = {}

    def loop(self, now: datetime | None = None) -> None:
        started = time.monotonic()
        try:
            self._patience.repeat(lambda: self._pass(now), on=(Exception,))
        except StoppedError:
            return
        self.sleep_for_interval(started, self.interval)

    def _pass(self, now: datetime | None) -> None:
        storage = self.huey.storage
        now_ms = storage.now_ms() if now is None else storage.to_ms(now)
        moved = MOVE_AT_ONCE
        while moved == MOVE_AT_ONCE and not self.stop_flag.is_set():
            moved = storage.move_due(now_ms)
            self.huey.failpoint("queue.schedule_mover")
        if self.periodic:
            self.tick(now_ms // _MINUTE_MS)

    def tick(self, minute: int) -> None:
        """Enqueue every periodic task that is due in *minute* (since 1970), or was due and missed since its last tick.

        However many ticks were missed, the task is enqueued once, for the last of them.
        """
        for task in self.huey._registry.periodic_tasks:  # noqa: SLF001 (Huey has no public name for it)
            name = self.huey._registry.task_to_string(type(task))  # noqa: SLF001
            if self._checked_to.get(name) == minute:
                continue
            last = self._checked_to.get(name, self.huey.storage.last_tick(name, minute - 1))
            first = max(last + 1, minute - CATCH_UP_MINUTES)
            for due in range(minute, first - 1, -1):
                if task.validate_datetime(self._local(due)):
                    if self.huey.storage.tick(name, due, self.huey.serialize_task(task)):
                        self._logger.debug("enqueued periodic task %s for minute %d", name, due)
                    break
            self._checked_to[name] = minute

    def _local(self, minute: int) -> datetime:
        """Return the start of a minute as Huey has its times: naive, in UTC or in local time."""
        moment = datetime.fromtimestamp(minute * 60, UTC)
        return (moment if self.huey.utc else moment.astimezone()).replace(tzinfo=None)
