"""`/slos` and `/maintenance`, as operators use them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.slo_composition import apply_shipped
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.core.database import Database
    from app.core.settings import Settings
    from tests.conftest import World

OPERATOR = {"Authorization": "Bearer the-token-of-the-operator"}
TEXT = slo("pay", service="checkout", total={}, good={"status": "<500"}, target=0.9)
MAINTENANCE: dict[str, Any] = {
    "starts_at": "2026-11-22T02:00:00Z",
    "ends_at": "2026-11-22T03:30:00+01:00",
    "author": "Mia Berg",
    "reason": "Database upgrades",
}


def put(client: FlaskClient, text: str, query: str = "") -> Any:
    return client.put(f"/slos{query}", headers=OPERATOR, data=text, content_type="application/yaml")


def test_applied_definitions_are_listed_with_their_figures(client: FlaskClient, database: Database) -> None:
    minute = minute_of(datetime.now(UTC)) - 20
    sent = [Request(minute, "/pay", 200, 1_000)] * 96 + [Request(minute, "/pay", 503, 5_000)] * 4
    store(database, sent)

    applied = put(client, TEXT)
    (found,) = client.get("/slos", headers=OPERATOR).json["slos"]

    assert [(each["name"], each["change"]) for each in applied.json["slos"]] == [("pay", "created")]
    assert (found["name"], found["service"], found["target"], found["window"]) == ("pay", "checkout", 0.9, "30d")
    assert (found["good"], found["bad"], found["total"], found["sli"]) == (96, 4, 100, 0.96)
    assert found["budget"] == {"allowed": 10, "consumed": 4, "remaining": 6, "remaining_ratio": 0.6}
    assert found["burn_rates"] == {"5m": None, "30m": 0.4, "1h": 0.4, "2h": 0.4, "6h": 0.4, "1d": 0.4, "3d": 0.4}
    assert found["percentiles"] == {"p50": 1.005, "p95": 1.005, "p99": 5.005}
    assert found["state"] == "HEALTHY"
    assert client.get("/slos/pay", headers=OPERATOR).json["good"] == 96


def test_success_is_shown_beside_the_promises_without_a_budget(client: FlaskClient, database: Database) -> None:
    minute = minute_of(datetime.now(UTC)) - 20
    statuses = {200: 900, 202: 50, 404: 20, 429: 25, 503: 5}
    store(database, [Request(minute, "/pay", status, 1_000) for status, n in statuses.items() for _ in range(n)])
    put(
        client,
        slo(
            "pay",
            total={"service": "slipstream", "route": "/pay"},
            good={"service": "slipstream", "route": "/pay", "status": "<500"},
        ),
    )

    shown = client.get("/slos", headers=OPERATOR).json

    assert shown["slos"][0]["sli"] == 0.995
    (success,) = shown["success"]
    assert (success["name"], success["service"], success["window"]) == ("success", "slipstream", "30d")
    assert (success["good"], success["total"], success["sli"]) == (950, 1_000, 0.95)
    assert (success["degraded"], success["degraded_ratio"]) == (25, 0.025)
    assert "budget" not in success


def test_success_of_a_service_without_requests_is_null(client: FlaskClient) -> None:
    put(client, slo("pay", total={"service": "checkout"}, good={"service": "checkout", "status": "<500"}))

    (success,) = client.get("/slos", headers=OPERATOR).json["success"]

    assert (success["service"], success["sli"], success["degraded_ratio"]) == ("checkout", None, None)


def test_a_dry_run_says_what_it_does_to_the_budget_and_changes_nothing(client: FlaskClient, database: Database) -> None:
    minute = minute_of(datetime.now(UTC)) - 20
    store(database, [Request(minute, "/pay", 200, None)] * 95 + [Request(minute, "/pay", 503, None)] * 5)
    put(client, TEXT)

    (found,) = put(client, TEXT.replace("target: 0.9", "target: 0.99"), "?dry_run=1").json["slos"]

    assert found["changes"] == [{"path": "spec.objectives[0].target", "before": 0.9, "after": 0.99}]
    assert (found["before"]["budget"]["remaining"], found["after"]["budget"]["remaining"]) == (5, -4)
    assert found["exhausts"] is True
    assert client.get("/slos/pay", headers=OPERATOR).json["target"] == 0.9


def test_a_mistake_refuses_the_whole_text_and_names_its_place(client: FlaskClient) -> None:
    broken = TEXT.replace("name: pay", "name: refund").replace("target: 0.9", "target: 1.0")

    refused = put(client, TEXT + "\n---\n" + broken)

    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "SLO refund: spec.objectives[0].target"
    assert client.get("/slos", headers=OPERATOR).json["slos"] == []


def test_a_removed_slo_is_gone_and_can_be_asked_for_as_it_was(client: FlaskClient) -> None:
    put(client, TEXT)
    before = datetime.now(UTC)

    assert client.delete("/slos/pay", headers=OPERATOR).status_code == 204
    assert client.delete("/slos/pay", headers=OPERATOR).status_code == 404

    assert client.get("/slos/pay", headers=OPERATOR).status_code == 404
    at = before.isoformat().replace("+00:00", "Z")
    assert client.get(f"/slos/pay?at={at}", headers=OPERATOR).json["name"] == "pay"


def test_a_policy_that_changes_changes_the_slos_that_refer_to_it(client: FlaskClient, settings: Settings) -> None:
    apply_shipped(settings.database_url, datetime.now(UTC))
    policy = """
        apiVersion: openslo/v1
        kind: AlertNotificationTarget
        metadata: {name: on-call}
        spec: {target: "somebody-else"}
    """

    changed = put(client, policy).json

    names = [each["name"] for each in changed["slos"]]
    assert sorted(names) == ["availability", "freshness", "ingest-latency", "summary-latency"]
    assert {each["change"] for each in changed["slos"]} == {"changed"}


def test_shipped_slos_come_once_and_stay_away_when_somebody_removed_them(
    client: FlaskClient, settings: Settings
) -> None:
    now = datetime.now(UTC)
    first = apply_shipped(settings.database_url, now)
    client.delete("/slos/freshness", headers=OPERATOR)

    again = apply_shipped(settings.database_url, now + timedelta(days=1))

    assert (sorted(first), again) == (["availability", "freshness", "ingest-latency", "summary-latency"], [])
    assert len(client.get("/slos", headers=OPERATOR).json["slos"]) == 3


@pytest.mark.parametrize("at", ["yesterday", "2026-11-01T00:00:00", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_moment_that_is_none_is_refused(client: FlaskClient, at: str) -> None:
    assert client.get(f"/slos/pay?at={at}", headers=OPERATOR).status_code == 400


def test_maintenance_is_added_listed_and_removed(client: FlaskClient) -> None:
    added = client.post("/maintenance", headers=OPERATOR, json=MAINTENANCE | {"rrule": "FREQ=WEEKLY"})
    assert added.status_code == 201
    assert added.json["ends_at"] == "2026-11-22T02:30:00Z"

    assert client.get("/maintenance", headers=OPERATOR).json == {"maintenance": [added.json]}
    address = f"/maintenance/{added.json['maintenance_id']}"
    assert client.delete(address, headers=OPERATOR).status_code == 204
    assert client.delete(address, headers=OPERATOR).status_code == 404
    assert client.get("/maintenance", headers=OPERATOR).json == {"maintenance": []}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("starts_at", "2026-11-22T02:00:30Z"),
        ("starts_at", "2026-11-22T02:00:00"),
        ("ends_at", "2026-11-21T02:00:00Z"),
        ("rrule", "FREQ=NEVER"),
        ("timezone", "Mars/Olympus"),
        ("author", "a\0b"),
        ("ends_at", "9999-12-31T23:59:00-12:00"),
    ],
)
def test_maintenance_that_makes_no_sense_is_refused_by_field(client: FlaskClient, field: str, value: str) -> None:
    refused = client.post("/maintenance", headers=OPERATOR, json=MAINTENANCE | {field: value})

    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/slos"),
        ("GET", "/slos/pay"),
        ("PUT", "/slos"),
        ("DELETE", "/slos/pay"),
        ("GET", "/maintenance"),
        ("POST", "/maintenance"),
        ("DELETE", "/maintenance/m-1"),
    ],
)
def test_an_account_may_not(client: FlaskClient, world: World, method: str, path: str) -> None:
    put(client, TEXT)

    refused = client.open(path, method=method, headers={"Authorization": f"Bearer {world.alice.key}"})

    assert refused.status_code == 403
    assert client.get("/slos/pay", headers=OPERATOR).status_code == 200
