"""An incident: one cause that hurt a service, whatever number of alerts saw it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

if TYPE_CHECKING:
    from datetime import datetime

    from reporting.slo.burn_rate_alert import AlertSeverity

Sentence = Annotated[str, Meta(min_length=1, max_length=1_000)]
Name = Annotated[str, Meta(max_length=100)]


class Source(StrEnum):
    """Who noticed it."""

    ALERTS = "alerts"
    PEOPLE = "people"


class Action(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody does so that it does not happen again."""

    text: Sentence
    owner: Name = ""
    due: date | None = None
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """`started_at`: when it began to hurt. `detected_at`: when somebody was told. `told_at`: when last."""

    incident_id: str
    service: str
    severity: AlertSeverity
    source: Source
    title: str
    started_at: datetime
    detected_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    told_at: datetime | None = None
    root_cause: str = ""
    actions: tuple[Action, ...] = ()
    author: str | None = None
