"""Alerts for Prometheus' Alertmanager, by its API v2 (`POST /api/v2/alerts`).

Alertmanager forgets its alerts when it is restarted, so those that fire are posted again and again; an alert that is
repeated is the same one, by its labels.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.core.notify.notification import PostedAlert
    from app.core.notify.outgoing import Outgoing
    from app.core.notify.targets import Target

HOLDS_FOR = timedelta(hours=24)
"""A firing alert ends by itself after so long without a word from us: longer than an outage of ours, which must end no alert."""
_PATH = "/api/v2/alerts"


class Alertmanager:
    """Posts alerts; raises `DeliveryError`."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    def post(self, target: Target, alerts: Sequence[PostedAlert], now: datetime) -> None:
        """Say how alerts stand."""
        body = msgspec.json.encode([_posted(alert, now) for alert in alerts])
        self._outgoing.post(target.address.rstrip("/") + _PATH, body, {"Content-Type": "application/json"})


def _posted(alert: PostedAlert, now: datetime) -> dict[str, object]:
    posted: dict[str, object] = {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": alert.starts_at,
        "endsAt": alert.ends_at or now + HOLDS_FOR,
    }
    link = alert.annotations.get("link", "")
    return posted | ({"generatorURL": link} if link else {})
