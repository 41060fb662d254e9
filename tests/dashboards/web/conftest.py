"""People who look at pages of this test's own platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.roles import Role
from tests.dashboards.web.people import person, stranger

if TYPE_CHECKING:
    from app.composition import Api
    from app.core.database import Database
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
