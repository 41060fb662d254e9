"""`POST /events` while Valkey or PostgreSQL is away, slow or full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.valkey import Valkey
from tests.ingestion.admission.conftest import memory_limited
from tests.ingestion.event_clients import get, make_client, post
from tests.ingestion.problems import slug

if TYPE_CHECKING:
    import redis

    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from tests.conftest import World


def test_without_valkey_nothing_is_accepted(
    database: Database, mirror: AccountMirror, authenticator: Authenticator, world: World
) -> None:
    client = make_client(database, Valkey("redis://127.0.0.1:1"), mirror, authenticator)

    response = post(client, world.alice.key)

    assert (response.status_code, slug(response)) == (503, "dependency-unavailable")
    assert int(response.headers["Retry-After"]) >= 1


def test_a_full_valkey_accepts_nothing(
    database: Database,
    valkey: Valkey,
    mirror: AccountMirror,
    authenticator: Authenticator,
    world: World,
    redis_client: redis.Redis,
) -> None:
    client = make_client(database, valkey, mirror, authenticator)

    with memory_limited(redis_client, 1):
        response = post(client, world.alice.key)

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


def test_without_postgresql_events_still_come_in(
    nowhere: Database, valkey: Valkey, mirror: AccountMirror, authenticator: Authenticator, world: World
) -> None:
    client = make_client(nowhere, valkey, mirror, authenticator)

    plain, repeatable = post(client, world.alice.key), post(client, world.alice.key, Idempotency_Key="order-66")
    assert plain.json is not None
    waiting = get(client, world.alice.key, plain.json["batch_id"])

    assert (plain.status_code, repeatable.status_code, waiting.status_code) == (202, 202, 200)
