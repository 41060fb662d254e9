"""One delivery of a task to a worker, and what follows from its end."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.queue.client import Arg


class Priority(IntEnum):
    """The streams of the task queue, numbered as the scripts number them."""

    HIGH = 1
    NORMAL = 2

    @classmethod
    def of(cls, priority: float | None) -> Priority:
        """Return the stream for one of Huey's priorities."""
        return cls.HIGH if priority is not None and priority > 0 else cls.NORMAL


@dataclass(frozen=True, slots=True)
class Delivery:
    """A task in a worker's hand: pending in its stream until it is settled."""

    priority: Priority
    id: str
    message: bytes
    attempts: int = 0
    """Attempts that failed before this one."""
    redeliveries: int = 0
    """How often it was taken over from a worker that went silent."""

    @property
    def name(self) -> str:
        """The entry's name among those of both streams, whose ids may be equal."""
        return f"{self.priority:d}:{self.id}"


class Effects:
    """What Huey writes after a task's body has ended, kept until it is written together with the acknowledgement."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.interrupted = False
        self._retrying = 0
        self._suspensions = 0
        self._operations: list[Arg] = []

    @property
    def open(self) -> bool:
        """Whether a write belongs to the task's end, and not to its body or to a hook of the user's."""
        return self._suspensions == 0

    @property
    def arguments(self) -> list[Arg]:
        return self._operations

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Let everything that is written inside through at once: it is the user's code that writes."""
        self._suspensions += 1
        try:
            yield
        finally:
            self._suspensions -= 1

    @contextmanager
    def retry(self) -> Iterator[None]:
        """What is enqueued or scheduled inside is the same task once more."""
        self._retrying = 1
        try:
            yield
        finally:
            self._retrying = 0

    def enqueue(self, priority: Priority, message: bytes) -> None:
        past = self._past if self._retrying else (0, 0)
        self._operations += ("enqueue", int(priority), message, *past)

    def schedule(self, due_ms: int, priority: Priority, message: bytes) -> None:
        """Nothing but the task itself goes to the schedule at its end: as a retry, or because it is not yet due."""
        self._operations += ("schedule", due_ms, scheduled_member(priority, *self._past, message))

    def delete(self, key: str | bytes) -> None:
        self._operations += ("delete", key)

    def fire(self, chord: str, size: int, ttl_ms: int, priority: Priority, message: bytes) -> None:
        """Enqueue the callback of a chord, unless another member has."""
        self._operations += ("fire", chord, size, ttl_ms, int(priority), message)

    def bury(self, task: str, reason: str, traceback: str) -> None:
        delivery = self.delivery
        self._operations += ("dead", task, reason, traceback, delivery.attempts + 1, delivery.message)

    @property
    def _past(self) -> tuple[int, int]:
        """What the task must remember: a suspect stays one, and attempts add up."""
        return self.delivery.attempts + self._retrying, self.delivery.redeliveries


def scheduled_member(priority: Priority, attempts: int, redeliveries: int, message: bytes) -> bytes:
    """Return a task as it lies in the schedule, `<priority>,<attempts>,<redeliveries>:<message>`."""
    return b"%d,%d,%d:%b" % (priority, attempts, redeliveries, message)


def scheduled_message(member: bytes) -> bytes:
    """Return the message of a task that lies in the schedule."""
    return member.partition(b":")[2]
