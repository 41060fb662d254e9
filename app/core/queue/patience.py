"""Doing something until it is done, while what it depends on comes and goes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from app.core.queue.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

_logger = logging.getLogger(__name__)

T = TypeVar("T")


class StoppedError(Exception):
    """The worker is stopping and has not finished what it has in hand."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Repeats an action with growing, jittered pauses, until it succeeds or the worker is told to stop."""

    stop_flag: Event
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=0.1, cap_s=5.0))
    expected: tuple[type[BaseException], ...] = ()
    """What is known to come and go: its traceback would tell nothing."""

    def repeat(
        self,
        action: Callable[[], T],
        *,
        on: tuple[type[BaseException], ...],
        but_not_on: tuple[type[BaseException], ...] = (),
        at_most: int | None = None,
    ) -> T:
        """Run *action* again for as long as it raises *on*; raises `StoppedError`, or whatever else it raises.

        After *at_most* pauses *on* is raised as well.
        """
        pauses = 0
        while True:
            try:
                return action()
            except but_not_on:
                raise
            except on as error:
                if pauses == at_most:
                    raise
                self.pause(pauses, error)
                pauses += 1

    def pause(self, pauses: int, why: object) -> None:
        """Wait once, the longer the more *pauses* went before."""
        if pauses == 0:
            # One line for an outage, not one for each of its seconds.
            strange = why if isinstance(why, BaseException) and not isinstance(why, self.expected) else None
            _logger.warning("the drain pauses: %s", why, exc_info=strange)
        if self.stop_flag.wait(self.backoff.delay_s(pauses)):
            raise StoppedError
