"""When a promise is broken, again and again, and what was told of it each time. Pure: times are monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from app.cli.chaos.checker import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLD_S = 120.0
"""The promise: somebody is told within this time of the first bad event, whatever fault strikes meanwhile."""
ENDED_S = 420.0
"""The promise: the end is told within this time of the last one, of which the alert itself waits two minutes."""
REST_S = 240.0
"""Between an end and the next burning: longer than the windows, so that each burning is the first that they have seen."""


@dataclass(frozen=True, slots=True)
class Told:
    """Seconds from the first bad event to the alert, and from the last one to its end; None is never. And how often of each."""

    fired_after_s: float | None
    resolved_after_s: float | None
    firing: int
    resolved: int

    @property
    def findings(self) -> list[Finding]:
        found = []
        if self.firing != 1:
            found.append(Finding("an alert is told once", 1, (f"{self.firing} times",)))
        elif self.fired_after_s is None or self.fired_after_s > TOLD_S:
            found.append(Finding(f"told later than {TOLD_S:g} s", 1, (f"{self.fired_after_s} s",)))
        if self.resolved != 1:
            found.append(Finding("the end of an alert is told once", 1, (f"{self.resolved} times",)))
        elif self.resolved_after_s is None or self.resolved_after_s > ENDED_S:
            found.append(Finding(f"its end told later than {ENDED_S:g} s", 1, (f"{self.resolved_after_s} s",)))
        return found


@dataclass(slots=True)
class _Burn:
    """From the first bad event until somebody was told."""

    since: float
    until: float | None = None


class Burns:
    """Bad events until somebody was told, then good ones; some time after the end of the alert bad ones again."""

    def __init__(self) -> None:
        self._burns: list[_Burn] = []

    def wants_bad(self, now: float, firing: Sequence[float], resolved: Sequence[float], *, again: bool) -> bool:
        """Whether the next events are to be bad. `firing`, `resolved`: when each was told; `again`: it may burn anew."""
        if not self._burns:
            return True
        last = self._burns[-1]
        if not any(at >= last.since for at in firing):
            return True
        last.until = last.until or now
        ends = [at for at in resolved if at >= last.since]
        return again and bool(ends) and now >= ends[0] + REST_S

    def note_bad(self, now: float) -> None:
        """Note that bad events have been accepted."""
        if not self._burns or self._burns[-1].until is not None:
            self._burns.append(_Burn(now))

    def are_over(self, resolved: Sequence[float]) -> bool:
        """Whether the end of the last one was told."""
        return bool(self._burns) and any(at >= self._burns[-1].since for at in resolved)

    def told(self, firing: Sequence[float], resolved: Sequence[float]) -> list[Told]:
        """What was told of each; if nothing ever burned, that nobody was told."""
        if not self._burns:
            return [Told(None, None, 0, 0)]
        begins = [burn.since for burn in self._burns]
        told = []
        for burn, (begin, end) in zip(self._burns, pairwise([*begins, float("inf")]), strict=True):
            fired = [at for at in firing if begin <= at < end]
            ended = [at for at in resolved if begin <= at < end]
            told.append(Told(_after(burn.since, fired), _after(burn.until, ended), len(fired), len(ended)))
        return told


def _after(since: float | None, times: Sequence[float]) -> float | None:
    return times[0] - since if times and since is not None else None
