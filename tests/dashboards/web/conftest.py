"""People who look at pages of this test's own platform."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.audit import Audit
from app.core.roles import Role
from tests.dashboards.web.people import person, stranger
from tests.reporting.reports.conftest import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.composition import Api
    from app.core.database import Database
    from app.core.settings import Settings
    from tests.dashboards.web.people import Person


@pytest.fixture
def nobody(api: Api) -> Person:
    return stranger(api.app)


@pytest.fixture
def viewer(api: Api, database: Database) -> Person:
    return person(api.app, database, Role.VIEWER)


@pytest.fixture
def oncall(api: Api, database: Database) -> Person:
    return person(api.app, database, Role.ONCALL)


@pytest.fixture
def manager(api: Api, database: Database) -> Person:
    return person(api.app, database, Role.MANAGER)


@pytest.fixture
def admin(api: Api, database: Database) -> Person:
    return person(api.app, database, Role.ADMIN)


@pytest.fixture
def workshop(database: Database) -> Workshop:
    return Workshop(database)


@pytest.fixture
def mailing(settings: Settings, database: Database) -> Iterator[Person]:
    """A manager of an installation with a mail server."""
    with_server = replace(settings, smtp_url="smtp://127.0.0.1:1")
    api = compose_api(with_server, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    yield person(api.app, database, Role.MANAGER)
    api.close()


def make_all(workshop: Workshop) -> None:
    """Make what was ordered, as a worker does that comes when the task of the order is taken for lost."""
    workshop.now = datetime.now(UTC) + timedelta(minutes=10)
    workshop.make()


def recorded(database: Database, count: int) -> list[tuple[str, str]]:
    return [(entry.actor.name.partition("@")[0], entry.action) for entry in Audit(database).page(limit=count)]
