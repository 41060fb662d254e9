"""Sends one notification to one target, by the channel that reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.http.addresses import networks
from app.core.notify.alertmanager import Alertmanager
from app.core.notify.apprise_channel import AppriseChannel
from app.core.notify.destinations import Destinations
from app.core.notify.errors import DeliveryError
from app.core.notify.mail import Mailer
from app.core.notify.outgoing import Outgoing
from app.core.notify.smtp_server import parse_smtp
from app.core.notify.targets import Channel
from app.core.notify.webhook import Webhooks

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.notify.letters import Enclosures
    from app.core.notify.notification import Notification
    from app.core.notify.targets import Target
    from app.core.settings import Settings


class Channels:
    """Thread-safe; `send` raises `DeliveryError`. What is not set up refuses, and says which setting is missing."""

    def __init__(
        self,
        *,
        webhooks: Webhooks | None,
        mailer: Mailer | None,
        alertmanager: Alertmanager,
        apprise: AppriseChannel,
    ) -> None:
        self._webhooks = webhooks
        self._mailer = mailer
        self.alertmanager = alertmanager
        self._apprise = apprise

    def send(self, target: Target, notification: Notification, now: datetime) -> None:
        match target.channel:
            case Channel.WEBHOOK:
                if self._webhooks is None:
                    raise DeliveryError("SLIPSTREAM_WEBHOOK_SECRET is not set", refused=True)
                self._webhooks.send(target, notification, now)
            case Channel.MAIL:
                if self._mailer is None:
                    raise DeliveryError("SLIPSTREAM_SMTP_URL is not set", refused=True)
                self._mailer.send(target, notification)
            case Channel.ALERTMANAGER:
                self.alertmanager.post(target, notification.alerts, now)
            case Channel.APPRISE:
                self._apprise.send(target, notification)


def make_channels(settings: Settings, enclosures: Enclosures | None = None) -> Channels:
    """Put the channels together as the settings say; `enclosures` gives what letters hold. Nothing is contacted."""
    allowed = tuple(networks(settings.outgoing_networks or ""))
    outgoing = Outgoing(Destinations(allowed), deadline_s=settings.outgoing_timeout_s)
    server = None if settings.smtp_url is None else parse_smtp(settings.smtp_url)
    return Channels(
        webhooks=None if settings.webhook_secret is None else Webhooks(outgoing, settings.webhook_secret),
        mailer=None if server is None else Mailer(outgoing, server, sender=settings.sender, enclosures=enclosures),
        alertmanager=Alertmanager(outgoing),
        apprise=AppriseChannel(allowed, deadline_s=settings.outgoing_timeout_s),
    )
