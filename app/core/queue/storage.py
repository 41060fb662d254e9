"""Huey's storage on Valkey Streams with a consumer group.

A task is pending from the moment a worker takes it until the worker settles it. `StreamHuey` does that after the task;
any other Huey gets what it gets from its own storages, at most once, from `dequeue`.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any

from huey.constants import EmptyData
from huey.storage import BaseStorage

from app.core.queue.delivery import Effects, Priority, scheduled_member, scheduled_message
from app.core.queue.keys import GROUP, TaskKeys
from app.core.queue.scripts import source
from app.core.queue.task_stream import TaskStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from app.core.queue.client import Client

ALL = 2**62
MOVE_AT_ONCE = 200
"""Tasks that one script moves from the schedule: a few milliseconds of Valkey's time."""


def new_worker_name() -> str:
    """Return a name that no other process has ever had."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class StreamStorage(BaseStorage):
    """Queue, schedule, results, locks and counters under one hash tag. All methods are thread-safe.

    Priorities have two levels: above zero, and all others. The high stream goes first eight times of nine, so that
    the normal one never starves.
    """

    blocking = True
    priority = True

    def __init__(
        self,
        name: str = "tasks",
        *,
        client: Client,
        utc: bool = True,
        worker: str | None = None,
        reclaim_after_s: float = 15.0,
        read_timeout_s: float = 0.5,
        result_ttl_s: float = 86_400.0,
    ) -> None:
        """*read_timeout_s* must be shorter than the client's own timeout."""
        super().__init__(name)
        self.keys = TaskKeys(name)
        self.client = client
        self.stream = TaskStream(
            client,
            self.keys,
            worker or new_worker_name(),
            reclaim_after_s=reclaim_after_s,
            read_timeout_s=read_timeout_s,
        )
        self.result_ttl_ms = round(result_ttl_s * 1000)
        self._utc = utc
        self._local = threading.local()
        self._sizes = client.script(source("task_sizes"))
        self._peek = client.script(source("task_peek"))
        self._pop = client.script(source("task_pop"))
        self._put = client.script(source("task_put"))
        self._move = client.script(source("task_move"))
        self._tick = client.script(source("task_tick"))
        self._join = client.script(source("task_join"))

    @contextmanager
    def deferring(self, effects: Effects) -> Iterator[None]:
        """Collect in *effects* what the calling thread writes."""
        self._local.effects = effects
        try:
            yield
        finally:
            self._local.effects = None

    @property
    def effects(self) -> Effects | None:
        """Where the calling thread's writes are to be collected, or None if they are to be done."""
        effects: Effects | None = getattr(self._local, "effects", None)
        return effects if effects is not None and effects.open else None

    # The queue.

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        lane = Priority.of(priority)
        if effects := self.effects:
            effects.enqueue(lane, data)
        else:
            self.client.execute("XADD", self.keys.streams[lane - 1], "*", "m", data, "e", 0, "r", 0)

    def dequeue(self) -> bytes | None:
        """Take a task and forget it at once, as every storage of Huey's does."""
        delivery = self.stream.take()
        if delivery is None:
            return None
        self.stream.settle(Effects(delivery))
        return delivery.message

    def queue_size(self) -> int:
        return int(self._sizes([self.keys.schedule, self.keys.dead, *self.keys.streams], [GROUP])[1])

    def enqueued_items(self, limit: int | None = None) -> list[bytes]:
        messages: list[bytes] = self._peek(self.keys.streams, [GROUP, limit or 2**52])
        return messages

    def flush_queue(self) -> None:
        self.client.execute("DEL", *self.keys.streams, self.keys.redelivered, self.keys.unknown)

    # The schedule.

    def add_to_schedule(self, data: bytes, ts: datetime, priority: float | None = None) -> None:
        lane = Priority.of(priority)
        if effects := self.effects:
            effects.schedule(self.to_ms(ts), lane, data)
        else:
            self.client.execute("ZADD", self.keys.schedule, self.to_ms(ts), scheduled_member(lane, 0, 0, data))

    def read_schedule(self, ts: datetime) -> list[bytes]:
        """Move what is due to the queue, and return nothing: a task in a scheduler's memory would die with it."""
        while self.move_due(self.to_ms(ts)) == MOVE_AT_ONCE:
            pass
        return []

    def move_due(self, now_ms: int | None = None) -> int:
        """Move up to `MOVE_AT_ONCE` tasks that are due, by default by Valkey's clock, and return how many it were."""
        now = "" if now_ms is None else now_ms
        return int(self._move([self.keys.schedule, *self.keys.streams], [now, MOVE_AT_ONCE]))

    def schedule_size(self) -> int:
        return int(self.client.execute("ZCARD", self.keys.schedule))

    def scheduled_items(self, limit: int | None = None) -> list[bytes]:
        members = self.client.execute("ZRANGE", self.keys.schedule, 0, limit - 1 if limit else -1)
        return [scheduled_message(member) for member in members]

    def flush_schedule(self) -> None:
        self.client.execute("DEL", self.keys.schedule)

    def tick(self, task: str, tick: int, message: bytes) -> bool:
        """Enqueue a periodic task for the minute *tick* (since 1970), once however many workers ask."""
        return bool(self._tick([self.keys.ticks, self.keys.normal], [task, tick, message]))

    def last_tick(self, task: str, before: int) -> int:
        """Return the last minute for which a periodic task was enqueued; a new task begins after the minute *before*."""
        self.client.execute("HSETNX", self.keys.ticks, task, before)
        return int(self.client.execute("HGET", self.keys.ticks, task))

    def now_ms(self) -> int:
        """Return Valkey's time."""
        seconds, micros = self.client.execute("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    def to_ms(self, ts: datetime) -> int:
        """Return a datetime of Huey's, which is naive and in UTC or local time, as milliseconds since 1970."""
        aware = ts.replace(tzinfo=UTC) if self._utc and ts.tzinfo is None else ts.astimezone(UTC)
        return round(aware.timestamp() * 1000)

    # Results, locks, revocations, counters.

    def put_data(self, key: str | bytes, value: bytes, is_result: bool = False) -> None:  # noqa: FBT001, FBT002 (Huey's signature)
        # Not kept for the acknowledgement: hooks may read it, and a second run only writes it again.
        self._put([self.keys.data], [key, value, self.result_ttl_ms if is_result else 0, 0])

    def put_if_empty(self, key: str | bytes, value: bytes, ttl: float | None = None) -> bool:
        return bool(self._put([self.keys.data], [key, value, round((ttl or 0) * 1000), 1]))

    def peek_data(self, key: str | bytes) -> Any:
        value = self.client.execute("HGET", self.keys.data, key)
        return EmptyData if value is None else value

    def peek_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        asked = list(keys)
        values = self.client.execute("HMGET", self.keys.data, *asked)
        return {key: value for key, value in zip(asked, values, strict=True) if value is not None}

    def pop_data(self, key: str | bytes) -> Any:
        value = self._pop([self.keys.data], [key])
        return EmptyData if value is None else value

    def delete_data(self, key: str | bytes) -> bool:
        if effects := self.effects:
            effects.delete(key)
            return True
        return bool(self.client.execute("HDEL", self.keys.data, key))

    def has_data_for_key(self, key: str | bytes) -> bool:
        return bool(self.client.execute("HEXISTS", self.keys.data, key))

    def result_store_size(self) -> int:
        return int(self.client.execute("HLEN", self.keys.data))

    def result_items(self) -> dict[str, bytes]:
        reply = self.client.execute("HGETALL", self.keys.data)
        return {key.decode(): value for key, value in zip(reply[::2], reply[1::2], strict=True)}

    def flush_results(self) -> None:
        self.client.execute("DEL", self.keys.data, self.keys.chords)

    def incr(self, key: str | bytes, amount: int = 1) -> int:
        return int(self.client.execute("HINCRBY", self.keys.counters, key, amount))

    def delete_counter(self, key: str | bytes) -> None:
        self.client.execute("HDEL", self.keys.counters, key)

    def flush_counters(self) -> None:
        self.client.execute("DEL", self.keys.counters, self.keys.ticks)

    def join(self, chord: str, index: int, size: int, result: bytes) -> list[bytes] | None:
        """Note a chord member's result; return all of them when this was the last and nobody has fired the callback."""
        results: list[bytes] | None = self._join([self.keys.chords], [chord, index, size, result, self.result_ttl_ms])
        return results
