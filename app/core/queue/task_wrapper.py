"""Huey's task decorator, with a look at what the body returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huey.api import PeriodicTask, TaskWrapper

from app.core.queue.message import MessageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from huey.api import Task


class StreamTaskWrapper(TaskWrapper):
    """Makes a result that cannot be written the task's own failure, and one that no retry can mend."""

    def create_task(self, func: Callable[..., Any], *args: Any, **settings: Any) -> type[Task]:
        task_class: type[Task] = super().create_task(func, *args, **settings)
        body = task_class.execute

        def execute(task: Task) -> Any:
            value = body(task)
            if value is not None and self._is_written(task):
                try:
                    self.huey.serializer.serialize(value)
                except MessageError:
                    task.retries = 0
                    raise
            return value

        task_class.execute = execute
        return task_class

    def _is_written(self, task: Task) -> bool:
        stored = self.huey.results and not isinstance(task, PeriodicTask)
        return bool(stored or task.on_complete or task.chord_config)
