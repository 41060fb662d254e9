"""Routes that SLOs name, as counting telemetry sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.errors import DependencyUnavailableError
from app.named_routes import NamedRoutes, shipped_text
from reporting.definitions.load import load

if TYPE_CHECKING:
    from reporting.definitions.definition import Definition


@pytest.fixture
def shipped() -> list[Definition]:
    return load(shipped_text()).definitions


def test_whoever_counts_asks_for_no_connection(shipped: list[Definition]) -> None:
    looks = [0]

    def look() -> list[Definition]:
        looks[0] += 1
        return shipped

    routes = NamedRoutes(look)
    assert routes("slipstream") == frozenset()
    assert looks[0] == 0
    routes.look()

    assert "/events" in routes("slipstream")
    assert routes("website") == frozenset()
    assert looks[0] == 1


def test_those_last_read_hold_while_postgresql_is_away(shipped: list[Definition]) -> None:
    away = [False]

    def look() -> list[Definition]:
        if away[0]:
            raise DependencyUnavailableError("postgresql", "is away")
        return shipped

    routes = NamedRoutes(look)
    routes.look()
    before = routes("slipstream")
    away[0] = True
    with pytest.raises(DependencyUnavailableError):
        routes.look()

    assert routes("slipstream") == before != frozenset()
