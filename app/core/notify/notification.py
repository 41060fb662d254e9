"""What somebody is told, whatever way it goes."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

from app.core.notify.urgency import Urgency

LETTERS = "letter."
"""How subjects of letters begin, which can wait: no reader of a report delays a page."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class PostedAlert(Struct, frozen=True, kw_only=True):
    """An alert as Alertmanager knows it: its labels are its identity, and `ends_at` says that it is over."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = None


class Enclosure(Struct, frozen=True, kw_only=True):
    """A file of a letter. `source` is what whoever keeps it calls it; it is read when the letter is sent."""

    name: str
    content_type: str
    source: str


class Letter(Struct, frozen=True, kw_only=True):
    """What makes a notification a mail to one address, instead of news for everybody whom the routes name.

    `body` is the source of its HTML. `unsubscribe` is an address whose POST ends such letters (RFC 8058).
    """

    to: str
    body: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    unsubscribe: str | None = None


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
    letter: Letter | None = None

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} cannot be part of a Message-ID")
