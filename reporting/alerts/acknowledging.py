"""Acknowledgement by link: what the page behind it may see, and do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.alerts import incidents_store
from reporting.alerts.ack_links import LinkError

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database
    from reporting.alerts.ack_links import AckLinks
    from reporting.alerts.alerts_service import Alerts
    from reporting.alerts.incident import Incident


class Acknowledging:
    """Thread-safe. Methods raise `LinkError` and `DependencyError`."""

    def __init__(self, database: Database, links: AckLinks, alerts: Alerts) -> None:
        self._database = database
        self._links = links
        self._alerts = alerts

    def look(self, token: str, now: datetime) -> Incident:
        """Return the incident of a link; nothing changes."""
        incident_id = self._links.read(token, now, self._database)
        with self._database.begin() as connection:
            incident = incidents_store.find(connection, incident_id)
        if incident is None:
            raise LinkError
        return incident

    def acknowledge(self, incident_id: str, now: datetime, *, by: str) -> Incident:
        """Note that whoever has the link of an incident is on it."""
        return self._alerts.acknowledge_incident(incident_id, now, by=by)
