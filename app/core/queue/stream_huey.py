"""Huey with an acknowledgement: a task is forgotten when it has ended, not when it has begun.

What Huey itself does at a task's end (the next task of a pipeline, the callback of a chord, the retry, the dead letter)
is collected and written by one script together with the acknowledgement. So a body runs at least once, and what follows
from it happens exactly once.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from huey import Huey, signals
from huey.api import PeriodicTask
from huey.exceptions import CancelExecution, TaskLockedException

from app.core.queue.backoff import Backoff
from app.core.queue.bundle import no_failpoint
from app.core.queue.consumer import StreamConsumer
from app.core.queue.delivery import Effects, Priority
from app.core.queue.message import MessageSerializer
from app.core.queue.storage import StreamStorage
from app.core.queue.suspect_task import execute_in_child
from app.core.queue.task_errors import DependencyAwayError
from app.core.queue.task_wrapper import StreamTaskWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from huey.api import Task
    from huey.utils import ChordConfig

    from app.core.queue.client import Client
    from app.core.queue.delivery import Delivery
    from app.core.queue.sacrifice import Sacrifice

_logger = logging.getLogger(__name__)
_LONGEST_TRACEBACK = 4_000
_DEFAULT_BACKOFF = Backoff()


class _AwayError(BaseException):
    """Passes through Huey's own handlers, which would count any `Exception` as a failure of the task."""


class StreamHuey(Huey):
    """Huey on Valkey Streams. *name* is the hash tag of its keys.

    *retries* is the default of every task; a retry without a `retry_delay` of its own waits by *backoff* (None: no wait,
    as in Huey). Exceptions of *pause_on* cost no attempt. A task with which more than *redeliveries* workers died runs in
    a child, if there is a *sacrifice*, whose target must be this very Huey. *options* are Huey's and `StreamStorage`'s.
    """

    storage_class = StreamStorage

    def __init__(
        self,
        name: str = "tasks",
        *,
        client: Client,
        retries: int = 3,
        backoff: Backoff | None = _DEFAULT_BACKOFF,
        pause_on: tuple[type[BaseException], ...] = (),
        unknown_grace_s: float = 3_600.0,
        redeliveries: int = 3,
        sacrifice: Sacrifice | None = None,
        failpoint: Callable[[str], None] = no_failpoint,
        **options: Any,
    ) -> None:
        self.default_retries = retries
        self.backoff = backoff
        self.pause_on = pause_on
        self.unknown_grace_s = unknown_grace_s
        self.redeliveries = redeliveries
        self.sacrifice = sacrifice
        self.failpoint = failpoint
        options.setdefault("serializer", MessageSerializer())
        super().__init__(name, client=client, **options)

    def get_storage(self, **options: Any) -> StreamStorage:
        return StreamStorage(self.name, utc=self.utc, **options)

    def get_task_wrapper_class(self) -> type:
        return StreamTaskWrapper

    def create_consumer(self, **options: Any) -> StreamConsumer:
        return StreamConsumer(self, **options)

    def task(self, retries: int | None = None, *args: Any, **options: Any) -> Any:
        return super().task(self.default_retries if retries is None else retries, *args, **options)

    def periodic_task(
        self, validate_datetime: Callable[[datetime], bool], retries: int | None = None, *args: Any, **options: Any
    ) -> Any:
        retries = self.default_retries if retries is None else retries
        return super().periodic_task(validate_datetime, retries, *args, **options)

    # From the queue.

    def dequeue(self, *, urgent: bool = False) -> Task | None:
        """Take a task, which stays pending until `execute` has returned; `urgent`: one of high priority alone."""
        if not isinstance(self.storage, StreamStorage):
            return super().dequeue()
        delivery = self.storage.stream.take(urgent=urgent)
        if delivery is None:
            return None
        try:
            task = self.deserialize_task(delivery.message)
        except Exception as error:  # noqa: BLE001 (a newer worker may understand what this one cannot)
            dead = self.storage.stream.postpone_unknown(delivery, str(error), self.unknown_grace_s)
            _logger.warning("a task was not understood (%s): it %s", error, "is a dead letter" if dead else "waits")
            return None
        task.delivery = delivery
        return task

    def execute(self, task: Task, timestamp: datetime | None = None) -> Any:
        """Run a task and settle it. Whatever is raised, the task was not settled and will be delivered again.

        Raises `DependencyAwayError` when nothing but a dependency kept the task from running.
        """
        delivery = getattr(task, "delivery", None)
        if delivery is None:
            return super().execute(task, timestamp)
        effects = Effects(delivery)
        try:
            with self.storage.deferring(effects):
                value = super().execute(task, timestamp)
            if not effects.interrupted:
                self.failpoint("queue.before_ack")
                self._settle(effects)
                self.failpoint("queue.after_ack")
                return value
        except _AwayError as away:
            raise DependencyAwayError(str(away.__cause__)) from away.__cause__
        except BaseException:
            self.storage.stream.drop(delivery)
            raise
        self.storage.stream.drop(delivery)
        return None

    def postpone(self, task: Task, delay_s: float) -> None:
        """Put a task that was taken into the schedule, with its attempts as they are."""
        delivery: Delivery = task.delivery
        effects = Effects(delivery)
        effects.schedule(self.storage.now_ms() + round(delay_s * 1_000), delivery.priority, delivery.message)
        self.storage.stream.settle(effects)

    def run_suspect(self, payload: bytes) -> None:
        """Be the child in which a suspect task runs."""
        execute_in_child(self, payload)

    def _settle(self, effects: Effects) -> None:
        """Settle, and if Valkey is away keep trying until another worker would have taken the task over."""
        give_up = time.monotonic() + self.storage.stream.reclaim_after_s
        for attempt in count():
            try:
                if not self.storage.stream.settle(effects):
                    _logger.warning("a task was settled by another worker: what this run would write is dropped")
            except Exception:
                if time.monotonic() > give_up:
                    raise
                time.sleep(_DEFAULT_BACKOFF.delay_s(attempt))
            else:
                return

    # What Huey does around and after the body.

    @property
    def _effects(self) -> Effects | None:
        return self.storage.effects if isinstance(self.storage, StreamStorage) else None

    @contextmanager
    def _users_code(self) -> Iterator[None]:
        """Let what the user's code writes through at once; it may wait for the outcome."""
        if effects := self._effects:
            with effects.suspended():
                yield
        else:
            yield

    @contextmanager
    def _timeout_context(self, task: Task) -> Iterator[None]:
        """Huey enters this exactly around the body of a task."""
        delivered = self._effects is not None
        with self._users_code():
            self.failpoint("queue.before_run")
            try:
                with super()._timeout_context(task):
                    yield
            except self.pause_on as error:
                if delivered:
                    raise _AwayError from error
                raise

    def _emit(self, signal: str, task: Task, *args: Any, **kwargs: Any) -> None:
        if signal == signals.SIGNAL_INTERRUPTED and (effects := self._effects):
            effects.interrupted = True
        with self._users_code():
            super()._emit(signal, task, *args, **kwargs)

    def _run_pre_execute(self, task: Task) -> None:
        with self._users_code():
            super()._run_pre_execute(task)

    def _run_post_execute(self, task: Task, task_value: Any, exception: BaseException | None) -> None:
        with self._users_code():
            super()._run_post_execute(task, task_value, exception)

    def add_schedule(self, task: Task) -> None:
        if not isinstance(self.storage, StreamStorage):
            super().add_schedule(task)
            return
        eta = task.eta or datetime.fromtimestamp(0)  # noqa: DTZ006 (naive, as Huey's times are)
        self.storage.add_to_schedule(self.serialize_task(task), eta, task.priority)
        self._emit(signals.SIGNAL_SCHEDULED, task)

    def _requeue_task(self, task: Task, timestamp: datetime, retry_eta: datetime | None = None) -> None:
        effects = self._effects
        if effects is None:
            super()._requeue_task(task, timestamp, retry_eta)
            return
        self.failpoint("queue.before_retry")
        if retry_eta is None and not task.retry_delay and self.backoff:
            retry_eta = timestamp + timedelta(seconds=self.backoff.delay_s(effects.delivery.attempts))
        with effects.retry():
            super()._requeue_task(task, timestamp, retry_eta)

    def build_error_result(self, task: Task, exception: BaseException) -> dict[str, Any]:
        result: dict[str, Any] = super().build_error_result(task, exception)
        if (effects := self._effects) and not task.retries and not _is_intended(task, exception):
            name = self._registry.task_to_string(type(task))
            effects.bury(name, result["error"], result["traceback"][:_LONGEST_TRACEBACK])
        return result

    def _check_chord(self, cc: ChordConfig, value: Any) -> None:
        effects = self._effects
        if effects is None:
            super()._check_chord(cc, value)
            return
        results = self.storage.join(cc.cid, cc.idx, cc.size, self.serializer.serialize(value))
        if results is None:
            return
        callback = copy(cc.callback)
        callback.extend_data(([self.serializer.deserialize(result) for result in results],))
        callback.resolve_expires(self.utc)
        self._emit(signals.SIGNAL_ENQUEUED, callback)
        message = self.serialize_task(callback)
        effects.fire(cc.cid, cc.size, self.storage.result_ttl_ms, Priority.of(callback.priority), message)


def _is_intended(task: Task, exception: BaseException) -> bool:
    """Whether a task ended as somebody wanted it to: cancelled, or skipped because its last run was not over."""
    return isinstance(exception, CancelExecution) or (
        isinstance(exception, TaskLockedException) and isinstance(task, PeriodicTask)
    )
