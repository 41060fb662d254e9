"""Silences, as operators make and end them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from app.core.problems import FieldError, Problem, ProblemType
from reporting.alerts import silences_store
from reporting.alerts.silence import Silence
from reporting.alerts.standing import new_id
from reporting.slo.burn_rate_alert import AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.database import Database

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Reason = Annotated[str, Meta(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")]
LONGEST = timedelta(days=90)
"""A silence that nobody ends is one that nobody remembers."""


class NewSilence(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nobody is told of alerts that have everything that is named here, at least one thing, until `ends_at`."""

    ends_at: datetime
    reason: Reason
    starts_at: datetime | None = None
    service: Name | None = None
    slo: Name | None = None
    severity: AlertSeverity | None = None


class Silences:
    """Thread-safe. Methods raise `DependencyError` and `Problem`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, now: datetime, *, everything: bool, limit: int) -> Sequence[Silence]:
        """Return the silences that are not over, or all, the last to end first."""
        with self._database.begin() as connection:
            return silences_store.page(connection, ends_after=None if everything else now, limit=limit)

    def add(self, wanted: NewSilence, now: datetime, *, by: str) -> Silence:
        """Make a silence."""
        errors = list(_errors(wanted, now))
        if errors:
            raise Problem(ProblemType.INVALID_REQUEST, "The silence is not valid.", tuple(errors))
        silence = Silence(
            silence_id=new_id("sil"),
            starts_at=(wanted.starts_at or now).astimezone(UTC),
            ends_at=wanted.ends_at.astimezone(UTC),
            author=by,
            reason=wanted.reason,
            created_at=now,
            service=wanted.service,
            slo=wanted.slo,
            severity=wanted.severity,
        )
        with self._database.begin() as connection:
            silences_store.add(connection, silence)
        return silence

    def end(self, silence_id: str, now: datetime, *, by: str) -> None:
        """End a silence; whoever looks later finds that it was, and who ended it."""
        with self._database.begin() as connection:
            if not silences_store.end(connection, silence_id, now, by=by):
                raise Problem(ProblemType.NOT_FOUND, "There is no such silence, or it is over.")


def _errors(wanted: NewSilence, now: datetime) -> list[FieldError]:
    errors = []
    if wanted.service is None and wanted.slo is None and wanted.severity is None:
        errors.append(FieldError("Name a service, an SLO or a severity.", field="service"))
    given = [("starts_at", wanted.starts_at), ("ends_at", wanted.ends_at)]
    naive = [name for name, instant in given if instant is not None and instant.tzinfo is None]
    if naive:
        return [*errors, *(FieldError("An instant has an offset, such as Z.", field=name) for name in naive)]
    starts_at = wanted.starts_at or now
    if wanted.ends_at <= max(starts_at, now):
        errors.append(FieldError("It ends in the future, and after it has started.", field="ends_at"))
    elif wanted.ends_at - starts_at > LONGEST or starts_at - now > LONGEST:
        errors.append(FieldError(f"It lasts at most {LONGEST.days} days, and starts as soon.", field="ends_at"))
    return errors
