"""The loop of a worker thread over the task queue."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

from huey.consumer import Worker, WorkerRecycle

from app.core.queue.patience import Patience, StoppedError
from app.core.queue.suspect_task import run_in_child
from app.core.queue.task_errors import DependencyAwayError

if TYPE_CHECKING:
    from datetime import datetime

    from huey.api import Task


_IN_HAND_S = 2.0
"""For an outage of a moment. A statement that runs into its timeout takes longer, and is not repeated in hand at all."""
_RESTS_S = 5.0
"""As long as the longest pause: nothing is resumed later for having lain in the schedule."""


class TaskWorker(Worker):
    """Takes one task at a time. A task whose dependency is away waits in hand for a moment, and then in the schedule.

    What is away for one task, such as a lock or the time for a long statement, may be there for all others. One that is
    `urgent` takes tasks of high priority alone, so that slow ones never keep those waiting.
    """

    urgent = False

    def initialize(self) -> None:
        super().initialize()
        self._patience = Patience(self.stop_flag, expected=(DependencyAwayError, *self.huey.pause_on))

    def loop(self, now: datetime | None = None) -> None:
        task: Task | None = None
        try:
            task = self._patience.repeat(lambda: self.huey.dequeue(urgent=self.urgent), on=(Exception,))
            if task is None:
                return
            self._run_or_postpone(task, now)
        except StoppedError:
            if task is not None:
                self.huey.storage.stream.let_go([task.delivery])
            return
        except Exception:
            self._logger.exception("a task was not settled and will be delivered again")
        self.task_count += 1
        if self.max_tasks and self.task_count >= self.max_tasks:
            raise WorkerRecycle

    def _run_or_postpone(self, task: Task, now: datetime | None) -> None:
        give_up = time.monotonic() + _IN_HAND_S
        for pauses in count():
            try:
                self._run(task, now)
            except DependencyAwayError as away:
                if time.monotonic() > give_up:
                    self._logger.info("%s waits in the schedule: %s", task, away)
                    break
                self._patience.pause(pauses, away)
            else:
                return
        self._patience.repeat(lambda: self.huey.postpone(task, _RESTS_S), on=(Exception,))

    def _run(self, task: Task, now: datetime | None) -> None:
        huey = self.huey
        if huey.sacrifice and task.delivery.redeliveries > huey.redeliveries:
            self._logger.warning("%s lost %d workers: it runs in a child", task.id, task.delivery.redeliveries)
            run_in_child(huey, task, huey.sacrifice, self.stop_flag.is_set)
        else:
            huey.execute(task, now)

    def shutdown(self) -> None:
        super().shutdown()
        self.huey.storage.stream.let_surplus_go()
