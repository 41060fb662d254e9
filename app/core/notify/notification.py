"""What somebody is told, whatever way it goes."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

from app.core.notify.urgency import Urgency

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class PostedAlert(Struct, frozen=True, kw_only=True):
    """An alert as Alertmanager knows it: its labels are its identity, and `ends_at` says that it is over."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = None


class Notification(Struct, frozen=True, kw_only=True):
    """One message, delivered at least once to every target of its route.

    `id` is the same at every delivery, and becomes the Message-ID and the webhook-id. Notifications with the same `subject`
    reach a target in the order in which they were written. `targets` are names of routes (`Routes`); without any the urgency
    decides. `event` is a dotted name such as `incident.firing`, `data`
    what a program is told, `alerts` what Alertmanager is.
    """

    id: str
    subject: str
    urgency: Urgency
    service: str
    event: str
    title: str
    text: str
    at: datetime
    link: str | None = None
    targets: tuple[str, ...] = ()
    data: dict[str, object] = {}
    alerts: tuple[PostedAlert, ...] = ()

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} cannot be part of a Message-ID")
