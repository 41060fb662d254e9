"""Receivers on this machine, which only these tests' settings allow."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core.notify.destinations import Destinations
from app.core.notify.notification import Notification
from app.core.notify.outgoing import Outgoing
from app.core.notify.urgency import Urgency
from tests.core.notify.receivers import receive, take_mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.settings import Settings
    from tests.core.notify.receivers import Mailbox, Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    yield from receive()


@pytest.fixture
def other() -> Iterator[Receiver]:
    yield from receive()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    yield from take_mail()


@pytest.fixture
def outgoing() -> Outgoing:
    return Outgoing(Destinations((ipaddress.ip_network("127.0.0.0/8"),)), deadline_s=5)


@pytest.fixture
def notify_settings(settings: Settings) -> Settings:
    return replace(settings, outgoing_networks="127.0.0.0/8", webhook_secret=SECRET, outgoing_timeout_s=5)


@pytest.fixture
def make_notification() -> Callable[..., Notification]:
    def make(number: int = 1, **changed: Any) -> Notification:
        given = {
            "id": f"ntf_{number}",
            "subject": "incident-1",
            "urgency": Urgency.PAGE,
            "service": "checkout",
            "event": "incident.firing",
            "title": "checkout: availability burns",
            "text": "14.4 times too fast.",
            "at": NOW,
        }
        return Notification(**{**given, **changed})

    return make
