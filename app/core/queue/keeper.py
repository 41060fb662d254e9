"""Keeps what a worker process holds: tasks in hand, leases, and its own life."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from huey.consumer import BaseProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from huey import Huey


class Keeper(BaseProcess):
    """Does its chores until the last worker thread has ended."""

    process_name = "Keeper"

    def __init__(
        self,
        huey: Huey,
        stop_flag: Event,
        chores: Sequence[tuple[float, Callable[[], None]]],
        farewells: Sequence[Callable[[], None]],
    ) -> None:
        """*chores* are intervals in seconds and what to do then; *farewells* are done once, at the end."""
        super().__init__(huey, stop_flag)
        self._chores = chores
        self._farewells = farewells
        self._interval_s = min(interval_s for interval_s, _ in chores)
        self._due = [0.0] * len(chores)
        self._failing: set[int] = set()

    def loop(self, now: object = None) -> None:  # noqa: ARG002 (Huey's signature)
        started = time.monotonic()
        for i, (interval_s, chore) in enumerate(self._chores):
            if started >= self._due[i]:
                self._due[i] = started + interval_s
                self._do(i, chore)
        self.sleep_for_interval(started, self._interval_s)

    def shutdown(self) -> None:
        for farewell in self._farewells:
            self._do(-1, farewell)

    def _do(self, i: int, chore: Callable[[], None]) -> None:
        """A chore that fails is done again when it is due next; the others must not suffer."""
        try:
            chore()
        except Exception:
            if i not in self._failing:
                self._logger.warning("what keeps this worker's hold on its work fails", exc_info=True)
            self._failing.add(i)
        else:
            self._failing.discard(i)
