"""What the status page says, before anybody has given it a form. Nothing in it is for people inside only."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dashboards.status.state import State, worst

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    from reporting.publication.publication import PublishedIncident

DAYS_SHOWN = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of the page's zone. `good` and `total` are without maintenance, of which there were so many minutes."""

    on: date
    state: State
    good: int
    total: int
    maintenance_minutes: int = 0

    @property
    def ratio(self) -> Fraction | None:
        return Fraction(self.good, self.total) if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, and its days from the first to today; `promise` says in words what is measured, against `target`."""

    name: str
    state: State
    promise: str
    target: Decimal
    days: tuple[Day, ...]

    @property
    def counts(self) -> tuple[int, int]:
        """Good and total of all days together."""
        return sum(day.good for day in self.days), sum(day.total for day in self.days)


@dataclass(frozen=True, slots=True)
class Window:
    """Maintenance of some services; its reason stays inside."""

    services: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """`incidents` ended within the last weeks or go on, the last to begin first; `maintenance` goes on or comes."""

    as_of: datetime
    zone: ZoneInfo
    services: tuple[Service, ...]
    incidents: tuple[PublishedIncident, ...]
    maintenance: tuple[Window, ...]
    past_days: tuple[date, ...]

    @property
    def state(self) -> State:
        """The state that stands above all."""
        return worst(service.state for service in self.services)

    @property
    def open_incidents(self) -> tuple[PublishedIncident, ...]:
        return tuple(each for each in self.incidents if each.resolved_at is None)

    @property
    def headline(self) -> str:
        """Say how it is in one sentence."""
        concerned = [service.name for service in self.services if service.state is self.state]
        everything = len(concerned) == len(self.services)
        match self.state:
            case State.OPERATIONAL:
                return "Everything works" if len(concerned) > 1 else f"{concerned[0]} works"
            case State.DEGRADED:
                return f"{_named(concerned, everything=everything)} degraded"
            case State.OUTAGE:
                return f"Outage of {_listed(concerned, everything=everything)}"
            case State.MAINTENANCE:
                return f"Maintenance of {_listed(concerned, everything=everything)}"
            case State.NO_DATA:
                return f"No data of {_listed(concerned, everything=everything)}" if concerned else "No data"


_NAMED = 3


def _listed(names: list[str], *, everything: bool) -> str:
    if everything and len(names) > 1:
        return "all services"
    if len(names) > _NAMED:
        return f"{len(names)} services"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _named(names: list[str], *, everything: bool) -> str:
    listed = _listed(names, everything=everything)
    # A name stays as it is written; a word at the beginning of a sentence does not.
    begun = listed if listed in {*names, f"{', '.join(names[:-1])} and {names[-1]}"} else listed.capitalize()
    return f"{begun} {'is' if len(names) == 1 else 'are'}"
