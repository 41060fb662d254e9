"""`POST /events` as a client sees it."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from prometheus_client import CollectorRegistry

from app.core.keys import Scope
from ingestion import api
from ingestion.events.decode import decode_batch
from tests.ingestion.event_clients import batch, event, get, make_client, post, queued
from tests.ingestion.problems import slug

if TYPE_CHECKING:
    import redis
    from flask.testing import FlaskClient

    from app.composition import Api
    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.keys_service import Keys
    from app.core.mirror import AccountMirror
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from ingestion.events.model import DecodedBatch
    from tests.conftest import World


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def client(
    database: Database,
    valkey: Valkey,
    mirror: AccountMirror,
    authenticator: Authenticator,
    registry: CollectorRegistry,
) -> FlaskClient:
    return make_client(database, valkey, mirror, authenticator, registry)


def test_a_batch_is_answered_with_its_receipt(client: FlaskClient, world: World, redis_client: redis.Redis) -> None:
    response = post(client, world.alice.key, batch(event(1), event(2)))

    assert response.status_code == 202
    assert response.content_type == "application/json"
    assert response.json is not None
    assert response.json.keys() == {"batch_id", "accepted"}
    assert response.json["accepted"] == 2
    assert [fields[b"n"] for fields in queued(redis_client)] == [b"2"]
    assert response.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress), ("identity", bytes)]
)
def test_a_compressed_body_is_inflated(
    client: FlaskClient, world: World, redis_client: redis.Redis, encoding: str, compress: Any
) -> None:
    response = post(client, world.alice.key, compress(batch()), Content_Encoding=encoding)

    assert response.status_code == 202
    assert [fields[b"d"] for fields in queued(redis_client)] == [batch()]


def test_one_batch_is_decoded_at_a_time(client: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    decoding, most = Counter[str](), 0

    def slow(*args: Any, **named: Any) -> DecodedBatch:
        nonlocal most
        decoding["now"] += 1
        most = max(most, decoding["now"])
        time.sleep(0.02)
        decoding["now"] -= 1
        return decode_batch(*args, **named)

    monkeypatch.setattr(api, "decode_batch", slow)
    with ThreadPoolExecutor(4) as threads:
        clients = [client.application.test_client() for _ in range(4)]
        answers = list(threads.map(lambda client: post(client, world.alice.key).status_code, clients))

    assert answers == [202] * 4
    assert most == 1


CLOUD_EVENT = {"specversion": "1.0", "id": "1", "source": "/here", "type": "flight.departed", "data": {"a": 1}}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/cloudevents+json", json.dumps(CLOUD_EVENT).encode()),
        ("application/cloudevents-batch+json", json.dumps([CLOUD_EVENT]).encode()),
    ],
)
def test_cloudevents_are_taken(client: FlaskClient, world: World, content_type: str, body: bytes) -> None:
    assert post(client, world.alice.key, body, content_type).status_code == 202


def test_cloudevents_are_taken_in_binary_mode(client: FlaskClient, world: World, redis_client: redis.Redis) -> None:
    attributes = {"Ce_Specversion": "1.0", "CE_ID": "1", "ce_source": "/here", "Ce_Type": "flight.departed"}

    response = post(client, world.alice.key, b'{"a": 1}', **attributes)

    assert response.status_code == 202
    (fields,) = queued(redis_client)
    assert b'"payload":{"a": 1}' in fields[b"d"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "problem"),
    [
        (b"{", {}, 400, "malformed-json"),
        (b"", {}, 400, "malformed-json"),
        (batch(event(type="")), {}, 422, "invalid-events"),
        (batch(event(account_id="bolt")), {}, 403, "forbidden"),
        (batch(), {"content_type": "text/csv"}, 415, "unsupported-media-type"),
        (batch(), {"Content_Encoding": "br"}, 415, "unsupported-media-type"),
        (batch(), {"Content_Encoding": "gzip"}, 400, "malformed-request"),
        (batch(), {"Idempotency_Key": "a b"}, 400, "malformed-request"),
        (batch(), {"Idempotency_Key": "x" * 256}, 400, "malformed-request"),
        (gzip.compress(b" " * 5_000_001), {"Content_Encoding": "gzip"}, 413, "content-too-large"),
        (b" " * 5_000_001, {}, 413, "content-too-large"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_reason(
    client: FlaskClient,
    world: World,
    redis_client: redis.Redis,
    body: bytes,
    headers: dict[str, str],
    status: int,
    problem: str,
) -> None:
    response = post(client, world.alice.key, body, **headers)

    assert (response.status_code, slug(response)) == (status, problem)
    assert queued(redis_client) == []


def test_every_bad_event_is_named(client: FlaskClient, world: World) -> None:
    bad = [event(1), event(2, type=""), event(3), event(4, timestamp="yesterday"), {"type": "x"}]

    response = post(client, world.alice.key, batch(*bad))

    assert response.json is not None
    assert {(error["index"], error["field"]) for error in response.json["errors"]} == {
        (1, "type"),
        (3, "timestamp"),
        (4, "event_id"),
    }


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Basic abc", "Bearer nonsense", "Bearer slip.acme.aaaaaaaaaaaa." + 43 * "x"]
)
@pytest.mark.parametrize("body", [batch(), b"{"], ids=["good body", "bad body"])
def test_a_stranger_is_told_so_whatever_he_sends(
    client: FlaskClient, world: World, authorization: str, body: bytes
) -> None:
    response = client.post("/events", data=body, headers={"Authorization": authorization} if authorization else {})

    assert (response.status_code, slug(response)) == (401, "unauthorized")


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {}], ids=["compressed", "long"])
def test_nothing_heavy_is_done_for_a_stranger(
    client: FlaskClient, world: World, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = []
    monkeypatch.setattr("ingestion.api.inflate", lambda *_body, **_limit: looked_at.append(1))
    body = batch(*(event(number, payload={"filler": "x" * 1_000}) for number in range(100)))

    response = client.post(
        "/events", data=body, headers={"Authorization": "Bearer slip.acme.aaaaaaaaaaaa." + 43 * "x"} | headers
    )

    assert (response.status_code, slug(response), looked_at) == (401, "unauthorized", [])


def test_a_heavy_batch_of_a_key_that_nobody_has_seen_comes_in(client: FlaskClient, world: World) -> None:
    body = batch(*(event(number, payload={"filler": "x" * 1_000}) for number in range(100)))

    assert post(client, world.alice.key, body).status_code == 202


def test_the_operator_is_told_that_events_belong_to_accounts(api: Api, settings: Settings, world: World) -> None:
    client, token = api.app.test_client(), settings.admin_token or ""
    batch_id = post(client, world.alice.key).get_json()["batch_id"]

    for response in (post(client, token), get(client, token, batch_id)):
        assert (response.status_code, slug(response)) == (403, "forbidden")
        assert "operator" in response.get_json()["detail"]


def test_a_key_without_the_scope_may_not_write(client: FlaskClient, world: World, keys: Keys) -> None:
    reader = keys.create("acme", {Scope.SUMMARY_READ}, now=datetime.now(UTC)).text

    assert [slug(post(client, reader, body)) for body in (batch(), b"{")] == ["forbidden", "forbidden"]


def test_a_repeat_says_that_it_is_one(client: FlaskClient, world: World) -> None:
    first = post(client, world.alice.key, Idempotency_Key="order-66")
    second = post(client, world.alice.key, Idempotency_Key="order-66")
    other = post(client, world.alice.key, batch(event(2)), Idempotency_Key="order-66")

    assert "Idempotent-Replayed" not in first.headers
    assert (second.status_code, second.headers["Idempotent-Replayed"]) == (202, "true")
    assert second.data == first.data
    assert (other.status_code, slug(other)) == (422, "idempotency-mismatch")


def test_batches_are_counted(client: FlaskClient, world: World, registry: CollectorRegistry) -> None:
    post(client, world.alice.key, batch(event(1), event(2)), Idempotency_Key="order-66")
    post(client, world.alice.key, batch(event(1), event(2)), Idempotency_Key="order-66")
    post(client, world.alice.key, b"{")

    assert registry.get_sample_value("slipstream_events_accepted_total", {"tier": "standard"}) == 2
    assert registry.get_sample_value("slipstream_events_refused_total", {"reason": "malformed-json"}) == 1
