"""Clients of `POST /events` and `GET /batches/{batch_id}`, and what they send."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from app.core.http.body import BodyReaders
from app.core.http.guard import Guard
from app.core.key_usage import KeyUsage
from app.core.metrics.event_metrics import AdmissionMetrics
from app.core.metrics.limit_metrics import LimitMetrics
from app.core.queue.keys import lane_stream
from app.core.queue.lanes import LANES
from app.core.settings import Settings
from app.core.shard_directory import ShardDirectory
from app.factory import create_app
from app.limits import Core, compose_limits
from ingestion.admission.answers import IdempotencyAnswers
from ingestion.api import blueprint
from ingestion.batch_status import BatchStatuses

if TYPE_CHECKING:
    import redis
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from app.core.valkey import Valkey

RETENTION = timedelta(days=400)


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


def queued(client: redis.Redis) -> list[dict[bytes, bytes]]:
    """Every entry of every stream."""
    streams = [lane_stream(shard, lane) for shard in range(16) for lane in LANES]
    return [fields for stream in streams for _, fields in client.xrange(stream)]  # type: ignore[union-attr]  # A list.
