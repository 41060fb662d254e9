"""`POST /events` and `GET /batches/{batch_id}` as a client sees them."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from prometheus_client import CollectorRegistry
from sqlalchemy import insert

from app.core.database import Database
from app.core.http.body import BodyReaders
from app.core.http.guard import Guard
from app.core.key_usage import KeyUsage
from app.core.keys import Scope
from app.core.metrics.event_metrics import AdmissionMetrics
from app.core.metrics.limit_metrics import LimitMetrics
from app.core.queue.entry import decode
from app.core.queue.keys import lane_stream
from app.core.queue.lanes import LANE_BY_LETTER, LANES
from app.core.settings import Settings
from app.core.shard_directory import ShardDirectory
from app.core.tables import batch_outcomes, dead_letters
from app.core.valkey import Valkey
from app.factory import create_app
from app.limits import Core, compose_limits
from ingestion import api
from ingestion.admission.answers import IdempotencyAnswers
from ingestion.api import blueprint
from ingestion.batch_status import BatchStatuses
from ingestion.events.decode import decode_batch
from ingestion.reading import read_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.composition import Api
    from app.core.authentication import Authenticator
    from app.core.keys_service import Keys
    from app.core.mirror import AccountMirror
    from ingestion.events.model import DecodedBatch
    from ingestion.writer import Writer
    from tests.conftest import World

RETENTION = timedelta(days=400)
RECEIVED = datetime(2026, 11, 22, 10, tzinfo=UTC)


def make_client(
    database: Database,
    valkey: Valkey,
    mirror: AccountMirror,
    authenticator: Authenticator,
    registry: CollectorRegistry | None = None,
) -> FlaskClient:
    registry = registry or CollectorRegistry()
    metrics = AdmissionMetrics(registry)
    core = Core(
        database=database,
        valkey=valkey,
        mirror=mirror,
        shards=ShardDirectory(valkey),
        usage=KeyUsage(database),
        answers=IdempotencyAnswers(database, on_skipped=metrics.lookup_skipped),
    )
    settings = Settings(database_url="postgresql://", redis_url="redis://")
    limits = compose_limits(settings, core, LimitMetrics(registry))
    batches = BatchStatuses(valkey=valkey, database=database)
    routes = blueprint(Guard(authenticator), limits.gate, batches, retention=RETENTION, metrics=metrics)
    readers = BodyReaders(deadline_s=5, most=8)
    return create_app([routes], readers=readers, base_url="http://127.0.0.1").test_client()


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


def event(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"event_id": f"event-{number}", "type": "flight.departed"} | fields


def batch(*events: dict[str, Any]) -> bytes:
    return json.dumps({"events": events or [event()]}).encode()


def post(
    client: FlaskClient, key: str, body: bytes | None = None, content_type: str = "application/json", **headers: str
) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        "/events",
        data=batch() if body is None else body,
        content_type=content_type,
        headers={"Authorization": f"Bearer {key}"} | named,
    )


def get(client: FlaskClient, key: str, batch_id: str) -> TestResponse:
    return client.get(f"/batches/{batch_id}", headers={"Authorization": f"Bearer {key}"})


def slug(response: TestResponse) -> str:
    assert response.content_type == "application/problem+json"
    assert response.json is not None
    return str(response.json["type"]).rpartition("/")[2]


def queued(client: redis.Redis) -> list[dict[bytes, bytes]]:
    """Every entry of every stream."""
    streams = [lane_stream(shard, lane) for shard in range(16) for lane in LANES]
    return [fields for stream in streams for _, fields in client.xrange(stream)]  # type: ignore[union-attr]  # A list.


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


def test_without_valkey_nothing_is_accepted(
    database: Database, mirror: AccountMirror, authenticator: Authenticator, world: World
) -> None:
    client = make_client(database, Valkey("redis://127.0.0.1:1"), mirror, authenticator)

    response = post(client, world.alice.key)

    assert (response.status_code, slug(response)) == (503, "dependency-unavailable")
    assert int(response.headers["Retry-After"]) >= 1


def test_a_full_valkey_accepts_nothing(client: FlaskClient, world: World, redis_client: redis.Redis) -> None:
    limit = str(redis_client.config_get("maxmemory")["maxmemory"])
    redis_client.config_set("maxmemory", 1)
    try:
        response = post(client, world.alice.key)
    finally:
        redis_client.config_set("maxmemory", limit)

    assert (response.status_code, slug(response)) == (503, "dependency-unavailable")


def test_a_valkey_that_does_not_answer_in_time_is_a_timeout(
    database: Database,
    valkey_url: str,
    mirror: AccountMirror,
    authenticator: Authenticator,
    world: World,
    redis_client: redis.Redis,
) -> None:
    client = make_client(database, Valkey(valkey_url, timeout_s=0.2), mirror, authenticator)
    post(client, world.alice.key)
    redis_client.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
    try:
        response = post(client, world.alice.key)
    finally:
        redis_client.execute_command("CLIENT", "UNPAUSE")

    assert (response.status_code, slug(response)) == (504, "timeout")
    assert int(response.headers["Retry-After"]) >= 1


@pytest.fixture
def nowhere() -> Iterator[Database]:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing", pool_timeout_s=0.1)
    yield database
    database.close()


def test_without_postgresql_events_still_come_in(
    nowhere: Database, valkey: Valkey, mirror: AccountMirror, authenticator: Authenticator, world: World
) -> None:
    client = make_client(nowhere, valkey, mirror, authenticator)

    plain, repeatable = post(client, world.alice.key), post(client, world.alice.key, Idempotency_Key="order-66")
    assert plain.json is not None
    waiting = get(client, world.alice.key, plain.json["batch_id"])

    assert (plain.status_code, repeatable.status_code, waiting.status_code) == (202, 202, 200)


def store(client: redis.Redis, writer: Writer, batch_id: str) -> None:
    """Do what a worker does with one batch."""
    shard, lane, entry_id = int(batch_id[:2]), LANE_BY_LETTER[batch_id[2]], batch_id[4:]
    stream = lane_stream(shard, lane)
    ((_, fields),) = client.xrange(stream, entry_id, entry_id)  # type: ignore[misc]  # A list.
    flat = [part for pair in fields.items() for part in pair]
    writer.store([read_entry(decode(shard, LANES.index(lane), entry_id.encode(), flat), None)])
    client.xdel(stream, entry_id)


def test_a_batch_is_queued_and_then_stored(
    client: FlaskClient, world: World, redis_client: redis.Redis, writer: Writer
) -> None:
    response = post(client, world.alice.key, batch(event(1), event(1), event(2)))
    assert response.json is not None
    batch_id = response.json["batch_id"]

    before = get(client, world.alice.key, batch_id).json
    store(redis_client, writer, batch_id)
    after = get(client, world.alice.key, batch_id).json

    nothing = {"stored": 0, "duplicates": 0, "dead": 0, "reasons": []}
    assert before == nothing | {"batch_id": batch_id, "state": "queued", "accepted": 3}
    assert after == nothing | {"batch_id": batch_id, "state": "stored", "accepted": 3, "stored": 2, "duplicates": 1}


def buried(database: Database, batch_id: str, *, stored: int, positions: list[int]) -> None:
    outcome = {"account_id": "acme", "batch_id": batch_id, "received_at": RECEIVED}
    letter = outcome | {"reason": "kept-failing", "detail": "why", "attempts": 3, "body": b"{}", "died_at": RECEIVED}
    counts = {"stored": stored, "duplicates": 0, "dead": len(positions), "stored_at": RECEIVED}
    with database.begin() as connection:
        connection.execute(insert(batch_outcomes).values(outcome | counts))
        for position in positions:
            name = None if position < 0 else f"event-{position}"
            connection.execute(insert(dead_letters).values(letter | {"position": position, "event_id": name}))


@pytest.mark.parametrize(("stored", "state"), [(2, "partly_stored"), (0, "dead")])
def test_dead_events_say_why(client: FlaskClient, world: World, database: Database, stored: int, state: str) -> None:
    buried(database, "07n-1-0", stored=stored, positions=[4, 1])

    answer = get(client, world.alice.key, "07n-1-0").json

    assert answer is not None
    assert (answer["state"], answer["accepted"], answer["dead"]) == (state, stored + 2, 2)
    assert answer["reasons"] == [
        {"reason": "kept-failing", "detail": "why", "index": 1, "event_id": "event-1"},
        {"reason": "kept-failing", "detail": "why", "index": 4, "event_id": "event-4"},
    ]


def test_a_batch_that_nobody_could_read_has_one_reason(client: FlaskClient, world: World, database: Database) -> None:
    buried(database, "07n-1-0", stored=0, positions=[-1])

    answer = get(client, world.alice.key, "07n-1-0").json

    assert answer is not None
    assert answer["reasons"] == [{"reason": "kept-failing", "detail": "why"}]


@pytest.mark.parametrize(
    "batch_id",
    [
        "07n-1-0",
        "99n-1-0",
        "07x-1-0",
        "nonsense",
        "07n-1",
        "07n-99999999999999999999-0",
        "07n-1-99999999999999999999",
        "%00",
        "07n-1-0%0a",
    ],
)
def test_a_batch_that_does_not_exist_is_not_found(client: FlaskClient, world: World, batch_id: str) -> None:
    response = get(client, world.alice.key, batch_id)

    assert (response.status_code, slug(response)) == (404, "not-found")


def test_the_batches_of_others_look_like_missing_ones(client: FlaskClient, world: World, database: Database) -> None:
    queued_batch = post(client, world.alice.key).json
    buried(database, "07n-1-0", stored=1, positions=[])
    assert queued_batch is not None

    answers = [get(client, world.bob.key, name) for name in (queued_batch["batch_id"], "07n-1-0", "07n-2-0")]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json["detail"] for answer in answers if answer.json}) == 1
