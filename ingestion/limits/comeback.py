"""When those may come back who were refused, so that they are not refused again.

Told the time until his own batch would fit, as if nobody else waited, one of five hundred would be let in and the others
refused again, wave after wave. So turns are given, as in a queue: each is told when there will be room for him after
all who were told before him. Nobody has to stand in it: it is a number that grows with each refusal, and drains by itself at the
rate at which there is room again. Those who never come back leave a gap in it and no more.
"""

from __future__ import annotations

from typing import NamedTuple

LONGEST_MS = 60_000.0
"""Nobody is sent away for longer on account of others, who may never come back."""


class Promised(NamedTuple):
    """Room that is promised to those who are not back yet, at an instant in unix milliseconds; in events, or in requests."""

    amount: float = 0.0
    at_ms: float = 0.0


class Turn(NamedTuple):
    """Milliseconds from now, between which somebody is to come back at a random moment. There is room from the first on."""

    earliest_ms: float
    latest_ms: float


def give_turn(
    promised: Promised,
    *,
    cost: float,
    parts: int = 1,
    per_ms: float,
    alone_ms: float,
    now_ms: float,
    longest_ms: float = LONGEST_MS,
) -> tuple[Promised, Turn]:
    """Give a turn behind those promised.

    `per_ms` is how much room there is again each millisecond, `alone_ms` how long he would wait with nobody before him. Of
    `parts` queues like this one, which share the room and do not know of each other, each sees its part of the refusals: a turn
    is so many times as long as its cost, and the moment within it is left to chance.
    """
    ahead = max(promised.amount - max(now_ms - promised.at_ms, 0.0) * per_ms, 0.0)
    earliest = latest = alone_ms
    if ahead > 0:
        earliest, latest = (ahead + cost) / per_ms, (ahead + cost * parts) / per_ms
    if max(earliest, alone_ms) > longest_ms:
        # There are more than have a turn within the time, so they come evenly over all of it.
        return Promised(ahead, now_ms), Turn(alone_ms, max(alone_ms, longest_ms))
    turn = Turn(max(earliest, alone_ms), max(latest, alone_ms))
    return Promised(turn.latest_ms * per_ms, now_ms), turn
