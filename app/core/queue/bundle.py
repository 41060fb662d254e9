"""What becomes of a bundle: all of it done, or each entry's own fate.

1. Run all entries together. Done: settle them.
2. A dependency is away: wait with the bundle in hand and try again. No attempt is charged for that.
3. Anything else goes wrong, or the dependency stays away for many pauses (perhaps it is only too slow for so much at
   once): run each entry alone, so that one cannot fail its neighbours.
4. An entry that fails alone is charged an attempt, which is written before anything else, and waits.
5. After the last retry it is buried by its handler, and settled when that is durable.
6. An entry whose workers died again and again runs in a child process, and is charged if the child dies.
7. An entry that this release does not understand waits for one that does, and is buried when none has come.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.core.queue.backoff import Backoff
from app.core.queue.counters import Outcome
from app.core.queue.entry import from_wire, to_wire
from app.core.queue.patience import Patience, StoppedError
from app.core.queue.sacrifice import Ending, describe
from app.core.queue.shard_queue import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from app.core.queue.counters import Counters
    from app.core.queue.entry import BulkTask, Entry
    from app.core.queue.sacrifice import Sacrifice
    from app.core.queue.shard_queue import Bundle, ShardQueue
    from app.core.queue.watchdog import Watchdog

_logger = logging.getLogger(__name__)

T = TypeVar("T")


def no_failpoint(_name: str) -> None:
    """Do nothing, as every failpoint does outside of tests."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When to try again, and when to give up."""

    retries: int = 3
    backoff: Backoff = field(default_factory=Backoff)
    pause_on: tuple[type[BaseException], ...] = ()
    """Exceptions that say that a dependency is away."""
    pause: Backoff = field(default_factory=lambda: Backoff(base_s=0.1, cap_s=5.0))
    pauses_together: int = 8
    """After so many pauses the entries of a bundle go on alone."""
    redeliveries: int = 3
    """How many workers may die with an entry before it becomes a suspect."""
    sacrifice: Sacrifice | None = None
    """Runs suspects. Without it they run in the worker, alone, however often it dies of them."""
    unknown_grace_s: float = 3_600.0
    unknown_delay_s: float = 15.0


class BulkSuspects:
    """Runs one suspect entry of *task*, in the child."""

    def __init__(self, task: BulkTask) -> None:
        self._task = task

    def run_suspect(self, payload: bytes) -> None:
        self._task.run((from_wire(msgspec.msgpack.decode(payload)),))


class BundleRunner:
    """Runs the bundles of one worker thread."""

    def __init__(
        self,
        queue: ShardQueue,
        task: BulkTask,
        worker: str,
        *,
        policy: Policy,
        stop_flag: Event,
        watchdog: Watchdog,
        counters: Counters,
        failpoint: Callable[[str], None] = no_failpoint,
    ) -> None:
        self._queue = queue
        self._task = task
        self._worker = worker
        self._policy = policy
        self._stop_flag = stop_flag
        self._patience = Patience(stop_flag, policy.pause, policy.pause_on)
        self._watchdog = watchdog
        self._counters = counters
        self._failpoint = failpoint

    def run(self, bundle: Bundle) -> None:
        """Bring every entry to an end, or leave it pending for another try or another worker."""
        left = list(bundle.entries)
        try:
            for strange in [entry for entry in left if not self._understands(entry)]:
                self._not_understood(strange)
                left.remove(strange)
            if len(left) > 1 and self._together(left):
                return
            while left:
                self._alone(left[0], again=bundle.again)
                left.pop(0)
        except StoppedError:
            self._hand_back(left)
        except LeaseLostError:
            _logger.warning(
                "shard %d was taken over, %d entries in hand are left to the other", bundle.shard, len(left)
            )

    def _together(self, entries: Sequence[Entry]) -> bool:
        try:
            self._work(entries, at_most=self._policy.pauses_together)
        except StoppedError:
            raise
        except Exception:
            _logger.warning("%d entries failed together: each runs alone", len(entries), exc_info=True)
            return False
        self._settle(entries, Outcome.PROCESSED, again=False)
        return True

    def _alone(self, entry: Entry, *, again: bool) -> None:
        if entry.attempts > self._policy.retries:
            # Its worker died between the last attempt and the grave.
            self._bury(entry, self._queue.reason(entry), entry.attempts)
        elif entry.redeliveries > self._policy.redeliveries and self._policy.sacrifice:
            self._suspect(entry, self._policy.sacrifice)
        else:
            try:
                self._work((entry,))
            except StoppedError:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is, it is charged to the entry)
                self._charge(entry, describe(error))
            else:
                self._settle((entry,), Outcome.PROCESSED, again=again)

    def _suspect(self, entry: Entry, sacrifice: Sacrifice) -> None:
        _logger.warning("%s lost %d workers: it runs in a child", entry.batch_id, entry.redeliveries)
        payload = msgspec.msgpack.encode(to_wire(entry))
        stopping, away = self._stop_flag.is_set, self._policy.pause_on
        pauses = 0
        while (verdict := sacrifice.run(payload, stopping, pause_on=away)).ending is Ending.AWAY:
            self._patience.pause(pauses, verdict.reason)
            pauses += 1
        if verdict.ending is Ending.ABANDONED:
            raise StoppedError
        if verdict.ending is Ending.DONE:
            self._settle((entry,), Outcome.PROCESSED, again=True)
        else:
            self._charge(entry, verdict.reason)

    def _charge(self, entry: Entry, reason: str) -> None:
        attempts = entry.attempts + 1
        delay_s = self._policy.backoff.delay_s(entry.attempts)
        _logger.warning("%s failed, attempt %d: %s", entry.batch_id, attempts, reason)
        self._failpoint("queue.before_retry")
        self._insist(
            lambda: self._queue.postpone(entry, self._worker, delay_s=delay_s, attempts=attempts, reason=reason)
        )
        self._failpoint("queue.after_retry")
        if attempts > self._policy.retries:
            self._bury(entry, reason, attempts)
        else:
            self._counters.count(Outcome.RETRIED, (entry,))

    def _bury(self, entry: Entry, reason: str, attempts: int) -> None:
        try:
            self._patiently(lambda: self._task.bury(entry, reason, attempts), f"the burial of {entry.batch_id}")
        except StoppedError:
            raise
        except Exception:
            _logger.exception("%s cannot be buried and is kept", entry.batch_id)
            delay_s = self._policy.backoff.cap_s
            self._insist(lambda: self._queue.postpone(entry, self._worker, delay_s=delay_s))
        else:
            self._settle((entry,), Outcome.DEAD, again=True)

    def _understands(self, entry: Entry) -> bool:
        return not entry.fault and entry.task == self._task.name

    def _not_understood(self, entry: Entry) -> None:
        reason = entry.fault or f"task {entry.task!r} is unknown"
        delay_s = self._policy.unknown_delay_s
        waited_s = self._insist(
            lambda: self._queue.postpone(entry, self._worker, delay_s=delay_s, reason=reason, not_understood=True)
        )
        if waited_s >= self._policy.unknown_grace_s:
            self._bury(entry, reason, entry.attempts)

    def _work(self, entries: Sequence[Entry], at_most: int | None = None) -> None:
        self._failpoint("queue.before_run")
        what = f"{len(entries)} entries of shard {entries[0].shard}"
        self._patiently(lambda: self._task.run(entries), what, at_most)

    def _settle(self, entries: Sequence[Entry], outcome: Outcome, *, again: bool) -> None:
        self._failpoint("queue.before_ack")
        if self._insist(lambda: self._queue.settle(entries, again=again)):
            self._counters.count(outcome, entries)

    def _hand_back(self, entries: Sequence[Entry]) -> None:
        try:
            self._queue.hand_back(entries, self._worker)
        except Exception:
            # They are still pending, and the next holder of the lease adopts them.
            _logger.warning("%d entries could not be handed back", len(entries), exc_info=True)

    def _patiently(self, action: Callable[[], None], what: str, at_most: int | None = None) -> None:
        """Run the handler's *action* while its dependencies come and go, each time under the watchdog's eyes."""

        def watched() -> None:
            with self._watchdog.watching(what):
                action()

        self._patience.repeat(watched, on=self._policy.pause_on, at_most=at_most)

    def _insist(self, action: Callable[[], T]) -> T:
        """Run an *action* on the queue until Valkey has answered it; each is harmless when it is repeated."""
        return self._patience.repeat(action, on=(Exception,), but_not_on=(LeaseLostError,))
