"""Routes that SLOs name, as counting telemetry sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.errors import DependencyUnavailableError
from app.named_routes import LOOK_EVERY_S, NamedRoutes, shipped_text
from reporting.definitions.load import load

if TYPE_CHECKING:
    from reporting.definitions.definition import Definition


@pytest.fixture
def shipped() -> list[Definition]:
    return load(shipped_text()).definitions


def test_they_are_read_again_every_few_seconds_and_not_with_each_batch(shipped: list[Definition]) -> None:
    now, looks = [0.0], [0]
    in_force: list[Definition] = []

    def look() -> list[Definition]:
        looks[0] += 1
        return in_force

    routes = NamedRoutes(look, clock=lambda: now[0])
    assert routes("slipstream") == routes("website") == frozenset()
    in_force += shipped
    assert routes("slipstream") == frozenset()
    now[0] += LOOK_EVERY_S

    assert "/events" in routes("slipstream")
    assert looks[0] == 2


def test_those_last_read_hold_while_postgresql_is_away(shipped: list[Definition]) -> None:
    now, away = [0.0], [False]

    def look() -> list[Definition]:
        if away[0]:
            raise DependencyUnavailableError("postgresql", "is away")
        return shipped

    routes = NamedRoutes(look, clock=lambda: now[0])
    before = routes("slipstream")
    away[0], now[0] = True, LOOK_EVERY_S

    assert routes("slipstream") == before != frozenset()
