"""`GET /accounts/{id}/summary` as a client sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core import keyspace
from app.core.key_usage import KeyUsage
from app.core.keys import Scope
from app.core.valkey import Valkey
from app.core.valkey_connection import Connection
from app.domain.shards import shard_of
from tests.ingestion.summary_clients import get, make_client

if TYPE_CHECKING:
    import redis
    from flask.testing import FlaskClient

    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.keys_service import Keys
    from app.core.settings import Settings
    from tests.conftest import World


@pytest.fixture
def usage(database: Database) -> KeyUsage:
    return KeyUsage(database)


@pytest.fixture
def client(database: Database, valkey: Valkey, authenticator: Authenticator, usage: KeyUsage) -> FlaskClient:
    return make_client(database, valkey, authenticator, usage=usage)


@pytest.mark.parametrize("window", ["1h", "24h", "7d", "30d"])
def test_an_account_reads_its_summary(client: FlaskClient, world: World, window: str) -> None:
    response = get(client, world.alice.key, query=f"window={window}")

    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.json is not None
    assert (response.json["account_id"], response.json["window"], response.json["total"]) == ("acme", window, 0)
    assert (response.headers["X-Cache"], response.headers["Age"]) == ("miss", "0")
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["Vary"] == "Authorization"


def test_the_second_answer_comes_from_the_cache(client: FlaskClient, world: World) -> None:
    first, second = get(client, world.alice.key), get(client, world.alice.key)

    assert (second.headers["X-Cache"], second.data) == ("hit", first.data)
    assert second.headers["ETag"] == first.headers["ETag"]


@pytest.mark.one_server("on a cluster the two are on two masters")
def test_key_rate_and_cached_answer_are_one_round_trip(
    client: FlaskClient, valkey: Valkey, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(client, world.alice.key)
    trips: list[int] = []
    exchange = Connection.exchange
    monkeypatch.setattr(Connection, "exchange", lambda self, *args: (trips.append(args[1]), exchange(self, *args))[1])

    assert get(client, world.alice.key).headers["X-Cache"] == "hit"

    assert trips == [2]


def test_a_valkey_that_forgot_its_scripts_is_taught_them_again(
    client: FlaskClient, valkey: Valkey, world: World
) -> None:
    get(client, world.alice.key)
    valkey.execute("SCRIPT", "FLUSH")

    assert get(client, world.alice.key).headers["X-Cache"] == "hit"


def test_with_the_cache_elsewhere_the_second_answer_comes_from_it(
    database: Database, valkey: Valkey, authenticator: Authenticator, world: World
) -> None:
    client = make_client(database, valkey, authenticator, cache=valkey)

    assert [get(client, world.alice.key).headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]


def test_a_revoked_key_is_refused_at_once_though_the_answer_is_cached(
    client: FlaskClient, world: World, keys: Keys
) -> None:
    key = keys.create("acme", frozenset({Scope.SUMMARY_READ}), now=datetime.now(UTC))
    assert [get(client, key.text).headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]

    keys.revoke(key.key.key_id, datetime.now(UTC))

    assert get(client, key.text).status_code == 401


def test_a_key_that_has_expired_is_refused_though_the_answer_is_cached(
    client: FlaskClient, world: World, keys: Keys, valkey: Valkey
) -> None:
    expiry = datetime.now(UTC) + timedelta(seconds=60)
    key = keys.create("acme", frozenset({Scope.SUMMARY_READ}), now=datetime.now(UTC), expires_at=expiry)
    assert get(client, key.text).status_code == 200
    name = keyspace.key_mirror(shard_of("acme"), "acme")
    known = valkey.execute("HGET", name, key.key.key_id)
    valkey.execute("HSET", name, key.key.key_id, known.replace(b" %d " % int(expiry.timestamp()), b" 1 "))

    assert get(client, key.text).status_code == 401


def test_whose_key_lies_about_its_secret_gets_nothing(client: FlaskClient, world: World) -> None:
    assert get(client, world.alice.key).status_code == 200

    assert get(client, world.alice.key[:-3] + "xyz").status_code == 401


def test_it_is_noted_that_the_key_was_used(
    client: FlaskClient, usage: KeyUsage, world: World, redis_client: redis.Redis
) -> None:
    for _ in range(2):
        get(client, world.alice.key)

    assert usage.flush() == 1


def test_a_shard_that_lost_the_account_learns_it_again(client: FlaskClient, valkey: Valkey, world: World) -> None:
    get(client, world.alice.key)
    valkey.execute("DEL", keyspace.account_mirror(shard_of("acme"), "acme"))

    assert get(client, world.alice.key).headers["X-Cache"] == "hit"


@pytest.mark.parametrize("known", ["{etag}", 'W/{etag}, "other"', "*"])
def test_who_has_it_already_is_told_so(client: FlaskClient, world: World, known: str) -> None:
    first = get(client, world.alice.key)

    response = get(client, world.alice.key, headers={"If-None-Match": known.format(etag=first.headers["ETag"])})

    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == first.headers["ETag"]
    assert not first.headers["ETag"].startswith("W/")


def test_who_has_another_one_gets_this_one(client: FlaskClient, world: World) -> None:
    response = get(client, world.alice.key, headers={"If-None-Match": '"another"'})

    assert response.status_code == 200


@pytest.mark.parametrize("query", ["", "window=", "window=1H", "window=90d", "window=1h&window=7d", "windows=1h"])
def test_an_unknown_window_is_refused_with_the_choices(client: FlaskClient, world: World, query: str) -> None:
    response = get(client, world.alice.key, query=query)

    assert response.status_code == 400
    assert response.json is not None
    assert response.json["type"].endswith("/malformed-request")
    assert "1h, 24h, 7d, 30d" in response.json["detail"]


@pytest.mark.parametrize("account", ["bolt", "nobody", "%00", "a%20b", "Ünbekannt"])
def test_another_account_looks_like_one_that_is_not_there(client: FlaskClient, world: World, account: str) -> None:
    response = get(client, world.alice.key, account)

    assert response.status_code == 404
    assert response.json is not None
    assert response.json["detail"] == "There is no such account."


def test_the_operator_reads_every_account(client: FlaskClient, world: World, settings: Settings) -> None:
    token = settings.admin_token or ""

    assert get(client, token, "acme").status_code == 200
    assert get(client, token, "bolt").status_code == 200


@pytest.mark.parametrize("account", ["nobody", "%00", "%ED%A0%80", "a" * 5_000])
def test_the_operator_is_told_that_an_account_is_not_there(
    client: FlaskClient, settings: Settings, account: str
) -> None:
    response = get(client, settings.admin_token or "", account)

    assert response.status_code == 404


def test_a_key_without_the_scope_is_refused(client: FlaskClient, world: World, keys: Keys) -> None:
    writer = keys.create("acme", frozenset({Scope.EVENTS_WRITE}), now=datetime.now(UTC)).text

    assert get(client, writer).status_code == 403
    assert get(client, "rubbish").status_code == 401


def test_without_postgresql_the_cached_answer_is_sent_and_nothing_else(
    client: FlaskClient, nowhere: Database, valkey: Valkey, authenticator: Authenticator, world: World
) -> None:
    cached = get(client, world.alice.key)
    without = make_client(nowhere, valkey, authenticator)

    assert get(without, world.alice.key).data == cached.data
    response = get(without, world.alice.key, query="window=7d")
    assert response.status_code == 503
    assert response.json is not None
    assert response.json["type"].endswith("/dependency-unavailable")
    assert int(response.headers["Retry-After"]) >= 1


def test_without_the_cache_the_answer_is_read(
    database: Database, valkey: Valkey, authenticator: Authenticator, world: World
) -> None:
    client = make_client(database, valkey, authenticator, cache=Valkey("redis://127.0.0.1:1"))

    assert [get(client, world.alice.key).headers["X-Cache"] for _ in range(2)] == ["miss", "miss"]
