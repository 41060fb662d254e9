"""Puts the page together, of one moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.calendar import zone_named
from dashboards.status import services_store
from dashboards.status.figures import Figures
from dashboards.status.model import StatusPage, Window
from dashboards.status.state import State, worst
from reporting.catalogue.catalogue import current_of
from reporting.publication import publications_store
from reporting.slo.burn_rate_alert import AlertSeverity
from reporting.slo.windows import instant_of, minute_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from app.core.database import Database
    from dashboards.status.model import Service
    from reporting.catalogue.catalogue import Catalogue
    from reporting.evaluation.sums import BookOf
    from reporting.maintenance.maintenance import Maintenance, MaintenanceCalendar
    from reporting.publication.publication import PublishedIncident

PAST_DAYS = 14
_AHEAD = timedelta(days=14)
_MOST_INCIDENTS = 200
_HURTS = {AlertSeverity.PAGE: State.OUTAGE, AlertSeverity.TICKET: State.DEGRADED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is public. Without names of services all that no account owns."""

    zone: str
    services: frozenset[str] | None

    def shows(self, service: str, owned: Collection[str]) -> bool:
        """Tell whether a service is public, where some are `owned` by accounts."""
        return service in self.services if self.services is not None else service not in owned


class PublicServices:
    """The services that the page is about. Thread-safe; raises `DependencyError`."""

    def __init__(self, database: Database, catalogue: Catalogue, shown: Shown) -> None:
        self._database = database
        self._catalogue = catalogue
        self._shown = shown

    def names(self) -> frozenset[str]:
        """Return those that are public and have an SLO."""
        with self._database.begin() as connection:
            owned = services_store.owned(connection)
            registered = current_of(self._catalogue.registered(connection).values())
        services = {each.current.service for each in registered if each.current}
        return frozenset(service for service in services if self._shown.shows(service, owned))


class StatusReader:
    """Not thread-safe. Raises `DependencyError`."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        maintenance: MaintenanceCalendar,
        book_of: BookOf,
        shown: Shown,
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._maintenance = maintenance
        self._shown = shown
        self._figures = Figures(book_of, shown.zone)

    def read(self, now: datetime) -> StatusPage:
        """Read how everything is."""
        zone = zone_named(self._shown.zone)
        today = now.astimezone(zone).date()
        with self._database.begin(snapshot=True) as connection:
            owned = services_store.owned(connection)
            registered = current_of(self._catalogue.registered(connection).values())
            definitions = [
                each.current for each in registered if each.current and self._shown.shows(each.current.service, owned)
            ]
            windows = self._maintenance.read(connection)
            services = self._figures.read(connection, definitions, windows, now)
            names = [service.name for service in services]
            since = now - timedelta(days=PAST_DAYS)
            incidents = publications_store.since(connection, names, since, limit=_MOST_INCIDENTS)
        return StatusPage(
            as_of=now,
            zone=zone,
            services=tuple(_hurt(service, incidents) for service in services),
            incidents=tuple(incidents),
            maintenance=tuple(_maintenance(windows, names, now)),
            past_days=tuple(today - timedelta(days=ago) for ago in range(PAST_DAYS)),
        )


def _hurt(service: Service, incidents: Iterable[PublishedIncident]) -> Service:
    """Let a published incident that goes on say more than the last minutes do, but for maintenance."""
    if service.state is State.MAINTENANCE:
        return service
    told = [_HURTS[each.severity] for each in incidents if each.resolved_at is None and each.service == service.name]
    return replace(service, state=worst([service.state, *told])) if told else service


def _maintenance(windows: Iterable[Maintenance], services: Sequence[str], now: datetime) -> list[Window]:
    start, end = minute_of(now), minute_of(now + _AHEAD)
    found = [
        Window(tuple(services) if window.service is None else (window.service,), instant_of(since), instant_of(until))
        for window in windows
        if window.service is None or window.service in services
        for since, until in _whole(window, start, end)
    ]
    return sorted(found, key=lambda each: (each.starts_at, each.services))


def _whole(window: Maintenance, start: int, end: int) -> list[tuple[int, int]]:
    """Return the times of a window that touch `[start, end)`, each from its own beginning to its own end."""
    length = (window.ends_at - window.starts_at) // timedelta(minutes=1)
    return [
        (since, until) for since, until in window.spans(start - length, end + length) if since < end and start < until
    ]
