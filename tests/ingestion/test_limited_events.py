"""Limits as clients of the whole API meet them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.accounts_service import AccountChange
from app.core.keys import Scope
from app.core.tiers import Overrides

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.composition import Api
    from app.core.accounts_service import Accounts
    from app.core.keys_service import Keys
    from app.core.settings import Settings
    from tests.conftest import World

OPERATOR = "the-token-of-the-operator"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Circuits that open soon, and ask soon."""
    return replace(settings, circuit_minimum=4, circuit_open_s=1, circuit_successes=2)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def api(settings: Settings, registry: CollectorRegistry) -> Iterator[Api]:
    api = compose_api(settings, Counting(registry, None), now=datetime.now(UTC))
    yield api
    api.close()


@pytest.fixture
def override(accounts: Accounts, world: World) -> Callable[..., None]:
    """Changes limits of Alice's account."""

    def change(**limits: Any) -> None:
        accounts.change("acme", AccountChange(overrides=Overrides(**limits)), datetime.now(UTC))

    return change


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def post(client: FlaskClient, key: str, events: int = 1, **headers: str) -> TestResponse:
    batch = {"events": [{"event_id": f"e{number}", "type": "flight"} for number in range(events)]}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/events", json=batch, headers=bearer(key) | named)


def rubbish(client: FlaskClient, key: str, body: bytes = b"{") -> TestResponse:
    return client.post("/events", data=body, content_type="application/json", headers=bearer(key))


def problem(response: TestResponse) -> dict[str, Any]:
    assert response.content_type == "application/problem+json"
    assert response.json is not None
    return dict(response.json) | {"slug": response.json["type"].rpartition("/")[2]}


def left(response: TestResponse) -> dict[str, int]:
    """What `RateLimit` says is left, by policy."""
    items = (item.split(";") for item in response.headers["RateLimit"].split(", "))
    return {name.strip('"'): int(remaining.removeprefix("r=")) for name, remaining, *_ in items}


def test_a_202_says_what_is_left(client: FlaskClient, world: World) -> None:
    response = post(client, world.alice.key, events=10)

    assert response.status_code == 202
    assert left(response) == {"events_per_minute": 9_990, "daily_quota": 9_999_990, "monthly_quota": 199_999_990}
    assert response.headers["RateLimit-Policy"].startswith('"events_per_minute";q=10000;w=10;qu="events", ')


def test_every_answer_to_a_known_account_says_it(client: FlaskClient, world: World, keys: Keys) -> None:
    reader = keys.create("acme", {Scope.SUMMARY_READ}, now=datetime.now(UTC)).text
    answers = [
        post(client, world.alice.key, Idempotency_Key="order-66"),
        post(client, world.alice.key, Idempotency_Key="order-66"),
        post(client, world.alice.key, events=2, Idempotency_Key="order-66"),
        post(client, world.alice.key, events=0),
        post(client, reader),
        rubbish(client, world.alice.key),
        rubbish(client, world.alice.key, b" " * 5_000_001),
    ]

    assert [answer.status_code for answer in answers] == [202, 202, 422, 422, 403, 400, 413]
    assert all(left(answer)["events_per_minute"] >= 9_999 for answer in answers)


def test_a_stranger_is_told_nothing_of_the_account_that_he_names(client: FlaskClient, world: World) -> None:
    for key in (f"slip.acme.aaaaaaaaaaaa.{43 * 'x'}", "nonsense"):
        for response in (post(client, key), rubbish(client, key)):
            assert response.status_code == 401
            assert "RateLimit" not in response.headers


def test_who_presents_his_own_secret_with_another_account_is_a_stranger_there(
    client: FlaskClient, world: World, accounts: Accounts
) -> None:
    accounts.change("bolt", AccountChange(overrides=Overrides(daily_quota=1)), datetime.now(UTC))
    assert [post(client, world.bob.key, events=events).status_code for events in (1, 2, 2)] == [202, 429, 429]
    _, _, key_id, secret = world.bob.key.split(".")

    borrowed = post(client, f"slip.acme.{key_id}.{secret}")

    assert borrowed.status_code == 401
    assert "RateLimit" not in borrowed.headers


def test_more_than_the_rate_is_a_429_that_says_all(client: FlaskClient, world: World, override: Any) -> None:
    override(events_per_minute=1, events_burst=100)
    post(client, world.alice.key, events=95)

    response = post(client, world.alice.key, events=10)

    body = problem(response)
    assert (response.status_code, body["slug"], body["limit"]) == (429, "rate-limit-exceeded", "events_per_minute")
    assert body["retry_after"] == int(response.headers["Retry-After"]) >= 4
    assert datetime.fromisoformat(body["resets_at"]) > datetime.now(UTC)
    assert left(response)["events_per_minute"] == 5
    assert post(client, world.alice.key, events=5).status_code == 202


def test_more_than_a_quota_is_a_429_until_its_end(client: FlaskClient, world: World, override: Any) -> None:
    override(monthly_quota=10)

    response = post(client, world.alice.key, events=11)

    body = problem(response)
    assert (response.status_code, body["slug"], body["limit"]) == (429, "quota-exceeded", "monthly_quota")
    ends = datetime.fromisoformat(body["resets_at"])
    assert (ends.day, ends.hour, ends.minute, ends.second) == (1, 0, 0, 0)
    assert left(response)["monthly_quota"] == 10


def test_a_change_of_limits_holds_at_the_next_request(client: FlaskClient, world: World) -> None:
    post(client, world.alice.key)

    client.patch("/accounts/acme", json={"overrides": {"events_burst": 5}}, headers=bearer(OPERATOR))
    refused = post(client, world.alice.key, events=6)
    client.patch("/tiers/standard", json={"daily_quota": 3}, headers=bearer(OPERATOR))

    assert problem(refused)["limit"] == "events_per_minute"
    assert "can never pass" in problem(refused)["detail"]
    assert problem(post(client, world.alice.key, events=3))["limit"] == "daily_quota"


def trip(client: FlaskClient, key: str) -> None:
    assert [rubbish(client, key).status_code for _ in range(4)] == [400] * 4


def test_rubbish_trips_the_circuit_of_its_account_alone(client: FlaskClient, world: World) -> None:
    trip(client, world.alice.key)

    refused = [rubbish(client, world.alice.key), post(client, world.alice.key)]

    assert [(answer.status_code, problem(answer)["slug"]) for answer in refused] == [(503, "circuit-open")] * 2
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert all(left(answer)["events_per_minute"] == 10_000 for answer in refused)
    assert post(client, world.bob.key).status_code == 202


def test_a_client_that_behaves_is_let_in_again(
    client: FlaskClient, world: World, eventually: Callable[[Callable[[], object]], None]
) -> None:
    trip(client, world.alice.key)

    eventually(lambda: post(client, world.alice.key).status_code == 202)
    post(client, world.alice.key)

    assert rubbish(client, world.alice.key).status_code == 400
    assert post(client, world.alice.key).status_code == 202


def test_a_body_that_never_came_is_the_client_s_own_fault(client: FlaskClient, world: World) -> None:
    """Shorter than it was said to be, which is how a connection that broke looks."""
    for _ in range(4):
        client.post(
            "/events",
            data=b"{",
            headers=bearer(world.alice.key) | {"Content-Length": "10"},
            content_type="application/json",
        )

    assert problem(post(client, world.alice.key))["slug"] == "circuit-open"


def test_an_operator_lets_an_account_in_again(client: FlaskClient, world: World, settings: Settings) -> None:
    trip(client, world.alice.key)

    response = client.delete("/accounts/acme/circuit", headers=bearer(OPERATOR))

    assert (response.status_code, response.data) == (204, b"")


@pytest.mark.parametrize("account", ["acme", "bolt", "nobody"])
def test_nobody_else_closes_a_circuit(client: FlaskClient, world: World, account: str) -> None:
    response = client.delete(f"/accounts/{account}/circuit", headers=bearer(world.alice.key))

    assert response.status_code == 403


def test_the_circuit_of_nobody_is_not_there(client: FlaskClient, world: World) -> None:
    for account in ("nobody", "no%20name"):
        assert client.delete(f"/accounts/{account}/circuit", headers=bearer(OPERATOR)).status_code == 404


def test_refusals_are_counted_with_their_reasons(
    client: FlaskClient, api: Api, world: World, override: Any, registry: CollectorRegistry
) -> None:
    override(events_burst=5, daily_quota=4)
    for events in (6, 5):
        post(client, world.alice.key, events=events)
    trip(client, world.bob.key)
    post(client, world.bob.key)
    api._telemetry.flusher.flush()

    def counted(reason: str, status: int, tier: str) -> float | None:
        labels = {"route": "/events", "method": "POST", "status": str(status), "tier": tier, "reason": reason}
        return registry.get_sample_value("slipstream_http_requests_total", labels)

    assert counted("rate-limit-exceeded", 429, "standard") == 1
    assert counted("quota-exceeded", 429, "standard") == 1
    assert counted("circuit-open", 503, "free") == 1
    assert counted("malformed-json", 400, "free") == 4
    assert registry.get_sample_value("slipstream_events_refused_total", {"reason": "circuit-open"}) == 1


def test_the_document_describes_limits_and_refusals(client: FlaskClient) -> None:
    document: Any = client.get("/openapi.json").json
    answers = document["paths"]["/events"]["post"]["responses"]

    for status in ("202", "422", "429", "503"):
        assert {"RateLimit", "RateLimit-Policy"} <= answers[status]["headers"].keys()
    for status in ("429", "503", "504"):
        assert "Retry-After" in answers[status]["headers"]
    examples = answers["429"]["content"]["application/problem+json"]["examples"]
    assert examples["rate-limit-exceeded"]["value"]["limit"] == "events_per_minute"
    assert examples["quota-exceeded"]["value"]["resets_at"] == "2026-11-23T00:00:00Z"
    assert "circuit-open" in answers["503"]["content"]["application/problem+json"]["examples"]
    summary = document["paths"]["/accounts/{id}/summary"]["get"]["responses"]
    assert json.dumps(summary["304"]["headers"]["RateLimit"]).count("summaries_per_minute") == 1


@pytest.fixture
def few_strangers(settings: Settings, registry: CollectorRegistry) -> Iterator[FlaskClient]:
    few = replace(settings, strangers_per_second=2, strangers_per_address=0)
    api = compose_api(few, Counting(registry, None), now=datetime.now(UTC))
    yield api.app.test_client()
    api.close()


@pytest.mark.parametrize("path", ["/events", "/accounts/acme/summary?window=1h"])
def test_guessing_keys_is_refused_and_disturbs_nobody_who_has_one(
    few_strangers: FlaskClient, world: World, registry: CollectorRegistry, path: str
) -> None:
    method = "POST" if path == "/events" else "GET"
    assert post(few_strangers, world.alice.key).status_code == 202

    guesses = [
        few_strangers.open(path, method=method, headers=bearer(f"slip.acme.aaaaaaaaaaaa.{number:043d}"))
        for number in range(20)
    ]

    statuses = [guess.status_code for guess in guesses]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert problem(guesses[-1])["limit"] == "strangers"
    assert int(guesses[-1].headers["Retry-After"]) >= 1
    assert post(few_strangers, world.alice.key).status_code == 202
    assert few_strangers.get("/livez").status_code == 200
    assert registry.get_sample_value("slipstream_strangers_refused_total", {"limit": "strangers"}) == statuses.count(
        429
    )
