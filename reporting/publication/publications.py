"""Publishing incidents, and telling the public how they go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from app.core.problems import Problem, ProblemType
from reporting.alerts.incidents_service import Title
from reporting.publication import publications_store
from reporting.publication.publication import Progress, PublicUpdate, usual_title

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.core.database import Database
    from reporting.publication.publication import PublishedIncident, Rule

PublicText = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]
_DRAFT = "There is no such incident, or it is not published."


class Publishing(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What everybody reads instead of the incident's own title; without one it is `Disturbance of <service>`."""

    title: Title | None = None


class NewUpdate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the public is told now."""

    status: Progress
    text: PublicText


class Publications:
    """Thread-safe. Methods raise `DependencyError` and `Problem`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, incident_id: str) -> PublishedIncident:
        """Return what the public sees of an incident."""
        found = self.find(incident_id)
        if found is None:
            raise Problem(ProblemType.NOT_FOUND, _DRAFT)
        return found

    def find(self, incident_id: str) -> PublishedIncident | None:
        """Return the same; None of a draft."""
        with self._database.begin() as connection:
            return publications_store.find(connection, incident_id)

    def shown(self, incident_ids: Sequence[str]) -> frozenset[str]:
        """Return which of some incidents the public sees."""
        with self._database.begin() as connection:
            return publications_store.shown(connection, incident_ids)

    def publish(self, incident_id: str, wanted: Publishing, now: datetime, *, by: str) -> PublishedIncident:
        """Show an incident to everybody; again, it may change the title."""
        with self._database.begin() as connection:
            service = publications_store.exists(connection, incident_id)
            if service is None:
                raise Problem(ProblemType.NOT_FOUND, "There is no such incident.")
            publications_store.publish(
                connection, incident_id, title=wanted.title, default=usual_title(service), now=now, by=by
            )
        return self.get(incident_id)

    def withdraw(self, incident_id: str, now: datetime) -> None:
        """Make it a draft again, which no rule publishes."""
        with self._database.begin() as connection:
            if not publications_store.withdraw(connection, incident_id, now):
                raise Problem(ProblemType.NOT_FOUND, _DRAFT)

    def tell(self, incident_id: str, wanted: NewUpdate, now: datetime, *, by: str) -> PublishedIncident:
        """Add an update to a published incident."""
        with self._database.begin() as connection:
            if publications_store.find(connection, incident_id) is None:
                raise Problem(ProblemType.NOT_FOUND, _DRAFT)
            publications_store.add_update(connection, incident_id, PublicUpdate(now, wanted.status, wanted.text), by)
        return self.get(incident_id)

    def publish_by_rule(self, rule: Rule, now: datetime) -> Sequence[str]:
        """Publish what a rule says of what goes on; return the ids. What was withdrawn stays so."""
        if not rule.severities:
            return ()
        with self._database.begin() as connection:
            return publications_store.publish_open(connection, rule.severities, usual_title("{}"), now)
