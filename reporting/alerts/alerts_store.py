"""`alerts`, `alert_changes` and `alert_evaluations`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from app.core.alert_tables import alert_changes, alert_evaluations, alerts
from reporting.alerts.standing import Figures, StandingAlert
from reporting.slo.alert_state import Alert, AlertState
from reporting.slo.burn_rate_alert import AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from reporting.alerts.observation import Observation
    from reporting.alerts.standing import Key

_TURN = text("""
    INSERT INTO alert_evaluations (single, evaluated_at, evaluator) VALUES (true, now(), :evaluator)
    ON CONFLICT (single) DO UPDATE SET evaluated_at = now(), evaluator = excluded.evaluator
     WHERE alert_evaluations.evaluated_at <= now() - make_interval(secs => :spacing_s)
    RETURNING evaluated_at
""")
_WRITE = text("""
    INSERT INTO alerts (alert_id, slo, service, rule, severity, state, since, breached_at, seen_at, counted, clearing,
                        notified, frozen, current, incident_id, figures, targets)
    SELECT alert_id, slo, service, rule, severity, state, since, breached_at, seen_at, counted, clearing, notified,
           frozen, true, incident_id, figures::jsonb, string_to_array(targets, ' ')
      FROM unnest(CAST(:alert_id AS text[]), CAST(:slo AS text[]), CAST(:service AS text[]), CAST(:rule AS text[]),
                  CAST(:severity AS text[]), CAST(:state AS text[]), CAST(:since AS timestamptz[]),
                  CAST(:breached_at AS timestamptz[]), CAST(:seen_at AS timestamptz[]), CAST(:counted AS interval[]),
                  CAST(:clearing AS boolean[]), CAST(:notified AS boolean[]), CAST(:frozen AS boolean[]),
                  CAST(:incident_id AS text[]), CAST(:figures AS text[]), CAST(:targets AS text[]))
        AS row (alert_id, slo, service, rule, severity, state, since, breached_at, seen_at, counted, clearing, notified,
                frozen, incident_id, figures, targets)
    ON CONFLICT (alert_id) DO UPDATE
       SET state = excluded.state, since = excluded.since, seen_at = excluded.seen_at, counted = excluded.counted,
           clearing = excluded.clearing, notified = excluded.notified, frozen = excluded.frozen,
           incident_id = excluded.incident_id, figures = excluded.figures, targets = excluded.targets
""")


NewChange = tuple[str, "datetime", AlertState, bool]
"""An alert, when it changed, its state from then on, and whether somebody is to be told."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A change as it is recorded. `actor` is None for the evaluation; `number` counts up."""

    number: int
    alert_id: str
    at: datetime
    state: AlertState
    notify: bool
    actor: str | None
    notification_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which alerts; None is any. `over`: those that are, or those that are not."""

    state: str | None = None
    service: str | None = None
    slo: str | None = None
    severity: str | None = None
    over: bool | None = None


def take_turn(connection: Connection, evaluator: str, *, spacing_s: float) -> bool:
    """Tell whether nobody has evaluated for a while, and hold others off until the transaction ends.

    An evaluator that was frozen, and thaws when another has taken over, finds out here.
    """
    parameters = {"evaluator": evaluator, "spacing_s": spacing_s}
    return connection.execute(_TURN, parameters).one_or_none() is not None


def current(connection: Connection, *, lock: bool = False) -> dict[Key, StandingAlert]:
    """Return the last alert of every SLO and rule; `lock` holds others off changing them until the transaction ends."""
    query = select(alerts).where(alerts.c.current)
    if lock:
        query = query.order_by(alerts.c.alert_id).with_for_update()
    found = [standing_of(row) for row in connection.execute(query)]
    return {each.key: each for each in found}


def of_incidents(connection: Connection, incident_ids: Sequence[str], *, lock: bool = False) -> list[StandingAlert]:
    """Return the alerts of incidents, the first to breach first; `lock` as in `current`, and in the same order."""
    query = select(alerts).where(alerts.c.incident_id.in_(incident_ids)).order_by(alerts.c.alert_id)
    found = [standing_of(row) for row in connection.execute(query.with_for_update() if lock else query)]
    return sorted(found, key=lambda each: each.alert.breached_at)


def find(connection: Connection, alert_id: str, *, lock: bool = False) -> StandingAlert | None:
    query = select(alerts).where(alerts.c.alert_id == alert_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else standing_of(row)


def page(
    connection: Connection, selection: Selection, *, after: tuple[datetime, str] | None, limit: int
) -> list[StandingAlert]:
    """Return alerts, the last to breach first."""
    order = (alerts.c.breached_at, alerts.c.alert_id)
    query = select(alerts).order_by(*(column.desc() for column in order)).limit(limit)
    for name in ("state", "service", "slo", "severity"):
        wanted = getattr(selection, name)
        if wanted is not None:
            query = query.where(alerts.c[name] == wanted)
    if selection.over is not None:
        is_over = alerts.c.state.in_([AlertState.RESOLVED, AlertState.REMOVED])
        query = query.where(is_over if selection.over else ~is_over)
    if after is not None:
        query = query.where(tuple_(*order) < tuple_(*after))
    return [standing_of(row) for row in connection.execute(query)]


def write(connection: Connection, observations: Sequence[Observation]) -> None:
    """Write alerts as they stand now; one that replaces another is the current one from here on."""
    replaced = [each.replaces for each in observations if each.replaces is not None]
    if replaced:
        connection.execute(update(alerts).where(alerts.c.alert_id.in_(replaced)).values(current=False))
    save(connection, [each.standing for each in observations])


def save(connection: Connection, changed: Sequence[StandingAlert]) -> None:
    """Write alerts in one statement."""
    if not changed:
        return
    machine = ("since", "breached_at", "seen_at", "counted", "clearing", "notified", "frozen")
    columns: dict[str, list[Any]] = {
        name: [getattr(each, name) for each in changed]
        for name in ("alert_id", "slo", "service", "rule", "incident_id")
    }
    columns |= {name: [getattr(each.alert, name) for each in changed] for name in machine}
    columns["state"] = [str(each.alert.state) for each in changed]
    columns["severity"] = [str(each.severity) for each in changed]
    columns["targets"] = [" ".join(each.targets) for each in changed]  # PostgreSQL has no arrays of unequal arrays.
    columns["figures"] = [msgspec.json.encode(each.figures).decode() for each in changed]
    connection.execute(_WRITE, columns)


def record(connection: Connection, changes: Iterable[NewChange], *, actor: str | None) -> None:
    """Add changes to the permanent record."""
    rows = [
        {"alert_id": alert_id, "at": at, "state": state, "notify": notify, "actor": actor}
        for alert_id, at, state, notify in changes
    ]
    if rows:
        connection.execute(insert(alert_changes).values(rows))


def changes_of(connection: Connection, alert_id: str) -> list[Recorded]:
    """Return what became of an alert, in order."""
    query = select(alert_changes).where(alert_changes.c.alert_id == alert_id).order_by(alert_changes.c.number)
    return [_recorded(row) for row in connection.execute(query)]


def untold(connection: Connection) -> list[Recorded]:
    """Return changes of which somebody is to be told, in order."""
    query = select(alert_changes).where(alert_changes.c.notify, alert_changes.c.notification_id.is_(None))
    return [_recorded(row) for row in connection.execute(query.order_by(alert_changes.c.number))]


def mark_told(connection: Connection, changes: Sequence[Recorded], notification_id: str) -> None:
    """Say in which notification changes were told."""
    keys = [(change.alert_id, change.number) for change in changes]
    statement = update(alert_changes).where(tuple_(alert_changes.c.alert_id, alert_changes.c.number).in_(keys))
    connection.execute(statement.values(notification_id=notification_id))


def last_evaluation(connection: Connection) -> datetime | None:
    """Return when alerts were last evaluated."""
    evaluated_at: datetime | None = connection.scalar(select(func.max(alert_evaluations.c.evaluated_at)))
    return evaluated_at


def standing_of(row: Row[Any]) -> StandingAlert:
    return StandingAlert(
        alert_id=row.alert_id,
        slo=row.slo,
        service=row.service,
        rule=row.rule,
        severity=AlertSeverity(row.severity),
        alert=Alert(
            state=AlertState(row.state),
            since=row.since,
            breached_at=row.breached_at,
            seen_at=row.seen_at,
            counted=row.counted,
            clearing=row.clearing,
            notified=row.notified,
            frozen=row.frozen,
        ),
        figures=msgspec.convert(row.figures, Figures),
        incident_id=row.incident_id,
        targets=tuple(row.targets),
    )


def _recorded(row: Row[Any]) -> Recorded:
    return Recorded(
        number=row.number,
        alert_id=row.alert_id,
        at=row.at,
        state=AlertState(row.state),
        notify=row.notify,
        actor=row.actor,
        notification_id=row.notification_id,
    )
