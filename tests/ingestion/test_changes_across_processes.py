"""What an operator changes through one API process holds in another, which has served the account before and was not restarted.

What a process keeps to itself is in its composition alone, so two compositions on the same engines are two processes.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.core.settings import Settings
    from tests.conftest import Member, World

HOLDS_WITHIN_S = 5.0
"""The promise for changes of limits."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, api_processes=2, circuit_minimum=4, circuit_open_s=600)


@pytest.fixture
def other(settings: Settings) -> Iterator[FlaskClient]:
    """Another process than that of `client`."""
    api = compose_api(settings, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    yield api.app.test_client()
    api.close()


@pytest.fixture
def alice(world: World) -> Member:
    return world.alice


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def operate(process: FlaskClient, settings: Settings, method: str, path: str, content: Any = None) -> None:
    response = process.open(path, method=method, json=content, headers=bearer(settings.admin_token))
    assert response.status_code < 300, response.text


def post(process: FlaskClient, member: Member, events: int = 1) -> TestResponse:
    batch = {"events": [{"event_id": f"e{number}", "type": "flight"} for number in range(events)]}
    return process.post("/events", json=batch, headers=bearer(member.key))


def summary(process: FlaskClient, member: Member) -> TestResponse:
    return process.get(f"/accounts/{member.account_id}/summary?window=1h", headers=bearer(member.key))


def wait_accepted(process: FlaskClient, member: Member) -> int:
    """Send until it is accepted, for as long as a change may take; returns the last status."""
    until = time.monotonic() + HOLDS_WITHIN_S
    while (status := post(process, member).status_code) != 202 and time.monotonic() < until:
        time.sleep(0.1)
    return status


def test_another_limit_holds_at_the_next_request(
    client: FlaskClient, other: FlaskClient, alice: Member, settings: Settings
) -> None:
    assert post(client, alice, events=2).status_code == 202

    operate(other, settings, "PATCH", "/accounts/acme", {"overrides": {"events_burst": 1}})

    assert post(client, alice, events=2).status_code == 429
    operate(other, settings, "PATCH", "/accounts/acme", {"overrides": {}})
    assert post(client, alice, events=2).status_code == 202


def test_another_tier_and_other_limits_of_a_tier_hold_at_the_next_request(
    client: FlaskClient, other: FlaskClient, alice: Member, settings: Settings
) -> None:
    assert '"events_per_minute";q=10000;' in post(client, alice).headers["RateLimit-Policy"]

    operate(other, settings, "PATCH", "/accounts/acme", {"tier": "free"})

    assert '"events_per_minute";q=2000;' in post(client, alice).headers["RateLimit-Policy"]
    operate(other, settings, "PATCH", "/tiers/free", {"events_burst": 77})
    assert '"events_per_minute";q=77;' in post(client, alice).headers["RateLimit-Policy"]


def test_another_rate_of_summaries_holds_at_the_next_request(
    client: FlaskClient, other: FlaskClient, alice: Member, settings: Settings
) -> None:
    operate(client, settings, "PATCH", "/accounts/acme", {"overrides": {"summaries_per_minute": 1}})
    assert [summary(client, alice).status_code for _ in range(2)] == [200, 429]

    operate(other, settings, "PATCH", "/accounts/acme", {"overrides": {"summaries_per_minute": 6_000_000}})

    # A bucket that was empty is filled by the new rate from now on: at once, by this one.
    assert summary(client, alice).status_code == 200


def test_a_key_that_was_revoked_is_out_at_the_next_request(
    client: FlaskClient, other: FlaskClient, alice: Member, settings: Settings
) -> None:
    assert post(client, alice).status_code == 202

    operate(other, settings, "DELETE", f"/keys/{alice.key.split('.')[2]}")

    assert post(client, alice).status_code == 401


def test_a_larger_quota_holds_within_seconds_where_the_old_one_is_remembered_to_be_used_up(
    client: FlaskClient, other: FlaskClient, alice: Member, settings: Settings
) -> None:
    operate(client, settings, "PATCH", "/accounts/acme", {"overrides": {"daily_quota": 1}})
    assert [post(client, alice).status_code for _ in range(3)] == [202, 429, 429]

    operate(other, settings, "PATCH", "/accounts/acme", {"overrides": {"daily_quota": 100}})

    assert wait_accepted(client, alice) == 202


def test_a_circuit_that_is_closed_by_hand_lets_events_in_within_seconds_where_it_is_remembered_to_be_open(
    client: FlaskClient, other: FlaskClient, alice: Member, settings: Settings
) -> None:
    for _ in range(4):
        client.post("/events", data=b"{", content_type="application/json", headers=bearer(alice.key))
    assert [post(client, alice).status_code for _ in range(2)] == [503, 503]

    operate(other, settings, "DELETE", "/accounts/acme/circuit")

    assert wait_accepted(client, alice) == 202
