"""Whether those who were refused come back as a wave: arrivals by the second, after the moment when they may. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.chaos.crowd.fairness import found

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.cli.chaos.checker import Finding
    from app.cli.chaos.crowd.traffic import Ask

PEAK_AT_MOST = 3.0
"""Arrivals of the busiest second after the return ÷ those that can be served without a queue: the ordinary ones, or what the
rate limit lets through."""
NEVER_ACCEPTED = "a request was never accepted"
WAVE = "they came back as a wave"
NOBODY_REFUSED = "nobody was refused, so nothing was proven"


@dataclass(frozen=True, slots=True)
class Return:
    """arrivals: by the second, from the moment of the return. ordinary: arrivals a second that are no wave.

    attempts: how often a request was sent until it was accepted, at most. refused: requests refused in all.
    """

    arrivals: Sequence[int]
    ordinary: float
    attempts: int
    refused: int
    open: int

    @property
    def peak(self) -> float:
        return max(self.arrivals, default=0) / self.ordinary


def return_of(asks: Iterable[Ask], *, since_s: float, ordinary: float) -> Return:
    """Look at everything that was sent from a moment on."""
    asks = list(asks)
    seconds = Counter(int(ask.sent_s - since_s) for ask in asks if ask.sent_s >= since_s)
    latest: dict[tuple[str, str, int], Ask] = {}
    for ask in sorted(asks, key=lambda ask: ask.attempt):
        latest[ask.account_id, ask.client, ask.number] = ask
    return Return(
        [seconds[second] for second in range(max(seconds, default=-1) + 1)],
        ordinary,
        1 + max((ask.attempt for ask in asks), default=0),
        sum(not ask.accepted for ask in asks),
        sum(not ask.accepted for ask in latest.values()),
    )


def check_return(seen: Return) -> list[Finding]:
    """Nobody is forgotten, and no second is busier than some times the ordinary."""
    return [
        *found(WAVE, [f"{seen.peak:.1f} times the ordinary"] if seen.peak > PEAK_AT_MOST else []),
        *found(NEVER_ACCEPTED, [f"{seen.open} requests"] if seen.open else []),
        *found(NOBODY_REFUSED, [] if seen.refused else ["0"]),
    ]
