"""What people and programs read of an incident."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from app.core.notify.notification import Notification, PostedAlert
from app.core.notify.urgency import Urgency
from reporting.slo.alert_state import AlertState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reporting.alerts.incident import Incident
    from reporting.alerts.standing import StandingAlert

MOST_LINES = 20
"""Alerts of which people are told one by one; programs are told of all."""


class Event(StrEnum):
    """What is told of an incident."""

    FIRING = "incident.firing"
    UPDATED = "incident.updated"
    ACKNOWLEDGED = "incident.acknowledged"
    RESOLVED = "incident.resolved"
    REMOVED = "incident.removed"
    REMINDER = "incident.reminder"


_WORDS = {
    Event.FIRING: "",
    Event.UPDATED: "[more] ",
    Event.ACKNOWLEDGED: "[acknowledged] ",
    Event.RESOLVED: "[resolved] ",
    Event.REMOVED: "[removed] ",
    Event.REMINDER: "[still firing] ",
}


def compose(
    incident: Incident,
    alerts: Sequence[StandingAlert],
    event: Event,
    *,
    notification_id: str,
    told: Sequence[StandingAlert],
    link: str | None,
    now: datetime,
) -> Notification:
    """Return the notification of an incident with all its alerts, of which `told` are those that have changed."""
    lines = [_line(alert) for alert in told[:MOST_LINES]]
    if len(told) > MOST_LINES:
        lines.append(f"… and {len(told) - MOST_LINES} more.")
    text = "\n".join([_head(incident, event), "", *lines])
    is_over = event in {Event.RESOLVED, Event.REMOVED}
    return Notification(
        id=notification_id,
        subject=incident.incident_id,
        urgency=Urgency(incident.severity),
        # An incident is one cause: whoever is told of a part of it is told of the rest.
        targets=targets_of(incident, alerts),
        service=incident.service,
        event=event,
        title=f"{_WORDS[event]}{incident.title}",
        text=text,
        at=now,
        link=None if is_over else link,
        data={
            "incident_id": incident.incident_id,
            "started_at": incident.started_at,
            "detected_at": incident.detected_at,
            "acknowledged_at": incident.acknowledged_at,
            "acknowledged_by": incident.acknowledged_by,
            "resolved_at": incident.resolved_at,
            "alerts": [_data(alert) for alert in alerts],
        },
        alerts=tuple(posted(alert) for alert in told),
    )


def targets_of(incident: Incident, alerts: Sequence[StandingAlert]) -> tuple[str, ...]:
    """Return the targets of all alerts that somebody was told of; by severity is the target of that name."""
    told = [alert.targets or (str(incident.severity),) for alert in alerts if alert.alert.notified]
    return tuple(dict.fromkeys(target for targets in told for target in targets))


def title_of(service: str, alerts: Sequence[StandingAlert]) -> str:
    """Name an incident by what was first seen of it."""
    names = list(dict.fromkeys(alert.slo for alert in alerts))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{service}: {names[0]}{more}"


def posted(alert: StandingAlert) -> PostedAlert:
    """Return an alert as Alertmanager is told of it. The labels are the same from one alert of a rule to the next."""
    labels = {"alertname": alert.slo, "service": alert.service, "severity": str(alert.severity), "rule": alert.rule}
    annotations = {"summary": _line(alert), "alert_id": alert.alert_id, "incident_id": alert.incident_id or ""}
    return PostedAlert(
        labels=labels | {"origin": "slipstream"},
        annotations=annotations,
        starts_at=alert.alert.breached_at,
        ends_at=alert.alert.since if alert.alert.over else None,
    )


def _head(incident: Incident, event: Event) -> str:
    began = f"{incident.started_at:%Y-%m-%d %H:%M:%S} UTC"
    match event:
        case Event.ACKNOWLEDGED:
            return f"{incident.acknowledged_by} is on it. It began at {began}."
        case Event.RESOLVED if incident.resolved_at is not None:
            minutes = (incident.resolved_at - incident.started_at).total_seconds() / 60
            return f"It is over after {minutes:.0f} min. It began at {began}."
        case Event.REMOVED:
            return f"What it was about is no longer defined. It began at {began}."
        case Event.REMINDER:
            return f"Nobody has acknowledged it. It began at {began}."
        case _:
            return f"It began at {began}."


def _line(alert: StandingAlert) -> str:
    figures = alert.figures
    head = f"{alert.slo} ({alert.rule}) is {alert.alert.state}"
    if figures.condition is not None:
        measured = "" if figures.error_ratio is None else f", {_percent(figures.error_ratio)} % of the events are bad"
        return f"{head}: {figures.condition}{measured}."
    if not figures.burn_rates:
        left = figures.budget_remaining_ratio
        return f"{head}: {'nothing is known' if left is None else f'{_percent(left)} %'} of the error budget is left."
    burn = ", ".join(f"{rate or 'unknown'} over {window}" for window, rate in figures.burn_rates.items())
    verb = "burned" if alert.alert.over else "burns"
    return f"{head}: {verb} its error budget at {burn} times the rate that lasts; the limit is {figures.limit}."


def _percent(ratio: str) -> str:
    return f"{float(ratio) * 100:.1f}"


def _data(alert: StandingAlert) -> dict[str, Any]:
    return {
        "alert_id": alert.alert_id,
        "slo": alert.slo,
        "rule": alert.rule,
        "severity": alert.severity,
        "state": alert.alert.state,
        "since": alert.alert.since,
        "breached_at": alert.alert.breached_at,
        "target": alert.figures.target,
        "limit": alert.figures.limit,
        "burn_rates": alert.figures.burn_rates,
        "budget_remaining_ratio": alert.figures.budget_remaining_ratio,
        "condition": alert.figures.condition,
        "error_ratio": alert.figures.error_ratio,
    }


def event_of(alerts: Sequence[StandingAlert], states: Sequence[AlertState], *, is_first: bool) -> Event:
    """Return what there is to tell when alerts have come into these states."""
    if all(alert.alert.over for alert in alerts):
        removed = all(alert.alert.state is AlertState.REMOVED for alert in alerts)
        return Event.REMOVED if removed else Event.RESOLVED
    if is_first:
        return Event.FIRING
    return Event.ACKNOWLEDGED if set(states) == {AlertState.ACKNOWLEDGED} else Event.UPDATED
