"""Sees to it that somebody is told of every change once, and of one cause once.

1. An alert that is to be told joins the open incident of its service and severity, or opens one: an outage that fifty
   accounts' SLOs see is one page, and the next five minutes' worth of them is told together.
2. The first news of an incident, its end, and that somebody is on it are told at once.
3. Each change is in exactly one notification, which is written in the transaction that records it.
4. Nobody on it, it is told again after a while.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.core.notify import outbox_store
from reporting.alerts import alerts_store, incidents_store
from reporting.alerts.incident import Incident, Source
from reporting.alerts.message import Event, compose, event_of, title_of
from reporting.alerts.standing import new_id
from reporting.slo.alert_state import AlertState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from reporting.alerts.alerts_store import Recorded
    from reporting.alerts.observation import Observation, Silenced
    from reporting.alerts.standing import StandingAlert
    from reporting.slo.burn_rate_alert import AlertSeverity

    Link = Callable[[Connection, str, datetime], str | None]
    """Returns the address at which an incident is acknowledged."""

TOGETHER = timedelta(minutes=5)
"""What else happens in an incident is gathered for so long (Alertmanager's `group_interval`)."""


class Teller:
    """Writes notifications. `remind_after` is by severity; none means never. `real_time` is that of the outbox."""

    def __init__(
        self,
        *,
        link: Link,
        remind_after: Mapping[AlertSeverity, timedelta],
        real_time: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._link = link
        self._real_time = real_time
        self._remind_after = remind_after

    @staticmethod
    def enlist(connection: Connection, observations: Sequence[Observation], now: datetime) -> list[Observation]:
        """Give every alert that begins to be told its incident."""
        news = [each for each in observations if _is_news(each)]
        if not news:
            return list(observations)
        known = {(each.service, each.severity): each for each in incidents_store.open_ones(connection)}
        by_cause: dict[tuple[str, AlertSeverity], list[StandingAlert]] = defaultdict(list)
        for each in news:
            by_cause[each.standing.service, each.standing.severity].append(each.standing)
        opened = {cause: _opened(cause, alerts, now) for cause, alerts in by_cause.items() if cause not in known}
        incidents_store.add(connection, list(opened.values()))
        known |= opened
        joined = {
            each.standing.alert_id: known[each.standing.service, each.standing.severity].incident_id for each in news
        }
        return [
            replace(each, standing=replace(each.standing, incident_id=joined[each.standing.alert_id]))
            if each.standing.alert_id in joined
            else each
            for each in observations
        ]

    def tell(self, connection: Connection, now: datetime, *, silenced: Silenced) -> int:
        """Write what is to be told now, and return how many notifications that are."""
        incidents = incidents_store.open_ones(connection, lock=True)
        if not incidents:
            return 0
        changes = alerts_store.untold(connection)
        alerts = alerts_store.of_incidents(connection, [incident.incident_id for incident in incidents])
        told = 0
        for incident in incidents:
            mine = [alert for alert in alerts if alert.incident_id == incident.incident_id]
            ids = {alert.alert_id for alert in mine}
            news = [change for change in changes if change.alert_id in ids]
            told += self._tell(connection, incident, mine, news=news, now=now, silenced=silenced)
        return told

    def _tell(
        self,
        connection: Connection,
        incident: Incident,
        alerts: Sequence[StandingAlert],
        *,
        news: Sequence[Recorded],
        now: datetime,
        silenced: Silenced,
    ) -> int:
        is_over = all(alert.alert.over for alert in alerts)
        if is_over and not news:
            # Its policies tell nobody of the end.
            incidents_store.note_over(connection, incident.incident_id, now, resolved_at=_ended(alerts, now))
            return 0
        changed = {change.alert_id for change in news}
        if news and (is_over or _is_time(incident, news, now)):
            event = event_of(alerts, [change.state for change in news], is_first=incident.told_at is None)
            notification_id = f"{incident.incident_id}.{max(change.number for change in news)}"
        elif not is_over and self._is_forgotten(incident, alerts, now, silenced):
            event, notification_id = Event.REMINDER, f"{incident.incident_id}.r{int(now.timestamp())}"
            changed = {alert.alert_id for alert in alerts if alert.alert.burning}
        else:
            return 0
        if is_over:
            incident = replace(incident, resolved_at=_ended(alerts, now))
        incidents_store.note_told(connection, incident.incident_id, now, resolved_at=incident.resolved_at)
        about = [alert for alert in alerts if alert.alert_id in changed]
        link = self._link(connection, incident.incident_id, now)
        notification = compose(incident, alerts, event, notification_id=notification_id, told=about, link=link, now=now)
        outbox_store.add(connection, [notification], self._real_time())
        alerts_store.mark_told(connection, news, notification_id)
        return 1

    def _is_forgotten(
        self, incident: Incident, alerts: Sequence[StandingAlert], now: datetime, silenced: Silenced
    ) -> bool:
        after = self._remind_after.get(incident.severity)
        if after is None or incident.told_at is None or now - incident.told_at < after:
            return False
        return any(
            alert.alert.state is AlertState.FIRING and not silenced(alert.service, alert.slo, alert.severity)
            for alert in alerts
        )


def _ended(alerts: Sequence[StandingAlert], now: datetime) -> datetime:
    return max((alert.alert.since for alert in alerts), default=now)


def _is_news(observation: Observation) -> bool:
    change = observation.change
    is_told = change is not None and change.notify and change.state is AlertState.FIRING
    return is_told and observation.standing.incident_id is None


def _is_time(incident: Incident, news: Sequence[Recorded], now: datetime) -> bool:
    """Whether to tell now what is not yet the end."""
    if incident.told_at is None or any(change.state is AlertState.ACKNOWLEDGED for change in news):
        return True
    return now - incident.told_at >= TOGETHER


def _opened(cause: tuple[str, AlertSeverity], alerts: Sequence[StandingAlert], now: datetime) -> Incident:
    service, severity = cause
    return Incident(
        incident_id=new_id("inc"),
        service=service,
        severity=severity,
        source=Source.ALERTS,
        title=title_of(service, alerts),
        started_at=min(alert.alert.breached_at for alert in alerts),
        detected_at=now,
        updated_at=now,
    )
