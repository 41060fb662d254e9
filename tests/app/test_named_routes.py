"""Routes that SLOs name, as counting telemetry sees them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from app.core.errors import DependencyUnavailableError
from app.named_routes import NamedRoutes, shipped_text
from reporting.definitions.load import load
from tests.ingestion.telemetry_clients import OPERATOR, post, records

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.composition import Api
    from reporting.definitions.definition import Definition
    from tests.conftest import World


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


SLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: payments}
spec:
  service: checkout
  indicator:
    metadata: {name: payments}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: slipstream, spec: {source: requests, filter: {service: checkout, route: /pay, status: "<500"}}}}
        total: {metricSource: {type: slipstream, spec: {source: requests, filter: {service: checkout, route: /pay}}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9}]
"""


def test_a_route_that_an_slo_names_is_measured_though_500_others_came_first(
    api: Api, client: FlaskClient, world: World
) -> None:
    def measured() -> tuple[int, int]:
        found = client.get("/slos/payments", headers=operator).json
        assert found is not None
        return found["good"], found["bad"]

    operator = {"Authorization": f"Bearer {OPERATOR}"}
    applied = client.put("/slos", data=SLO, content_type="application/yaml", headers=operator)
    assert applied.status_code == 200, applied.text
    others = [record for number in range(600) for record in records(1, route=f"/orders/{number}")]
    post(client, world.alice.key, others)
    api.start()
    deadline = time.monotonic() + 60
    while measured() == (0, 0):
        assert time.monotonic() < deadline, "the routes that SLOs name are looked for beside the requests"
        post(client, world.alice.key, records(1))
    good, _ = measured()

    post(client, world.alice.key, records(8) + records(2, status=502, route="/pay?card=4111"))

    assert measured() == (good + 8, 2)
