"""Webhooks signed as Standard Webhooks says (https://www.standardwebhooks.com, specification 1.0.0).

A receiver knows by `webhook-id` what it has had already, by the signature that it is from us and whole, and by the time that
nobody sends it again from a recording.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import msgspec

from app.core.notify.webhook_secret import key_of

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.notify.notification import Notification
    from app.core.notify.outgoing import Outgoing
    from app.core.notify.targets import Target


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: version 1, HMAC-SHA256 of `id.timestamp.body`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class Webhooks:
    """Sends notifications to webhooks; raises `DeliveryError`."""

    def __init__(self, outgoing: Outgoing, secret: str) -> None:
        self._outgoing = outgoing
        self._secret = secret

    def send(self, target: Target, notification: Notification, now: datetime) -> None:
        body = msgspec.json.encode(
            {
                "type": notification.event,
                "timestamp": notification.at,
                "data": {
                    "id": notification.id,
                    "subject": notification.subject,
                    "severity": notification.urgency,
                    "service": notification.service,
                    "title": notification.title,
                    "text": notification.text,
                    "link": notification.link,
                    **notification.data,
                },
            }
        )
        timestamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": notification.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._secret, message_id=notification.id, timestamp=timestamp, body=body),
        }
        self._outgoing.post(target.address, body, headers)
