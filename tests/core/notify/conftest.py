"""Receivers on this machine, which only these tests' settings allow; and targets that need no network."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.core.alert_tables import notifications
from app.core.notify import outbox_store
from app.core.notify.delivery import Deliveries
from app.core.notify.destinations import Destinations
from app.core.notify.notification import Notification
from app.core.notify.outgoing import Outgoing
from app.core.notify.routes import make_routes
from app.core.notify.urgency import Urgency
from app.core.queue.backoff import Backoff
from tests.core.notify.receivers import receive, take_mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.database import Database
    from app.core.notify.errors import DeliveryError
    from app.core.notify.targets import Target
    from app.core.settings import Settings
    from tests.core.notify.receivers import Mailbox, Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

ON_CALL, SECOND, OTHER = "https://on-call.example", "https://second.example", "https://other.example"
PAGE = f"{ON_CALL}|{SECOND}"


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


class Town:
    """Targets that may be down, and what each has heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.down: dict[str, DeliveryError] = {}
        self.tries: list[str] = []
        self.now = NOW

    def send(self, target: Target, notification: Notification, now: datetime) -> None:
        self.tries.append(target.address)
        if target.address in self.down:
            raise self.down[target.address]
        self.heard.append((target.address, notification.id))

    def by(self, address: str) -> list[str]:
        return [heard for target, heard in self.heard if target == address]


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def make_deliveries(database: Database, town: Town) -> Callable[..., Deliveries]:
    def make(page: str = PAGE, **options: Any) -> Deliveries:
        routes = make_routes(page=page, ticket=None, alertmanager=options.pop("alertmanager", None))
        return Deliveries(database, routes, town.send, clock=lambda: town.now, backoff=Backoff(base_s=0), **options)

    return make


@pytest.fixture
def write(database: Database, make_notification: Any, town: Town) -> Callable[..., None]:
    def run(*numbers: int, **changed: Any) -> None:
        with database.begin() as connection:
            outbox_store.add(connection, [make_notification(number, **changed) for number in numbers], town.now)

    return run


@pytest.fixture
def unfinished(database: Database) -> Callable[[], list[str]]:
    def read() -> list[str]:
        with database.begin() as connection:
            query = select(notifications.c.notification_id).where(notifications.c.finished_at.is_(None))
            return sorted(connection.scalars(query))

    return read
