"""How a service is, in one word for everybody, by rules that stand on the page itself."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reporting.slo.counts import Counts

_MUCH, _AT_LEAST, _AT_MOST = 10, Decimal("0.05"), Decimal("0.5")
"""An outage is ten times as many bad requests as the promise allows, at least one in twenty, at most one in two."""
_TELLING = 20
"""With fewer requests than this, some that failed are no outage: nobody can tell."""


class State(StrEnum):
    """The states of a service. No data is a state of its own, and never a good one."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded"
    OUTAGE = "outage"
    MAINTENANCE = "maintenance"
    NO_DATA = "no_data"

    @property
    def words(self) -> str:
        """What people read."""
        return {
            State.OPERATIONAL: "Operational",
            State.DEGRADED: "Degraded",
            State.OUTAGE: "Outage",
            State.MAINTENANCE: "Maintenance",
            State.NO_DATA: "No data",
        }[self]


_WORST_FIRST = (State.OUTAGE, State.DEGRADED, State.MAINTENANCE, State.NO_DATA, State.OPERATIONAL)


def judged(counts: Counts, target: Decimal) -> State:
    """Return the state that a share of good requests comes to, beside the share that is promised."""
    if not counts.total:
        return State.NO_DATA
    bad, budget = Fraction(counts.total - counts.good) / Fraction(counts.total), 1 - target
    if bad <= Fraction(budget):
        return State.OPERATIONAL
    outage = min(max(_MUCH * budget, _AT_LEAST), _AT_MOST)
    return State.OUTAGE if bad > Fraction(outage) and counts.total >= _TELLING else State.DEGRADED


def now_judged(short: Counts, longer: Counts, target: Decimal) -> State:
    """Return the present state: what is bad in the last minutes and in more of them, so that a moment is no outage."""
    if not longer.total:
        return State.NO_DATA
    if not short.total:
        return judged(longer, target)
    return min(judged(short, target), judged(longer, target), key=_badness)


def worst(states: Iterable[State]) -> State:
    """Return the state that people have to hear of first; of none at all there are no data."""
    return min(states, key=_WORST_FIRST.index, default=State.NO_DATA)


def _badness(state: State) -> int:
    return (State.OPERATIONAL, State.DEGRADED, State.OUTAGE).index(state)
