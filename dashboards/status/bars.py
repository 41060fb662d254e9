"""The bars of a service's days: one a day, told apart by height and shape as well as by colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dashboards.status.state import State
from dashboards.status.writing import percent, short_day

if TYPE_CHECKING:
    from dashboards.status.model import Service

_HEIGHT, _STEP, _WIDTH = 34, 10, 7
TOPS = {State.OUTAGE: 0, State.DEGRADED: 4, State.OPERATIONAL: 8, State.MAINTENANCE: 18, State.NO_DATA: 27}
"""Where a bar begins: an outage stands out above all, a day without data is a stub."""


class Bar(NamedTuple):
    """A rectangle in the picture's own units, with what it says when one points at it."""

    x: int
    y: int
    height: int
    kind: str
    about: str


class Picture(NamedTuple):
    """The bars of a service, and in words what they show."""

    width: int
    height: int
    bar_width: int
    bars: list[Bar]
    summary: str


def picture_of(service: Service) -> Picture:
    """Return the bars of a service, the first day on the left."""
    bars = [
        Bar(place * _STEP, TOPS[day.state], _HEIGHT - TOPS[day.state], day.state.value, _about(service, place))
        for place, day in enumerate(service.days)
    ]
    width = len(bars) * _STEP - (_STEP - _WIDTH)
    return Picture(width, _HEIGHT, _WIDTH, bars, _summary(service))


def _about(service: Service, place: int) -> str:
    day = service.days[place]
    words = [f"{short_day(day.on)}: {day.state.words.lower()}"]
    if day.total:
        words.append(f"{percent(day.ratio, service.target)} good")
    if day.maintenance_minutes:
        words.append(f"{day.maintenance_minutes} min of maintenance")
    return ", ".join(words)


def _summary(service: Service) -> str:
    times = {state: sum(day.state is state for day in service.days) for state in State}
    told = ", ".join(f"{times[state]} {state.words.lower()}" for state in State if times[state])
    return f"{service.name}, the last {len(service.days)} days: {told}."
