"""`GET /accounts/{id}/summary` as a client sees it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core import keyspace
from app.core.accounts_service import AccountChange
from app.core.database import Database
from app.core.errors import DependencyUnavailableError
from app.core.http.body import BodyReaders
from app.core.http.guard import Guard
from app.core.key_usage import KeyUsage
from app.core.keys import Scope
from app.core.shard_directory import ShardDirectory
from app.core.tiers import Overrides
from app.core.valkey import Valkey
from app.core.valkey_connection import Connection
from app.domain.shards import shard_of
from app.factory import create_app
from ingestion.admission.scripts import Scripts
from ingestion.summary.cache import SummaryCache
from ingestion.summary.rate import SummaryRate
from ingestion.summary.service import Summaries
from ingestion.summary.sources import Source
from ingestion.summary.summary_store import SummaryStore
from ingestion.summary_api import blueprint
from tests.ingestion.admission.conftest import memory_limited

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.core.accounts_service import Accounts
    from app.core.authentication import Authenticator
    from app.core.keys_service import Keys
    from app.core.settings import Settings
    from tests.conftest import World


def make_client(
    database: Database,
    valkey: Valkey,
    authenticator: Authenticator,
    cache: Valkey | None = None,
    usage: KeyUsage | None = None,
) -> FlaskClient:
    summaries = Summaries(
        Source(SummaryStore(database), timedelta(seconds=5)),
        SummaryCache(cache or valkey, keep_s=60, beside_limits=cache is None),
        stale_s=60,
    )
    readers = BodyReaders(deadline_s=5, most=8)
    rate = SummaryRate(Scripts(valkey), ShardDirectory(valkey))
    routes = blueprint(summaries, Guard(authenticator), rate, usage or KeyUsage(database))
    return create_app([routes], readers=readers, base_url="http://127.0.0.1").test_client()


@pytest.fixture
def usage(database: Database) -> KeyUsage:
    return KeyUsage(database)


@pytest.fixture
def client(database: Database, valkey: Valkey, authenticator: Authenticator, usage: KeyUsage) -> FlaskClient:
    return make_client(database, valkey, authenticator, usage=usage)


@pytest.fixture
def nowhere() -> Iterator[Database]:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing", pool_timeout_s=0.1)
    yield database
    database.close()


def get(
    client: FlaskClient,
    key: str,
    account: str = "acme",
    query: str = "window=1h",
    headers: dict[str, str] | None = None,
) -> TestResponse:
    authorization = {"Authorization": f"Bearer {key}"}
    return client.get(f"/accounts/{account}/summary?{query}", headers=authorization | (headers or {}))


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


def test_an_account_may_ask_so_often_in_a_minute(
    client: FlaskClient, world: World, accounts: Accounts, redis_client: redis.Redis
) -> None:
    limits = Overrides(summaries_per_minute=2)
    accounts.change("acme", AccountChange(overrides=limits), datetime.now(UTC))

    first, second, third = (get(client, world.alice.key) for _ in range(3))

    assert [answer.status_code for answer in (first, second, third)] == [200, 200, 429]
    assert first.headers["RateLimit-Policy"] == third.headers["RateLimit-Policy"] == '"summaries_per_minute";q=2;w=60'
    assert first.headers["RateLimit"] == '"summaries_per_minute";r=1;t=30'
    assert third.headers["RateLimit"].startswith('"summaries_per_minute";r=0;')
    assert third.json is not None
    assert third.json["type"].endswith("/rate-limit-exceeded")
    assert third.json["limit"] == "summaries_per_minute"
    assert int(third.headers["Retry-After"]) == third.json["retry_after"] >= 1
    assert datetime.fromisoformat(third.json["resets_at"]) > datetime.now(UTC)
    assert get(client, world.bob.key, "bolt").status_code == 200


def test_the_limit_comes_before_the_store(
    nowhere: Database, valkey: Valkey, authenticator: Authenticator, world: World, accounts: Accounts
) -> None:
    accounts.change("acme", AccountChange(overrides=Overrides(summaries_per_minute=1)), datetime.now(UTC))
    client = make_client(nowhere, valkey, authenticator)

    assert [get(client, world.alice.key).status_code for _ in range(2)] == [503, 429]


def test_an_answer_that_the_client_has_counts_too(client: FlaskClient, world: World) -> None:
    etag = get(client, world.alice.key).headers["ETag"]

    again = get(client, world.alice.key, headers={"If-None-Match": etag})

    assert again.status_code == 304
    assert '"summaries_per_minute";r=' in again.headers["RateLimit"]


def test_a_question_that_cannot_be_answered_costs_nothing(
    client: FlaskClient, world: World, accounts: Accounts
) -> None:
    accounts.change("acme", AccountChange(overrides=Overrides(summaries_per_minute=1)), datetime.now(UTC))

    asked = [get(client, world.alice.key, query="window=1y") for _ in range(3)]

    assert [each.status_code for each in asked] == [400] * 3
    assert {each.headers["RateLimit"] for each in asked} == {'"summaries_per_minute";r=1;t=0'}
    assert get(client, world.alice.key).status_code == 200


def test_an_operator_is_not_limited(client: FlaskClient, world: World, settings: Settings) -> None:
    response = get(client, str(settings.admin_token))

    assert response.status_code == 200
    assert "RateLimit" not in response.headers


def test_many_at_once_get_as_many_as_there_are(valkey: Valkey, world: World, accounts: Accounts) -> None:
    accounts.change("acme", AccountChange(overrides=Overrides(summaries_per_minute=10)), datetime.now(UTC))
    rate = SummaryRate(Scripts(valkey, clock="local function clock() return 1e12 end"), ShardDirectory(valkey))
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: rate.take("acme", datetime.now(UTC)).wait_ms, range(40)))

    assert taken.count(0) == 10


def test_a_full_valkey_still_lets_people_read(valkey: Valkey, world: World, redis_client: redis.Redis) -> None:
    rate = SummaryRate(Scripts(valkey), ShardDirectory(valkey))

    with memory_limited(redis_client, 1):
        assert rate.take("acme", datetime.now(UTC)).wait_ms == 0


def test_without_its_limits_nothing_is_let_through(valkey: Valkey) -> None:
    rate = SummaryRate(Scripts(valkey), ShardDirectory(valkey))

    with pytest.raises(DependencyUnavailableError):
        rate.take("nobody", datetime.now(UTC))
