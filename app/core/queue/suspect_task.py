"""Tasks whose workers keep dying, run in a child process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.core.queue.delivery import Delivery, Priority
from app.core.queue.patience import StoppedError
from app.core.queue.sacrifice import Ending
from app.core.queue.task_errors import DependencyAwayError, SuspectError

if TYPE_CHECKING:
    from collections.abc import Callable

    from huey.api import Task

    from app.core.queue.sacrifice import Sacrifice
    from app.core.queue.stream_huey import StreamHuey


def run_in_child(huey: StreamHuey, task: Task, sacrifice: Sacrifice, is_stopping: Callable[[], bool]) -> None:
    """Let a child execute and settle *task*; if it dies of it, that is the task's failure."""
    delivery: Delivery = task.delivery
    payload = msgspec.msgpack.encode([int(delivery.priority), delivery.id, delivery.message, delivery.attempts])
    verdict = sacrifice.run(payload, is_stopping, pause_on=(DependencyAwayError,))
    match verdict.ending:
        case Ending.DONE:
            huey.storage.stream.drop(delivery)
        case Ending.AWAY:
            raise DependencyAwayError(verdict.reason)
        case Ending.ABANDONED:
            raise StoppedError
        case _:
            _fail(huey, task, verdict.reason)


def execute_in_child(huey: StreamHuey, payload: bytes) -> None:
    """Execute and settle the task that `run_in_child` of the parent has in hand."""
    priority, entry_id, message, attempts = msgspec.msgpack.decode(payload)
    task = huey.deserialize_task(message)
    task.delivery = Delivery(Priority(priority), entry_id, message, attempts)
    huey.execute(task)


def _fail(huey: StreamHuey, task: Task, reason: str) -> None:
    """End the task as if its body had raised, so that retries, results and dead letters take their usual way."""

    def body() -> None:
        raise SuspectError(reason)

    task.execute = body
    huey.execute(task)
