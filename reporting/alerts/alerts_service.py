"""What people do with alerts: look at them, and say that they are on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.core.problems import Problem, ProblemType
from reporting.alerts import alerts_store, incidents_store, silences_store
from reporting.alerts.silence import silencer
from reporting.slo.alert_state import AlertState, acknowledge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.alerts.alerts_store import Recorded, Selection
    from reporting.alerts.incident import Incident
    from reporting.alerts.standing import StandingAlert
    from reporting.alerts.telling import Teller

NO_SUCH_ALERT = "There is no such alert."


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """Some alerts, and when they were last evaluated."""

    alerts: Sequence[StandingAlert]
    evaluated_at: datetime | None


class Alerts:
    """Thread-safe. Methods raise `DependencyError`, and `Problem` when there is no such thing or it cannot be done."""

    def __init__(self, database: Database, teller: Teller) -> None:
        self._database = database
        self._teller = teller

    def page(self, selection: Selection, *, after: tuple[datetime, str] | None, limit: int) -> AlertsPage:
        """Return alerts, the last to breach first."""
        with self._database.begin() as connection:
            found = alerts_store.page(connection, selection, after=after, limit=limit)
            return AlertsPage(found, alerts_store.last_evaluation(connection))

    def get(self, alert_id: str) -> tuple[StandingAlert, Sequence[Recorded]]:
        """Return an alert with the record of its changes."""
        with self._database.begin() as connection:
            found = alerts_store.find(connection, alert_id)
            if found is None:
                raise Problem(ProblemType.NOT_FOUND, NO_SUCH_ALERT)
            return found, alerts_store.changes_of(connection, alert_id)

    def acknowledge(self, alert_id: str, now: datetime, *, by: str) -> StandingAlert:
        """Note that somebody is on an alert; to say so again changes nothing."""
        with self._database.begin() as connection:
            found = alerts_store.find(connection, alert_id, lock=True)
            if found is None:
                raise Problem(ProblemType.NOT_FOUND, NO_SUCH_ALERT)
            if not found.alert.burning:
                raise Problem(ProblemType.CONFLICT, f"The alert is {found.alert.state}, and only a firing one can be.")
            (after,) = self._acknowledge(connection, [found], now, by=by)
            return after

    def acknowledge_incident(self, incident_id: str, now: datetime, *, by: str) -> Incident:
        """Note that somebody is on everything that fires in an incident. When it is over that changes nothing."""
        with self._database.begin() as connection:
            alerts = alerts_store.of_incidents(connection, [incident_id], lock=True)
            self._acknowledge(connection, alerts, now, by=by)
            incident = incidents_store.find(connection, incident_id)
            if incident is None:
                raise Problem(ProblemType.NOT_FOUND, "There is no such incident.")
            return incident

    def _acknowledge(
        self, connection: Connection, alerts: Sequence[StandingAlert], now: datetime, *, by: str
    ) -> list[StandingAlert]:
        after: list[StandingAlert] = []
        changes: list[alerts_store.NewChange] = []
        for each in alerts:
            alert, change = acknowledge(each.alert, now=now)
            after.append(replace(each, alert=alert))
            if change is not None:
                changes.append((each.alert_id, change.at, change.state, change.notify))
        if changes:
            changed = [each for each in after if each.alert.state is AlertState.ACKNOWLEDGED]
            alerts_store.save(connection, changed)
            alerts_store.record(connection, changes, actor=by)
            incidents_store.open_ones(connection, lock=True)
            for incident_id in sorted({each.incident_id for each in changed if each.incident_id is not None}):
                incidents_store.note_acknowledged(connection, incident_id, now, by=by)
            self._teller.tell(connection, now, silenced=silencer(silences_store.holding(connection, now)))
        return after
