"""The SLOs in `slos/`: valid, as the contract has them, and about routes that exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.core.http.edge import route_of
from app.domain.filters import Source, parse
from app.domain.predicates import Equal
from reporting.definitions.load import load
from reporting.slo.windows import RollingWindow

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from reporting.definitions.definition import Definition
    from reporting.definitions.load import Loaded

DIRECTORY = Path(__file__).resolve().parents[3] / "slos"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def shipped() -> Loaded:
    return load("\n---\n".join(path.read_text() for path in sorted(DIRECTORY.glob("*.yaml"))))


@pytest.fixture
def definitions(shipped: Loaded) -> dict[str, Definition]:
    return {definition.name: definition for definition in shipped.definitions}


def test_nothing_is_wrong_or_doubtful_with_them(shipped: Loaded) -> None:
    assert shipped.findings == []


def test_they_are_those_of_the_contract(definitions: dict[str, Definition]) -> None:
    assert {name: definition.objective.target for name, definition in definitions.items()} == {
        "availability": Decimal("0.999"),
        "ingest-latency": Decimal("0.99"),
        "summary-latency": Decimal("0.99"),
        "freshness": Decimal("0.99"),
    }
    for definition in definitions.values():
        assert definition.service == "slipstream"
        assert definition.window == RollingWindow(timedelta(days=30))


def test_each_pages_and_makes_tickets_as_the_workbook_has_it(definitions: dict[str, Definition]) -> None:
    for definition in definitions.values():
        assert [(str(alert.severity), float(alert.factor)) for alert in definition.alerts(NOW)] == [
            ("page", 14.4),
            ("page", 6),
            ("ticket", 3),
            ("ticket", 1),
        ]
        assert [[target.target for target in policy.targets] for policy in definition.policies][:2] == [
            ["page"],
            ["ticket"],
        ]


def test_plain_thresholds_make_tickets_alone(definitions: dict[str, Definition]) -> None:
    assert {
        name: [(str(rule.severity), rule.text, rule.slower_than_ms) for _, rule in definition.thresholds]
        for name, definition in definitions.items()
    } == {
        "availability": [("ticket", "error_rate > 5%", None), ("ticket", "availability < target", None)],
        "ingest-latency": [("ticket", "p99 > target", Decimal(2_000))],
        "summary-latency": [("ticket", "p99 > target", Decimal(500))],
        "freshness": [],
    }


def test_a_429_is_no_bad_request_and_a_503_is(definitions: dict[str, Definition]) -> None:
    good = definitions["availability"].indicator.good

    assert good is not None
    assert good.matches({"service": "slipstream", "status": 429})
    assert not good.matches({"service": "slipstream", "status": 503})


@pytest.mark.parametrize(("name", "limit"), [("ingest-latency", "2000"), ("summary-latency", "500")])
def test_latency_is_of_all_requests_of_the_route(name: str, limit: str, definitions: dict[str, Definition]) -> None:
    indicator = definitions[name].indicator

    assert indicator.good is not None
    assert (
        dict(indicator.good.conditions)["duration_ms"]
        == dict(parse(Source.REQUESTS, {"duration_ms": f"<{limit}"}).conditions)["duration_ms"]
    )
    assert indicator.good.beyond(indicator.total) == ()
    assert {field for field, _ in indicator.total.conditions} == {"service", "route", "method"}


def test_freshness_is_of_all_accepted_events_within_a_minute(definitions: dict[str, Definition]) -> None:
    indicator = definitions["freshness"].indicator

    assert indicator.total == parse(Source.INGESTION, {})
    assert indicator.good == parse(Source.INGESTION, {"delay_s": "<=60"})


def test_every_route_they_name_is_one_the_api_has(definitions: dict[str, Definition], client: FlaskClient) -> None:
    """A route that is not recorded would be NO_DATA for ever."""
    rules = list(client.application.url_map.iter_rules())
    served = {(route_of(rule), method) for rule in rules for method in rule.methods or ()}

    for definition in definitions.values():
        named = dict(definition.indicator.total.conditions)
        if "route" in named:
            route, method = named["route"], named["method"]
            assert isinstance(route, Equal)
            assert isinstance(method, Equal)
            assert (route.value, method.value) in served
