"""`GET /accounts/{id}/usage` as a client sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core import keyspace
from app.core.accounts_service import AccountChange
from app.core.keys import Scope
from app.core.tiers import Overrides
from app.domain.shards import shard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.composition import Api
    from app.core.accounts_service import Accounts
    from app.core.keys_service import Keys
    from app.core.settings import Settings
    from tests.conftest import World

OPERATOR = "the-token-of-the-operator"
SHARD = shard_of("acme")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, circuit_minimum=4)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def post(client: FlaskClient, key: str, events: int = 1) -> TestResponse:
    batch = {"events": [{"event_id": f"e{number}", "type": "flight"} for number in range(events)]}
    return client.post("/events", json=batch, headers=bearer(key))


def usage(client: FlaskClient, key: str, account_id: str = "acme") -> dict[str, Any]:
    response = client.get(f"/accounts/{account_id}/usage", headers=bearer(key))
    assert response.status_code == 200
    assert response.json is not None
    return dict(response.json)


def test_an_account_that_has_sent_nothing_has_everything_left(client: FlaskClient, world: World) -> None:
    found = usage(client, world.alice.key)

    assert (found["account_id"], found["tier"]) == ("acme", "standard")
    assert found["rate_limits"] == {
        "events_per_minute": {"per_minute": 60_000, "burst": 10_000, "remaining": 10_000},
        "summaries_per_minute": {"per_minute": 600, "burst": 600, "remaining": 600},
    }
    now = datetime.fromisoformat(found["as_of"])
    daily, monthly = found["quotas"]["daily_quota"], found["quotas"]["monthly_quota"]
    assert (daily["period"], monthly["period"]) == (f"{now:%Y-%m-%d}", f"{now:%Y-%m}")
    assert (daily["limit"], daily["used"], daily["remaining"]) == (10_000_000, 0, 10_000_000)
    assert (monthly["limit"], monthly["used"], monthly["remaining"]) == (200_000_000, 0, 200_000_000)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert datetime.fromisoformat(daily["resets_at"]) == midnight
    assert found["circuit"] == {"state": "closed", "retry_after": None, "good": 0, "bad": 0, "changes": []}
    assert found["queue"] == {
        "shard": SHARD,
        "lane": "normal",
        "ordered": False,
        "events_in_flight": 0,
        "above_fair_share": False,
    }
    assert found["notices"] == []


def test_what_was_sent_and_asked_is_used(client: FlaskClient, world: World) -> None:
    post(client, world.alice.key, events=700)
    client.get("/accounts/acme/summary?window=1h", headers=bearer(world.alice.key))

    found = usage(client, world.alice.key)

    assert found["quotas"]["daily_quota"]["used"] == found["quotas"]["monthly_quota"]["used"] == 700
    assert found["rate_limits"]["summaries_per_minute"]["remaining"] == 599
    assert (found["queue"]["events_in_flight"], found["circuit"]["good"]) == (700, 1)


def test_without_a_quota_none_is_left_and_none_is_missing(client: FlaskClient, world: World) -> None:
    post(client, world.charlie.key, events=5)

    daily = usage(client, world.charlie.key, "corner")["quotas"]["daily_quota"]

    assert (daily["limit"], daily["used"], daily["remaining"]) == (None, 5, None)


def test_it_says_who_is_above_his_fair_share_and_who_is_ordered(
    client: FlaskClient, world: World, accounts: Accounts
) -> None:
    accounts.change("acme", AccountChange(ordered=True), datetime.now(UTC))
    for _ in range(5):
        post(client, world.alice.key, events=1_000)

    queue = usage(client, world.alice.key)["queue"]

    assert (queue["ordered"], queue["events_in_flight"], queue["above_fair_share"]) == (True, 5_000, True)


def test_an_open_circuit_says_when_it_asks(client: FlaskClient, world: World) -> None:
    for _ in range(4):
        client.post("/events", data=b"{", content_type="application/json", headers=bearer(world.alice.key))

    circuit = usage(client, world.alice.key)["circuit"]

    assert circuit["state"] == "open"
    assert 0 < circuit["retry_after"] <= 30


def test_notices_and_changes_are_listed_once_they_are_recorded(
    client: FlaskClient,
    api: Api,
    world: World,
    accounts: Accounts,
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    accounts.change("acme", AccountChange(overrides=Overrides(daily_quota=10)), datetime.now(UTC))
    post(client, world.alice.key, events=9)
    for _ in range(5):
        client.post("/events", data=b"{", content_type="application/json", headers=bearer(world.alice.key))
    api.start()

    eventually(
        lambda: usage(client, world.alice.key)["notices"] and usage(client, world.alice.key)["circuit"]["changes"]
    )

    found = usage(client, world.alice.key)
    (notice,) = found["notices"]
    today = found["quotas"]["daily_quota"]["period"]
    assert notice | {"noticed_at": None} == {
        "notice_id": f"quota/acme/{today}/80",
        "period": today,
        "threshold": 80,
        "used": 9,
        "quota": 10,
        "noticed_at": None,
    }
    (change,) = found["circuit"]["changes"]
    assert (change["before"], change["after"], change["cause"]) == ("closed", "open", "malformed-json")
    assert usage(client, world.bob.key, "bolt")["notices"] == []


def test_a_key_reads_its_own_account_alone(client: FlaskClient, world: World, keys: Keys) -> None:
    writer = keys.create("acme", {Scope.EVENTS_WRITE}, now=datetime.now(UTC)).text

    another, missing = (
        client.get(f"/accounts/{account}/usage", headers=bearer(world.alice.key)) for account in ("bolt", "nobody")
    )

    assert another.status_code == missing.status_code == 404
    assert {**another.json, "request_id": ""} == {**missing.json, "request_id": ""}  # type: ignore[dict-item]  # JSON.
    assert client.get("/accounts/acme/usage", headers=bearer(writer)).status_code == 403
    assert client.get("/accounts/acme/usage").status_code == 401


def test_an_operator_reads_every_account_that_there_is(client: FlaskClient, world: World) -> None:
    assert usage(client, OPERATOR, "bolt")["tier"] == "free"
    for account in ("nobody", "no%20name"):
        assert client.get(f"/accounts/{account}/usage", headers=bearer(OPERATOR)).status_code == 404


def test_what_valkey_has_lost_is_restored_for_a_reader_too(
    client: FlaskClient, world: World, redis_client: redis.Redis
) -> None:
    post(client, world.charlie.key, events=5)
    shard = shard_of("corner")
    redis_client.delete(keyspace.limits(shard, "corner"), keyspace.account_mirror(shard, "corner"))

    assert usage(client, world.charlie.key, "corner")["quotas"]["monthly_quota"]["used"] == 5


@pytest.fixture
def without_postgresql(settings: Settings, world: World) -> Iterator[FlaskClient]:
    away = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/nothing", statement_timeout_ms=100)
    api = compose_api(away, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    yield api.app.test_client()
    api.close()


def test_without_postgresql_the_limits_are_still_told(
    without_postgresql: FlaskClient, world: World, redis_client: redis.Redis
) -> None:
    post(without_postgresql, world.alice.key, events=3)

    known = usage(without_postgresql, world.alice.key)
    redis_client.delete(keyspace.limits(SHARD, "acme"))
    lost = usage(without_postgresql, world.alice.key)

    assert (known["notices"], known["circuit"]["changes"]) == (None, None)
    assert known["quotas"]["daily_quota"]["used"] == 3
    assert (lost["quotas"]["daily_quota"]["used"], lost["quotas"]["daily_quota"]["remaining"]) == (None, None)
