"""`/livez`, `/readyz` and `/metrics` as probes and Prometheus see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from app.api.operations import blueprint
from app.core.dependency_checks import dependency_checks
from app.core.health import Check, Readiness
from app.core.http.addresses import is_loopback
from app.core.http.body import BodyReaders
from app.core.http.guard import Guard
from app.core.metrics.event_metrics import AdmissionMetrics
from app.core.metrics.exposition import Exposition
from app.core.schema_store import head_revision
from app.factory import create_app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.testing import FlaskClient

    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from tests.conftest import World


def make_client(authenticator: Authenticator, checks: Sequence[Check] = (), host: str = "192.0.2.7") -> FlaskClient:
    registry = CollectorRegistry()
    AdmissionMetrics(registry).accepted(5, tier="free")
    exposition = Exposition(registry, directory=None)
    routes = blueprint(Guard(authenticator), Readiness(checks), exposition, host=host)
    readers = BodyReaders(deadline_s=5, most=8)
    return create_app([routes], readers=readers, base_url="http://127.0.0.1").test_client()


def test_a_process_that_answers_is_alive(authenticator: Authenticator) -> None:
    response = make_client(authenticator).get("/livez")

    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_a_process_is_ready_with_a_reason_for_each_dependency(
    authenticator: Authenticator, database: Database, valkey: Valkey
) -> None:
    checks = dependency_checks(database, valkey, revision=head_revision(), needs_postgresql=False)

    response = make_client(authenticator, checks).get("/readyz")

    assert response.status_code == 200
    assert response.json == {
        "status": "ready",
        "checks": {name: {"status": "ok"} for name in ("valkey", "queue-settings", "postgresql", "migrations")},
    }


def test_a_process_that_is_not_ready_says_why(authenticator: Authenticator) -> None:
    response = make_client(authenticator, [Check(name="valkey", run=lambda: "It is full.")]).get("/readyz")

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert response.json == {"status": "unready", "checks": {"valkey": {"status": "failing", "detail": "It is full."}}}


def test_metrics_are_for_operators(authenticator: Authenticator, world: World, settings: Settings) -> None:
    client = make_client(authenticator)

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {world.alice.key}"}).status_code == 403
    response = client.get("/metrics", headers={"Authorization": f"Bearer {settings.admin_token}"})
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    names = {family.name for family in text_string_to_metric_families(response.text)}
    assert "slipstream_events_accepted" in names


def test_on_a_loopback_listener_metrics_need_no_key(authenticator: Authenticator) -> None:
    assert make_client(authenticator, host="127.0.0.1").get("/metrics").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-Ip"])
def test_behind_a_proxy_they_do(authenticator: Authenticator, settings: Settings, header: str) -> None:
    client = make_client(authenticator, host="127.0.0.1")

    assert client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 401
    operator = {header: "203.0.113.9", "Authorization": f"Bearer {settings.admin_token}"}
    assert client.get("/metrics", headers=operator).status_code == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("192.0.2.7", False),
        ("::", False),
        ("example.org", False),
    ],
)
def test_an_address_is_local_when_only_this_machine_reaches_it(host: str, local: bool) -> None:
    assert is_loopback(host) is local
