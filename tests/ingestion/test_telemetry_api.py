"""`POST /telemetry` as its clients meet it."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from app.composition import Counting, compose_api
from app.core.accounts_service import AccountChange
from app.core.keys import Scope
from app.core.tiers import Overrides
from tests.ingestion.problems import slug
from tests.ingestion.telemetry_clients import OPERATOR, post, records

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.keys_service import Keys
    from app.core.settings import Settings
    from tests.conftest import World


@pytest.fixture
def stored(database: Database) -> Callable[..., int]:
    def count(service: str = "checkout", table: str = "request_minutes") -> int:
        queries = {
            "request_minutes": "SELECT coalesce(sum(requests), 0) FROM request_minutes WHERE service = :service",
            "accounts": "SELECT coalesce(sum(requests), 0) FROM account_request_minutes WHERE service = :service",
        }
        with database.begin() as connection:
            return int(connection.execute(text(queries[table]), {"service": service}).scalar_one())

    return count


@pytest.fixture
def hardly_refilled(accounts: Accounts, world: World) -> None:
    """Alice has 100 records, and one more each minute."""
    limits = Overrides(events_per_minute=1, events_burst=100)
    accounts.change("acme", AccountChange(overrides=limits), datetime.now(UTC))


def test_a_batch_is_on_disk_when_it_is_answered(client: FlaskClient, world: World, stored: Callable[..., int]) -> None:
    response = post(client, world.alice.key, records(3, account_id="acme") + records(1, count=10))

    assert (response.status_code, response.json) == (202, {"accepted": 4})
    assert (stored(), stored(table="accounts")) == (13, 3)


@pytest.mark.parametrize(
    ("coding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)]
)
def test_bodies_may_be_compressed(
    client: FlaskClient,
    world: World,
    stored: Callable[..., int],
    coding: str,
    compress: Callable[[bytes], bytes],
) -> None:
    body = compress(json.dumps({"service": "checkout", "requests": records(5)}).encode())

    assert post(client, world.alice.key, body, Content_Encoding=coding).status_code == 202
    assert stored() == 5


def test_a_body_that_inflates_beyond_the_limit_is_too_large(client: FlaskClient, world: World) -> None:
    bomb = gzip.compress(b" " * 6_000_000)

    assert slug(post(client, world.alice.key, bomb, Content_Encoding="gzip")) == "content-too-large"


def test_one_bad_record_refuses_the_batch_and_is_named(
    client: FlaskClient, world: World, stored: Callable[..., int]
) -> None:
    response = post(client, world.alice.key, records(2) + records(1, status=7))

    assert response.status_code == 422
    assert response.json is not None
    assert [(error["index"], error["field"]) for error in response.json["errors"]] == [(2, "status")]
    assert stored() == 0


def test_a_key_without_the_scope_is_refused(client: FlaskClient, world: World, keys: Keys) -> None:
    key = keys.create("acme", [Scope.EVENTS_WRITE], now=datetime.now(UTC)).text

    assert post(client, key).status_code == 403
    assert post(client, "nobody's").status_code == 401


def test_a_service_is_the_accounts_that_first_wrote_it(
    client: FlaskClient, world: World, stored: Callable[..., int]
) -> None:
    assert post(client, world.alice.key).status_code == 202

    refused = post(client, world.bob.key)

    assert (refused.status_code, slug(refused)) == (403, "forbidden")
    assert "acme" not in refused.text
    assert post(client, world.alice.key).status_code == 202
    assert post(client, OPERATOR).status_code == 202
    assert stored() == 3


@pytest.mark.parametrize("who", ["alice", "operator"])
def test_the_platforms_own_service_takes_nothing_from_anybody(client: FlaskClient, world: World, who: str) -> None:
    key = OPERATOR if who == "operator" else world.alice.key

    assert post(client, key, service="slipstream").status_code == 403


def test_a_repeated_key_counts_once_and_gets_the_same_answer(
    client: FlaskClient, world: World, stored: Callable[..., int], hardly_refilled: None
) -> None:
    batch = records(3)
    first = post(client, world.alice.key, batch, Idempotency_Key="once")
    again = post(client, world.alice.key, batch, Idempotency_Key="once")

    assert (first.status_code, first.json) == (again.status_code, again.json) == (202, {"accepted": 3})
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["RateLimit"].split(";")[1] == first.headers["RateLimit"].split(";")[1] == "r=97"
    assert stored() == 3


def test_a_key_with_another_body_is_refused_and_another_accounts_key_is_its_own(
    client: FlaskClient, world: World, stored: Callable[..., int]
) -> None:
    post(client, world.alice.key, records(3), Idempotency_Key="once")

    assert slug(post(client, world.alice.key, records(2), Idempotency_Key="once")) == "idempotency-mismatch"
    assert post(client, world.bob.key, records(2), "bobs", Idempotency_Key="once").status_code == 202
    assert (stored(), stored("bobs")) == (3, 2)


def test_a_key_of_events_says_nothing_of_telemetry(client: FlaskClient, world: World) -> None:
    events = {"events": [{"event_id": "1", "type": "a"}]}
    headers = {"Authorization": f"Bearer {world.alice.key}", "Idempotency-Key": "once"}
    assert client.post("/events", json=events, headers=headers).status_code == 202

    assert post(client, world.alice.key, Idempotency_Key="once").status_code == 202


def test_a_key_of_yesterday_may_be_used_again(
    client: FlaskClient, world: World, database: Database, stored: Callable[..., int]
) -> None:
    post(client, world.alice.key, records(3), Idempotency_Key="once")
    with database.begin() as connection:
        connection.execute(text("UPDATE idempotency_keys SET received_at = now() - interval '25 hours'"))

    assert "Idempotent-Replayed" not in post(client, world.alice.key, records(2), Idempotency_Key="once").headers
    assert stored() == 5


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256])
def test_what_is_no_idempotency_key_is_refused(client: FlaskClient, world: World, key: str) -> None:
    assert slug(post(client, world.alice.key, Idempotency_Key=key)) == "malformed-request"


def test_twins_in_flight_count_once(api: Any, world: World, stored: Callable[..., int]) -> None:
    batch = records(7)

    def send(_: int) -> int:
        return post(api.app.test_client(), world.alice.key, batch, Idempotency_Key="once").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(24))) == {202}
    assert stored() == 7


def test_batches_at_the_same_time_lose_nothing(api: Any, world: World, stored: Callable[..., int]) -> None:
    def send(number: int) -> int:
        batch = [record for route in range(20) for record in records(1, route=f"/{(route * number) % 23}")]
        return post(api.app.test_client(), world.alice.key, batch).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(24))) == {202}
    assert stored() == 24 * 20


def test_the_rate_is_the_accounts_rate_for_events_in_a_bucket_of_its_own(
    client: FlaskClient, world: World, accounts: Accounts, stored: Callable[..., int]
) -> None:
    limits = Overrides(events_per_minute=60, events_burst=5)
    accounts.change("acme", AccountChange(overrides=limits), datetime.now(UTC))
    first = post(client, world.alice.key, records(4))
    refused = post(client, world.alice.key, records(3))

    assert first.headers["RateLimit-Policy"] == '"telemetry_per_minute";q=5;w=5;qu="records"'
    assert first.headers["RateLimit"].startswith('"telemetry_per_minute";r=1;t=')
    assert (refused.status_code, slug(refused)) == (429, "rate-limit-exceeded")
    assert refused.json is not None
    assert refused.json["limit"] == "telemetry_per_minute"
    assert int(refused.headers["Retry-After"]) >= 2
    assert refused.headers["RateLimit"].startswith('"telemetry_per_minute";r=1;t=')
    assert post(client, world.alice.key, records(1)).status_code == 202
    assert "can never pass" in post(client, world.alice.key, records(6)).text
    events = {"events": [{"event_id": str(number), "type": "a"} for number in range(5)]}
    headers = {"Authorization": f"Bearer {world.alice.key}"}
    assert client.post("/events", json=events, headers=headers).status_code == 202
    assert stored() == 5


def test_a_refused_batch_consumes_nothing(client: FlaskClient, world: World, hardly_refilled: None) -> None:
    post(client, world.bob.key, service="bobs")
    before = post(client, world.alice.key).headers["RateLimit"]

    for refused in (
        post(client, world.alice.key, service="bobs"),
        post(client, world.alice.key, records(1, status=0)),
        post(client, world.alice.key, b"{"),
    ):
        assert refused.headers["RateLimit"].split(";")[1] == before.split(";")[1] == "r=99"
        assert refused.status_code in {400, 403, 422}


def test_without_postgresql_there_is_no_202_and_the_key_makes_the_repetition_safe(
    client: FlaskClient, settings: Settings, world: World, stored: Callable[..., int]
) -> None:
    batch = records(3)
    cut_off = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/nothing", statement_timeout_ms=200)
    api = compose_api(cut_off, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    try:
        refused = post(api.app.test_client(), world.alice.key, batch, Idempotency_Key="once")
    finally:
        api.close()

    assert (refused.status_code, slug(refused)) == (503, "dependency-unavailable")
    assert "Retry-After" in refused.headers
    assert post(client, world.alice.key, batch, Idempotency_Key="once").status_code == 202
    assert stored() == 3


def test_requests_older_than_the_retention_are_refused(client: FlaskClient, world: World, settings: Settings) -> None:
    old = datetime.now(UTC) - timedelta(days=settings.event_retention_days, minutes=1)

    assert slug(post(client, world.alice.key, records(1, timestamp=old.isoformat()))) == "invalid-request"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/json; charset=latin-1", "application/cloudevents+json"]
)
def test_other_content_types_are_refused(client: FlaskClient, world: World, content_type: str) -> None:
    headers = {"Authorization": f"Bearer {world.alice.key}"}

    response = client.post("/telemetry", data=b"{}", content_type=content_type, headers=headers)

    assert slug(response) == "unsupported-media-type"
