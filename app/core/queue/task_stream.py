"""The two streams of the task queue as a worker sees them: take, keep, settle, let go."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from app.core.queue.delivery import Delivery, Priority
from app.core.queue.keys import GROUP
from app.core.queue.scripts import source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.queue.client import Arg, Client
    from app.core.queue.delivery import Effects
    from app.core.queue.keys import TaskKeys

_TURNS_OF_HIGH = 8
_FORGET_CONSUMER_S = 600.0
_FAR_TOO_LONG_MS = 10**9
"""Idle time (eleven days) given to an entry that is let go, so that whoever looks next takes it."""


class TaskStream:
    """Deliveries of one worker process. Thread-safe."""

    def __init__(
        self, client: Client, keys: TaskKeys, worker: str, *, reclaim_after_s: float, read_timeout_s: float
    ) -> None:
        self.worker = worker
        self.reclaim_after_s = reclaim_after_s
        self._client = client
        self._keys = keys
        self._read_timeout_ms = max(1, round(read_timeout_s * 1000))
        self._in_hand: dict[str, Delivery] = {}
        self._surplus: deque[Delivery] = deque()
        self._lock = threading.Lock()
        self._saying = threading.Lock()
        self._turn = 0
        self._next_reclaim = 0.0
        self._take = client.script(source("task_take"))
        self._reclaim = client.script(source("task_reclaim"))
        self._settle = client.script(source("task_settle"))
        self._heartbeat = client.script(source("task_heartbeat"))
        self._not_understood = client.script(source("task_not_understood"))

    def take(self, *, urgent: bool = False) -> Delivery | None:
        """Return a task for the calling thread; None when there was none for the length of the read timeout.

        `urgent`: one of high priority, and no other.
        """
        delivery = self._from_surplus(urgent=urgent) or self._reclaimed()
        if delivery is not None and urgent and delivery.priority is not Priority.HIGH:
            with self._lock:
                self._surplus.append(delivery)
            delivery = None
        delivery = delivery or self._next(urgent=urgent) or self._wait(urgent=urgent)
        if delivery is not None:
            self._in_hand[delivery.name] = delivery
        return delivery

    def settle(self, effects: Effects) -> bool:
        """Acknowledge a task and write what follows, in one script; False if somebody else has settled it before."""
        delivery, keys = effects.delivery, self._keys
        all_keys = [
            keys.streams[delivery.priority - 1],
            *keys.streams,
            keys.schedule,
            keys.data,
            keys.chords,
            keys.dead,
            keys.redelivered,
            keys.unknown,
        ]
        first = bool(self._settle(all_keys, [GROUP, delivery.id, delivery.name, *effects.arguments]))
        self.drop(delivery)
        return first

    def postpone_unknown(self, delivery: Delivery, reason: str, grace_s: float) -> bool:
        """Leave a task that was not understood to others; True if it has become a dead letter."""
        self.drop(delivery)
        keys = self._keys
        return bool(
            self._not_understood(
                [keys.streams[delivery.priority - 1], keys.unknown, keys.dead, keys.redelivered],
                [GROUP, delivery.id, delivery.name, round(grace_s * 1000), reason, delivery.message],
            )
        )

    def drop(self, delivery: Delivery) -> None:
        """Stop saying that this worker is at it. It is taken over when it has been idle for long enough."""
        self._in_hand.pop(delivery.name, None)

    def let_go(self, deliveries: Sequence[Delivery]) -> None:
        """Leave tasks to whoever looks next, at once."""
        for delivery in deliveries:
            self.drop(delivery)
        # A heartbeat under way would have the last word, and nobody would look at them until they are silent for long.
        with self._saying:
            self._set_idle(deliveries, _FAR_TOO_LONG_MS)

    def let_surplus_go(self) -> None:
        """Leave what was delivered and never started to others."""
        with self._lock:
            surplus = list(self._surplus)
            self._surplus.clear()
        self.let_go(surplus)

    def heartbeat(self) -> None:
        """Say that this worker is still at what it has in hand."""
        with self._saying:
            self._set_idle([*list(self._in_hand.values()), *list(self._surplus)], 0)

    def _set_idle(self, deliveries: Sequence[Delivery], idle_ms: int) -> None:
        by_priority: dict[Priority, list[Arg]] = defaultdict(list)
        for delivery in deliveries:
            by_priority[delivery.priority].append(delivery.id)
        for priority, ids in by_priority.items():
            self._heartbeat([self._keys.streams[priority - 1]], [GROUP, self.worker, idle_ms, *ids])

    def _from_surplus(self, *, urgent: bool) -> Delivery | None:
        with self._lock:
            for delivery in self._surplus:
                if not urgent or delivery.priority is Priority.HIGH:
                    self._surplus.remove(delivery)
                    return delivery
        return None

    def _reclaimed(self) -> Delivery | None:
        """Look for the tasks of silent workers three times in the time after which they count as silent."""
        with self._lock:
            if time.monotonic() < self._next_reclaim:
                return None
            self._next_reclaim = time.monotonic() + self.reclaim_after_s / 3
        silence_ms = round(self.reclaim_after_s * 1000)
        reply = self._reclaim(
            [self._keys.redelivered, *self._keys.streams],
            [GROUP, self.worker, silence_ms, round(_FORGET_CONSUMER_S * 1000)],
        )
        if reply is None:
            return None
        # Where one was, there are more.
        self._next_reclaim = 0.0
        stream, entry_id, fields, redeliveries = reply
        delivery = _delivery(stream, entry_id, fields, redeliveries)
        # Our own work seems silent when the heartbeat was late.
        return None if delivery.name in self._in_hand else delivery

    def _next(self, *, urgent: bool) -> Delivery | None:
        order = [Priority.HIGH]
        if not urgent:
            self._turn = (self._turn + 1) % (_TURNS_OF_HIGH + 1)
            order = [Priority.HIGH, Priority.NORMAL] if self._turn else [Priority.NORMAL, Priority.HIGH]
        reply = self._take([self._keys.streams[priority - 1] for priority in order], [GROUP, self.worker])
        if reply is None:
            return None
        stream, entry_id, fields = reply
        return _delivery(order[stream - 1], entry_id, fields)

    def _wait(self, *, urgent: bool) -> Delivery | None:
        streams = self._keys.streams[: Priority.HIGH] if urgent else self._keys.streams
        command: tuple[Arg, ...] = ("XREADGROUP", "GROUP", GROUP, self.worker, "COUNT", 1)
        places = (*streams, *(">" for _ in streams))
        try:
            reply = self._client.execute(*command, "BLOCK", self._read_timeout_ms, "STREAMS", *places)
        except Exception as error:
            if "NOGROUP" in str(error):
                # The queue was flushed meanwhile; the next call makes it again.
                return None
            raise
        delivered = [
            _delivery(self._keys.streams.index(stream.decode()) + 1, entry_id, fields)
            for stream, entries in reply or ()
            for entry_id, fields in entries
        ]
        # Both streams may have answered.
        with self._lock:
            self._surplus.extend(delivered[1:])
        return delivered[0] if delivered else None


def _delivery(stream: int, entry_id: bytes, fields: Sequence[bytes], redeliveries: int = 0) -> Delivery:
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    return Delivery(
        priority=Priority(stream),
        id=entry_id.decode(),
        message=values.get(b"m", b""),
        attempts=int(values.get(b"e", b"0")),
        redeliveries=int(values.get(b"r", b"0")) + redeliveries,
    )
