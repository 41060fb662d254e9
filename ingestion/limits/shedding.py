"""How much of the load is refused when the platform as a whole has too much, and of whose.

One number, the severity, grows with the pressure: from 0 to 1 more and more of the lowest lane is refused, from 1 to 2 all
of that and more and more of the next, up to 3, where nothing is let in. So a lane is touched only when those below it are
closed. What is refused is a share and not all or nothing, the severity falls slowly, and so the load settles where the
queue neither grows nor empties, instead of swinging between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from app.domain.shards import Lane

SHED_IN_TURN = (Lane.LOW, Lane.NORMAL, Lane.HIGH)

_CURVE = ((0.70, 0.0), (0.80, 1.0), (0.90, 2.0), (0.97, 3.0))
"""Pressure → severity, straight in between. Nothing is refused below 70 %, and the last percents are kept free: a Valkey
that is full refuses every write, and what arrives within a second is not seen before the next."""
_RISE = 1.0
_FALL = 0.3
"""Most that the severity may change in a second: quick to help, slow to let go, and over ten seconds after the worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What presses, each as a share of what is allowed: bytes that wait, age of the oldest, memory of Valkey."""

    depth: float = 0.0
    age: float = 0.0
    memory: float = 0.0

    @property
    def pressure(self) -> float:
        """The worst of them."""
        return max(self.depth, self.age, self.memory)


def severity_of(pressure: float) -> float:
    """Return the severity that a pressure calls for, 0 to 3."""
    for (low, floor), (high, ceiling) in pairwise(_CURVE):
        if pressure < high:
            return floor + max(0.0, pressure - low) / (high - low) * (ceiling - floor)
    return _CURVE[-1][1]


def step(severity: float, signals: Signals, *, elapsed_s: float) -> float:
    """Return the severity after some time under these signals."""
    wanted = severity_of(signals.pressure)
    return min(max(wanted, severity - _FALL * elapsed_s), severity + _RISE * elapsed_s)


def share_refused(severity: float, lane: Lane) -> float:
    """Return the share of a lane's requests that is refused, 0 to 1."""
    return min(max(severity - SHED_IN_TURN.index(lane), 0.0), 1.0)


def refused_lanes(severity: float, draw: float) -> tuple[Lane, ...]:
    """Return the lanes in which a request is refused that has drawn this number, which is even in [0, 1)."""
    return tuple(lane for lane in SHED_IN_TURN if draw < share_refused(severity, lane))
