"""Incidents, as people look at them and write down what they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from app.core.problems import FieldError, Problem, ProblemType
from reporting.alerts import alerts_store, incidents_store
from reporting.alerts.incident import Action, Incident, Source
from reporting.alerts.incident_edits import merged
from reporting.alerts.standing import new_id
from reporting.slo.burn_rate_alert import AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.core.database import Database
    from reporting.alerts.standing import StandingAlert

Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Text = Annotated[str, Meta(max_length=20_000, pattern=r"^[^\x00]*$")]
Actions = Annotated[list[Action], Meta(max_length=100)]
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
"""A year like 26 is a typing error; and some of the first instants there are can be stored, and never be read again."""


class NewIncident(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An incident that people noticed. `severity` is how bad it was; without `resolved_at` it goes on."""

    service: Title
    title: Title
    started_at: datetime
    resolved_at: datetime | None = None
    severity: AlertSeverity = AlertSeverity.PAGE
    root_cause: Text = ""
    actions: Actions = []


class IncidentChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What is left out stays. The times of an incident that alerts have opened are theirs."""

    title: Title | UnsetType = UNSET
    root_cause: Text | UnsetType = UNSET
    actions: Actions | UnsetType = UNSET
    started_at: datetime | UnsetType = UNSET
    resolved_at: datetime | UnsetType | None = UNSET


class Incidents:
    """Thread-safe. Methods raise `DependencyError` and `Problem`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, *, service: str | None, is_open: bool | None, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Incident]:
        """Return incidents, the last to begin first."""
        with self._database.begin() as connection:
            return incidents_store.page(connection, service=service, is_open=is_open, after=after, limit=limit)

    def get(self, incident_id: str) -> tuple[Incident, Sequence[StandingAlert]]:
        """Return an incident with its alerts."""
        with self._database.begin() as connection:
            incident = incidents_store.find(connection, incident_id)
            if incident is None:
                raise Problem(ProblemType.NOT_FOUND, "There is no such incident.")
            return incident, alerts_store.of_incidents(connection, [incident_id])

    def add(self, wanted: NewIncident, now: datetime, *, by: str) -> Incident:
        """Write down an incident that no alert has seen."""
        _refuse(_time_errors(wanted.started_at, wanted.resolved_at, now))
        _refuse(_action_errors(wanted.actions))
        incident = Incident(
            incident_id=new_id("inc"),
            service=wanted.service,
            severity=wanted.severity,
            source=Source.PEOPLE,
            title=wanted.title,
            started_at=wanted.started_at.astimezone(UTC),
            detected_at=now,
            resolved_at=None if wanted.resolved_at is None else wanted.resolved_at.astimezone(UTC),
            root_cause=wanted.root_cause,
            actions=tuple(wanted.actions),
            author=by,
            updated_at=now,
        )
        with self._database.begin() as connection:
            incidents_store.add(connection, [incident])
        return incident

    def change(
        self, incident_id: str, wanted: IncidentChange, now: datetime, *, seen: Mapping[str, str] | None = None
    ) -> Incident:
        """Write down what it was, and what is done about it; `seen` as in `incident_edits`, of who had a form before him."""
        with self._database.begin() as connection:
            before = incidents_store.find(connection, incident_id, lock=True)
            if before is None:
                raise Problem(ProblemType.NOT_FOUND, "There is no such incident.")
            given: dict[str, Any] = {
                name: value for name in wanted.__struct_fields__ if (value := getattr(wanted, name)) is not UNSET
            }
            given = merged(before, given, seen or {})
            times = [name for name in ("started_at", "resolved_at") if name in given]
            if times and before.source is Source.ALERTS:
                _refuse([FieldError("The alerts of this incident say when it was.", field=name) for name in times])
            after = replace(before, **given, updated_at=now)
            after = replace(after, actions=tuple(after.actions))
            if times:
                _refuse(_time_errors(after.started_at, after.resolved_at, now))
                over = after.resolved_at
                after = replace(
                    after,
                    started_at=after.started_at.astimezone(UTC),
                    resolved_at=None if over is None else over.astimezone(UTC),
                )
            _refuse(_action_errors(after.actions))
            incidents_store.save(connection, after)
            return after


def _time_errors(started_at: datetime, resolved_at: datetime | None, now: datetime) -> list[FieldError]:
    given = [("started_at", started_at), ("resolved_at", resolved_at)]
    naive = [name for name, instant in given if instant is not None and instant.tzinfo is None]
    if naive:
        return [FieldError("An instant has an offset, such as Z.", field=name) for name in naive]
    if not _FIRST <= started_at <= now:
        return [FieldError(f"It has begun, and not before the year {_FIRST.year}.", field="started_at")]
    if resolved_at is not None and not started_at <= resolved_at <= now:
        return [FieldError("It ended after it began, and not in the future.", field="resolved_at")]
    return []


def _action_errors(actions: Iterable[Action]) -> list[FieldError]:
    return [
        FieldError("Text has no NUL in it.", field=f"actions.{number}")
        for number, action in enumerate(actions)
        if "\0" in action.text + action.owner
    ]


def _refuse(errors: Sequence[FieldError]) -> None:
    if errors:
        raise Problem(ProblemType.INVALID_REQUEST, "The incident is not valid.", tuple(errors))
