"""What the public is told of an incident: nothing until somebody, or a rule, publishes it, and then other words than ours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reporting.slo.burn_rate_alert import AlertSeverity

if TYPE_CHECKING:
    from datetime import datetime


class Progress(StrEnum):
    """How far those who work on it are; the usual four words of status pages."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


class Rule(StrEnum):
    """Which incidents of alerts are published without a hand on it."""

    NEVER = "never"
    PAGE = "page"
    ALWAYS = "always"

    @property
    def severities(self) -> tuple[AlertSeverity, ...]:
        """The severities of incidents that it publishes."""
        return {
            Rule.NEVER: (),
            Rule.PAGE: (AlertSeverity.PAGE,),
            Rule.ALWAYS: (AlertSeverity.PAGE, AlertSeverity.TICKET),
        }[self]


@dataclass(frozen=True, slots=True)
class PublicUpdate:
    """One thing that the public was told."""

    at: datetime
    progress: Progress
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedIncident:
    """An incident as the public sees it: no cause, no names, no title of ours."""

    incident_id: str
    service: str
    severity: AlertSeverity
    title: str
    started_at: datetime
    resolved_at: datetime | None
    published_at: datetime
    published_by: str | None
    updates: tuple[PublicUpdate, ...]

    @property
    def changed_at(self) -> datetime:
        """When the public last heard something new."""
        heard = [self.published_at, *(update.at for update in self.updates)]
        return max([*heard, self.resolved_at] if self.resolved_at else heard)


def usual_title(service: str) -> str:
    """Return the title of an incident that nobody has found words for."""
    return f"Disturbance of {service}"
